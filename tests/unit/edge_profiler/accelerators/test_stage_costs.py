"""Stages with bits of their own on accelerators of 8 bits: what they cost, and what never rises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.bits import BITS
from biglittle.bench.errors import AcceleratorError, ArchitectureError, ConstraintError
from biglittle.bench.mixed_network import staged_operators
from biglittle.edge_profiler.accelerators.grid import CostGrid
from biglittle.edge_profiler.accelerators.space import AcceleratorSpace, load_space, parse_space
from biglittle.edge_profiler.accelerators.stage_costs import (
    EVERY,
    StageGrid,
    in_bits,
    layer_costs_by_bits,
)

SPACE = get_space("fbnet")
NETWORKS = ("8088880080000088808880", "6666666666666666666666", "3200002020236000800000@4")
TOP = len(BITS) - 1


def few(**other: object) -> AcceleratorSpace:
    """A space of sixteen accelerators, quickly priced."""
    document = {
        "name": "few",
        "rows": [8, 24],
        "columns": 16,
        "weight_buffer_kib": [2, 16],
        "activation_buffer_kib": [4, 32],
        "bandwidth_bits": 64,
        "dataflow": ["weight-stationary", "row-stationary"],
    }
    return parse_space(document | other, "few")


@pytest.fixture(scope="module")
def grid() -> StageGrid:
    return StageGrid(few(), SPACE, NETWORKS, 10)


def costs(grid: StageGrid, network: int, bits: np.ndarray) -> np.ndarray:
    """Latency and energy of one network on all accelerators, (n_accelerators, 2)."""
    n = len(grid.accelerators)
    each = np.broadcast_to(bits, (n, *bits.shape))
    return grid.costs(np.arange(n), np.full(n, network), each)


def test_with_8_bits_everywhere_networks_cost_what_they_cost_without_bits(grid: StageGrid) -> None:
    plain = CostGrid(grid.accelerators, SPACE, 10)
    places = np.arange(len(grid.accelerators))
    for i, name in enumerate(NETWORKS):
        architecture, cut = SPACE.split_name(name)
        genomes = np.repeat(SPACE.parse(architecture), len(places), axis=0)
        number = [c.name for c in SPACE.exits].index(cut) + 1 if cut else 0
        exits = np.full(len(places), number, np.uint8)
        expected = plain.costs(places, genomes, exits)
        got = costs(grid, i, np.full((8, 2), 8))
        np.testing.assert_allclose(got[:, 0], expected.latency_ms, rtol=1e-12)
        np.testing.assert_allclose(got[:, 1], expected.energy_mj, rtol=1e-12)


@pytest.mark.parametrize("name", ["few", "edge"])
def test_no_layer_is_more_expensive_than_with_8_bits(name: str) -> None:
    if name == "few":
        space = few()
        places = np.arange(len(space))
    else:  # arrays of every dataflow, all their buffers
        space = load_space("edge")
        alike = int(np.prod(space.sizes[3:]))
        places = np.concatenate([np.arange(alike) + alike * array for array in (0, 47)])
    operators = [op for n in NETWORKS[:1] for g in staged_operators(SPACE, n, 10)[0] for op in g]
    groups = np.split(places, np.flatnonzero(np.diff(places // int(np.prod(space.sizes[3:])))) + 1)
    for group in groups:
        table = layer_costs_by_bits([space.accelerator(int(p)) for p in group], operators)
        most = table[TOP, TOP]
        fits = np.isfinite(most.cycles)
        assert fits.mean() > 0.5
        fewer = table[0, 0]
        assert np.median((fewer.cycles / most.cycles)[fits]) < 0.7
        assert np.median((fewer.energy_pj / most.energy_pj)[fits]) < 0.7
        for at in EVERY:
            own = table[at]
            assert (own.cycles[fits] <= most.cycles[fits]).all()
            assert (own.energy_pj[fits] <= most.energy_pj[fits]).all()
            for more in ((at[0] + 1, at[1]), (at[0], at[1] + 1)):
                if more in table:
                    product = own.cycles * own.energy_pj
                    before = table[more].cycles * table[more].energy_pj
                    assert (product <= before)[np.isfinite(before)].all()


def test_a_stage_of_fewer_bits_never_costs_more_and_most_cost_less(grid: StageGrid) -> None:
    rng = np.random.default_rng(0)
    for i in range(len(NETWORKS)):
        most = costs(grid, i, np.full((8, 2), 8))
        for _ in range(10):
            assert (costs(grid, i, rng.choice(BITS, (8, 2))) <= most * (1 + 1e-12)).all()
        assert (costs(grid, i, np.full((8, 2), 4)) < 0.8 * most).all()


def test_splitting_a_multiplier_keeps_the_silicon() -> None:
    whole = few().accelerator(0)
    both = in_bits(whole, 4, 4)
    assert both.sides == (16, 32)
    assert both.area_mm2 == whole.area_mm2
    for operand, chain in both.levels.items():
        for level, before in zip(chain, whole.levels[operand], strict=True):
            n = 1 if level.serves else 4  # registers stand in every part
            assert level.bits * n == before.bits
            assert (level.width, level.read_pj) == (before.width, before.read_pj)
    assert whole.mac_pj / 2 <= both.mac_pj < whole.mac_pj  # the adder is as wide as before
    assert in_bits(whole, 8, 4).sides == (16, 16)
    assert in_bits(whole, 4, 8).sides == (8, 32)
    six = in_bits(whole, 6, 6)
    assert replace(six, weight_bits=8, activation_bits=8) == whole


def test_what_cannot_be_priced_is_refused() -> None:
    with pytest.raises(ConstraintError, match=r"16-bit weights and 8-bit activations.*split"):
        StageGrid(few(weight_bits=16), SPACE, NETWORKS, 10)
    with pytest.raises(ArchitectureError, match="3 characters"):
        StageGrid(few(), SPACE, ("123",), 10)
    tiny = few(activation_buffer_kib=0.001)
    with pytest.raises(AcceleratorError, match=r"no network of 8088.*larger buffers"):
        StageGrid(tiny, SPACE, NETWORKS[:1], 10).checked_places(np.arange(len(tiny)))
