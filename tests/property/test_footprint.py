"""RAM and flash follow from the graph: held against every tensor's lifetime, one step at a time."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biglittle.bench import get_space
from biglittle.bench.cost import NetworkCosts, cascade_figure, network_costs, pair_figure
from biglittle.bench.coupling import INT8_ORIGIN, Couplings
from biglittle.bench.graph import IMAGE, Graph, GraphBuilder, simplified
from biglittle.bench.precision import BYTES_PER_VALUE
from biglittle.bench.spaces import SearchSpace

N_CLASSES = 10
SPACES = ("fbnet", "nb201", "branched")


def fused(graph: Graph) -> list[tuple[list[int], list[int], int]]:
    """Nodes that run as one, what they read, and the elements they write, in order."""
    groups: list[list[int]] = []
    readers = Counter(i for node in graph for i in {*node.inputs})
    for index, node in enumerate(graph):
        alone = readers[node.inputs[0]] == 1
        joins = node.operator.kind in ("batch_norm", "relu") and node.inputs[0] != IMAGE and alone
        if joins:
            next(g for g in groups if node.inputs[0] in g).append(index)
        else:
            groups.append([index])
    return [(g, list(graph[g[0]].inputs), graph[g[0]].operator.out_size) for g in groups]


def simulated_kib(
    graphs: list[Graph], words: list[str], skipped: list[int], features: list[tuple[int, int]]
) -> float:
    """The most KiB that are alive while networks run one after the other.

    Args:
        graphs: what each network computes.
        words: precision of each network.
        skipped: nodes at the start of each that are not run again.
        features: stage and node whose output stands for the last of these.
    """
    size: dict[object, int] = {}
    born: dict[object, int] = {}
    dies: dict[object, int] = {}
    now = 0
    for stage, graph in enumerate(graphs):
        n_bytes = BYTES_PER_VALUE[words[stage]]

        def tensor(index: int, stage: int = stage, word: str = words[stage]) -> object:
            if index == IMAGE:
                return "image", word
            return (stage, index) if index >= skipped[stage] else features[stage]

        for group, inputs, elements in fused(graph):
            if group[0] < skipped[stage]:
                continue
            for i in inputs:
                if i == IMAGE:
                    operator = graph[group[0]].operator
                    size["image", words[stage]] = operator.in_size * n_bytes
                    born["image", words[stage]] = 0
                dies[tensor(i)] = now
            made = (stage, group[-1])
            size[made], born[made], dies[made] = elements * n_bytes, now, now
            for i in group:  # whoever reads any of them reads what they wrote
                size[stage, i], born[stage, i], dies[stage, i] = 0, now, now
            size[made] = elements * n_bytes
            now += 1
    return (
        max(sum(n for t, n in size.items() if born[t] <= at <= dies[t]) for at in range(now)) / 1024
    )


def trunk_nodes(space: SearchSpace, row: np.ndarray, exit_number: int) -> int:
    builder = GraphBuilder()
    space.trunk(builder, row, space.exits[exit_number - 1])
    return len(builder.graph())


def costs_of(
    space: SearchSpace, rows: np.ndarray, exits: np.ndarray, words: np.ndarray
) -> NetworkCosts:
    none = np.full(len(rows), np.nan)
    return network_costs(space, rows, N_CLASSES, none, none, 0.0, {}, exits=exits, precisions=words)


def random_rows(space: SearchSpace, rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.integers(0, len(space.choices), (n, space.n_layers)).astype(np.uint8)


def graph_of(space: SearchSpace, row: np.ndarray, number: int) -> Graph:
    cut = space.exits[number - 1].name if number else ""
    return simplified(space.graph(row, N_CLASSES, cut))


@pytest.mark.parametrize("name", SPACES)
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_network_alone_needs_what_is_alive(name: str, seed: int) -> None:
    space, rng = get_space(name), np.random.default_rng(seed)
    row = random_rows(space, rng, 1)
    exits = rng.integers(0, len(space.exits) + 1, 1).astype(np.uint8)
    for word in BYTES_PER_VALUE:
        words = np.array([word])
        costs = costs_of(space, row, exits, words)
        ram = pair_figure("ram_kib", costs, costs, np.zeros(1))
        graph = graph_of(space, row[0], int(exits[0]))
        if not graph:  # nothing of a network without a path is run
            continue
        assert ram[0] == pytest.approx(simulated_kib([graph], [word], [0], [(0, 0)]))


@pytest.mark.parametrize("name", SPACES)
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_sibling_pair_needs_what_is_alive(name: str, seed: int) -> None:
    space, rng = get_space(name), np.random.default_rng(seed)
    rows, words = random_rows(space, rng, 2), rng.choice(list(BYTES_PER_VALUE), 2)
    exits = rng.integers(0, len(space.exits) + 1, 2).astype(np.uint8)
    graphs = [graph_of(space, row, int(n)) for row, n in zip(rows, exits, strict=True)]
    if not all(graphs):
        return
    costs = costs_of(space, rows, exits, words)
    ram = pair_figure("ram_kib", costs.take([0]), costs.take([1]), np.array([0.5]))
    assert ram[0] == pytest.approx(simulated_kib(graphs, words.tolist(), [0, 0], [(0, 0)] * 2))
    one = pair_figure("ram_kib", costs.one(0), costs.one(1), 0.5)
    assert one == pytest.approx(ram[0])
    flash = pair_figure("flash_kib", costs.one(0), costs.one(1), 0.5)
    alone = [pair_figure("flash_kib", costs.one(i), costs.one(i), 0.0) for i in (0, 1)]
    assert flash == pytest.approx(sum(alone))


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), word=st.sampled_from(list(BYTES_PER_VALUE)))
def test_a_prefix_pair_needs_what_is_alive(seed: int, word: str) -> None:
    space, rng = get_space("fbnet"), np.random.default_rng(seed)
    row = random_rows(space, rng, 1)
    little = int(rng.integers(1, len(space.exits) + 1))
    big = int(rng.choice(np.flatnonzero(space.exit_after > space.exit_after[little])))
    exits, rows = np.array([little, big], np.uint8), np.repeat(row, 2, axis=0)
    costs = costs_of(space, rows, exits, np.full(2, word))
    origin = np.full(2, 0 if word == "fp32" else INT8_ORIGIN)
    couplings = Couplings(space, N_CLASSES, rows, exits, origin)
    shared = couplings.one(0, 1, costs)
    assert shared is not None
    graphs = [graph_of(space, row[0], int(n)) for n in exits]
    n_trunk = trunk_nodes(space, row[0], little)
    assert graphs[0][:n_trunk] == graphs[1][:n_trunk]
    made = next(g[-1] for g, _, _ in fused(graphs[0]) if n_trunk - 1 in g)
    truth = simulated_kib(graphs, [word] * 2, [0, n_trunk], [(0, made)] * 2)
    assert pair_figure("ram_kib", costs.one(0), costs.one(1), 0.5, shared) == pytest.approx(truth)
    arrays = couplings.shared(np.array([0]), np.array([1]), costs)
    pair = costs.take([0]), costs.take([1])
    for figure in ("ram_kib", "flash_kib", "peak_memory_mib"):
        each = pair_figure(figure, *pair, np.array([0.0, 0.5]), arrays)
        assert each[1] == pytest.approx(
            pair_figure(figure, costs.one(0), costs.one(1), 0.5, shared)
        )
        assert each[0] == pytest.approx(
            pair_figure(figure, costs.one(0), costs.one(1), 0.0, shared)
        )
    # flash: the whole trunk once
    operators = [node.operator for node in graphs[0]]
    operators += [node.operator for node in graphs[1][n_trunk:]]
    flash = sum(op.params * 4 if word == "fp32" else op.int8_bytes for op in operators) / 1024
    assert pair_figure("flash_kib", costs.one(0), costs.one(1), 0.5, shared) == pytest.approx(flash)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 4))
def test_a_cascade_of_siblings_needs_what_is_alive(seed: int, n: int) -> None:
    space, rng = get_space("fbnet"), np.random.default_rng(seed)
    rows, words = random_rows(space, rng, n), rng.choice(list(BYTES_PER_VALUE), n)
    exits = rng.integers(0, len(space.exits) + 1, n).astype(np.uint8)
    costs = costs_of(space, rows, exits, words)
    graphs = [graph_of(space, row, int(e)) for row, e in zip(rows, exits, strict=True)]
    some = int(rng.integers(1, n + 1))  # how many are reached
    reach = [0.5 if stage < some else 0.0 for stage in range(1, n)]
    networks = [costs.one(i) for i in range(n)]
    ram = cascade_figure("ram_kib", networks, reach, [None] * (n - 1))
    truth = simulated_kib(graphs[:some], words.tolist(), [0] * n, [(0, 0)] * n)
    assert ram == pytest.approx(truth)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_cascade_with_trunks_needs_no_more_than_is_told(seed: int) -> None:
    """Exits of two networks in turn: what is told is at least what is alive, chains exactly."""
    space, rng = get_space("fbnet"), np.random.default_rng(seed)
    two = random_rows(space, rng, 2)
    ends = [*range(1, len(space.exits) + 1), 0]
    places = [(which, end) for which in (0, 1) for end in range(len(ends))]
    picked = [places[i] for i in rng.choice(len(places), 3, replace=False)]
    if rng.random() < 0.4:
        picked = [(0, end) for end in sorted({end for _, end in picked})]
    rows = two[[which for which, _ in picked]]
    exits = np.array([ends[end] for _, end in picked], np.uint8)
    costs = costs_of(space, rows, exits, np.full(len(rows), "int8"))
    origin = np.full(len(rows), INT8_ORIGIN)
    shared = Couplings(space, N_CLASSES, rows, exits, origin).stages(range(len(rows)), costs)
    graphs = [graph_of(space, row, int(e)) for row, e in zip(rows, exits, strict=True)]
    skipped, features = [0], [(0, 0)]
    for stage, both in enumerate(shared, 1):
        if both is None or both.since is None:
            skipped.append(0)
            features.append((0, 0))
            continue
        n_trunk = trunk_nodes(space, rows[stage], int(exits[both.since]))
        source = graphs[both.since]
        skipped.append(n_trunk)
        node = next(g[-1] for g, _, _ in fused(source) if n_trunk - 1 in g)
        at = both.since
        while node < skipped[at]:  # its features are themselves those of an earlier stage
            at = features[at][0]
        features.append((at, node))
    truth = simulated_kib(graphs, ["int8"] * len(rows), skipped, features)
    networks = [costs.one(i) for i in range(len(rows))]
    told = cascade_figure("ram_kib", networks, [0.5] * (len(rows) - 1), shared)
    assert told >= truth - 1e-9
    deeper = all(a < b for a, b in pairwise(space.exit_after[exits].tolist()))
    if deeper and len({which for which, _ in picked}) == 1:
        assert told == pytest.approx(truth)
