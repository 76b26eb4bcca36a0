"""A network layer by layer adds up to the whole network, in every space and on every device."""

from __future__ import annotations

import json

import numpy as np
import pytest

from biglittle.bench import get_space, load_device
from biglittle.bench.anatomy import anatomy, differing, record
from biglittle.bench.errors import BigLittleError

FBNET = get_space("fbnet")


@pytest.mark.parametrize("seed", range(5))
def test_layers_add_up_to_the_network(seed: int) -> None:
    genome = FBNET.sample(np.random.default_rng(seed), 1)
    profile = load_device("raspberry-pi-4")
    (architecture,) = FBNET.format(genome)
    network = anatomy(FBNET, architecture, 10, profile)
    assert len(network.layers) == FBNET.n_layers + 2
    assert sum(layer.macs for layer in network.layers) == network.macs
    assert sum(layer.params for layer in network.layers) == network.params
    assert "".join(layer.digit for layer in network.layers) == architecture
    assert network.fixed_ms is not None
    terms = sum(layer.latency_ms or 0.0 for layer in network.layers) + network.fixed_ms
    assert terms == pytest.approx(network.latency_ms)
    assert network.layers[-2].shape == (352, 4, 4)


def test_a_sum_never_calls_itself_measured() -> None:
    network = anatomy(FBNET, "8" * 22, 10, load_device("raspberry-pi-4"))
    assert (network.provenance, network.layer_provenance) == ("block-sum", "block-sum")


def test_what_hands_on_costs_nothing_and_what_expands_says_so() -> None:
    network = anatomy(FBNET, "8" * 21 + "3", 10)
    first, last = network.layers[1], network.layers[-2]
    assert (first.identity, first.macs, first.latency_ms) == (True, 0, None)
    assert (last.choice, last.kernel, last.expansion, last.groups) == ("k3_e6", 3, 6.0, 1)
    assert not network.layers[2].identity  # a skip that changes the shape is a convolution
    assert network.layers[2].kernel == 1
    assert anatomy(FBNET, "1" * 22, 10).layers[1].groups == 2


def test_stages_are_of_one_shape() -> None:
    layers = anatomy(FBNET, "0" * 22, 10).layers[1:-1]
    shapes = {layer.stage: {x.shape for x in layers if x.stage == layer.stage} for layer in layers}
    assert list(shapes) == [1, 2, 3, 4, 5, 6, 7]
    assert all(len(s) == 1 for s in shapes.values())


def test_the_difference_is_layer_by_layer() -> None:
    a, b = (anatomy(FBNET, x, 10) for x in ("8" * 22, "8" * 21 + "0"))
    assert differing(a, b) == (*[False] * 22, True, False)
    cells = get_space("nb201")
    other = anatomy(cells, cells.format(cells.sample(np.random.default_rng(0), 1))[0], 10)
    with pytest.raises(BigLittleError, match="no layers in common"):
        differing(a, other)


def test_a_space_of_cells_has_layers_as_well() -> None:
    cells = get_space("nb201")
    genome = cells.sample(np.random.default_rng(1), 1)
    network = anatomy(cells, cells.format(genome)[0], 10)
    assert len(network.layers) == cells.n_layers + 2
    assert network.macs == int(cells.macs(genome, 10)[0])


def test_it_is_plain_json_and_a_wrong_id_is_told() -> None:
    record = anatomy(FBNET, "8" * 22, 10, load_device("raspberry-pi-4")).record()
    assert json.loads(json.dumps(record))["layers"][1]["choice"] == "skip"
    with pytest.raises(BigLittleError):
        anatomy(FBNET, "88", 10)


def test_two_networks_are_recorded_with_the_layers_that_differ() -> None:
    little, big = (anatomy(FBNET, a, 10) for a in ("8" * 22, "8" * 21 + "0"))
    assert record([little]) == little.record()
    both = record([little, big])
    assert (both["little"], both["big"]) == (little.record(), big.record())
    assert list(both["differs"]) == list(differing(little, big))
    assert any(both["differs"])


@pytest.mark.parametrize("cut", ["2s", "12", "20"])
def test_a_network_that_is_cut_has_its_layers_up_to_the_exit(cut: str) -> None:
    id_ = FBNET.format(FBNET.sample(np.random.default_rng(7), 1))[0]
    network = anatomy(FBNET, f"{id_}@{cut}", 10, load_device("raspberry-pi-4"))
    after = FBNET.get_exit(cut).after
    assert network.architecture == f"{id_}@{cut}"
    assert sum(layer.macs for layer in network.layers) == network.macs
    assert sum(layer.params for layer in network.layers) == network.params
    choices = [layer.choice for layer in network.layers]
    assert choices[after + 2 : -1] == ["not run"] * (21 - after)
    assert "not run" not in choices[: after + 2]
    assert choices[-1] == f"exit {cut}"
    assert network.parts_ms == pytest.approx(network.latency_ms)
    assert network.fixed_ms > 0
    whole = anatomy(FBNET, id_, 10)
    assert sum(differing(network, whole)) == 21 - after + 1  # the head is another one, too


@pytest.mark.parametrize("cut", ["4", "9s"])
def test_cells_before_an_exit_have_the_macs_of_the_network(cut: str) -> None:
    cells = get_space("nb201")
    network = anatomy(cells, f"123432@{cut}", 10)
    stages = 1 if cut == "4" else 2
    between = sum(op.macs for op in cells.between) // 2 * (stages - 1)
    assert sum(layer.macs for layer in network.layers) + between == network.macs
    with pytest.raises(BigLittleError, match="no exit '3'"):
        anatomy(cells, "123432@3", 10)
