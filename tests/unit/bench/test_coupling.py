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
    names = ["", *(cut.name for cut in space.exits)]
    assert space.exit_names(space.exit_numbers(names)) == names


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


def test_a_stage_goes_on_from_the_deepest_exit_of_its_trunk_and_shares_weights_once() -> None:
    couplings = _couplings()
    trunk_ms = np.where(couplings.exits > 0, couplings.exits, 0).astype(float)
    words = {"latency_ms": "predicted", "energy_mj": "modelled"}
    latency = np.full(len(NAMES), 50.0)
    costs = network_costs(
        FBNET, couplings.genomes, 10, latency, latency, 0.0, words,
        exits=couplings.exits, trunk_ms=trunk_ms,
    )  # fmt: skip
    assert costs.trunk is not None
    early, later, whole = (NAMES.index(n) for n in (f"{BIG}@4s", f"{BIG}@12", BIG))
    chain = couplings.stages((early, later, whole), costs)
    for both, row, since in zip(chain, (early, later), (0, 1), strict=True):
        assert both is not None
        assert (both.latency_ms, both.since) == (trunk_ms[row], since)
        assert both.params == costs.trunk.params[row]
    stranger = NAMES.index("0" * 22)
    assert couplings.stage_names((early, stranger, whole)) == ("sibling", "prefix")
    first, second = couplings.stages((early, stranger, whole), costs)
    assert first is None  # of another trunk
    assert second is not None
    assert (second.since, second.latency_ms) == (0, trunk_ms[early])
    assert couplings.stages((stranger, NAMES.index("8" * 22)), costs) == (None,)
    apart = couplings.stages((early, later), costs)[0]
    pair = couplings.one(early, later, costs)
    assert apart is not None
    assert pair is not None
    assert (apart.macs, apart.features_mib) == (pair.macs, pair.features_mib)


def test_of_two_stages_with_its_weights_a_stage_shares_those_of_the_one_with_more() -> None:
    couplings = _couplings()
    latency = np.ones(len(NAMES))
    words = {"latency_ms": "predicted", "energy_mj": "modelled"}
    costs = network_costs(
        FBNET, couplings.genomes, 10, latency, latency, 0.0, words, exits=couplings.exits
    )
    narrow, wide, trunk = (NAMES.index(n) for n in ("0" * 22, "3" * 22, f"{'0' * 22}@12"))
    both = couplings.stages((trunk, narrow, wide), costs)[1]
    nested = couplings.one(narrow, wide, costs)
    assert nested is not None
    assert both is not None
    assert (both.params, both.macs, both.since) == (nested.params, 0.0, None)


def test_a_coupling_that_is_none_names_the_three() -> None:
    assert checked_couplings("prefix") == ("prefix",)
    assert checked_couplings(None) is None
    with pytest.raises(UnknownNameError, match="nested, prefix, sibling"):
        checked_couplings(["glued"])
