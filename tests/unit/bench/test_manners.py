"""How the face behaves under the fingers: repr, len, slices, ``in``, and what may be passed."""

from __future__ import annotations

import numpy as np
import pytest

import biglittle.bench
from biglittle.bench import Benchmark, Front, Gate, Pair, Points, get_space
from biglittle.bench.errors import ArchitectureError, GateError
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(), "1", "2026-01-01")
    return Benchmark.load(path)


@pytest.fixture(scope="module")
def front(bench: Benchmark) -> Front:
    return bench.front(DEVICE)


def test_every_repr_is_one_line_that_says_how_many(bench: Benchmark, front: Front) -> None:
    pair = Pair(*bench.architectures[:2])
    curve = bench.curve(pair, "margin", DEVICE)
    curves = bench.curves(pair.little, "margin", DEVICE)
    for value in (bench, front, front.points, curve, curves, front.points[:0]):
        text = repr(value)
        assert text.startswith(type(value).__name__)
        assert "\n" not in text
        assert len(text) < 250
    assert f"{len(bench)} inherited networks" in repr(bench)
    assert f"{len(front)} points" in repr(front)
    assert bench.provenance(DEVICE)["latency_ms"] in repr(front)


def test_points_and_fronts_slice_and_iterate(front: Front) -> None:
    assert len(front) == len(front.points) == len(list(front)) > 2
    assert isinstance(front[1:], Points)
    assert len(front[1:]) == len(front) - 1
    assert front[-1] == list(front)[-1] == front.points[len(front) - 1]
    assert [p.threshold for p in front[::-1]] == front.points.threshold[::-1].tolist()
    assert front[0] in front
    assert front[0] in front.points
    assert front[0] not in front[1:]
    assert Pair(front[0].little, front[0].big) in front
    assert Pair("0" * 22, "nothing") not in front
    assert "margin" not in front
    with pytest.raises(IndexError):
        front[len(front)]


def test_a_curve_is_as_long_as_its_arrays_and_holds_operating_points(bench: Benchmark) -> None:
    pair = Pair(*bench.architectures[:2])
    curve = bench.curve(pair, "margin", DEVICE)
    assert len(curve) == len(curve.threshold) == len(list(curve))
    assert curve[7] == bench.query(pair, Gate("margin", float(curve.threshold[7])), DEVICE)
    assert curve[7] in curve
    part = curve[10:20]
    assert len(part) == 10
    assert part.accuracy.tolist() == curve.accuracy[10:20].tolist()
    assert part.pair == pair


def test_a_benchmark_holds_architectures_and_pairs(bench: Benchmark) -> None:
    first, second = bench.architectures[:2]
    assert len(bench) == len(bench.architectures)
    assert list(bench) == bench.architectures
    assert first in bench
    assert "9" * 22 not in bench
    assert 3 not in bench
    assert Pair(first, second) in bench
    assert Pair(first, "nothing") not in bench


def test_dir_lists_what_is_imported_late() -> None:
    assert {*biglittle.bench.__all__} <= {*dir(biglittle.bench)}


def test_two_ids_are_a_pair_and_a_name_with_a_threshold_is_a_gate(bench: Benchmark) -> None:
    ids = (bench.architectures[0], bench.architectures[1])
    pair, gate = Pair(*ids), Gate("margin", 0.4)
    assert bench.query(ids, ("margin", 0.4), DEVICE) == bench.query(pair, gate, DEVICE)
    by_ids = bench.curve(ids, "margin", DEVICE)
    assert by_ids.accuracy.tolist() == bench.curve(pair, "margin", DEVICE).accuracy.tolist()
    explained = bench.explain(ids, ("margin", 0.4))
    assert explained.escalation_rate == bench.explain(pair, gate).escalation_rate
    limits = {"latency_ms": 1e9}
    chosen = bench.choose(ids, "margin", DEVICE, limits)
    assert chosen == bench.choose(pair, "margin", DEVICE, limits)
    alone = bench.front(DEVICE, "accuracy", gates="margin")
    assert {str(g) for g in alone.points.gate} == {"margin"}


def test_what_is_neither_says_what_to_pass(bench: Benchmark) -> None:
    pair = Pair(*bench.architectures[:2])
    with pytest.raises(GateError, match=r"Gate\('margin', 0\.42\).*Benchmark\.curve"):
        bench.query(pair, "margin", DEVICE)  # type: ignore[arg-type]
    with pytest.raises(GateError, match="pass its name alone: 'entropy'"):
        bench.curve(pair, Gate("entropy", 0.5), DEVICE)  # type: ignore[arg-type]
    with pytest.raises(GateError, match="pass its name alone"):
        bench.curves(pair.little, Gate("entropy", 0.5), DEVICE)  # type: ignore[arg-type]
    for wrong in (pair.little, (pair.little,), (1, 2), None):
        with pytest.raises(ArchitectureError, match=r"Pair\(little=\.\.\., big=\.\.\.\)"):
            bench.query(wrong, Gate("margin", 0.4), DEVICE)  # type: ignore[arg-type]


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
