"""A router against the margin at equal mean latency: thresholds, prices and the page."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import load_device
from biglittle.bench.router import Router
from biglittle.bench.router_gate import PLACES, features_of
from biglittle.bench.spaces import get_space
from biglittle.data_tables.evidence._coupled_plan import mean_latency_ms, pair_terms, rate_at
from biglittle.data_tables.evidence.router import (
    RATES,
    VARIANTS,
    _compared,
    router_text,
)

torch = pytest.importorskip("torch")
from biglittle.cotrain.train_router import RouterData  # noqa: E402

BIG = "8288800020000008808800"


def test_rates_and_prices_go_with_the_latency() -> None:
    space, profile = get_space("fbnet"), load_device("raspberry-pi-4")
    _, costs, shared = pair_terms(space, profile, f"{BIG}@12", BIG, 10)
    for rate in (0.0, 0.3, 1.0):
        mean = mean_latency_ms(costs, shared, rate)
        assert rate_at(costs, shared, mean) == pytest.approx(rate, abs=1e-9)
    assert rate_at(costs, shared, 0.0) == 0.0


def test_every_kind_of_router_is_compared_at_its_price() -> None:
    """Routers that know what is right, so that each gains as far as its rate goes."""
    space, profile, name = get_space("fbnet"), load_device("raspberry-pi-4"), f"{BIG}@12"
    _, costs, shared = pair_terms(space, profile, name, BIG, 10)
    rng, n = np.random.default_rng(0), 400
    little, big = rng.random(n) < 0.6, rng.random(n) < 0.8
    parts, routers = {}, []
    for place in PLACES:
        pooled = np.zeros((n, features_of(space, name, place)[0]))
        pooled[:, 0] = ~(big & ~little) + 0.1 * rng.random(n)  # no two scores are equal
        data = RouterData(pooled, rng.dirichlet(np.ones(10), n), little, big)
        parts[place] = {"val": data, "test": data}
    for _, place, confident in VARIANTS:
        c = features_of(space, name, place)[0]
        k = c + 3 * confident
        hidden = np.zeros((k, 4))
        hidden[0] = 1.0
        routers.append(Router(np.zeros(k), np.ones(k), hidden, np.zeros(4), np.ones(4), -2.0, c))
    rows = _compared(space, name, routers, parts, costs, shared, profile)
    assert len(rows) == len(RATES) * len(VARIANTS)
    assert all(row["router_ms"] > 0 for row in rows)
    assert all(row["gain"] > 0 for row in rows if row["place"] == "trunk")


def test_the_page_says_what_it_gains_also_where_it_is_nothing() -> None:
    row = {
        "mean_ms": 5.4, "margin_rate": 0.1, "target": "gain", "confident": False,
        "router_ms": 0.05, "router_macs": 3000, "escalation_rate": 0.1, "margin_accuracy": 0.8,
        "accuracy": 0.8, "gain": 0.0, "low": -0.002, "high": 0.002,
    }  # fmt: skip
    better = {**row, "margin_rate": 0.2, "gain": 0.01, "low": 0.005, "high": 0.015}
    figures = {
        "images": 45_000,
        "method": "joint",
        "device": "raspberry-pi-4",
        "pairs": [{"pair": f"{BIG}@12~{BIG}~joint~s0", "rows": [row, better]}],
    }
    text = router_text(figures)
    assert "Of 2 comparisons 1 are better than the margin and 0 worse" in text
    assert "| +0.00 (-0.20 to +0.20) | **+1.00 (+0.50 to +1.50)** |" in text  # in order of rates
