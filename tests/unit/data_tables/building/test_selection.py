"""Which networks and pairs are trained: fixed, spread out, and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, get_space, load_device
from biglittle.data_tables.building import selection
from biglittle.data_tables.building.selection import ChosenPair
from biglittle.data_tables.fbnet_cifar10.recipe import RECIPE

SPACE = get_space("fbnet")
CHOICES = ("k3_e1", "k3_e3", "k3_e6", "k5_e3", "skip")


@pytest.fixture(scope="module")
def networks() -> list[tuple[str, str]]:
    return selection.trust_networks(RECIPE, SPACE, CHOICES)


def test_trust_networks_are_spread_over_latency_at_any_time(
    networks: list[tuple[str, str]],
) -> None:
    tuned = [a for a, training in networks if training == "finetuned"]
    scratch = [a for a, training in networks if training == "standalone"]
    assert (len(set(tuned)), len(set(scratch))) == (24, 12)
    assert set(scratch) < set(tuned)
    latency = load_device("raspberry-pi-4").latency_ms(SPACE, SPACE.parse(tuned))
    middle = np.median(latency)
    alone = load_device("raspberry-pi-4").latency_ms(SPACE, SPACE.parse(scratch))
    for n in (4, 8):
        assert 0.25 <= (latency[:n] < middle).mean() <= 0.75
        assert 0.25 <= (alone[:n] < middle).mean() <= 0.75
    assert latency.min() < 9.5
    assert latency.max() > 40
    trained = [training for _, training in networks]
    for i in range(len(trained)):  # each has its share of the time, from the first on
        assert trained[: i + 1].count("standalone") <= (i + 1) / 3


def test_exits_that_are_trained_alone_are_spread_over_cost() -> None:
    table = Benchmark.load("fbnet-cifar10").table
    names = [str(name) for name in table.names if "@" in str(name) and ":" not in str(name)]
    chosen = selection.trust_exits(RECIPE, SPACE, names)
    assert len(chosen) == 4
    assert chosen == selection.trust_exits(RECIPE, SPACE, reversed(names))
    macs = {str(n): int(m) for n, m in zip(table.names, table.networks["macs"], strict=True)}
    taken, every = [macs[name] for name in chosen], np.array([macs[name] for name in names])
    shares = [float((every < m).mean()) for m in taken]
    assert shares == pytest.approx([1 / 8, 3 / 8, 5 / 8, 7 / 8], abs=0.05)
    assert selection.trust_exits(RECIPE, SPACE, []) == []


def test_halving_order_is_a_permutation_that_starts_wide() -> None:
    for n in (1, 2, 6, 24):
        assert sorted(selection.halving_order(n)) == list(range(n))
    assert selection.halving_order(8)[:4] == [0, 4, 2, 6]


def test_pairs_are_on_and_off_the_front_and_different(tmp_path: Path) -> None:
    bench = Benchmark.load("fbnet-cifar10")
    pairs = selection.choose_pairs(RECIPE, bench)
    assert pairs == selection.choose_pairs(RECIPE, bench)
    assert len({(p.little, p.big) for p in pairs}) == 8
    assert [p.where for p in pairs].count("front") == 5
    assert [len(p.seeds) for p in pairs] == [3, 1, 1, 1, 1, 1, 1, 1]
    costs, val = bench.costs("raspberry-pi-4"), bench.accuracy("val")
    for pair in pairs:
        assert pair.little != pair.big
        if pair.where == "other":
            little, big = bench.row(pair.little), bench.row(pair.big)
            assert costs.latency_ms[big] > costs.latency_ms[little]
            assert val[big] > val[little]
    selection.write_pairs(tmp_path / "pairs.json", pairs, "a")
    assert selection.read_pairs(tmp_path / "pairs.json", "a") == pairs
    assert selection.read_pairs(tmp_path / "pairs.json", "b") is None
    assert selection.read_pairs(tmp_path / "missing.json", "a") is None
    assert isinstance(pairs[0], ChosenPair)
