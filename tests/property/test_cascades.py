"""The exact choice of a cascade's cuts against every choice counted by itself, with many ties."""

from __future__ import annotations

from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biglittle.bench.cascade_counts import CascadeCounts, sent_on
from biglittle.bench.cost import NetworkCosts, SharedCosts, cascade_costs
from biglittle.bench.exact_cascades import CascadeQuestion, best_cuts, best_value, front_cuts
from biglittle.bench.pareto import nondominated

FIGURES = ("latency_ms", "latency_p95_ms", "energy_mj", "peak_memory_mib", "params")


class Case(NamedTuple):
    """A cascade without its cuts, and the answers that its counts are made of."""

    question: CascadeQuestion
    codes: list[np.ndarray]
    right: list[np.ndarray]


def _case(seed: int, n_stages: int, n_images: int, n_levels: int) -> Case:
    """Answers with few distinct codes and costs with few distinct values: ties everywhere."""
    rng = np.random.default_rng(seed)
    right = [rng.random(n_images) < rng.random() for _ in range(n_stages)]
    levels = np.sort(rng.choice(256, n_levels, replace=False)).astype(np.uint8)
    codes = [levels[rng.integers(0, n_levels, n_images)] for _ in range(n_stages - 1)]
    networks = [
        NetworkCosts(*rng.integers(1, 6, 6).astype(float).tolist(), gate_ms=0.5, provenance={})
        for _ in range(n_stages)
    ]
    shared = [
        None if rng.random() < 0.3 else SharedCosts(*(rng.random(6) * 0.9).tolist())
        for _ in range(n_stages - 1)
    ]
    if n_stages == 2 and rng.random() < 0.3:  # as a pair that was measured end to end
        shared = [SharedCosts(latency_ms=0.5, whole_ms=float(rng.choice([-0.25, 0.25])))]
    return Case(CascadeQuestion(CascadeCounts(codes, right), networks, shared), codes, right)


def _every_point(case: Case) -> list[dict[str, float]]:
    """Right answers and costs of every choice of cuts, in order, one mask at a time."""
    question, codes, right = case
    points = []
    for cuts in product(*question.counts.cuts):
        reached, hits = sent_on(codes, right, [int(cut) for cut in cuts])
        reach = [count / question.counts.n_images for count in reached]
        figures = cascade_costs(question.networks, reach, question.shared)
        points.append({n: float(v) for n, v in figures.items()})
        points[-1] |= {"error": -float(hits), "accuracy": -float(hits)}
        points[-1] |= {"escalation_rate": reach[0], "cuts": tuple(int(c) for c in cuts)}  # type: ignore[dict-item]
    return points


cases = st.builds(
    _case, st.integers(0, 10**6), st.integers(2, 4), st.integers(1, 60), st.integers(1, 5)
)


@settings(max_examples=60)
@given(cases)
def test_every_combination_of_cuts_is_counted_once(case: Case) -> None:
    question, codes, right = case
    hits = [block.hits.copy() for block in question.counts.blocks()]
    reached = [
        [np.broadcast_to(r, block.hits.shape).copy() for r in block.reached]
        for block in question.counts.blocks()
    ]
    every = list(product(*question.counts.cuts))
    assert np.concatenate(hits).size == len(every)
    flat = [np.concatenate([r[i] for r in reached]).ravel() for i in range(len(codes))]
    for at, cuts in enumerate(every):
        expected = sent_on(codes, right, [int(cut) for cut in cuts])
        assert ([int(f[at]) for f in flat], int(np.concatenate(hits).ravel()[at])) == expected


@given(cases)
def test_cuts_that_are_left_out_send_on_the_same_images(case: Case) -> None:
    for cuts, each in zip(case.question.counts.cuts, case.codes, strict=True):
        below = [int(np.count_nonzero(each < cut)) for cut in range(257)]
        assert sorted(set(below)) == [below[cut] for cut in cuts]
        assert all(below[cut - 1] < below[cut] for cut in cuts[1:])  # the lowest of its run


@settings(max_examples=60)
@given(cases, st.sampled_from(("accuracy", *FIGURES)), st.floats(0, 1), st.floats(0, 1))
def test_the_choice_is_the_best_of_all(
    case: Case, objective: str, loose: float, least: float
) -> None:
    question, points = case.question, _every_point(case)
    values = np.array([[p["latency_ms"], p["macs"], p["accuracy"]] for p in points])
    latency_ms, macs = (float(np.quantile(values[:, i], loose)) for i in (0, 1))
    accuracy = -float(np.quantile(values[:, 2], 1 - least)) / question.counts.n_images
    limits = {"latency_ms": latency_ms, "macs": macs, "accuracy": accuracy}
    n = question.counts.n_images
    allowed = [
        p
        for p in points
        if p["latency_ms"] <= latency_ms and p["macs"] <= macs and -p["accuracy"] / n >= accuracy
    ]
    order = list(dict.fromkeys((objective, "error", "latency_ms")))
    cuts = best_cuts(question, order, limits)
    if not allowed:
        assert cuts is None
        return
    best = min(allowed, key=lambda p: [p[name] for name in order])  # the first of equals
    assert cuts == best["cuts"]
    assert best_value([question], objective) == pytest.approx(
        min(p[objective] for p in points) * (-1 / n if objective == "accuracy" else 1)
    )


@settings(max_examples=60)
@given(
    st.lists(cases, min_size=1, max_size=3),
    st.sampled_from(
        [
            ("error", "latency_ms"),
            ("accuracy",),
            ("latency_p95_ms", "energy_mj"),
            ("error", "macs", "peak_memory_mib"),
            ("error", "latency_worst_ms", "params"),
            ("error", "escalation_rate"),
        ]
    ),
    st.sampled_from([1.0, 0.5]),
)
def test_the_front_is_that_of_every_point(
    several: list[Case], objectives: tuple[str, ...], loose: float
) -> None:
    n_images = len(several[0].right[0])
    several = [case for case in several if len(case.right[0]) == n_images]
    points = [p for case in several for p in _every_point(case)]
    limit = float(np.quantile([p["energy_mj"] for p in points], loose))
    limits = {} if loose == 1.0 else {"energy_mj": limit}
    allowed = [p for p in points if p["energy_mj"] <= limit or not limits]
    values = np.array([[p[name] for name in objectives] for p in allowed])
    expected = {tuple(v) for v in values[nondominated(values)]}
    front, n_points = front_cuts([case.question for case in several], objectives, limits)
    assert n_points == len(points)
    at = {(i, p["cuts"]): p for i, case in enumerate(several) for p in _every_point(case)}
    got = [tuple(at[place][name] for name in objectives) for place in front]  # type: ignore[index]
    assert set(got) == expected
    assert len(got) == len(expected)
    assert all(a[0] <= b[0] for a, b in pairwise(got))
