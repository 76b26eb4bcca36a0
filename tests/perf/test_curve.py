"""A pair's curve against the straightforward way: one mask for every threshold."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, Pair
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table

pytestmark = pytest.mark.perf


def masks(bench: Benchmark, pair: Pair, metric: str) -> np.ndarray:
    """Accuracy at every cut, the baseline: shape (257,)."""
    stored = bench.table.predictions("test")
    little, big = bench.row(pair.little), bench.row(pair.big)
    codes = stored.codes[metric][little]
    return np.array(
        [
            np.where(codes < cut, stored.correct[big], stored.correct[little]).mean()
            for cut in range(257)
        ]
    )


def test_curve_is_the_baseline_but_faster(benchmark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write_table(tmp_path / "t.h5", synthetic_table(4, 1000, 5000), "1", "2026-01-01")
    bench = Benchmark.load(tmp_path / "t.h5")
    pair = Pair(bench.architectures[0], bench.architectures[1])
    began = time.perf_counter()
    expected = masks(bench, pair, "margin")
    baseline_s = time.perf_counter() - began
    curve = benchmark(bench.curve, pair, "margin", DEVICE)
    assert np.allclose(curve.accuracy, expected)
    if benchmark.stats is not None:
        benchmark.extra_info["times_the_mask_baseline"] = baseline_s / benchmark.stats["median"]
