"""Derived bits against the same bits everywhere: what is compared, and what the page says."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from biglittle.data_tables.evidence.darts_bits import compared, darts_bits_text


def report(bits: str, *points: tuple[float, float]) -> dict[str, object]:
    rows = [{"accuracy": a, "bitops": b, "escalation_rate": 0.25} for a, b in points]
    return {"little": f"88:{bits}", "big": f"00:{bits}", "points": rows}


def test_the_best_of_the_same_bits_within_as_many_bitops() -> None:
    own = report("w4a8.w8a8", (0.7, 1e9), (0.8, 2e9))
    same = [report("w4a4", (0.6, 0.5e9), (0.75, 2e9)), report("w8a8", (0.78, 2e9), (0.9, 3e9))]
    row = compared(own, same)
    assert (row["accuracy"], row["bitops"]) == (0.8, 2e9)
    assert (row["same_bits"], row["same_accuracy"], row["same_bitops"]) == ("w8a8", 0.78, 2e9)
    none = compared(own, [report("w8a8", (0.9, 3e9))])
    assert none["same_accuracy"] is None
    figures = {
        "searches": [{"seed": 0, **row}, {"seed": 1, **none}],
        **{"steps": 60, "resolution": 24, "gbitops": 1.0, "latency_ms": 12.0, "images": 5000},
        "device": "a-board",
        "conditions": {"cpu": "c", "cores": 1, "python": "3", "numpy": "2", "biglittle": "0"},
    }
    text = darts_bits_text(figures)
    assert "| 0 | 80.00 %, 2.00, 25.0 % | `w8a8`: 78.00 %, 2.00 | +2.00 |" in text
    assert "| 1 | 80.00 %, 2.00, 25.0 % | none |  |" in text
    assert "Derived bits are ahead in 1 of 1." in text
    assert "simulated on 5,000 images of val" in text
