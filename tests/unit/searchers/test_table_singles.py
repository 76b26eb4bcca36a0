"""Single networks of a table are those the bench has, chosen on val and shown on test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers.table_singles import best_table_single, table_singles


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path: Path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(n_networks=14, seed=3), "test", "2020-01-01")
    return Benchmark.load(path)


@pytest.mark.parametrize("split", ["val", "test"])
def test_all_networks_with_their_accuracy_on_a_split(bench: Benchmark, split: str) -> None:
    singles = table_singles(bench, DEVICE, split)
    rows = [bench.row(a) for a in singles.architecture]
    assert len(set(rows)) == len(singles) == len(bench.architectures)
    assert np.array_equal(singles.accuracy, bench.accuracy(split)[rows])
    assert np.array_equal(singles.latency_ms, bench.costs(DEVICE).latency_ms[rows])
    assert singles.provenance["accuracy"] == "measured"


def test_the_best_is_chosen_on_val_and_shown_on_test(bench: Benchmark) -> None:
    points = bench.front(DEVICE).points
    best = best_table_single(bench, points, DEVICE)
    val = table_singles(bench, DEVICE, "val")
    for architecture, accuracy, limit in zip(
        best.architecture, best.accuracy, points.latency_ms, strict=True
    ):
        affordable = val.latency_ms <= limit
        assert bool(architecture) == affordable.any()
        if architecture:
            row = list(val.architecture).index(architecture)
            assert val.accuracy[row] == val.accuracy[affordable].max()
            assert accuracy == bench.accuracy("test")[bench.row(str(architecture))]
