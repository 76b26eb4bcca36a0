"""A pair that one of its networks beats says so, and no other does."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench.recommend import alone
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(), "1", "2026-01-01")
    return Benchmark.load(path)


@pytest.mark.parametrize("split", ["val", "test"])
def test_query_says_which_network_is_as_accurate_and_no_slower(
    bench: Benchmark, split: str
) -> None:
    accuracy, latency = bench.accuracy(split), bench.costs(DEVICE).latency_ms
    told = set()
    for little in bench.architectures[:6]:
        for big in bench.architectures[:6]:
            for threshold in (0.0, 0.3, 0.9):
                point = bench.query(Pair(little, big), Gate("margin", threshold), DEVICE, split)
                better = [
                    a
                    for a in (little, big)
                    if accuracy[bench.row(a)] >= point.accuracy
                    and latency[bench.row(a)] <= (point.latency_ms or np.inf)
                ]
                alone = point.better_alone
                told.add(alone is None)
                assert (alone is None or not alone.of_pair) == (not better)
                if alone is not None and not alone.of_pair:
                    row = bench.row(alone.architecture)
                    assert accuracy[row] >= point.accuracy
                    assert latency[row] <= (point.latency_ms or np.inf)
                    assert "this network of the table" in alone.text()
                if alone is None:
                    every = bench.table.rows()
                    fast = latency[every] <= (point.latency_ms or np.inf)
                    assert not (fast & (accuracy[every] >= point.accuracy)).any()
                if alone is not None and alone.of_pair:
                    assert alone.architecture in better
                    assert alone.accuracy == max(accuracy[bench.row(a)] for a in better)
                    assert alone.latency_ms == latency[bench.row(alone.architecture)]
                    assert alone.text().startswith(f"Use {alone.architecture} alone")
                    assert f"({alone.provenance['latency_ms']})" in alone.text()
    assert told == {True, False}


def test_a_pair_that_never_asks_its_big_network_is_its_little_one(bench: Benchmark) -> None:
    little, big = bench.architectures[0], bench.architectures[-1]
    point = bench.query((little, big), ("margin", 0.0), DEVICE)
    assert point.escalation_rate == 0.0
    assert point.better_alone is not None
    assert point.better_alone.architecture == little


def test_choose_compares_on_val_within_the_limits_and_reports_on_test(bench: Benchmark) -> None:
    latency, val, test = bench.costs(DEVICE).latency_ms, *map(bench.accuracy, ("val", "test"))
    told = set()
    for little in bench.architectures[:6]:
        for big in bench.architectures[:6]:
            limit = 0.5 * float(latency[bench.row(little)] + latency[bench.row(big)]) + 1.0
            if limit < latency[bench.row(little)]:
                continue
            point = bench.choose((little, big), "margin", DEVICE, {"latency_ms": limit})
            on_val = bench.query((little, big), ("margin", point.threshold), DEVICE, "val")
            better = [
                a
                for a in (little, big)
                if val[bench.row(a)] >= on_val.accuracy and latency[bench.row(a)] <= limit
            ]
            alone = point.better_alone
            assert (alone is None or not alone.of_pair) == (not better)
            if alone is not None:
                assert val[bench.row(alone.architecture)] >= on_val.accuracy
                assert latency[bench.row(alone.architecture)] <= limit
            told.add(not better)
            if point.better_alone is not None:
                assert (
                    point.better_alone.accuracy == test[bench.row(point.better_alone.architecture)]
                )
    assert told == {True, False}


def test_the_command_line_says_it(bench: Benchmark, command_line) -> None:  # type: ignore[no-untyped-def]
    ids = bench.architectures[0], bench.architectures[-1]
    arguments = (
        "query",
        *ids,
        "--table",
        str(bench.table.path),
        "--device",
        DEVICE,
        "--threshold",
        "0",
    )
    assert f"Use {ids[0]} alone" in " ".join(command_line(*arguments)[1].split())
    assert f'"architecture": "{ids[0]}"' in command_line(*arguments, "--json")[1]


def test_no_point_of_the_exact_front_loses_to_a_faster_or_better_single_network(
    bench: Benchmark,
) -> None:
    front = bench.front(DEVICE).chosen
    for point in front.take(np.flatnonzero(alone(front) == "")):
        pair, gate = (point.little, point.big), (point.gate, point.threshold)
        single = bench.query(pair, gate, DEVICE, "val").better_alone
        if single is not None:  # a tie on both axes, of which the front holds one
            assert (single.accuracy, single.latency_ms) == (point.accuracy, point.latency_ms)
