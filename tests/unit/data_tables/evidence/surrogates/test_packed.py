"""Networks evaluated since are packed beside the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")
from biglittle.bench import Table
from biglittle.bench.errors import BigLittleError
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.evidence.surrogates import (
    _common,
    packed,
)
from biglittle.surrogates import fit_data
from biglittle.surrogates.evaluated_networks import read_evaluated


def test_networks_evaluated_since_are_packed_beside_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from biglittle.bench.rows import NetworkKey
    from biglittle.data_tables.building import plan
    from biglittle.data_tables.building.evaluate import Evaluation, EvaluationKey, write_evaluation

    class Kept:
        sha256 = "the weights"

        @classmethod
        def kept(cls, path: Path) -> Kept:
            return cls()

    write_table(tmp_path / "table.h5", synthetic_table(30), "0", "2026-01-01")
    table = Table(tmp_path / "table.h5")
    monkeypatch.setattr(packed, "TABLE", str(table.path))
    monkeypatch.setattr(plan, "TrainedSupernet", Kept)
    data, working = fit_data(table), tmp_path / "working"
    said = data.predictions["val"]
    held, new = table.space.format(data.genomes)[0], "0" * 11 + "8" * 11

    def evaluate(architecture: str, origin: str) -> None:
        answers = {"top1": said.top1[3], **{g: c[3] for g, c in said.codes.items()}}
        key = EvaluationKey(NetworkKey(architecture), origin=origin)
        evaluation = Evaluation(key, "0" * 64, {"val": answers})
        write_evaluation(working / f"{key.name}.npz", evaluation)

    evaluate(held, "the weights")
    with pytest.raises(BigLittleError, match="does not hold"):
        packed.measure(working)
    assert new not in _common.learnable(table)
    evaluate(new, "the weights")
    packed.measure(working)
    found = read_evaluated(tmp_path / "found.npz", table.space, said.labels, data.gates)
    assert found.architectures == (new,)
    assert np.array_equal(found.predictions.top1, said.top1[3:4])
    assert _common.learnable(table) == {new, *table.space.format(data.genomes)}
    evaluate("8" * 11 + "0" * 11, "other weights")
    with pytest.raises(BigLittleError, match="another supernet"):
        packed.measure(working)
