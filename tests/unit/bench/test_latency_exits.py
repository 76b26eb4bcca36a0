"""Networks that are cut at exits: what a device says of them, whatever it knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from biglittle.bench import DeviceProfile, get_space, load_device
from biglittle.bench.device import shipped_devices
from biglittle.bench.errors import ArchitectureError, DeviceError
from biglittle.bench.latency import BlockSum, Predicted
from biglittle.bench.latency_exits import ExitTerms, parts_of, with_dense
from biglittle.bench.latency_listed import Figures, Listed
from biglittle.bench.latency_terms import Blocks
from biglittle.bench.operator_features import (
    NAMES,
    end_features,
    network_features,
    operator_features,
    trunk_features,
)
from biglittle.bench.spaces import SPACES, SearchSpace
from biglittle.edge_profiler.anchors import anchor_networks

FBNET = get_space("fbnet")
WITH_EXITS = [name for name in SPACES.names() if get_space(name).exits]
TRUTH = np.zeros(len(NAMES))
for _name, _value in (
    *(("networks", 1.0), ("pointwise.macs", 0.1), ("depthwise.roof2", 0.2)),
    *(("dense.macs", 0.05), ("dense.count", 0.02)),
):
    TRUTH[NAMES.index(_name)] = _value


def drawn(space: SearchSpace, n: int) -> tuple[Any, Any]:
    """Some networks of a space, each cut at one of its exits or whole."""
    rng = np.random.default_rng(0)
    return space.sample(rng, n), np.arange(n).astype(np.uint8) % (len(space.exits) + 1)


def truth_ms(space: SearchSpace, genomes: Any, exits: Any) -> Any:
    """Latencies on a device on which a sum over operators is all there is."""
    return network_features(space, genomes, 10, exits) @ TRUTH


def board(space: SearchSpace, names: list[str], **more: Any) -> DeviceProfile:
    """A board on which these networks were measured."""
    parts = [name.partition("@") for name in names]
    genomes = space.parse([a for a, _, _ in parts])
    ms = truth_ms(space, genomes, space.exit_numbers([cut for _, _, cut in parts]))
    figures = dict(zip(names, ms.tolist(), strict=True))
    return DeviceProfile(
        "board", "", space.name, space.hash, 10, "none", "none", measured_ms=figures, **more
    )


@pytest.mark.parametrize("name", WITH_EXITS)
def test_features_of_a_cut_network_are_those_of_its_trunk_and_head(name: str) -> None:
    space = get_space(name)
    genomes, exits = drawn(space, 3 * len(space.exits) + 3)
    names = space.exit_names(exits)
    graphs = [space.graph(g, 10, cut) for g, cut in zip(genomes, names, strict=True)]
    whole = operator_features(graphs)
    assert network_features(space, genomes, 10, exits) == pytest.approx(whole)
    parts = trunk_features(space, genomes, exits) + end_features(space, 10)[exits]
    assert parts == pytest.approx(whole)


def test_a_constant_is_split_among_start_head_and_layers_that_are_given_as_nothing() -> None:
    """A table relative to the skip, as the Pi's; the truth is a sum over operators."""
    skip, k, n = FBNET.choices.index("skip"), len(FBNET.choices), FBNET.n_layers
    one = np.full((n * k, n), skip, np.uint8)
    one[np.arange(n * k), np.repeat(np.arange(n), k)] = np.tile(np.arange(k), n)
    whole = truth_ms(FBNET, one, None).reshape(FBNET.n_layers, k)
    constant = float(whole[0, skip])
    blocks = np.where(np.arange(k) == skip, 0.0, whole - constant)
    parts = parts_of(FBNET, 10, Blocks(constant, blocks), TRUTH)
    together = parts.start_ms + parts.offsets_ms.sum() + parts.heads_ms[0]
    assert together == pytest.approx(constant)
    changing = [not layer.identity for layer in FBNET.layers]
    assert (parts.offsets_ms > 0).tolist() == changing
    model = BlockSum(FBNET, 10, Blocks(constant, blocks), None, "modelled")
    terms = model._exits
    object.__setattr__(terms, "parts", parts)
    genomes, exits = drawn(FBNET, 42)
    assert terms.latency_ms(genomes, exits) == pytest.approx(truth_ms(FBNET, genomes, exits))
    assert (terms.trunk_ms(genomes, exits) < model.latency_ms(genomes)).all()


def test_dense_convolutions_that_nothing_tells_of_cost_what_pointwise_ones_do() -> None:
    none = np.where([n.startswith("dense.") for n in NAMES], 0.0, TRUTH)
    assert with_dense(none)[NAMES.index("dense.macs")] == none[NAMES.index("pointwise.macs")]
    assert with_dense(TRUTH) is TRUTH


@pytest.mark.parametrize("name", shipped_devices())
def test_every_shipped_profile_says_what_exits_take(name: str) -> None:
    pytest.importorskip("scipy")
    model = load_device(name).latency
    genomes, exits = drawn(FBNET, 63)
    latency, energy = model.latency_and_energy(genomes, exits)
    trunk, whole = model.trunk_ms(genomes, exits), model.latency_ms(genomes)
    cut = exits > 0
    assert latency[~cut] == pytest.approx(whole[~cut])
    assert (trunk[cut] > 0).all()
    assert (trunk[cut] < latency[cut]).all()
    assert (trunk[cut] < whole[cut]).all()
    assert (np.isnan(energy) == np.isnan(model.energy_mj(genomes))).all()
    low, high = model.interval_ms(genomes, exits)
    assert (low[cut] < latency[cut]).all()
    assert (latency[cut] < high[cut]).all()
    words = model.provenance(genomes, exits)
    assert words["latency_ms"] == "predicted"
    same = np.repeat(genomes[:1], len(FBNET.exits), axis=0)
    later = model.trunk_ms(same, np.arange(1, len(FBNET.exits) + 1).astype(np.uint8))
    assert (np.diff(later) >= 0).all()


@pytest.mark.parametrize("name", WITH_EXITS)
def test_a_list_with_exits_stands_and_predicts_other_exits(name: str) -> None:
    pytest.importorskip("scipy")
    space = get_space(name)
    ids = anchor_networks(space, 12)
    cut = [f"{a}@{space.exits[i % len(space.exits)].name}" for i, a in enumerate(ids)]
    profile = board(space, [*ids, *cut])
    model = profile.latency
    assert isinstance(model, Predicted)
    genomes, exits = space.parse(ids), space.exit_numbers([n.partition("@")[2] for n in cut])
    assert model.latency_ms(genomes, exits).tolist() == [profile.measured_ms[n] for n in cut]
    assert model.latency_ms(genomes).tolist() == [profile.measured_ms[a] for a in ids]
    assert model.provenance(genomes, exits)["latency_ms"] == "measured"
    assert np.isnan(model.interval_ms(genomes, exits)).all()
    genomes, exits = drawn(space, 21)
    expected = truth_ms(space, genomes, exits)
    assert model.latency_ms(genomes, exits) == pytest.approx(expected, rel=0.5)
    low, high = model.interval_ms(genomes, exits)
    factors = model.operators().model
    there = np.isfinite(low) & (exits > 0)
    predicted = model.latency_ms(genomes, exits)[there]
    assert low[there] == pytest.approx(predicted * factors.low)
    assert high[there] == pytest.approx(predicted * factors.high)
    trunk = model.trunk_ms(genomes, exits)
    assert (trunk[exits > 0] < model.latency_ms(genomes, exits)[exits > 0]).all()


def test_few_networks_say_nothing_of_exits_that_they_do_not_list() -> None:
    profile = board(FBNET, ["8" * 22, f"{'8' * 22}@12"])
    assert isinstance(profile.latency, Listed)
    genomes = FBNET.parse(["8" * 22] * 3)
    exits = FBNET.exit_numbers(["", "12", "12s"])
    latency = profile.latency_ms(FBNET, genomes, exits)
    assert np.isfinite(latency).tolist() == [True, True, False]
    assert np.isnan(profile.trunk_ms(FBNET, genomes, exits)).all()
    with pytest.raises(DeviceError, match="anchors:10"):
        profile.latency.operators()


def test_a_list_that_names_an_exit_that_is_none_says_so() -> None:
    figures = Figures({f"{'8' * 22}@13": 1.0}, {}, {}, {}, "measured", "modelled", None, None)
    with pytest.raises(ArchitectureError, match="no exit '13'"):
        Listed(FBNET, 10, figures).latency_ms(FBNET.parse("8" * 22))


def test_the_interval_of_an_exit_covers_how_a_constant_may_be_split() -> None:
    """A table of a device that is a sum over operators, whose constant holds more than they say."""
    pytest.importorskip("scipy")
    skip, k, n = FBNET.choices.index("skip"), len(FBNET.choices), FBNET.n_layers
    one = np.full((n * k, n), skip, np.uint8)
    one[np.arange(n * k), np.repeat(np.arange(n), k)] = np.tile(np.arange(k), n)
    whole = truth_ms(FBNET, one, None).reshape(n, k)
    blocks_ms = np.where(np.arange(k) == skip, 0.0, whole - whole[0, skip])
    genomes, exits = drawn(FBNET, 2 * len(FBNET.exits) + 2)
    cut, widths = exits > 0, []
    for more in (0.0, 3.0):
        blocks = Blocks(float(whole[0, skip]) + more, blocks_ms)
        model = BlockSum(FBNET, 10, blocks, None, "modelled")
        low, high = model.interval_ms(genomes, exits)
        assert np.isnan(low[~cut]).all()
        latency = model.latency_ms(genomes, exits)
        assert (low[cut] <= latency[cut]).all()
        assert (latency[cut] <= high[cut]).all()
        # Nothing of the rest is the start's, or all of it.
        parts = model._exits.parts
        ran = np.arange(n) <= FBNET.exit_after[exits][:, None]
        measured = (blocks_ms[np.arange(n), genomes] * ran).sum(axis=1)
        start, layers, head = parts.unscaled_ms
        scale = layers / parts.offsets_ms.sum() if parts.offsets_ms.any() else 1.0
        least = measured + start + scale * (ran @ parts.offsets_ms) + parts.heads_ms[exits]
        rest = max(blocks.constant_ms - float(start + layers + head), 0.0)
        assert (low[cut] <= least[cut] + 1e-9).all()
        assert (least[cut] + rest <= high[cut] + 1e-9).all()
        widths.append(float((high - low)[cut].mean()))
    assert widths[1] > 2 * widths[0]
    flat = Blocks(5.0, np.zeros((n, k)))
    low, high = ExitTerms(FBNET, 10, flat, model.operators).interval_ms(genomes, exits)
    assert np.isnan(low).all()  # blocks that take nothing calibrate nothing
    assert np.isnan(high).all()
