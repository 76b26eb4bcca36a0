"""The search space ``fbnet``: ids, moves, encoding, and what a network costs on paper."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.errors import ArchitectureError, UnknownNameError
from biglittle.bench.spaces import SPACES, SearchSpace, get_space

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


def test_every_space_is_found_under_its_own_name() -> None:
    assert "fbnet" in SPACES.names()
    for name in SPACES.names():
        assert get_space(name).name.replace("-", "_") == name


def test_unknown_space_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown search space 'fbnett'\. .*'fbnet'\?"):
        get_space("fbnett")


def test_one_id_and_a_list_of_ids_parse(space: SearchSpace) -> None:
    assert space.parse(PUBLISHED).shape == (1, 22)
    genomes = space.parse([PUBLISHED, "8" * 22])
    assert genomes.dtype == np.uint8
    assert space.format(genomes) == [PUBLISHED, "8" * 22]
    assert space.parse([]).shape == (0, 22)


@pytest.mark.parametrize(
    ("got", "message"),
    [
        ("123", "architecture '123' has 3 characters; space 'fbnet' expects 22 digits from 0 to 8"),
        ("", "architecture '' has 0 characters"),
        ("0" * 23, "has 23 characters"),
        ("9" * 22, r"contains '9'; space 'fbnet' expects only digits from 0 \(k3_e1\) to 8 \(skip"),
        ("0" * 21 + "x", "contains 'x'"),
        ("0" * 21 + "\N{SUPERSCRIPT TWO}", "contains '\N{SUPERSCRIPT TWO}'"),
        ("0" * 21 + " ", "contains ' '"),
    ],
)
def test_an_id_outside_the_space_says_got_and_expected(
    space: SearchSpace, got: str, message: str
) -> None:
    with pytest.raises(ArchitectureError, match=message):
        space.parse(["0" * 22, got])


def test_an_id_that_is_no_string_says_its_type(space: SearchSpace) -> None:
    with pytest.raises(ArchitectureError, match="has int; space 'fbnet' expects 22 digits"):
        space.parse([2863848418780625260277])  # type: ignore[list-item]


def test_choices_are_named(space: SearchSpace) -> None:
    assert space.allowed(None).tolist() == list(range(9))
    assert space.allowed(["skip", "k3_e1"]).tolist() == [0, 8]
    with pytest.raises(ArchitectureError, match=r"choices \['k7_e1'\] are not in space 'fbnet'"):
        space.allowed(["skip", "k7_e1"])
    with pytest.raises(ArchitectureError, match="expected some of k3_e1"):
        space.allowed([])


def test_sampling_is_reproducible_and_keeps_to_the_choices(space: SearchSpace) -> None:
    one = space.sample(np.random.default_rng(3), 50, ["k3_e3", "skip"])
    two = space.sample(np.random.default_rng(3), 50, ["k3_e3", "skip"])
    assert np.array_equal(one, two)
    assert set(np.unique(one)) == {2, 8}
    assert one.shape == (50, 22)


def test_mutation_with_one_choice_or_none_to_hit(space: SearchSpace) -> None:
    genome = space.parse("0" * 22)
    rng = np.random.default_rng(0)
    assert np.array_equal(space.mutate(rng, genome, choices=["k3_e1"]), genome)
    assert (space.mutate(rng, genome, probability=0.0) != genome).sum() == 1
    assert (space.mutate(rng, genome, probability=1.0) != genome).all()


def test_neighbours_number_layers_times_other_choices(space: SearchSpace) -> None:
    assert len(space.neighbours(space.parse(PUBLISHED)[0])) == 22 * 8
    of_skip = space.neighbours(space.parse("8" * 22)[0], ["k3_e1", "skip"])
    assert len(of_skip) == 22
    assert set(np.unique(of_skip)) == {0, 8}


def test_encoding_is_one_hot(space: SearchSpace) -> None:
    encoded = space.encode(space.parse([PUBLISHED, "8" * 22]))
    assert encoded.shape == (2, 22 * 9)
    assert encoded.dtype == np.float32
    assert (encoded.reshape(2, 22, 9).sum(-1) == 1).all()


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
