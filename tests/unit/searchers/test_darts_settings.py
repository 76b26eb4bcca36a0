"""Settings that no differentiable search can be run with are refused."""

from __future__ import annotations

import pytest

from biglittle.bench.errors import ConstraintError, UnknownNameError
from biglittle.searchers.darts_settings import DartsSettings


@pytest.mark.parametrize(
    "given",
    [{"steps": 0}, {"batch": 1}, {"temperature": 0.0}, {"threshold": 1.0}, {"latency_ms": 0.0}],
)
def test_bad_settings(given: dict[str, float]) -> None:
    with pytest.raises(ConstraintError, match="cannot be searched with"):
        DartsSettings(**given)


def test_another_kind_of_paths_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="two"):
        DartsSettings(paths="tow")
