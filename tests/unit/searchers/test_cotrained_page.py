"""The page of co-trained pairs names the one that val prefers, and what training gained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from biglittle.bench.errors import BigLittleError
from biglittle.searchers.cotrained_page import best_report, write_cotrained

LITTLE, BIG = "8" * 22, "0" * 22


def report(method: str, val: float, test: float, before: float | None = 0.61) -> dict[str, Any]:
    """What `cotrain_front` yields of a pair, as far as the page shows it."""
    words = {"accuracy": "measured", "escalation_rate": "measured", "latency_ms": "modelled"}
    after = {
        **{"little": LITTLE, "big": BIG, "gate": "margin", "threshold": 0.25, "accuracy": test},
        **{"escalation_rate": 0.25, "latency_ms": 3.25, "latency_p95_ms": 5.5},
        **{"little_accuracy": 0.7, "big_accuracy": 0.8, "provenance": words},
    }
    promised = {
        **{"little": LITTLE, "big": BIG, "accuracy": 0.7, "escalation_rate": 0.3},
        **{"latency_ms": 3.5, "provenance": {"accuracy": "predicted", "latency_ms": "block-sum"}},
    }
    return {
        "config": {"method": method, "sources": {"device": "raspberry-pi-4"}},
        "promised": promised,
        "before": None if before is None else {"test": {**after, "accuracy": before}},
        "after": {"val": {"accuracy": val}, "test": after},
    }


def test_val_chooses_and_test_is_shown(tmp_path: Path) -> None:
    reports = [report("gated", 0.8, 0.75), report("joint", 0.79, 0.78)]
    assert best_report(reports)["config"]["method"] == "gated"
    text = write_cotrained(tmp_path / "new", reports).read_text(encoding="utf-8")
    head = text[text.index('class="verdict') : text.index("Promised and trained")]
    assert f"{LITTLE} \u2192 {BIG}, trained by gated, gate margin, threshold 0.25" in head
    assert "Training gains +14.00 points on test" in head
    assert '<div class="strip"><svg' in head
    assert "70.00 <small>predicted</small>" in head
    assert text.count("<tr>") == 1 + 6 + 1 + 2


@pytest.mark.parametrize(
    ("before", "kind", "said"),
    [
        (0.61, "good", "+14.00 points"),
        (0.8, "bad", "-5.00 points"),
        (None, "open", "random weights"),
    ],
)
def test_the_colour_follows_the_gain(
    tmp_path: Path, before: float | None, kind: str, said: str
) -> None:
    text = write_cotrained(tmp_path, [report("gated", 0.8, 0.75, before)]).read_text("utf-8")
    assert f'<section class="verdict {kind}"' in text
    assert said in text


def test_unwritable(blocked: Path) -> None:
    with pytest.raises(BigLittleError, match="cannot write"):
        write_cotrained(blocked, [report("gated", 0.8, 0.75)])
