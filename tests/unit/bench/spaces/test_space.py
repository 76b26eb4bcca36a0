"""Any space: ids and genomes, sampling, mutation, neighbours, encoding and costs."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.errors import ArchitectureError
from biglittle.bench.spaces import SearchSpace, get_space


@pytest.mark.parametrize("name", ["fbnet", "nb201"])
def test_a_space_takes_ids_wherever_it_takes_genomes(name: str) -> None:
    space = get_space(name)
    genomes = space.sample(np.random.default_rng(0), 3)
    ids = space.format(genomes)
    for figure in (space.params, space.macs):
        expected = figure(genomes, n_classes=10).tolist()
        assert figure(ids, n_classes=10).tolist() == expected
        assert figure(np.array(ids), n_classes=10).tolist() == expected
        assert figure(ids[0], n_classes=10).tolist() == expected[:1]
        assert figure(genomes[0], n_classes=10).tolist() == expected[:1]
    assert space.peak_activation(ids).tolist() == space.peak_activation(genomes).tolist()
    assert np.array_equal(space.encode(ids), space.encode(genomes))
    assert np.array_equal(space.neighbours(ids[0]), space.neighbours(genomes[0]))
    moved = [space.mutate(np.random.default_rng(1), given) for given in (ids, genomes)]
    assert np.array_equal(*moved)
    crossed = [space.crossover(np.random.default_rng(1), g, g[::-1]) for g in (ids, genomes)]
    assert np.array_equal(*crossed)


def test_genomes_of_another_space_are_refused_with_what_is_expected() -> None:
    space = get_space("fbnet")
    with pytest.raises(ArchitectureError, match=r"shape \(3,\).*\(22,\) or \(n, 22\)"):
        space.params(np.zeros(3, np.uint8), n_classes=10)
    with pytest.raises(ArchitectureError, match="float64"):
        space.params(np.zeros(22), n_classes=10)
    with pytest.raises(ArchitectureError, match=r"contains 9; .* 0 \(k3_e1\) to 8 \(skip\)"):
        space.macs(np.full(22, 9), n_classes=10)
    with pytest.raises(ArchitectureError, match="22 digits"):
        space.macs("888", n_classes=10)


PUBLISHED = "2863848418780625260277"  # 2,447,972 parameters with 100 classes


@pytest.fixture
def space() -> SearchSpace:
    return get_space("fbnet")


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
        ("8", r"has 1 character; .* If a spreadsheet wrote it: .* drops the zeros"),
        ("6.66667E+21", r"has 11 characters; .* drops all but a few of their digits; keep ids as"),
        ("6,66667e21", "drops all but a few of their digits"),
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
