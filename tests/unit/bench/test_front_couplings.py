"""Fronts look at whole and cut networks, and at some couplings alone where that is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import ConstraintError, UnknownNameError
from biglittle.bench.figures import get_figure
from biglittle.bench.pareto import nondominated
from biglittle.bench.rows import COUPLINGS
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("exits") / "table.h5"
    table = synthetic_table(n_networks=5, n_val=80, n_test=60, seed=1, n_exits=2)
    write_table(path, table, "test", "2020-01-01")
    return Benchmark.load(path)


def values(points: object, objectives: tuple[str, ...]) -> np.ndarray:
    columns = [get_figure(o).minimised(points.figure(o)) for o in objectives]  # type: ignore[attr-defined]
    return np.unique(np.stack(columns, axis=1), axis=0)


@pytest.mark.parametrize("objectives", [("error", "latency_ms"), ("error", "peak_memory_mib")])
@pytest.mark.parametrize(
    "couplings", [None, ("prefix",), ("nested",), ("sibling",), ("prefix", "nested")]
)
def test_the_front_is_that_of_all_points_of_these_couplings(
    bench: Benchmark, couplings: tuple[str, ...] | None, objectives: tuple[str, ...]
) -> None:
    front = bench.front(DEVICE, objectives, gates=["margin"], couplings=couplings)
    rows = bench.table.rows(exits=True)
    little, big = (a.ravel() for a in np.meshgrid(rows, rows, indexing="ij"))
    names = bench.table.couplings.names(little, big)
    wanted = np.isin(names, couplings or COUPLINGS)
    assert front.n_pairs == wanted.sum()
    thresholds = np.unique(
        bench.curve((str(bench.table.names[rows[0]]),) * 2, "margin", DEVICE).threshold
    )
    pairs = np.flatnonzero(wanted)
    every = bench.query_many(
        np.repeat(little[pairs], len(thresholds)),
        np.repeat(big[pairs], len(thresholds)),
        "margin",
        np.tile(thresholds, len(pairs)),
        DEVICE,
        "val",
    )
    best = values(every, objectives)
    assert set(front.points.coupling) <= {*(couplings or COUPLINGS)}
    assert np.allclose(values(front.chosen, objectives), best[np.sort(nondominated(best))])


def test_whole_networks_are_those_that_a_benchmark_lists(bench: Benchmark) -> None:
    assert len(bench) == len(bench.architectures) == len(bench.table.rows()) == 5
    assert len(bench.table.rows(exits=True)) == 17
    assert bench.architectures == list(dict.fromkeys(bench.architectures))


def test_couplings_that_there_are_not_are_said_in_a_line(tmp_path: Path) -> None:
    write_table(tmp_path / "t.h5", synthetic_table(n_networks=4, n_val=50), "test", "2020-01-01")
    whole = Benchmark.load(tmp_path / "t.h5")
    with pytest.raises(ConstraintError, match=r"coupling prefix.*no networks that are cut at exit"):
        whole.front(DEVICE, couplings=["prefix"])
    with pytest.raises(UnknownNameError, match="prefix"):
        whole.front(DEVICE, couplings=["prefixed"])
    assert set(whole.front(DEVICE, couplings=["nested"]).points.coupling) == {"nested"}
