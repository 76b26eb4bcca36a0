"""A router's scores, costs and arrays, and the price of a gate before any classifier."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.cost import NetworkCosts, SharedCosts, pair_figure
from biglittle.bench.errors import GateError
from biglittle.bench.router import CONFIDENCES, Router, confidences, early_gate


def _router(channels: int = 4, more: int = 3, hidden: int = 5) -> Router:
    rng = np.random.default_rng(0)
    n = channels + more
    return Router(
        rng.normal(size=n), rng.uniform(0.5, 2, n), rng.normal(size=(n, hidden)),
        rng.normal(size=hidden), rng.normal(size=hidden), 0.3, channels,
    )  # fmt: skip


def _costs(latency: float, macs: float) -> NetworkCosts:
    one = np.ones(1)
    return NetworkCosts(
        latency_ms=latency * one, energy_mj=2 * latency * one, macs=macs * one, params=100.0 * one,
        weights_mib=one, activation_mib=one, gate_ms=0.1,
        provenance={"latency_ms": "predicted", "energy_mj": "modelled"},
    )  # fmt: skip


def test_scores_are_those_of_the_formula() -> None:
    router, rng = _router(), np.random.default_rng(1)
    pooled, p = rng.normal(size=(6, 4)), rng.dirichlet(np.ones(10), 6)
    inputs = np.concatenate([pooled, confidences(p)], axis=1)
    hidden = np.maximum((inputs - router.centre) / router.scale @ router.hidden
                        + router.hidden_bias, 0)  # fmt: skip
    wanted = 1 / (1 + np.exp(-(hidden @ router.out + router.out_bias)))
    assert np.allclose(router.scores(pooled, p), wanted)
    top = np.sort(p, axis=1)
    assert np.allclose(confidences(p)[:, 1], top[:, -1] - top[:, -2])
    assert confidences(np.eye(10)).tolist() == [[1.0, 1.0, 0.0]] * 10
    with pytest.raises(GateError, match="looks at confidences"):
        router.scores(pooled)


def test_it_is_kept_as_arrays_and_counts_its_weights() -> None:
    router = _router()
    again = Router.from_arrays(router.arrays())
    pooled, p = np.ones((2, 4)), np.full((2, 10), 0.1)
    assert np.array_equal(again.scores(pooled, p), router.scores(pooled, p))
    assert router.macs() == 7 * 5 + 5
    assert router.params() == 7 * 5 + 5 + 5 + 1
    with pytest.raises(GateError, match="not those of a router"):
        Router.from_arrays({"centre": np.ones(3)})
    with pytest.raises(GateError, match="a router of 4 channels"):
        _router(more=1)
    assert len(CONFIDENCES) == 3
    little = router.priced(_costs(5.0, 1e6), 0.25)
    assert little.gate_ms == 0.25
    assert little.macs == 1e6 + router.macs()


def test_an_early_gate_saves_the_head_of_what_is_sent_on() -> None:
    little, big, trunk = _costs(5.0, 5e6), _costs(20.0, 30e6), 3.0
    shared = SharedCosts(latency_ms=trunk, macs=3e6)
    early = early_gate(little, trunk, 3e6, shared)
    for rate in (0.0, 0.3, 1.0):
        mean = pair_figure("latency_ms", little, big, np.array([rate]), early).item()
        spent = (1 - rate) * (5.0 + 0.1) + rate * (trunk + 0.1 + (20.0 - trunk))
        assert mean == pytest.approx(spent)
        late = pair_figure("latency_ms", little, big, np.array([rate]), shared).item()
        assert mean <= late
    # Behind the stem of two strangers: the big network pays its own stem.
    stem = early_gate(little, 1.0, 1e6)
    mean = pair_figure("latency_ms", little, big, np.array([0.5]), stem).item()
    assert mean == pytest.approx(0.5 * 5.1 + 0.5 * (1.0 + 0.1 + 20.0))
    with pytest.raises(GateError, match="before the gate"):
        early_gate(little, 6.0, 1e6)
