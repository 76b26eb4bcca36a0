import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import SurrogateError
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
