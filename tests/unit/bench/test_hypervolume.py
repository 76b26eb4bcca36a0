"""Hypervolume by hand, and the box that a table keeps."""

from __future__ import annotations

import json

import numpy as np
import pytest

from biglittle.bench.errors import ConstraintError
from biglittle.bench.hypervolume import Reference, hypervolume, reference_of


def test_two_points_cover_what_their_rectangles_cover() -> None:
    box = ((0.0, 0.0), (4.0, 2.0))
    assert hypervolume([[1.0, 1.0], [3.0, 0.0]], *box) == pytest.approx((3 * 1 + 1 * 1) / 8)
    assert hypervolume([[4.0, 0.0], [5.0, 0.0]], *box) == 0.0  # at the nadir and beyond it
    assert hypervolume([[-1.0, -1.0]], *box) == 1.0
    assert hypervolume(np.zeros((0, 2)), *box) == 0.0


def test_a_nadir_that_is_not_above_the_ideal_is_refused() -> None:
    with pytest.raises(ConstraintError, match=r"nadir \[1.0, 0.0\] must exceed ideal"):
        hypervolume([[0.5, 0.5]], (0.0, 0.0), (1.0, 0.0))


def test_a_box_comes_back_from_json() -> None:
    box = reference_of(np.array([[0.1, 2.0], [0.3, 1.0]]), ("error", "latency_ms"))
    assert Reference.from_dict(json.loads(json.dumps(box.as_dict()))) == box
    assert box.utopian == (0.1, 1.0)
    assert 0 < box.hypervolume < 1
    assert box.n_points == 2
