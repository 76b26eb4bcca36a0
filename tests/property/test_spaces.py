"""What holds for every architecture of every space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biglittle.bench.errors import ArchitectureError
from biglittle.bench.graph import IMAGE, simplified
from biglittle.bench.spaces import SPACES, SearchSpace, get_space

every_space = pytest.mark.parametrize("space", [get_space(name) for name in SPACES.names()])
seeds = st.integers(0, 2**32 - 1)


def ids(space: SearchSpace) -> st.SearchStrategy[str]:
    legal = space.digits[: len(space.choices)]
    return st.text(alphabet=legal, min_size=space.n_layers, max_size=space.n_layers)


def id_lists(space: SearchSpace) -> st.SearchStrategy[list[str]]:
    return st.lists(ids(space), min_size=1, max_size=6)


def choice_lists(space: SearchSpace) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(space.choices), min_size=2, unique=True)


@every_space
@given(data=st.data())
def test_parse_then_format_is_identity(space: SearchSpace, data: st.DataObject) -> None:
    architectures = data.draw(id_lists(space))
    genomes = space.parse(architectures)
    assert space.format(genomes) == architectures
    assert np.array_equal(space.parse(space.names(genomes)), genomes)


@every_space
@given(data=st.data())
def test_encode_then_decode_is_identity(space: SearchSpace, data: st.DataObject) -> None:
    genomes = space.parse(data.draw(id_lists(space)))
    decoded = space.decode(space.encode(genomes))
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, genomes)


@every_space
@given(text=st.text(max_size=30))
def test_any_text_parses_or_raises_the_one_error(space: SearchSpace, text: str) -> None:
    legal = set(text) <= set(space.digits[: len(space.choices)])
    if legal and len(text) == space.n_layers:
        assert space.format(space.parse(text)) == [text]
    else:
        with pytest.raises(ArchitectureError, match="expects"):
            space.parse(text)


@every_space
@given(data=st.data(), seed=seeds, probability=st.none() | st.floats(0, 1))
def test_mutation_changes_a_gene_and_only_to_allowed_choices(
    space: SearchSpace, data: st.DataObject, seed: int, probability: float | None
) -> None:
    before, choices = space.parse(data.draw(id_lists(space))), data.draw(choice_lists(space))
    original = before.copy()
    after = space.mutate(np.random.default_rng(seed), before, probability, choices)
    changed = after != before
    assert np.array_equal(before, original)
    assert changed.any(axis=1).all()
    assert np.isin(after[changed], space.allowed(choices)).all()


@every_space
@given(data=st.data(), seed=seeds)
def test_a_child_has_every_gene_from_a_parent(
    space: SearchSpace, data: st.DataObject, seed: int
) -> None:
    a, b = space.parse([data.draw(ids(space))]), space.parse([data.draw(ids(space))])
    child = space.crossover(np.random.default_rng(seed), a, b)
    assert ((child == a) | (child == b)).all()


@every_space
@given(data=st.data())
def test_neighbours_differ_in_exactly_one_layer_and_are_distinct(
    space: SearchSpace, data: st.DataObject
) -> None:
    genome, choices = space.parse(data.draw(ids(space)))[0], data.draw(choice_lists(space))
    neighbours = space.neighbours(genome, choices)
    differ = neighbours != genome
    assert (differ.sum(axis=1) == 1).all()
    assert len(np.unique(neighbours, axis=0)) == len(neighbours)
    assert np.isin(neighbours[differ], space.allowed(choices)).all()


@every_space
@settings(deadline=None, max_examples=40)
@given(data=st.data(), n_classes=st.integers(1, 1000))
def test_vectorised_costs_equal_the_sum_over_operators(
    space: SearchSpace, data: st.DataObject, n_classes: int
) -> None:
    architectures = data.draw(id_lists(space))
    genomes = space.parse(architectures)
    listed = [space.operators(a, n_classes) for a in architectures]
    macs, params = space.macs(genomes, n_classes), space.params(genomes, n_classes)
    assert macs.tolist() == [sum(op.macs for op in ops) for ops in listed]
    assert params.tolist() == [sum(op.params for op in ops) for ops in listed]


@every_space
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_operators_fit_what_feeds_them(space: SearchSpace, data: st.DataObject) -> None:
    graph = space.graph(data.draw(ids(space)), 10)
    for checked in (graph, simplified(graph)):
        shapes = {IMAGE: (3, 32, 32)}
        for index, node in enumerate(checked):
            op = node.operator
            side = (1, 1) if op.kind == "linear" else (op.height, op.width)
            if op.kind == "concat":
                assert sum(shapes[i][0] for i in node.inputs) == op.out_channels
                assert all(shapes[i][1:] == side for i in node.inputs)
            else:
                assert all(shapes[i] == (op.in_channels, *side) for i in node.inputs)
            assert len(node.inputs) == (2 if op.kind in ("add", "concat") else 1)
            shapes[index] = (op.out_channels, op.out_height, op.out_width)
        assert not checked or shapes[len(checked) - 1] == (10, 1, 1)
