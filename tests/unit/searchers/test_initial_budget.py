"""A first population within budgets: networks beyond them are drawn again, one by one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ConstraintError
from biglittle.searchers.domain import Domain
from biglittle.searchers.initial_budget import InitialBudget

FBNET = get_space("fbnet")
SMALLEST = "8" * 22  # of these choices a skipped layer has the fewest MACs


def whole(n_gates: int = 2, inside: bool = True) -> Domain:
    return Domain(FBNET, FBNET.allowed(("k3_e1", "k5_e6", "skip")), None, n_gates, inside)


def listed(*architectures: str) -> Domain:
    genomes = FBNET.parse(list(architectures))
    genomes = genomes[np.argsort(FBNET.macs(genomes, 1), kind="stable")]
    return Domain(FBNET, FBNET.allowed(None), genomes, n_gates=2, inside=True)


def macs(domain: Domain, x: np.ndarray) -> np.ndarray:
    networks = domain.networks(x)[: len(domain.parts)]
    return np.stack([FBNET.macs(g, 10) for g in networks], axis=1)


@pytest.mark.parametrize("n_gates", [0, 2])
@pytest.mark.parametrize("most", [{"macs": 15e6}, {"params": 9e5}, {"params": 9e5, "macs": 15e6}])
def test_every_network_keeps_every_budget(most: Mapping[str, float], n_gates: int) -> None:
    domain, rng = whole(n_gates), np.random.default_rng(0)
    budget = InitialBudget(domain, 10, most)
    before = domain.sample_sizes(rng, 60)
    rows = budget.refill(rng, before)
    assert rows.shape == before.shape
    assert not budget.keeps(before).all()
    assert budget.keeps(rows).all()
    assert len(set(domain.keys(rows))) == 60
    if "macs" in most:
        assert macs(domain, rows).max() <= most["macs"]


def test_rows_that_keep_it_are_left_as_they_are_with_gate_and_cut() -> None:
    domain, rng = whole(inside=False), np.random.default_rng(1)
    budget = InitialBudget(domain, 10, {"macs": 20e6})
    before = domain.sample_sizes(rng, 50)
    copy, good = before.copy(), budget.keeps(before)
    rows = budget.refill(rng, before)
    assert np.array_equal(before, copy)
    assert np.array_equal(rows[good.all(axis=1)], before[good.all(axis=1)])
    assert np.array_equal(rows[:, domain.gate :], before[:, domain.gate :])
    for k, part in enumerate(domain.parts):  # each network by itself
        assert np.array_equal(rows[good[:, k], part], before[good[:, k], part])


def test_a_network_that_has_exactly_the_budget_is_kept() -> None:
    domain, rng = whole(), np.random.default_rng(0)
    least = float(FBNET.macs(FBNET.parse([SMALLEST]), 10)[0])
    rows = InitialBudget(domain, 10, {"macs": least}).refill(rng, domain.sample(rng, 5))
    assert set(FBNET.format(np.concatenate(domain.networks(rows)))) == {SMALLEST}
    with pytest.raises(ConstraintError, match=f"{least:,.0f}") as caught:
        InitialBudget(domain, 10, {"macs": least - 1})
    assert f"(macs {least - 1:,.0f})" in str(caught.value)
    assert "Raise budget_macs" in str(caught.value)


def test_the_classifier_counts() -> None:
    domain = listed(SMALLEST)
    least = float(FBNET.params(FBNET.parse([SMALLEST]), 10)[0])
    assert InitialBudget(domain, 10, {"params": least}).keeps(np.zeros((1, 4), np.int64)).all()
    with pytest.raises(ConstraintError, match=r"Raise budget_params"):
        InitialBudget(domain, 11, {"params": least})


def test_of_a_list_the_smallest_that_is_there_is_named() -> None:
    ids = ("0" * 22, "2" * 22)
    figures = [int(m) for m in FBNET.macs(FBNET.parse(list(ids)), 10)]
    with pytest.raises(ConstraintError, match=f"there are, each by itself: macs {min(figures):,}"):
        InitialBudget(listed(*ids), 10, {"macs": 12e6})
    domain, rng = listed(*ids), np.random.default_rng(0)
    rows = InitialBudget(domain, 10, {"macs": min(figures)}).refill(rng, domain.sample(rng, 9))
    assert not rows[:, :2].any()


def test_budgets_that_no_network_keeps_together_are_refused() -> None:
    wide = "8" * 18 + "3333"  # many weights late, where the images are small
    early = "8" + "3333" + "8" * 17  # many MACs early, where channels are few
    genomes = FBNET.parse([wide, early])
    most = {
        "params": float(FBNET.params(genomes, 10).min()),
        "macs": float(FBNET.macs(genomes, 10).min()),
    }
    assert FBNET.params(genomes, 10).argmin() != FBNET.macs(genomes, 10).argmin()
    with pytest.raises(ConstraintError, match=r"params .* and macs .*budget_params, budget_macs"):
        InitialBudget(listed(wide, early), 10, most)


def test_what_draws_do_not_reach_is_said_with_the_smallest_that_was_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("biglittle.searchers.initial_budget.TRIES", 1)
    ids = [SMALLEST, *("0" * i + "3" * (22 - i) for i in range(22))]
    domain, rng = listed(*ids), np.random.default_rng(0)
    least = FBNET.macs(FBNET.parse(ids), 10).min()
    budget = InitialBudget(domain, 10, {"macs": float(least)})
    with pytest.raises(ConstraintError, match=r"among 20,000 that were drawn are.*macs"):
        budget.refill(rng, np.full((10_000, 4), 22))
