"""The distinct blocks of a space, and each as a graph of its own."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.block_graphs import block_model, distinct_blocks

SPACE = get_space("fbnet")


def test_every_place_of_the_space_has_one_block_or_nothing_to_run():
    blocks = distinct_blocks(SPACE, 10)
    places = [place for block in blocks for place in block.places]
    assert len(set(places)) == len(places)
    expected = {
        (layer.index, choice)
        for layer in SPACE.layers
        for choice in range(len(SPACE.choices))
        if SPACE.build_layer(layer, choice)
    }
    assert set(places) == expected
    for block in blocks:
        for layer, choice in block.places:
            assert SPACE.build_layer(SPACE.layers[layer], choice) == block.operators
    names = [block.name for block in blocks]
    assert len(set(names)) == len(names)
    assert names[-22:-20] == ["stem", "head"]
    assert names[-1] == f"exit.{SPACE.exits[-1].name}"


def test_blocks_add_up_to_networks():
    blocks = {block.name: block for block in distinct_blocks(SPACE, 10)}
    of_place = {place: block for block in blocks.values() for place in block.places}
    genomes = SPACE.sample(np.random.default_rng(0), 5)
    for genome in genomes:
        inner = sum(of_place[i, int(c)].params for i, c in enumerate(genome) if (i, c) in of_place)
        whole = inner + blocks["stem"].params + blocks["head"].params
        assert whole == SPACE.params(genome, 10)[0]


def test_networks_that_are_graphs_have_none():
    with pytest.raises(ProfileError, match="--space nb201 --networks anchors"):
        distinct_blocks(get_space("nb201"), 10)


@pytest.mark.parametrize("name", ["0.k3_e1", "2.k5_e3", "1.skip", "stem", "head", "exit.12s"])
def test_a_block_runs_on_what_its_layer_is_given(name, run):
    (block,) = [b for b in distinct_blocks(SPACE, 7) if b.name == name]
    first, last = block.operators[0], block.operators[-1]
    model = block_model(block.name, block.operators)
    assert model.graph.name == f"block {name}"
    images = np.zeros((1, first.in_channels, first.height, first.width), np.float32)
    (out,) = run(model, images)
    sides = () if last.kind == "linear" else (last.out_height, last.out_width)
    assert out.shape == (1, last.out_channels, *sides)
