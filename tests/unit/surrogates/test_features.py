import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import SurrogateError
from biglittle.bench.graph import simplified
from biglittle.surrogates.cells import (
    cell_feature_names,
    cell_features,
    depends_on_input,
    pruned,
)
from biglittle.surrogates.features import (
    architecture_features,
    feature_names,
    layer_feature_names,
    layer_features,
    pair_feature_names,
    pair_features,
    stages,
)

SPACE = get_space("fbnet")
CHOICES = ("k3_e1", "k3_e6", "skip")


def test_features_are_named_and_add_up():
    genomes = SPACE.sample(np.random.default_rng(0), 20, CHOICES)
    got = architecture_features(SPACE, genomes, 10, CHOICES)
    named = dict(zip(feature_names(SPACE, CHOICES), got.T, strict=True))
    assert got.dtype == np.float32
    np.testing.assert_allclose(named["log_macs"], np.log(SPACE.macs(genomes, 10)), rtol=1e-6)
    np.testing.assert_array_equal(named["depth"], (genomes != 8).sum(axis=1))
    np.testing.assert_array_equal(named["layer3=skip"], genomes[:, 3] == 8)
    depth = sum(v for k, v in named.items() if k.startswith("stage") and k.endswith("_depth"))
    np.testing.assert_array_equal(depth, named["depth"])
    share = sum(v for k, v in named.items() if k.endswith("_macs_share"))
    assert ((share > 0) & (share < 1)).all()


def test_layers_say_what_their_choices_compute():
    genomes = SPACE.parse(["8" * 22, "3" * 22, "7" * 22])
    got = layer_features(SPACE, genomes)
    names = layer_feature_names(SPACE)
    assert got.shape == (3, len(names)) == (3, 3 * 22)
    assert got.dtype == np.float32
    named = dict(zip(names, got.T, strict=True))
    assert named["layer2_kernel"].tolist() == [0, 3, 5]
    assert named["layer2_expansion"].tolist() == [0, 6, 6]
    assert named["layer1_kernel"][0] == 1  # a skip that changes the channels is a convolution
    assert (np.diff(named["layer2_log_macs"]) > 0).all()


def test_stages_follow_the_channels():
    assert np.bincount(stages(SPACE)).tolist() == [1, 4, 4, 4, 4, 4, 1]


def test_pair_features_compare_the_two():
    genomes = SPACE.parse(["8" * 22, "0" * 11 + "8" * 11])
    single = architecture_features(SPACE, genomes, 10, CHOICES)
    got = pair_features(
        SPACE, CHOICES, single, genomes, np.array([0.5, 0.75]), np.array([0, 1]), np.array([1, 1])
    )
    named = dict(zip(pair_feature_names(SPACE, CHOICES), got.T, strict=True))
    assert named["same_choices"].tolist() == [0.5, 1.0]
    assert named["accuracy_difference"].tolist() == [0.25, 0.0]
    assert named["log_macs_ratio"][0] > 0 == named["log_macs_ratio"][1]


def test_a_choice_that_was_not_trained_is_named():
    with pytest.raises(SurrogateError, match="'k5_e6' at layer 2 is outside"):
        architecture_features(SPACE, SPACE.parse("007" + "0" * 19), 10, CHOICES)


def test_genomes_of_another_space_are_refused():
    with pytest.raises(SurrogateError, match="expects"):
        architecture_features(SPACE, np.zeros((3, 6), np.uint8), 10, CHOICES)


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
