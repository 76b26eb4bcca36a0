"""What holds for every architecture of every chain-structured space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biglittle.bench.errors import ArchitectureError
from biglittle.bench.spaces import get_space

SPACE = get_space("fbnet")
LEGAL = SPACE.digits[: len(SPACE.choices)]
ids = st.text(alphabet=LEGAL, min_size=SPACE.n_layers, max_size=SPACE.n_layers)
id_lists = st.lists(ids, min_size=1, max_size=6)
seeds = st.integers(0, 2**32 - 1)
choice_lists = st.lists(st.sampled_from(SPACE.choices), min_size=2, max_size=9, unique=True)


@given(id_lists)
def test_parse_then_format_is_identity(architectures: list[str]) -> None:
    assert SPACE.format(SPACE.parse(architectures)) == architectures


@given(id_lists)
def test_encode_then_decode_is_identity(architectures: list[str]) -> None:
    genomes = SPACE.parse(architectures)
    decoded = SPACE.decode(SPACE.encode(genomes))
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, genomes)


@given(st.text(max_size=30))
def test_any_text_parses_or_raises_the_one_error(text: str) -> None:
    legal = len(text) == SPACE.n_layers and set(text) <= set(LEGAL)
    if legal:
        assert SPACE.format(SPACE.parse(text)) == [text]
    else:
        with pytest.raises(ArchitectureError, match="expects"):
            SPACE.parse(text)


@given(id_lists, seeds, choice_lists, st.none() | st.floats(0, 1))
def test_mutation_changes_a_gene_and_only_to_allowed_choices(
    architectures: list[str], seed: int, choices: list[str], probability: float | None
) -> None:
    before = SPACE.parse(architectures)
    kept = before.copy()
    after = SPACE.mutate(before, np.random.default_rng(seed), probability, choices)
    changed = after != before
    assert np.array_equal(before, kept)
    assert changed.any(axis=1).all()
    assert np.isin(after[changed], SPACE.allowed(choices)).all()


@given(ids, ids, seeds)
def test_a_child_has_every_gene_from_a_parent(a: str, b: str, seed: int) -> None:
    parents = SPACE.parse([a]), SPACE.parse([b])
    child = SPACE.crossover(*parents, np.random.default_rng(seed))
    assert ((child == parents[0]) | (child == parents[1])).all()


@given(ids, choice_lists)
def test_neighbours_differ_in_exactly_one_layer_and_are_distinct(
    architecture: str, choices: list[str]
) -> None:
    genome = SPACE.parse(architecture)[0]
    neighbours = SPACE.neighbours(genome, choices)
    differ = neighbours != genome
    assert (differ.sum(axis=1) == 1).all()
    assert len(np.unique(neighbours, axis=0)) == len(neighbours)
    assert np.isin(neighbours[differ], SPACE.allowed(choices)).all()


@settings(deadline=None)
@given(id_lists, st.integers(1, 1000))
def test_vectorised_costs_equal_the_sum_over_operators(
    architectures: list[str], n_classes: int
) -> None:
    genomes = SPACE.parse(architectures)
    listed = [SPACE.operators(a, n_classes) for a in architectures]
    macs, params = SPACE.macs(genomes, n_classes), SPACE.params(genomes, n_classes)
    assert macs.tolist() == [sum(op.macs for op in ops) for ops in listed]
    assert params.tolist() == [sum(op.params for op in ops) for ops in listed]


@given(ids)
def test_operators_fit_one_another(architecture: str) -> None:
    shape = (3, 32, 32)
    for op in SPACE.operators(architecture, 10):
        if op.kind == "linear":
            assert shape == (op.in_channels, 1, 1)
        else:
            assert shape == (op.in_channels, op.height, op.width)
        shape = (op.out_channels, op.out_height, op.out_width)
    assert shape == (10, 1, 1)
