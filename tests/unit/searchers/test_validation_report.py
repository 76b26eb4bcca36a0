"""The page of a validation says what was promised, what it took, and what is not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from biglittle.searchers.validation_report import write_pairs_validation, write_validation

pytest.importorskip("plotly")


def point(measured: float | None, provenance: str, on_front: bool | None) -> dict[str, Any]:
    return {
        "little": "8" * 22,
        "big": "0" * 22,
        "gate": "margin",
        "threshold": 0.25,
        "escalation_rate": 0.125,
        "accuracy": 0.75,
        "latency_ms": {"predicted": 12.5, "measured": measured, "provenance": provenance},
        "on_front": on_front,
    }


def test_a_front_is_a_plot_and_a_table(tmp_path: Path) -> None:
    document = {
        "device": "raspberry-pi-4",
        "measured_on": "<this machine>",
        "figures": {"latency_ms": {"median": 0.1}, "energy_mj": None},
        "points": [
            point(13.75, "measured", True),
            point(14.5, "modelled", False),
            point(None, "", None),
        ],
    }
    path = write_validation(tmp_path / "new" / "validation.html", document, "2 of 3 & more")
    text = path.read_text(encoding="utf-8")
    assert "Promised for raspberry-pi-4, measured on &lt;this machine&gt;" in text
    assert "2 of 3 &amp; more" in text
    assert "<td>13.75 <small>measured</small></td>" in text
    assert "<td>14.5 <small>modelled</small></td>" in text
    for on_front in ("yes", "no", "not measured"):
        assert f"<td>{on_front}</td></tr>" in text
    assert "mean latency, ms" in text
    assert "mean energy, mJ" not in text  # nothing is known of it


def test_pairs_are_a_table_from_promise_to_deployment(tmp_path: Path) -> None:
    figures = {"promised": 0.5, "trained": 0.625, "deployed": 0.75}
    latency = {"promised_ms": 10.0, "mean_ms": 11.0, "kept_ms": None, "escalated_ms": 20.5}
    pair = {
        "little": "8" * 22,
        "big": "0" * 22,
        "method": "joint",
        "gate": "margin",
        "threshold": 0.25,
        "accuracy": figures,
        "escalation_rate": figures,
        "latency": latency,
        "problems": [],
    }
    document = {
        "device": "raspberry-pi-4",
        "measured_on": "here",
        "pairs": [pair, pair | {"problems": ["it took longer"]}],
    }
    path = write_pairs_validation(tmp_path / "validation.html", document, "one is not kept")
    text = path.read_text(encoding="utf-8")
    assert text.count("<td>50.00%</td><td>62.50%</td><td>75.00%</td>") == 4
    assert text.count("<td>10</td><td>11</td><td></td><td>20.5</td>") == 2
    assert text.count("<td>yes</td></tr>") == text.count("<td>no</td></tr>") == 1
