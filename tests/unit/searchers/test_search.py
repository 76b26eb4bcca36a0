"""Settings that cannot be searched with are refused with what was expected."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from biglittle.bench.errors import ConstraintError, UnknownNameError
from biglittle.searchers import SearchSettings


@pytest.mark.parametrize(
    ("given", "said"),
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
    ],
)
def test_bad_settings(given: dict[str, object], said: str) -> None:
    with pytest.raises(ConstraintError, match=said):
        SearchSettings(**given)


def test_integers_of_numpy_become_plain() -> None:
    settings = SearchSettings(budget=np.int64(500), seed=np.uint8(3))
    assert type(settings.budget) is type(settings.seed) is int


def test_unknown_figures_name_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="latency_ms"):
        SearchSettings(objectives=("error", "latency"))
    with pytest.raises(UnknownNameError, match="energy_mj"):
        SearchSettings(limits={"energy_m": 1.0})


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, biglittle.searchers as s; s.SEARCHERS.names(); "
        "print([m for m in ('pymoo', 'plotly', 'torch', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
