"""The flagship space: its layers, its hash, and a published count."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.spaces import SearchSpace, get_space

PUBLISHED = "2863848418780625260277"  # 2,447,972 parameters with 100 classes


@pytest.fixture
def space() -> SearchSpace:
    return get_space("fbnet")


def test_the_flagship_has_nine_choices_in_twenty_two_layers(space: SearchSpace) -> None:
    assert space.choices == (
        "k3_e1",
        "k3_e1_g2",
        "k3_e3",
        "k3_e6",
        "k5_e1",
        "k5_e1_g2",
        "k5_e3",
        "k5_e6",
        "skip",
    )
    assert space.n_layers == 22
    outs = [layer.out_channels for layer in space.layers]
    assert outs == [16, *[24] * 4, *[32] * 4, *[64] * 4, *[112] * 4, *[184] * 4, 352]
    strided = [layer.index for layer in space.layers if layer.stride == 2]
    assert strided == [5, 9, 17]


def test_the_hash_that_tables_and_checkpoints_carry_is_pinned(space: SearchSpace) -> None:
    # A table or checkpoint of another hash is refused: whoever changes this needs new ones.
    assert space.hash == "94a4596d9993301a3ea2ee1424fdc1ac60a173181bf22378aa9f8ab71f546e1d"


def test_published_parameter_count(space: SearchSpace) -> None:
    assert space.params(space.parse(PUBLISHED), n_classes=100).tolist() == [2_447_972]


def test_classes_cost_one_classifier_column_each(space: SearchSpace) -> None:
    genome = space.parse(PUBLISHED)
    assert space.params(genome, 11) - space.params(genome, 10) == 1504 + 1
    assert space.macs(genome, 11) - space.macs(genome, 10) == 1504


def test_peak_activation_grows_with_the_expansion(space: SearchSpace) -> None:
    peaks = space.peak_activation(space.parse(["8" * 22, "0" * 22, "2" * 22, "3" * 22]))
    assert (np.diff(peaks) >= 0).all()
    assert peaks[-1] > peaks[0]
    # Stage 2 at 32x32: the depthwise convolution's input and output of 24 x 6 channels, and the
    # block's own input, which the identity needs at its end.
    assert peaks[-1] == (2 * 24 * 6 + 24) * 32 * 32
