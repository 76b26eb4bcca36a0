"""What was evaluated of what searches proposed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")
from biglittle.bench.errors import BigLittleError
from biglittle.bench.rows import key_of
from biglittle.data_tables.evidence import _page
from biglittle.data_tables.evidence.surrogates import (
    proposed,
    searched,
)


@pytest.fixture
def figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of figures."""
    monkeypatch.setattr(_page, "FIGURES", tmp_path / "figures")
    return tmp_path / "figures"


def test_what_was_evaluated_of_what_was_proposed(
    figures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    from biglittle.bench import Benchmark
    from biglittle.bench.rows import NetworkKey
    from biglittle.data_tables.building.evaluate import Evaluation, EvaluationKey, write_evaluation

    table = Benchmark.load(searched.TABLE).table
    whole = table.networks["exit"][table.rows()] == ""
    ids = [str(a) for a in table.networks["architecture"][table.rows()][whole]]
    row = int(np.flatnonzero(table.networks["exit"] != "")[0])
    ids[1] = key_of(table.networks, row)[0].name  # cut at an exit, with answers of its own
    stored, working = table.predictions("val"), tmp_path / "working"
    monkeypatch.setattr(searched, "LEAST_SEARCHED", 3)
    point = {"gate": "margin", "threshold": 0.4, "accuracy": 0.7, "low": 0.6, "high": 0.8}
    point |= {"escalation_rate": 0.5, "outside": False}
    rows = [{**point, "little": ids[i], "big": ids[i + 1]} for i in (0, 2, 4)]
    _page.save("surrogates/proposed", {"budget": 5000, "device": "toy", "points": rows})
    ordered = proposed.in_random_order(rows)
    assert sorted(ordered) == sorted(ids[:6])
    for i, architecture in enumerate(ordered[:3]):
        if i == 2:
            with pytest.raises(BigLittleError, match="at least 3"):
                searched.measure(working)
        own = NetworkKey.parse(architecture)
        row = table.network_row(architecture)
        answers = {"top1": stored.top1[row], **{g: c[row] for g, c in stored.codes.items()}}
        key = EvaluationKey(own, origin="the weights")
        write_evaluation(working / f"{key.name}.npz", Evaluation(key, "0" * 64, {"val": answers}))
    found = searched.measure(working)
    assert (found["architectures"], found["proposed"], found["evaluated_new"]) == (3, 3, 0)
    assert len(found["points"]) == 1
    assert {found["points"][0]["little"], found["points"][0]["big"]} == set(ordered[:2])
    assert found["figures"]["single networks"]["n"] == 3
    assert "1 were evaluated on val" in searched.searched_text(found)
