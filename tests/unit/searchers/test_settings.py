"""Settings that cannot be searched with are refused with what was expected."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.errors import ConstraintError, UnknownNameError
from biglittle.searchers import SearchSettings


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"budget": 0}, "budget 0"),
        ({"budget": 10.5}, "budget 10.5"),
        ({"budget": True}, "budget True"),
        ({"budget": 100, "population": 200}, "smaller than one population of 200"),
        ({"population": 1}, "population 1"),
        ({"seed": -1}, "seed -1"),
        ({"objectives": ("error",)}, "two or three"),
        ({"objectives": ("error", "accuracy")}, "same one"),
        ({"objectives": ("error", "error")}, "two or three"),
        ({"limits": {"latency_ms": float("nan")}}, "latency_ms"),
        ({"limits": {"latency_ms": -1.0}}, "latency_ms"),
        ({"budget_params": 0}, "budget_params 0 .*most parameters"),
        ({"budget_macs": float("nan")}, "budget_macs nan .*most MACs"),
    ],
)
def test_bad_settings(given: dict[str, object], text: str) -> None:
    with pytest.raises(ConstraintError, match=text):
        SearchSettings(**given)


def test_integers_of_numpy_become_plain() -> None:
    settings = SearchSettings(budget=np.int64(500), seed=np.uint8(3))
    assert type(settings.budget) is type(settings.seed) is int


def test_unknown_figures_name_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="latency_ms"):
        SearchSettings(objectives=("error", "latency"))
    with pytest.raises(UnknownNameError, match="energy_mj"):
        SearchSettings(limits={"energy_m": 1.0})


@pytest.mark.parametrize(
    ("name", "value"), [("accuracy", 95), ("error", 1.5), ("params", -1), ("macs", np.inf)]
)
def test_limits_that_are_no_fractions_or_no_numbers_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConstraintError, match=name):
        SearchSettings(limits={name: value})


def test_an_unknown_limit_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="latency_worst_ms"):
        SearchSettings(limits={"latency_worst": 3.0})
