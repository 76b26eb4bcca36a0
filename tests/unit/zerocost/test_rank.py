"""Ranks of scores, and the aggregation of AZ-NAS."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench.errors import BigLittleError
from biglittle.zerocost import az_nas, rank


def test_ranks_share_ties_and_keep_what_is_not_there() -> None:
    assert rank([2.0, 1.0, 2.0, 5.0]).tolist() == [2.5, 1.0, 2.5, 4.0]
    found = rank([2.0, math.nan, 1.0])
    assert found[[0, 2]].tolist() == [2.0, 1.0]
    assert np.isnan(found[1])


def test_az_nas_adds_logs_of_ranks() -> None:
    columns = {
        "az_expressivity": [1.0, 2.0, 3.0, 9.0],
        "az_progressivity": [3.0, 2.0, 1.0, math.nan],
        "az_trainability": [0.0, 0.0, 1.0, 9.0],
        "macs": [5.0, 6.0, 7.0, 9.0],
    }
    found = az_nas(columns)
    expected = [
        math.log(1 / 3) + math.log(3 / 3) + math.log(1.5 / 3) + math.log(1 / 3),
        math.log(2 / 3) + math.log(2 / 3) + math.log(1.5 / 3) + math.log(2 / 3),
        math.log(3 / 3) + math.log(1 / 3) + math.log(3 / 3) + math.log(3 / 3),
    ]
    np.testing.assert_allclose(found[:3], expected)
    assert np.isnan(found[3])
    with pytest.raises(BigLittleError, match="macs"):
        az_nas({k: v for k, v in columns.items() if k != "macs"})
