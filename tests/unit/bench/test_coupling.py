"""What two networks share: which coupling they have, and what it saves."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.cost import network_costs, pair_costs
from biglittle.bench.coupling import NESTED, PREFIX, SIBLING, Couplings, checked_couplings
from biglittle.bench.errors import ArchitectureError, UnknownNameError
from biglittle.bench.rows import COUPLINGS
from biglittle.bench.spaces import SPACES, get_space

FBNET = get_space("fbnet")
BIG = "3200002020236000800000"
NAMES = (BIG, f"{BIG}@12", f"{BIG}@4s", "0" * 22, "3" * 22, f"{'0' * 22}@12", "8" * 22)


def _couplings(origin: int = 0) -> Couplings:
    parts = [name.partition("@") for name in NAMES]
    genomes = FBNET.parse([a for a, _, _ in parts])
    exits = FBNET.exit_numbers([cut for _, _, cut in parts])
    return Couplings(FBNET, 10, genomes, exits, np.full(len(NAMES), origin))


def _kind(little: str, big: str, origin: int = 0) -> str:
    return COUPLINGS[int(_couplings(origin).kinds(NAMES.index(little), NAMES.index(big)))]


@pytest.mark.parametrize("name", SPACES.names())
def test_exits_are_counted_as_their_graphs_are(name: str) -> None:
    space = get_space(name)
    genomes = space.sample(np.random.default_rng(0), 5)
    for number, cut in enumerate(space.exits, 1):
        exits = np.full(len(genomes), number, np.uint8)
        graphs = [space.operators(g, 10, cut.name) for g in genomes]
        assert space.macs(genomes, 10, exits).tolist() == [sum(o.macs for o in g) for g in graphs]
        params = [sum(o.params for o in g) for g in graphs]
        assert space.params(genomes, 10, exits).tolist() == params
        head = sum(o.macs for o in (*cut.operators, cut.classifier(10)))
        assert (space.macs(genomes, 10, exits) - space.trunk_macs(genomes, exits) == head).all()
        assert (space.macs(genomes, 10, exits) < space.macs(genomes, 10)).all()
    assert space.exit_names(space.exit_numbers(["", space.exits[0].name])) == [
        "",
        space.exits[0].name,
    ]


def test_an_exit_that_the_space_does_not_have_is_named_with_those_that_it_has() -> None:
    with pytest.raises(ArchitectureError, match=r"no exit '13'.*12, 12s.*whole network"):
        FBNET.get_exit("13")


def test_couplings_are_what_names_say() -> None:
    assert _kind(f"{BIG}@12", BIG) == "prefix"
    assert _kind(f"{BIG}@4s", f"{BIG}@12") == "prefix"
    assert _kind(f"{BIG}@12", f"{BIG}@4s") == "sibling"  # it would run back
    assert _kind(f"{'0' * 22}@12", BIG) == "sibling"  # another trunk
    assert _kind("0" * 22, "3" * 22) == "nested"
    assert _kind("3" * 22, "0" * 22) == "sibling"
    assert _kind("8" * 22, "0" * 22) == "sibling"  # its skips that change shapes have own weights
    assert _kind(f"{BIG}@12", BIG, origin=-1) == "sibling"  # trained apart


def test_what_is_shared_is_paid_once() -> None:
    couplings = _couplings()
    latency = np.linspace(10.0, 20.0, len(NAMES))
    trunk_ms = np.where(couplings.exits > 0, 6.0, 0.0)
    words = {"latency_ms": "predicted", "energy_mj": "modelled"}
    costs = network_costs(
        FBNET, couplings.genomes, 10, latency, latency * 5, 0.0, words,
        exits=couplings.exits, trunk_ms=trunk_ms,
    )  # fmt: skip
    little, big = np.array([1]), np.array([0])
    shared = couplings.shared(little, big, costs)
    together = pair_costs(costs.take(little), costs.take(big), 0.5, shared)
    apart = pair_costs(costs.take(little), costs.take(big), 0.5)
    assert apart["latency_ms"] - together["latency_ms"] == pytest.approx(0.5 * 6.0)
    trunk = int(FBNET.trunk_macs(couplings.genomes[1:2], couplings.exits[1:2])[0])
    assert apart["macs"] - together["macs"] == pytest.approx(0.5 * trunk)
    whole = FBNET.params(couplings.genomes[:1], 10)[0]
    head = FBNET.get_exit("12")
    assert head is not None
    own = sum(o.params for o in (*head.operators, head.classifier(10)))
    assert together["params"].tolist() == [whole + own]
    kinds = couplings.kinds(np.arange(len(NAMES))[:, None], np.arange(len(NAMES)))
    assert set(np.unique(kinds)) == {SIBLING, NESTED, PREFIX}


@pytest.mark.parametrize("name", SPACES.names())
@pytest.mark.parametrize("origin", [0, -1])
def test_one_pair_shares_what_it_shares_among_many(name: str, origin: int) -> None:
    space, rng = get_space(name), np.random.default_rng(0)
    few = space.sample(rng, 4)
    genomes = np.vstack([few, few, space.sample(rng, 2, [space.choices[0]])])
    exits = rng.integers(0, len(space.exits) + 1, len(genomes)).astype(np.uint8)
    exits[[0, 8, 9]] = 0
    couplings = Couplings(space, 10, genomes, exits, np.full(len(genomes), origin))
    latency = np.linspace(10.0, 20.0, len(genomes))
    costs = network_costs(
        space, genomes, 10, latency, latency * 5, 0.0, {}, exits=exits, trunk_ms=latency / 2
    )
    for little in range(len(genomes)):
        for big in range(len(genomes)):
            one = couplings.one(little, big, costs)
            many = couplings.shared(little, big, costs)
            assert (one is None) == (many is None)
            if one is not None and many is not None:
                assert {k: np.asarray(v).tolist() for k, v in vars(many).items()} == vars(one)


def test_a_coupling_that_is_none_names_the_three() -> None:
    assert checked_couplings("prefix") == ("prefix",)
    assert checked_couplings(None) is None
    with pytest.raises(UnknownNameError, match="nested, prefix, sibling"):
        checked_couplings(["glued"])
