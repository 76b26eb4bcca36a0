"""NAS-Bench-201 cells: published names, MACs and parameters, and what a built network computes."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ArchitectureError
from biglittle.bench.graph import simplified

SPACE = get_space("nb201")
NAMED = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|"
    "+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
)


# Smallest and largest MACs and parameters of the space with 10 classes, and one cell between, as
# Dong and Yang publish them ("FLOPs" 7.78 M to 220.12 M, 0.073 M to 1.532 M parameters).
@pytest.mark.parametrize(
    ("architecture", "macs", "params"),
    [
        ("000000", 7_783_040, 73_306),
        ("111111", 7_783_040, 73_306),
        (NAMED, 113_951_360, 802_426),
        ("333333", 220_119_680, 1_531_546),
    ],
)
def test_published_macs_and_parameters(architecture: str, macs: int, params: int) -> None:
    genome = SPACE.parse(architecture)
    assert SPACE.macs(genome, 10).tolist() == [macs]
    assert SPACE.params(genome, 10).tolist() == [params]


def test_a_published_name_and_its_id_are_one_architecture() -> None:
    assert SPACE.format(SPACE.parse(NAMED)) == ["334131"]
    assert SPACE.names(SPACE.parse("334131")) == [NAMED]


@pytest.mark.parametrize(
    "name",
    [
        NAMED.replace("skip_connect~2", "skip_connect~1"),
        NAMED.replace("avg_pool_3x3", "max_pool_3x3"),
        NAMED[:-1],
        NAMED.replace("+", ""),
        "22222222222222222222222",
    ],
)
def test_a_wrong_name_is_refused(name: str) -> None:
    with pytest.raises(ArchitectureError, match="expects 6 digits from 0 to 4"):
        SPACE.parse(name)


def test_a_cell_without_a_way_from_input_to_output_simplifies_to_nothing() -> None:
    for architecture in ("000000", "333000", "300010", "003000"):
        reached = simplified(SPACE.graph(architecture, 10))
        assert bool(reached) is (architecture == "300010"), architecture


def test_dead_edges_are_left_out() -> None:
    # Nodes 1 and 2 are computed and reach nothing: only the edge from 0 to 3 counts.
    reduced = simplified(SPACE.graph("333300", 10))
    assert sum(node.operator.macs for node in reduced) == SPACE.macs(SPACE.parse("000300"), 10)[0]
    assert not [node for node in reduced if node.operator.kind == "zero"]


def test_peak_activation_counts_tensors_alive_in_the_first_stage() -> None:
    tensor = 16 * 32 * 32
    chain, dense = SPACE.peak_activation(SPACE.parse(["300103", "333333"])) / tensor
    assert chain < dense == 5


def test_a_built_network_has_the_published_parameters() -> None:
    torch = pytest.importorskip("torch")
    from biglittle.bench.networks import build_network

    network = build_network(NAMED, 10, "nb201", seed=0).eval()
    assert sum(p.numel() for p in network.parameters()) == 802_426
    assert network.architecture == "334131"
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 10)


def test_a_node_is_the_sum_of_its_edges() -> None:
    torch = pytest.importorskip("torch")
    from biglittle.bench.networks import build_network

    # All edges skip: x, then 2x, then x + x + 2x = 4x, in each of five cells.
    network, seen = build_network("111111", 10, "nb201", seed=0).eval(), []
    body = network.blocks[0]
    first_relu = next(m for m in body.nodes if isinstance(m, torch.nn.ReLU))
    first_relu.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x = torch.rand(1, 16, 32, 32)
    body(x)
    assert torch.equal(seen[0], 4.0**5 * x)


def test_a_dense_cell_equals_its_definition() -> None:
    torch = pytest.importorskip("torch")
    from biglittle.bench.networks import build_network

    body = build_network("324134", 10, "nb201", seed=0).eval().blocks[0]
    layers = iter(m for m in body.nodes if type(m).__name__ != "Add")

    def conv(y):  # the next ReLU, convolution and batch norm
        return [y := next(layers)(y) for _ in range(3)][-1]

    seen = []
    reduction = [m for m in body.nodes if isinstance(m, torch.nn.ReLU)][3 * 5]
    reduction.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x = torch.randn(1, 16, 32, 32)
    with torch.no_grad():
        body(x)
        for _ in range(5):
            node1 = conv(x)
            node2 = conv(x) + next(layers)(node1)
            x = x + conv(node1) + next(layers)(node2)
    assert torch.allclose(seen[0], x, atol=1e-5)


def test_every_choice_samples_and_all_cells_are_counted() -> None:
    rows = SPACE.sample(np.random.default_rng(0), 300)
    assert set(np.unique(rows)) == set(range(5))
    assert len(SPACE.choices) ** SPACE.n_layers == 15_625
