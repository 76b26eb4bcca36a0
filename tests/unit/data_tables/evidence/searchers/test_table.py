"""What was aimed at stands on the page, with whether it was reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from biglittle.bench import Benchmark
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.evidence.searchers import _common, gate, table
from biglittle.searchers.judge import judge_called


@pytest.mark.parametrize(
    ("nsga2", "rand", "said"),
    [(0.01, 0.03, "(reached)"), (0.02, 0.03, "(not reached)"), (0.06, 0.9, "(not reached)")],
)
def test_the_table_says_what_nsga2_left_and_of_random(  # type: ignore[no-untyped-def]
    compared, nsga2: float, rand: float, said: str
) -> None:
    text = table.table_text(compared(nsga2, rand))
    assert said in text
    assert f"{100 * nsga2:.3f} %, {nsga2 / rand:.2f} of what is left to `random`" in text
    assert "0.010 *" in text  # significance, corrected
    assert "biglittle search --on table --compare all --seeds 10 --budget 2000" in text


def test_steps_of_the_page_run_on_any_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.h5"
    write_table(path, synthetic_table(n_networks=12, seed=2), "test", "2020-01-01")
    for module in (table, gate, _common):
        for name, value in {"TABLE": str(path), "DEVICE": DEVICE, "BUDGET": 40}.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(table, "PICTURES", tmp_path)
    monkeypatch.setattr(table, "checked_names", lambda text, evaluator: ("nsga2", "random"))
    figures = table.measure(seeds=2)
    assert Benchmark.load(path).table.sha256[:12] in table.about_text(figures)
    assert "## The table" in table.table_text(figures)
    assert table.short_text(figures).count("`nsga2`") == 1
    assert (tmp_path / "table.svg").is_file()
    text = gate.gate_text(gate.measure(seeds=2))
    assert "## What optimising the gate inside gains" in text
    assert judge_called("table", (DEVICE,), str(path)).devices == (DEVICE,)
