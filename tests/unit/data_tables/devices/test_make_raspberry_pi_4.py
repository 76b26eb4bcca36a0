"""The fit that recovers a block table, on sums of blocks that are known."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.data_tables.devices.make_raspberry_pi_4 import fit_blocks


def test_fit_finds_blocks_it_was_given() -> None:
    space, rng = get_space("fbnet"), np.random.default_rng(0)
    blocks = rng.uniform(0.1, 5.0, (space.n_layers, len(space.choices)))
    genomes = space.sample(rng, 600)
    sums = blocks[np.arange(space.n_layers), genomes].sum(axis=1) + 3.0
    table, constant = fit_blocks(space, space.format(genomes), sums)
    skip = blocks[:, [-1]]
    assert np.allclose(table, blocks - skip)
    assert constant == pytest.approx(3.0 + skip.sum())
