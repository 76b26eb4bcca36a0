"""The comparison of the analytic model with what zigzag computed."""

from __future__ import annotations

from biglittle.data_tables.evidence.accelerators import STEP, measure


def test_the_analytic_model_ranks_blocks_as_zigzag_does() -> None:
    figures = measure()
    assert figures["distinct_blocks"] >= 100
    assert len(figures["accelerators"]) == 5
    for record in figures["accelerators"].values():
        assert record["blocks"]["n"] == figures["distinct_blocks"]
        assert record["blocks"]["cycles"]["spearman"] >= 0.9
        assert record["blocks"]["energy"]["spearman"] >= 0.9
        assert record["layers_not_chosen_by"]["cycles"]["spearman"] >= 0.9
    assert "zigzag-dse" in STEP.texts["accelerators"]({**figures, "conditions": _CONDITIONS})


_CONDITIONS = {"cores": 1, "cpu": "any", "python": "3", "numpy": "2"}
