"""Points: slices, joins, and what is in them."""

from __future__ import annotations

import pytest

from biglittle.bench import Benchmark, Front, Pair, Points
from biglittle.bench.errors import (
    TableError,
)
from biglittle.bench.points import concatenate
from biglittle.bench.synthetic import DEVICE


def test_points_of_val_and_test_do_not_mix(bench: Benchmark) -> None:
    front = bench.front(DEVICE)
    assert (front.chosen.split, front.points.split) == ("val", "test")
    with pytest.raises(TableError, match="'val' and 'test'"):
        concatenate([front.chosen, front.points])


def test_points_and_fronts_slice_and_iterate(front: Front) -> None:
    assert len(front) == len(front.points) == len(list(front)) > 2
    assert isinstance(front[1:], Points)
    assert len(front[1:]) == len(front) - 1
    assert front[-1] == list(front)[-1] == front.points[len(front) - 1]
    assert [p.threshold for p in front[::-1]] == front.points.threshold[::-1].tolist()
    assert front[0] in front
    assert front[0] in front.points
    assert front[0] not in front[1:]
    assert Pair(front[0].little, front[0].big) in front
    assert Pair("0" * 22, "nothing") not in front
    assert "margin" not in front
    with pytest.raises(IndexError):
        front[len(front)]
