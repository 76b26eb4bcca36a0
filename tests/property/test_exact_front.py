"""The counting engine against the straightforward way, on random answers with many ties."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from biglittle.bench import exact_front as engine
from biglittle.bench.cost import NetworkCosts, SharedCosts, pair_costs
from biglittle.bench.exact_front import FrontInterrupted, Question, exact_front
from biglittle.bench.front_pool import Pool
from biglittle.bench.gates import pair_codes
from biglittle.bench.pareto import nondominated
from biglittle.bench.tally import Tally

OBJECTIVES = st.sampled_from(
    [
        ("error",),
        ("latency_ms",),
        ("error", "latency_ms"),
        ("error", "escalation_rate"),
        ("latency_ms", "energy_mj"),
        ("error", "latency_p95_ms", "peak_memory_mib"),
        ("accuracy", "latency_ms", "energy_mj"),
        ("error", "macs", "energy_mj", "peak_memory_mib"),
        ("error", "latency_worst_ms"),
        ("accuracy", "latency_ms", "params"),
        ("error", "params", "peak_memory_mib"),
        ("latency_p95_ms", "params"),
    ]
)


COUPLINGS = st.sampled_from(["none", "prefix", "nested", "measured", "mixed"])


def _random(seed: int, n: int, n_images: int, n_codes: int):  # type: ignore[no-untyped-def]
    """Answers with few distinct codes, and costs with few distinct values: ties everywhere."""
    rng = np.random.default_rng(seed)
    correct = rng.random((n, n_images)) < rng.random((n, 1))
    levels = np.sort(rng.choice(256, n_codes, replace=False)).astype(np.uint8)
    codes = levels[rng.integers(0, n_codes, (2, n, n_images))]
    figure = lambda: rng.integers(1, 6, n).astype(float)  # noqa: E731
    costs = NetworkCosts(*(figure() for _ in range(6)), gate_ms=0.5, provenance={})
    return correct, codes, costs


def _coupled(kind: str, seed: int, costs: NetworkCosts, n_gates: int) -> Any:
    """What each little shares with every big: a trunk, weights, a run end to end, or all of it."""
    rng, n = np.random.default_rng([seed, 1]), len(costs.macs)
    every: dict[tuple[int, int], SharedCosts | None] = {}
    for little in range(n):
        smaller = {
            name: np.minimum(getattr(costs, name)[little], getattr(costs, name))
            for name in ("latency_ms", "energy_mj", "macs", "params", "weights_mib")
        }
        related = rng.random(n) < 0.6
        share = rng.integers(0, 5, n) / 4 * related
        trunk = {k: share * v for k, v in smaller.items()} | {"features_mib": 2.0 * related}
        weights = {k: related * v for k, v in smaller.items() if k in ("params", "weights_mib")}
        of_little = {"prefix": trunk, "nested": weights}.get(kind, trunk)
        same = SharedCosts(**of_little) if kind != "none" and rng.random() < 0.8 else None
        for gate in range(n_gates):
            every[little, gate] = same
            if kind == "measured" or (kind == "mixed" and rng.random() < 0.5):
                run = rng.random(n) < 0.5  # its big may take less than nothing: a common graph
                every[little, gate] = SharedCosts(
                    latency_ms=np.where(run, rng.integers(0, 8, n), 0.0),
                    whole_ms=np.where(run, rng.integers(-2, 3, n) / 2, 0.0),
                )
    return None if kind == "none" else (lambda little, gate: every[little, gate])


def _every_point(correct, gates, costs, cuts, shared=None):  # type: ignore[no-untyped-def]
    """Right answers and costs of every point, all cuts of a pair and gate at once."""
    n, columns = len(correct), []
    for number, gate in enumerate(gates):
        for little in range(n):
            both = None if shared is None else shared(little, number)
            for big in range(n):
                escalated = gate(little, big)[:, None] < cuts
                hits = np.where(escalated, correct[big][:, None], correct[little][:, None]).sum(0)
                rate, one = escalated.mean(axis=0), np.array([big])
                own = None if both is None else both.take(one)
                figures = pair_costs(costs.take([little]), costs.take(one), rate, own)
                rows = {"hits": hits, "escalation_rate": rate, **figures}
                columns.append({k: np.broadcast_to(v, rate.shape) for k, v in rows.items()})
    return {k: np.concatenate([c[k] for c in columns]).astype(float) for k in columns[0]}


def _values(points, objectives):  # type: ignore[no-untyped-def]
    return np.stack(
        [-points["hits"] if o in ("error", "accuracy") else points[o] for o in objectives], axis=1
    )


@settings(max_examples=150, deadline=None, phases=[Phase.reuse, Phase.generate])
@given(
    st.integers(0, 10**6),
    st.integers(1, 5),
    st.integers(1, 300),
    st.integers(1, 256),
    OBJECTIVES,
    st.sampled_from([1, 5, 51, 256]),
    st.floats(0, 1),
    st.booleans(),
    COUPLINGS,
)
def test_front_is_that_of_every_point(  # type: ignore[no-untyped-def]
    seed, n, n_images, n_codes, objectives, step, strictness, with_oracle, coupling
):
    correct, codes, costs = _random(seed, n, n_images, n_codes)
    cuts = np.append(np.arange(0, 256, step), 256)
    no_yes = np.array([False, True])
    four = pair_codes("oracle", no_yes[:, None], no_yes[None, :])
    gates = [codes[0].__getitem__, codes[1].__getitem__] + ([four] if with_oracle else [])
    by_hand = [lambda i, j, g=g: codes[g][i] for g in range(2)]
    if with_oracle:
        by_hand.append(lambda i, j: pair_codes("oracle", correct[i], correct[j]))
    shared = _coupled(coupling, seed, costs, len(gates))
    points = _every_point(correct, by_hand, costs, cuts, shared)
    latency = np.quantile(points["latency_ms"], strictness)
    least = float(np.quantile(points["hits"], 1 - strictness) / n_images)
    limits = {"latency_ms": float(latency), "accuracy": least}
    allowed = (points["latency_ms"] <= latency) & (points["hits"] / n_images >= least)
    values = _values(points, objectives)
    front = exact_front(
        Question(Tally(correct), gates, costs, objectives, limits, cuts, shared), threads=1
    )
    shape = (len(gates), n, n, len(cuts))
    at = front.gate, front.little, front.big, np.searchsorted(cuts, front.cut)
    rows = np.ravel_multi_index(at, shape)
    assert np.array_equal(points["hits"][rows], front.hits)
    assert allowed[rows].all()
    expected = values[allowed]
    expected = expected[nondominated(expected)]
    assert {tuple(v) for v in values[rows]} == {tuple(v) for v in expected}
    assert len(rows) == len(expected)


@settings(max_examples=20, deadline=None, phases=[Phase.reuse, Phase.generate])
@given(st.integers(0, 10**6), st.integers(1, 256), OBJECTIVES, COUPLINGS)
def test_which_of_equal_points_is_reported_does_not_depend_on_the_order(  # type: ignore[no-untyped-def]
    seed, n_codes, objectives, coupling
):
    correct, codes, costs = _random(seed, 30, 60, n_codes)
    shared = _coupled(coupling, seed, costs, 2)
    gates = [codes[0].__getitem__, codes[1].__getitem__]
    question = Question(Tally(correct), gates, costs, objectives, shared=shared)
    usual = exact_front(question, threads=1)
    with mock.patch.object(Pool, "best", return_value=np.zeros((), np.int32)):
        other = exact_front(question, threads=1)
    for name in ("little", "big", "gate", "cut", "hits"):
        assert np.array_equal(getattr(usual, name), getattr(other, name))


def test_front_does_not_depend_on_threads() -> None:
    correct, codes, costs = _random(3, 40, 200, 60)
    question = Question(
        Tally(correct), [codes[0].__getitem__], costs, ("error", "latency_ms", "energy_mj")
    )
    one, four = (exact_front(question, threads=t) for t in (1, 4))
    for name in ("little", "big", "gate", "cut", "hits"):
        assert np.array_equal(getattr(one, name), getattr(four, name))
    assert one.n_counted == four.n_counted < one.n_points


def test_an_interrupt_keeps_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    correct, codes, costs = _random(3, 40, 200, 60)
    question = Question(Tally(correct), [codes[0].__getitem__], costs, ("error", "latency_ms"))

    def interrupt(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(FrontInterrupted) as caught:
        exact_front(question, on_progress=interrupt)
    part = caught.value.front
    assert 0 < part.n_littles < 40  # type: ignore[attr-defined]
    assert len(part.cut) > 0  # type: ignore[attr-defined]
    assert engine._ROUND < 40
