"""A list of networks answers for those, and for no others."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import DeviceError
from biglittle.bench.latency_listed import Figures, Listed

SPACE = get_space("nb201")
FIGURES = Figures(
    latency_ms={"333333": 5.0, "111111": 1.0},
    low_ms={"333333": 4.0},
    high_ms={"333333": 6.0},
    energy_mj={},
    latency_word="measured",
    energy_word="modelled",
    power_mw=2000.0,
    coverage=0.9,
)


def test_what_is_listed_stands_and_nothing_else_has_a_figure() -> None:
    listed = Listed(SPACE, 10, FIGURES)
    rows = SPACE.parse(["333333", "222222", "111111"])
    assert listed.latency_ms(rows).tolist() == pytest.approx([5.0, np.nan, 1.0], nan_ok=True)
    low, high = listed.interval_ms(rows)
    assert low.tolist() == pytest.approx([4.0, np.nan, np.nan], nan_ok=True)
    assert high.tolist() == pytest.approx([6.0, np.nan, np.nan], nan_ok=True)
    assert listed.energy_mj(rows).tolist() == pytest.approx([10.0, np.nan, 2.0], nan_ok=True)
    assert listed.provenance(rows)["latency_ms"] == "measured"
    assert not listed.complete


def test_two_networks_are_not_a_sum_of_anything() -> None:
    with pytest.raises(DeviceError, match="anchors:10"):
        Listed(SPACE, 10, FIGURES).operators()
