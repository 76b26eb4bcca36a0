"""How far predicted latencies are from measured ones."""

import numpy as np
import pytest

from biglittle.surrogates.latency import latency_figures


def test_figures_are_those_of_a_computation_by_hand():
    measured = np.array([1.0, 2.0, 4.0, 8.0])
    figures = latency_figures(measured * np.array([1.0, 1.1, 0.8, 1.5]), measured)
    assert figures["mape"] == pytest.approx(0.2)
    assert figures["share_within_10_percent"] == 0.25 or figures["share_within_10_percent"] == 0.5
    assert figures["spearman"] == pytest.approx(1.0)
