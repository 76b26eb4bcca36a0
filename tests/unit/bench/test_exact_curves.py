"""Many curves at once are those of one pair each."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark, Pair
from biglittle.bench.gates import pair_gates
from biglittle.bench.synthetic import DEVICE


@pytest.mark.parametrize("gate", pair_gates())
def test_curves_of_one_little_are_its_curves(bench: Benchmark, gate: str) -> None:
    ids = bench.architectures
    for bigs in (None, [ids[3], ids[0], ids[3]]):
        curves = bench.curves(ids[1], gate, DEVICE, bigs, "val")
        for j, big in enumerate(curves.bigs):
            curve = bench.curve(Pair(ids[1], str(big)), gate, DEVICE, "val")
            assert np.array_equal(curves.accuracy[:, j], curve.accuracy)
            assert np.array_equal(curves.latency_ms[:, j], curve.latency_ms)
            rate = curves.escalation_rate
            assert np.array_equal(rate if rate.ndim == 1 else rate[:, j], curve.escalation_rate)
