"""A grid of cuts stands in for whole curves."""

from __future__ import annotations

import numpy as np

from biglittle.bench import Benchmark, Candidates
from biglittle.bench.synthetic import DEVICE
from biglittle.searchers.evaluators.grid import GridSweeps
from biglittle.searchers.evaluators.table import TableEvaluator


def test_a_grid_of_cuts_stands_in_for_curves(bench: Benchmark) -> None:
    inner = TableEvaluator(bench, DEVICE)
    grid = GridSweeps(inner)
    assert grid.n_classes == inner.n_classes
    little, big = inner.listed[:3], inner.listed[3:6]
    swept = grid.sweep(little, big)
    again = inner.evaluate(Candidates(little[swept.owner], big[swept.owner], swept.gate, swept.cut))
    assert np.array_equal(swept.figures["accuracy"], again.accuracy)
    assert np.bincount(swept.owner).min() == np.bincount(swept.owner).max()
