"""The predicted profiles: their block table is the operator-level model, term by term."""

from __future__ import annotations

import numpy as np

from biglittle.bench import get_space
from biglittle.bench.operator_features import NAMES, operator_features
from biglittle.data_tables.devices.make_predicted import N_CLASSES, block_table


def test_a_block_table_adds_up_to_the_sum_over_operators() -> None:
    space, rng = get_space("fbnet"), np.random.default_rng(0)
    coefficients = rng.uniform(0.0, 1e-2, len(NAMES))
    table = block_table(coefficients)
    genomes = space.sample(rng, 8)
    by_blocks = np.array(table["blocks"])[np.arange(space.n_layers), genomes].sum(axis=1)
    graphs = [space.graph(a, N_CLASSES) for a in space.format(genomes)]
    by_operators = operator_features(graphs) @ coefficients
    assert np.allclose(by_blocks + table["constant"], by_operators, atol=2e-5, rtol=0)
