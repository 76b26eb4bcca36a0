"""Costs of networks on many accelerators are those of the profile of each of them."""

from __future__ import annotations

import functools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from biglittle.bench.device import parse_profile
from biglittle.bench.spaces import get_space
from biglittle.edge_profiler.accelerators.grid import CostGrid
from biglittle.edge_profiler.accelerators.profile import accelerator_profile
from biglittle.edge_profiler.accelerators.space import load_space, parse_space

SPACE = get_space("fbnet")


@functools.cache
def grid(bits: int) -> CostGrid:
    if bits == 8:
        return CostGrid(load_space("edge"), SPACE, 10)
    narrow = {
        "name": "narrow",
        "rows": [8, 12],
        "columns": 8,
        "weight_buffer_kib": [1, 4, 16],
        "activation_buffer_kib": [8, 32],
        "bandwidth_bits": [32, 128],
        "dataflow": ["output-stationary", "row-stationary"],
        "weight_bits": bits,
        "activation_bits": bits,
    }
    return CostGrid(parse_space(narrow, "narrow"), SPACE, 10)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from([4, 8, 16]), st.integers(0, 10**6), st.integers(0, 2**32 - 1))
def test_a_gathered_sum_is_what_the_profile_says(bits: int, place: int, seed: int) -> None:
    table = grid(bits)
    place %= len(table.accelerators)
    if not table.usable(np.array([place]))[0]:
        return
    document = accelerator_profile(table.accelerators.accelerator(place), SPACE, 10)
    profile = parse_profile(document, "profile")
    rng = np.random.default_rng(seed)
    genomes = SPACE.sample(rng, 20)
    exits = rng.integers(0, len(SPACE.exits) + 1, 20).astype(np.uint8)
    costs = table.costs(np.full(20, place), genomes, exits)
    close = {"rtol": 1e-3, "atol": 1e-3}  # the file has rounded blocks
    latency = profile.latency_ms(SPACE, genomes, exits)
    np.testing.assert_allclose(costs.latency_ms, latency, **close)
    energy = profile.network_energy_mj(SPACE, genomes, exits)
    np.testing.assert_allclose(costs.energy_mj, energy, rtol=1e-4)
    cut = exits > 0
    trunk = profile.trunk_ms(SPACE, genomes, exits)
    np.testing.assert_allclose(costs.trunk_ms[cut], trunk[cut], **close)
    whole = table.costs(np.full(20, place), genomes)
    np.testing.assert_allclose(whole.latency_ms, profile.latency_ms(SPACE, genomes), **close)
