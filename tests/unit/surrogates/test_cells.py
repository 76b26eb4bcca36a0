"""Features of cells: alike for cells that compute the same."""

import numpy as np

from biglittle.bench import get_space
from biglittle.bench.graph import simplified
from biglittle.surrogates.cells import (
    cell_feature_names,
    cell_features,
    depends_on_input,
    pruned,
)


def test_cells_that_compute_the_same_look_the_same():
    space = get_space("nb201")
    # edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3; 0 none, 1 skip, 2 conv1x1, 3 conv3x3, 4 pool
    through_node_1, through_node_2 = space.parse(["310010", "030001"])[:, None]
    dead_end = space.parse("312010")  # node 2 leads nowhere
    a, b = (cell_features(space, g, 10)[0, 35:] for g in (through_node_1, through_node_2))
    np.testing.assert_allclose(a, b)
    np.testing.assert_array_equal(pruned(space, dead_end), space.parse("300010"))
    named = dict(
        zip(cell_feature_names(space), cell_features(space, through_node_1, 10)[0], strict=True)
    )
    assert named["paths:nor_conv_3x3"] == named["paths"] == named["longest_path"] == 1
    assert named["live_nor_conv_3x3"] == 1


def test_a_cell_depends_on_its_input_where_its_graph_does():
    space = get_space("nb201")
    genomes = space.sample(np.random.default_rng(0), 60)
    by_graph = [bool(simplified(space.graph(g, 10))) for g in genomes]
    assert depends_on_input(space, genomes).tolist() == by_graph
    assert len(cell_feature_names(space)) == cell_features(space, genomes, 10).shape[1]
