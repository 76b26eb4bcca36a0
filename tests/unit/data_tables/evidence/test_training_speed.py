"""The step that measures ways to compute a training step."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from biglittle.data_tables.evidence._training_rate import Way, rate_of
from biglittle.data_tables.evidence.training_speed import WAYS, measured, section

ELSE = {"torch": "2", "load_average": None, "real_time_priority": False}
CONDITIONS = {"cores": 2, "cpu": "a-cpu", "python": "3.11", "numpy": "2"}


def test_two_processes_train_one_batch_and_stop_together() -> None:
    assert rate_of(Way(batch=4, processes=2), seconds=0.05) > 0


def test_ratios_are_to_the_first_way_in_the_same_round() -> None:
    given = iter(range(1, 100))

    def rated(way: Way, seconds: float) -> float:
        position = next(given)
        slow = 10 if position <= len(WAYS) else 1  # the whole machine is slower in round one
        return 20.0 / slow if way.processes == 1 else 30.0 / slow

    figures = measured(rounds=3, seconds=1.0, rated=rated)
    ratios = {name: row["ratio"] for name, row in figures["ways"].items()}
    assert {ratios[name] for name, way in WAYS.items() if way.processes == 1} == {1.0}
    assert {ratios[name] for name, way in WAYS.items() if way.processes == 2} == {1.5}
    text = section({**figures, **ELSE, "conditions": CONDITIONS})
    assert "| 1.50 | 1.50 to 1.50 |" in text
    assert "Fastest: 2 processes of 1 thread, gradients averaged, 1.50 times" in text
