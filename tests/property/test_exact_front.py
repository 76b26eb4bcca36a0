"""The counting engine against the straightforward way, on random answers with many ties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from biglittle.bench import exact_front as engine
from biglittle.bench.cost import NetworkCosts, pair_costs
from biglittle.bench.exact_front import FrontInterrupted, Question, exact_front
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
    ]
)


def _random(seed: int, n: int, n_images: int, n_codes: int):  # type: ignore[no-untyped-def]
    """Answers with few distinct codes, and costs with few distinct values: ties everywhere."""
    rng = np.random.default_rng(seed)
    correct = rng.random((n, n_images)) < rng.random((n, 1))
    levels = np.sort(rng.choice(256, n_codes)).astype(np.uint8)
    codes = levels[rng.integers(0, n_codes, (2, n, n_images))]
    figure = lambda: rng.integers(1, 6, n).astype(float)  # noqa: E731
    costs = NetworkCosts(*(figure() for _ in range(6)), gate_ms=0.5, provenance={})
    return correct, codes, costs


def _every_point(correct, gates, costs, cuts):  # type: ignore[no-untyped-def]
    """Right answers and costs of every point, one mask at a time."""
    n, rows = len(correct), []
    for gate in gates:
        for little in range(n):
            for big in range(n):
                codes = gate(little, big)
                for cut in cuts:
                    escalated = codes < cut
                    hits = np.where(escalated, correct[big], correct[little]).sum()
                    rate = np.array([escalated.mean()])
                    figures = pair_costs(costs.take([little]), costs.take([big]), rate)
                    rows.append(
                        {"hits": hits, "escalation_rate": rate[0]}
                        | {k: v[0] for k, v in figures.items()}
                    )
    return {k: np.array([r[k] for r in rows], float) for k in rows[0]}


@settings(max_examples=60, deadline=None, phases=[Phase.reuse, Phase.generate])
@given(
    st.integers(0, 10**6),
    st.integers(1, 5),
    st.integers(1, 90),
    st.integers(1, 12),
    OBJECTIVES,
    st.sampled_from([5, 51, 256]),
    st.floats(0, 1),
    st.booleans(),
)
def test_front_is_that_of_every_point(  # type: ignore[no-untyped-def]
    seed, n, n_images, n_codes, objectives, step, strictness, with_oracle
):
    correct, codes, costs = _random(seed, n, n_images, n_codes)
    cuts = np.append(np.arange(0, 256, step), 256)
    no_yes = np.array([False, True])
    four = pair_codes("oracle", no_yes[:, None], no_yes[None, :])
    gates = [codes[0].__getitem__, codes[1].__getitem__] + ([four] if with_oracle else [])
    by_hand = [lambda i, j, g=g: codes[g][i] for g in range(2)]
    if with_oracle:
        by_hand.append(lambda i, j: pair_codes("oracle", correct[i], correct[j]))
    points = _every_point(correct, by_hand, costs, cuts)
    latency = np.quantile(points["latency_ms"], strictness)
    least = float(np.quantile(points["hits"], 1 - strictness) / n_images)
    limits = {"latency_ms": float(latency), "accuracy": least}
    allowed = (points["latency_ms"] <= latency) & (points["hits"] / n_images >= least)
    values = np.stack(
        [-points["hits"] if o in ("error", "accuracy") else points[o] for o in objectives], axis=1
    )[allowed]
    expected = {tuple(v) for v in values[nondominated(values)]}
    question = Question(Tally(correct), gates, costs, objectives, limits, cuts)
    front = exact_front(question, threads=1)
    got = []
    for i in range(len(front.cut)):
        little, big = front.little[i], front.big[i]
        escalated = by_hand[front.gate[i]](little, big) < front.cut[i]
        hits = np.where(escalated, correct[big], correct[little]).sum()
        assert hits == front.hits[i]
        rate = np.array([escalated.mean()])
        figures = pair_costs(costs.take([little]), costs.take([big]), rate)
        figures["escalation_rate"] = rate
        got.append(
            tuple(
                -float(hits) if o in ("error", "accuracy") else float(figures[o][0])
                for o in objectives
            )
        )
    assert set(got) == expected
    assert len(got) == len(expected)


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
