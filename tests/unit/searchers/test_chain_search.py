"""A search over networks with exits: what chains are worth, and what each way of choosing finds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.cascade import Cascade
from biglittle.bench.errors import ConstraintError, TableError, UnknownNameError
from biglittle.bench.exact_cascades import best_cuts
from biglittle.searchers.chain_search import SEARCHERS, WAYS, Chains, search

DEVICE, LIMITS = "raspberry-pi-4", (17.3e6, 30e6)


@pytest.fixture(scope="module")
def bench() -> Benchmark:
    return Benchmark.load("fbnet-cifar10")


@pytest.fixture(scope="module")
def few(bench: Benchmark) -> list[str]:
    """Some architectures that are cut at several exits."""
    table = bench.table
    ids, n = np.unique(table.networks["architecture"][table.exits > 0], return_counts=True)
    return ids[(n >= 4) & (n <= 6)][:4].tolist()


@pytest.fixture(scope="module")
def chains(bench: Benchmark, few: list[str]) -> Chains:
    return Chains(bench, DEVICE, 3, "macs", LIMITS, architectures=few)


def test_a_chain_at_some_cuts_is_what_a_query_says(bench: Benchmark, chains: Chains) -> None:
    cuts = (60, 120)
    accuracy, macs = chains.at(0, cuts)
    thresholds = bench.cascades._exact.thresholds("margin")
    gates = [("margin", float(thresholds[cut])) for cut in cuts]
    _, point = bench.cascades._point(
        Cascade(chains.names[0], gates),
        bench.cascades._rows(Cascade(chains.names[0], gates)),
        DEVICE,
        "val",
    )
    assert accuracy == point.accuracy
    assert macs == pytest.approx(point.macs)


@pytest.mark.parametrize("n_stages", [3, 4])
def test_the_best_cuts_are_the_exact_ones(bench: Benchmark, few: list[str], n_stages: int) -> None:
    some = Chains(bench, DEVICE, n_stages, "macs", LIMITS, architectures=few[:1])
    for chain in range(0, len(some), max(1, len(some) // 2)):
        for limit, best in zip(LIMITS, some.best(chain), strict=True):
            question = some.question(chain)
            cuts = best_cuts(question, ("error",), {"macs": limit})
            if cuts is None:
                assert np.isnan(best)
            else:
                accuracy, macs = some.at(chain, cuts)
                assert (accuracy, macs <= limit) == (best, True)


def test_alike_chains_are_of_one_network_first(chains: Chains) -> None:
    assert chains.places.shape == (len(chains), 4)
    assert ((chains.places >= 0) & (chains.places <= 1)).all()
    near = chains.alike(0)
    assert 0 not in near
    first, second = (chains.names[i] for i in (0, near[0]))
    assert len({name.partition("@")[0] for name in (*first, *second)}) == 1
    assert len(set(first) & set(second)) == 2  # one stage is cut elsewhere


def test_no_search_beats_all_chains_and_the_exact_choice_finds_the_best(chains: Chains) -> None:
    best = np.nanmax([chains.best(i) for i in range(len(chains))], axis=0)[1]
    for way, name in itertools.product(WAYS, SEARCHERS):
        outcome = search(chains, LIMITS[1], way, name, budget=2 * len(chains), seed=1)
        assert outcome.accuracy <= best
        again = search(chains, LIMITS[1], way, name, budget=2 * len(chains), seed=1)
        assert again == outcome
        if outcome.cuts:
            accuracy, macs = chains.at(chains.names.index(outcome.networks), outcome.cuts)
            assert (accuracy, macs <= LIMITS[1]) == (outcome.accuracy, True)
    every = search(chains, LIMITS[1], "inside", "random", budget=100 * len(chains))
    assert every.n_evaluations <= len(chains)  # none twice
    assert every.accuracy >= best - 0.01


def test_bad_inputs_are_told_in_one_line(bench: Benchmark, few: list[str], chains: Chains) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'inside'"):
        search(chains, LIMITS[0], "insied", "random", 10)
    with pytest.raises(UnknownNameError, match="evolution, random"):
        search(chains, LIMITS[0], "gene", "darwin", 10)
    with pytest.raises(ConstraintError, match=r"expected one of 1\.73e\+07, 3e\+07"):
        search(chains, 1e6, "gene", "random", 10)
    with pytest.raises(ConstraintError, match="at least 1 evaluation"):
        search(chains, LIMITS[0], "gene", "random", 0)
    table = bench.table
    ids, n = np.unique(table.networks["architecture"][table.exits > 0], return_counts=True)
    with pytest.raises(TableError, match="no chain of 4 stages"):
        Chains(bench, DEVICE, 4, "macs", LIMITS, architectures=ids[n == 1][:1].tolist())
    tight = Chains(bench, DEVICE, 3, "macs", (1.0,), architectures=few[:1])
    for way in WAYS:
        nothing = search(tight, 1.0, way, "evolution", 20)
        assert (nothing.networks, nothing.cuts) == ((), ())
        assert np.isnan(nothing.accuracy)
