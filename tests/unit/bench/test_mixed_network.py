"""Networks with bits per stage: stages, names and costs."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.cost import weights_memory
from biglittle.bench.errors import ArchitectureError
from biglittle.bench.mixed_network import MixedNetwork, bit_costs, stages_of
from biglittle.bench.precision import mib_per_value
from biglittle.bench.spaces import get_space
from biglittle.bench.spaces.fbnet import STAGES

FBNET, BIG, MIXED = get_space("fbnet"), "3200002020236000800000", "2863848418780625260277"


def test_stages_are_those_that_the_space_was_made_of() -> None:
    stages = stages_of(FBNET)
    assert [len(stage) for stage in stages] == [depth for _, depth, _ in STAGES]
    assert [layer for stage in stages for layer in stage] == list(range(22))
    assert stages_of(FBNET, "6") == ((0,), (1, 2, 3, 4), (5, 6))


@pytest.mark.parametrize("space", ["nb201", "branched"])
def test_a_space_without_stages_is_refused(space: str) -> None:
    with pytest.raises(ArchitectureError, match=f"{space}.*no stages.*fbnet"):
        stages_of(get_space(space))


def test_names_are_read_back_and_written_in_one_way() -> None:
    name = f"{BIG}@12:w4a8.w8a8.w8a6.w6a6.w8a8"
    network = MixedNetwork.parse(name)
    assert (network.name, network.network, network.space) == (name, f"{BIG}@12", "fbnet")
    alike = MixedNetwork.parse(f"{BIG}@12:" + ".".join(["w4a6"] * 5))
    assert alike == MixedNetwork.parse(f"{BIG}@12:w4a6")
    assert alike.name == f"{BIG}@12:w4a6"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (BIG, "says no bits"),
        (f"{BIG}:int8", "is in int8"),
        (f"{BIG}:w8a8.w8a8", "2 entries; expected 8"),
        (f"{BIG}@12:" + ".".join(["w8a8"] * 4 + ["w4a8"] * 4), "8 entries; expected 5"),
        (f"{BIG}:w7a8", "7 bits; expected 4, 6 or 8"),
        (f"{BIG}9:w8a8", "23 characters"),
        (f"{BIG}@3:w8a8", "no exit '3'"),
    ],
)
def test_names_of_other_networks_are_refused(name: str, words: str) -> None:
    with pytest.raises(ArchitectureError, match=words):
        MixedNetwork.parse(name)


@pytest.mark.parametrize("cut", ["", "@12", "@6s"])
@pytest.mark.parametrize("architecture", [BIG, MIXED, "8" * 22])
def test_eight_bits_cost_what_int8_does(architecture: str, cut: str) -> None:
    network = MixedNetwork.parse(f"{architecture}{cut}:w8a8")
    costs, genomes = network.costs(10), FBNET.parse(architecture)
    exits = FBNET.exit_numbers([cut.removeprefix("@")])
    assert costs.bitops(network.bits) == 64 * FBNET.macs(genomes, 10, exits)[0]
    params = FBNET.params(genomes, 10, exits)[0]
    memory = weights_memory(params, mib_per_value("int8"))
    assert costs.weights_mib(network.bits) == pytest.approx(float(memory))


def test_costs_are_sums_over_the_operators() -> None:
    network = MixedNetwork.parse(f"{MIXED}:w4a8.w8a4.w6a6.w4a4.w8a8.w8a6.w6a8.w4a6")
    costs = network.costs(100)
    bitops, bits = 0, 0.0
    by_layer = {layer: k for k, stage in enumerate(stages_of(FBNET)) for layer in stage}
    row = FBNET.parse(MIXED)[0]
    groups = [(FBNET.stem, (8, 8)), ((FBNET.classifier(100),), (8, 8))]
    groups += [(FBNET.head, network.bits[-1])]
    for layer in FBNET.layers:
        own = FBNET.build_layer(layer, int(row[layer.index]))
        groups.append((own, network.bits[by_layer[layer.index]]))
    for operators, (weights, activations) in groups:
        bitops += sum(op.macs for op in operators) * weights * activations
        bits += sum(op.params for op in operators) * weights
    assert costs.bitops(network.bits) == bitops
    assert costs.weights_mib(network.bits) == pytest.approx(bits / 8 / 2**20)


def test_costs_are_of_many_assignments_at_once() -> None:
    costs = bit_costs("fbnet", "8" * 22, 10)
    assert costs.idle.tolist() == [True] + [False] * 7  # a skip where shapes match
    bits = np.full((3, 8, 2), 8)
    bits[1, 0], bits[2, 1] = 4, 4
    assert costs.bitops(bits).shape == costs.weights_mib(bits).shape == (3,)
    assert costs.bitops(bits)[0] == costs.bitops(bits)[1] > costs.bitops(bits)[2]
