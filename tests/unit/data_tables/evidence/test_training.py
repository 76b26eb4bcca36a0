"""What the card says of the training is what the log said."""

from __future__ import annotations

import pytest

from biglittle.bench.errors import TableError
from biglittle.cotrain.schedule import load_schedule
from biglittle.data_tables.evidence.training import checks, history, training_section
from biglittle.data_tables.fbnet_cifar10.recipe import RECIPE


def _log(epochs: int, accuracy: float = 0.5) -> list[str]:
    return [
        f"2026-01-01 00:00:00,000 epoch {e} at 32 px: {a} val accuracy {accuracy:.4f} on 1000"
        for e in range(1, epochs + 1)
        for a in ("0" * 22, "2" * 22)
    ]


def test_the_last_check_of_every_phase_is_kept() -> None:
    schedule = load_schedule(RECIPE.schedule)
    lines = [*_log(schedule.n_epochs), "epoch 3/42 step 25/351 loss 1.0 accuracy 0.700"]
    rows = history(schedule, checks(lines))
    assert [r["phase"] for r in rows] == [p.name for p in schedule.phases]
    assert sum(r["epochs"] for r in rows) == schedule.n_epochs
    assert all(r["accuracy"]["0" * 22] == 0.5 for r in rows)
    section = training_section({"phases": rows})
    assert "50.0 %" in section
    assert "not trained" in section  # no check of two of the four architectures


def test_an_epoch_repeated_after_a_restart_counts_once() -> None:
    assert checks(_log(1, 0.3) + _log(1, 0.4))[1]["accuracy"]["0" * 22] == 0.4


def test_a_log_that_ends_early_is_refused() -> None:
    schedule = load_schedule(RECIPE.schedule)
    with pytest.raises(TableError, match=f"no check after epoch {schedule.n_epochs}"):
        history(schedule, checks(_log(schedule.n_epochs - 1)))


def test_a_phase_whose_log_is_lost_has_no_check() -> None:
    schedule = load_schedule(RECIPE.schedule)
    last = [line for line in _log(schedule.n_epochs) if f"epoch {schedule.n_epochs} at" in line]
    rows = history(schedule, checks(last))
    assert [bool(row["accuracy"]) for row in rows] == [False] * (len(rows) - 1) + [True]
    assert "not kept" in training_section({"phases": rows})
