"""What is counted once is kept, within its room."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.exact_points import ExactPoints


def test_the_kept_sweeps_stay_within_their_room(
    bench: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biglittle.bench.counts._SWEPT_BYTES", 3 * 257 * 14 * 4)
    monkeypatch.setattr("biglittle.bench.counts._WORTH_SWEEPING", 0)
    counts = ExactPoints(bench.table).counts("val")
    every = np.arange(len(bench.table))
    counts.many("margin", every, every, np.full(len(every), 100))
    assert 1 <= len(counts._swept) <= 3
