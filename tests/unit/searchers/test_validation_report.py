"""The page of a validation says what was promised, what it took, and what is not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from biglittle.searchers.validation_report import write_pairs_validation, write_validation


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


#: Agreement of one figure, as JSON.
ERRORS = {"n": 3, "mape": 0.25, "within_10": 0.5, "spearman": None, "optimism": 2.5}


def test_a_front_is_a_plot_and_a_table(tmp_path: Path) -> None:
    document = {
        "device": "raspberry-pi-4",
        "measured_on": "<this machine>",
        "kept": False,
        "verdict": "NOT kept: 2 of 3 & more.",
        "notes": ["the rate is <predicted>."],
        "accuracy": [],
        "points_measured": 2,
        "points_still_on_front": 1,
        "networks": ERRORS,
        "interval": {"stated": 0.82},
        "singles": [
            {"architecture": "8", "predicted": 2.0, "measured": 2.5, "low": 1.5, "high": 3.0},
            {"architecture": "0", "predicted": 2.0, "measured": 2.0, "low": None, "high": None},
        ],
        "figures": {"latency_ms": ERRORS, "energy_mj": None},
        "points": [
            point(13.75, "measured", True),
            point(14.5, "modelled", False),
            point(None, "", None),
            point(13.25, "measured", True) | {"escalation_rate": 0.0, "big": "7" * 22},
        ],
    }
    path = write_validation(tmp_path / "new" / "validation.html", document)
    text = path.read_text(encoding="utf-8")
    assert "Promised for raspberry-pi-4, measured on &lt;this machine&gt;" in text
    body = text.partition("<body>")[2]
    verdict = '<p class="lead"><b class="word">NOT kept</b> 2 of 3 &amp; more.</p>'
    assert body.index('class="verdict bad"') < body.index(verdict)
    assert body.index(verdict) < body.index("<li>The rate is &lt;predicted&gt;.</li>")
    assert "<pre" not in body  # lines that are not wrapped run off the page
    assert "<td>12.5<br>13.75 <small>measured</small></td>" in text
    assert "<td>12.5<br>14.5 <small>modelled</small></td>" in text
    alone = f'<td class="id">{"8" * 22} <small>still on the front</small></td>'
    assert f"{alone}<td>little alone</td>" in text
    assert "7" * 22 not in text  # it is never asked
    assert "<td>25.0%</td><td>50%</td><td>3.5</td><td></td>" in text
    assert "82% of them are to lie" in text
    assert "1 more point has no latency on the device" in text
    assert '"low":[1.5],"high":[3]' in text
    assert text.count("still on the front</small>") == 2
    assert text.count("no longer on the front</small>") == 1
    assert "mean latency, ms" in text
    assert "mean energy, mJ" not in text  # nothing is known of it


def test_another_device_has_a_ratio_and_no_error(tmp_path: Path) -> None:
    document = {
        "device": "a",
        "measured_on": "b",
        "kept": None,
        "verdict": "Not judged: another device than a measured.",
        "notes": [],
        "points_measured": 1,
        "points_still_on_front": 1,
        "networks": ERRORS,
        "interval": None,
        "singles": [],
        "figures": {"latency_ms": ERRORS},
        "points": [point(13.75, "measured", True)],
    }
    text = write_validation(tmp_path / "validation.html", document).read_text(encoding="utf-8")
    assert '<section class="verdict open"' in text
    assert "<td>3</td><td>3.5</td><td></td>" in text
    assert ">error</th>" not in text


def test_pairs_are_a_table_from_promise_to_deployment(tmp_path: Path) -> None:
    figures = {"promised": 0.5, "trained": 0.625, "deployed": 0.75, "provenance": "predicted"}
    latency: dict[str, Any] = {"provenance": "block-sum"}
    latency |= {"promised_ms": 10.0, "mean_ms": 11.0, "kept_ms": None, "escalated_ms": 20.5}
    pair = {
        "little": "8" * 22,
        "big": "0" * 22,
        "method": "joint",
        "gate": "margin",
        "threshold": 0.25,
        "accuracy": figures,
        "escalation_rate": figures,
        "latency": latency,
        "kept": {"accuracy": True, "latency": True},
        "problems": [],
    }
    document = {
        "device": "raspberry-pi-4",
        "measured_on": "here",
        "kept": False,
        "verdict": "NOT kept: 1 of 2.",
        "notes": ["not all images were asked."],
        "pairs": [pair, pair | {"problems": ["it took longer"]}],
    }
    unmeasured = pair | {"latency": latency | {"mean_ms": None}, "error": "no kernel"}
    document["pairs"].append(unmeasured | {"problems": ["not measured."]})
    path = write_pairs_validation(tmp_path / "validation.html", document)
    text = path.read_text(encoding="utf-8")
    assert '<p class="lead"><b class="word">NOT kept</b> 1 of 2.</p>' in text
    assert f"<li>{'8' * 22} -&gt; {'0' * 22}: it took longer</li>" in text
    assert "<li>Not all images were asked.</li>" in text
    assert text.count("<td>50.00% <small>predicted</small><br>62.50%<br>75.00%</td>") == 6
    assert text.count("<td>10 <small>block-sum</small></td><td>11</td><td>-<br>20.5</td>") == 2
    assert (text.count("<td>yes</td></tr>"), text.count("<td>no</td></tr>")) == (1, 2)
    assert f"<li>{'8' * 22} -&gt; {'0' * 22}: no kernel</li>" in text
