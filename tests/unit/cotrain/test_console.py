"""Co-trained pairs as a table in the terminal."""

from __future__ import annotations

import io
import shlex
from pathlib import Path

from rich.console import Console

from biglittle.cotrain.console import next_step, print_reports

LITTLE, BIG = "8" * 22, "0" * 22


def report(method: str, before: float | None = 0.61) -> dict[str, object]:
    """What the table shows of a report of a co-trained pair."""
    test = {
        **{"little": LITTLE, "big": BIG, "accuracy": 0.7512, "escalation_rate": 0.25},
        **{"little_accuracy": 0.7, "big_accuracy": 0.8, "latency_ms": 3.25},
        "provenance": {
            "accuracy": "measured",
            "escalation_rate": "measured",
            "latency_ms": "modelled",
        },
    }
    words = {"accuracy": "predicted", "latency_ms": "block-sum"}
    return {
        "config": {"method": method},
        "promised": {"accuracy": 0.7, "latency_ms": 3.5, "provenance": words},
        "promised_by_table": None,
        "before": None if before is None else {"test": {"accuracy": before}},
        "after": {"test": test},
    }


def printed(reports: list[dict[str, object]]) -> str:
    text = io.StringIO()
    print_reports(reports, Console(file=text, width=140))
    return text.getvalue()


def test_every_head_names_its_provenance_and_every_method_has_a_row() -> None:
    text = printed([report("independent"), report("joint", before=None)])
    assert all(word in text for word in ("predicted", "block-sum", "measured", "modelled"))
    assert all(word in text for word in ("independent", "joint", "75.12", "61.00", "3.25", "3.50"))
    assert text.count(f"{LITTLE} -> {BIG}") == 1  # one pair under two methods


def test_a_narrow_terminal_cuts_no_word_of_provenance() -> None:
    for width in (80, 100, 120):
        out = io.StringIO()
        print_reports([report("independent"), report("joint")], Console(file=out, width=width))
        text = out.getvalue()
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= width
        assert all(word in text for word in ("predicted", "block-sum", "measured", "modelled"))
        assert all(figure in text for figure in ("75.12", "61.00", "3.25", "3.50"))


def test_the_next_command_takes_a_folder_with_blanks() -> None:
    command = next_step(Path("my pairs/out")).partition("biglittle ")[2]
    assert shlex.split(command) == ["validate", "my pairs/out"]
