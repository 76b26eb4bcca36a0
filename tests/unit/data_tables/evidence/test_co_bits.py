"""Bits as genes against the same bits everywhere: what is gone through, and what the page says."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.mixed_network import MixedNetwork
from biglittle.bench.pareto import nondominated
from biglittle.data_tables.evidence.co_bits import (
    GENES,
    LEAST_ACCURACY,
    OBJECTIVES,
    SAME,
    STEP,
    exact_front,
    hypervolumes,
    latencies,
)
from biglittle.edge_profiler.accelerators.space import parse_space
from biglittle.edge_profiler.accelerators.stage_costs import StageGrid
from biglittle.searchers.bit_sensitivity import Sensitivity
from biglittle.searchers.bits_domain import BitsDomain
from biglittle.searchers.co_bits import BitsCoEvaluator, bits_evaluator
from biglittle.searchers.evaluators.answers import Answers

NETWORKS = ("8" * 22 + "@4", "3200002020236000800000@4")


@pytest.fixture(scope="module")
def judge() -> BitsCoEvaluator:
    """Two networks whose answers are drawn, on two accelerators."""
    rng = np.random.default_rng(0)
    right = rng.random((2, 50)) < np.array([[0.7], [0.9]])
    codes = {"margin": rng.integers(0, 256, (2, 50)).astype(np.uint8)}
    losses = rng.exponential(0.02, (3, 2, 3)) * [1.0, 0.3, 0.0]
    each = [
        Sensitivity("fbnet", name, 10, 50, right[i].mean(), losses, losses)
        for i, name in enumerate(NETWORKS)
    ]
    document = {
        "name": "two",
        "rows": [8, 16],
        "columns": 8,
        "weight_buffer_kib": 4,
        "activation_buffer_kib": 16,
        "bandwidth_bits": 64,
        "dataflow": "row-stationary",
    }
    grid = StageGrid(parse_space(document, "two"), get_space("fbnet"), NETWORKS, 10)
    bits = BitsDomain(tuple(each))
    return bits_evaluator(bits, Answers(right, codes, 10), grid, np.arange(2))


def test_all_pairs_of_the_same_bits_are_gone_through(judge: BitsCoEvaluator) -> None:
    fronts = {way: exact_front(judge, bits) for way, bits in SAME.items()}
    for (genes, values), bits in zip(fronts.values(), SAME.values(), strict=True):
        points = judge.points(genes)
        np.testing.assert_allclose(points.error, values[:, 0])
        assert len(nondominated(values)) == len(values)
        for name in (*points.little.tolist(), *points.big.tolist()):
            # A stage that computes nothing is written as one of 8 bits.
            fewer = {*MixedNetwork.parse(name).bits} - {(8, 8)}
            assert fewer <= {(n, n) for n in bits}
            assert len(fewer) == 1 or (not fewer and 8 in bits)
    every = np.concatenate([values for _, values in fronts.values()])
    best = every[nondominated(every)]
    mixture = list(fronts.values())[-1][1]
    for point in best:  # each network's own number of bits holds what one number for both gives
        assert ((mixture <= point + 1e-12).all(axis=1)).any()


def test_hypervolumes_are_shares_and_poor_points_count_for_nothing() -> None:
    poor = 1 - LEAST_ACCURACY + 0.1
    good = np.array([[0.2, 1.0, 2.0], [0.1, 2.0, 3.0], [0.25, 0.5, 1.0]])
    volumes = hypervolumes({"all": [good], "some": [good[:2]], "poor": [np.array([[poor, 0, 0]])]})
    assert volumes["all"] == [pytest.approx(1.0)]
    assert 0 <= volumes["some"][0] < 1
    assert volumes["poor"] == [0.0]
    assert latencies(np.vstack([good, [[poor, 0.0, 0.0]]])) == [0.875, 1.25, 1.625]


def test_the_page_says_what_is_predicted_and_what_is_simulated() -> None:
    run = {"images": 900, "accuracy": 0.8, "escalation_rate": 0.3, "latency_ms": 1.25}
    ways = (GENES, *SAME)
    figures = {
        "space": "edge",
        "area_mm2": 0.3,
        "accelerators": 1200,
        "within": 438,
        "objectives": list(OBJECTIVES),
        "networks": ["a", "b", "c"],
        "images": 1000,
        "evaluations": 20_000,
        "least_accuracy": 0.7,
        "hypervolume": {way: [0.9, 0.7] if way == GENES else [0.5] for way in ways},
        "latency_ms": [1.2],
        "checked": [
            {
                "way": way,
                "within_ms": 1.2,
                "accuracy": 0.83,
                "escalation_rate": 0.25,
                "simulated": run | ({"accuracy": 0.82} if way == GENES else {}),
            }
            for way in ways[:-1]
        ],
        "prepared_s": 200.0,
        "search_s": 9.0,
        "processor_s": 300.0,
        "conditions": {"cores": 1, "cpu": "any", "python": "3", "numpy": "2"},
    }
    text = STEP.texts["co_bits"](figures)
    rows = text.splitlines()
    assert f"| {GENES} | 80.0 (70.0 to 90.0) | 83.0 → 82.0 (1.25) |" in rows
    assert f"| {ways[1]} | 50.0 | 83.0 → 80.0 (1.25) |" in rows
    assert f"| {ways[-1]} | 50.0 | none |" in rows
    assert f"over {ways[1]} +0.0 → +2.0" in text
    assert "a standard error of 1.3" in text
    assert "+0.0, is +2.0 when the points are run" in text
    assert f"{GENES} +1.0; {ways[1]} +3.0" in text
    figures["checked"][0]["simulated"]["accuracy"] = 0.805
    assert "is not to be seen when the points are run" in STEP.texts["co_bits"](figures)
    assert "+5.0 points on average" in text
    assert "modelled" in text
    assert OBJECTIVES == ("error", "latency_ms", "energy_mj")
