"""Static cascades of networks trained alone, as the card tells them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.data_tables.evidence import standalone_pairs
from biglittle.data_tables.evidence.table import best_within


def test_the_best_point_within_a_limit() -> None:
    accuracy, latency = np.array([0.9, 0.5, 0.7]), np.array([9.0, 1.0, 2.0])
    assert best_within(accuracy, latency, 3.0) == 2
    assert best_within(accuracy, latency, 0.5) is None


def test_what_is_told_is_what_the_table_answers() -> None:
    figures = standalone_pairs.measure()
    bench = Benchmark.load("fbnet-cifar10")
    test = bench.table.predictions("test").correct.mean(axis=1)
    assert len(figures["rows"]) >= 4
    for row in figures["rows"]:
        little, big = row["pair"]
        pair = Pair(little, big, "standalone")
        point = bench.query(pair, Gate("margin", row["threshold"]), figures["device"])
        assert point.accuracy == pytest.approx(row["accuracy"]["pair"])
        assert point.coupling == "sibling"  # trained apart, so that nothing is shared
        val = bench.query(pair, Gate("margin", row["threshold"]), figures["device"], "val")
        assert val.latency_ms <= row["limit_ms"]
        single = bench.table.network_row(row["single"], "standalone")
        assert test[single] == pytest.approx(row["accuracy"]["single"])
        assert row["over_single"][0] == pytest.approx(point.accuracy - test[single])
    text = standalone_pairs.standalone_section(figures)
    assert text.count("ms |") == len(figures["rows"])
