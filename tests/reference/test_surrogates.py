"""Surrogates on published measurements of NAS-Bench-201."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.agreement import spearman
from biglittle.data_tables import reference
from biglittle.data_tables.evidence.surrogates._cells import cells, normal_scores
from biglittle.data_tables.evidence.surrogates.nb201 import SOURCES, TARGETS
from biglittle.surrogates import get_member
from biglittle.surrogates.cells import depends_on_input
from biglittle.surrogates.transfer import transfer_latency

pytestmark = [
    pytest.mark.reference_data,
    pytest.mark.skipif(
        not reference.reference_folder().is_dir(),
        reason=f"published measurements are not in {reference.reference_folder()}",
    ),
]


def test_accuracy_of_cells_from_400_of_them() -> None:
    pytest.importorskip("xgboost")
    pytest.importorskip("onnx")
    networks, accuracy, _ = cells()
    order = np.random.default_rng(0).permutation(len(networks))
    train, test = order[:400], order[400:3400]
    # An untuned XGBoost on one-hot choices, counts and depth has 0.931.
    member = get_member("xgboost")
    target = normal_scores(accuracy[train])[:, None]
    said = member.fit(networks.take(train), target).mean(networks.take(test))[:, 0]
    assert spearman(said, accuracy[test]) > 0.945


def test_a_device_never_seen_from_ten_samples() -> None:
    networks, _, latency = cells()
    live = depends_on_input(networks.space, networks.genomes)
    sources = np.stack([latency[s][live] for s in SOURCES], axis=1)
    found = []
    for seed in range(5):
        drawn = np.random.default_rng(seed).permutation(len(sources))
        some, rest = drawn[:10], drawn[10:4000]
        for target in TARGETS:
            truth = latency[target][live]
            found.append(spearman(transfer_latency(sources, some, truth[some])[rest], truth[rest]))
    assert np.mean(found) > 0.945
