"""A curve in a page says of every place what the benchmark says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from biglittle.bench import Benchmark, Pair
from biglittle.bench.cost import PAIR_COSTS
from biglittle.bench.synthetic import DEVICE
from biglittle.searchers.pages.curves import PairCurve, packed, rounded
from biglittle.searchers.pair_curves import table_curves


def cuts_of(record: dict[str, Any]) -> list[int]:
    """What `unpack` of view_rows.js makes of the cuts."""
    step, more = record["cuts"]["step"], record["cuts"]["more"]
    return sorted([*range(0, 257, step), *more])


def summed(differences: list[int], n: int) -> NDArray[np.int64]:
    return np.cumsum([*differences, *[0] * (n - len(differences))])


def unpacked(column: dict[str, Any], rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """What `figuresAt` of view_rows.js makes of a column."""
    if "line" in column:
        return column["line"][0] + column["line"][1] * rate
    if "values" in column:
        return np.array(column["values"])
    out = np.empty(len(rate))
    for start, value in column["steps"]:
        out[start:] = value
    return out


@pytest.mark.parametrize("steps", [256, 32])
@pytest.mark.parametrize("gate", ["margin", "entropy"])
def test_a_curve_is_that_of_the_benchmark(table: str, steps: int, gate: str) -> None:
    bench = Benchmark.load(table)
    ids = bench.architectures
    chosen = bench.query_many(ids[0], ids[1:4], gate, [0.11, 0.3, 0.5], DEVICE)
    curves = table_curves(bench, {"board": chosen}, {"board": DEVICE}, steps)
    assert len(curves) == 3
    for row, ((little, big, _), curve) in enumerate(curves.items()):
        record, exact = curve.record(), bench.curve(Pair(little, big), gate, DEVICE)
        cuts = cuts_of(record)
        own = int(np.flatnonzero(exact.accuracy[curve.cuts] == chosen.accuracy[row])[0])
        assert curve.cuts[own] in cuts
        assert (len(cuts) == 257) == (steps == 256)
        right, escalated = (summed(record[k], len(cuts)) for k in ("right", "escalated"))
        assert np.array_equal(right / record["n"], exact.accuracy[cuts])
        assert np.array_equal(escalated / record["n"], exact.escalation_rate[cuts])
        val = bench.curve(Pair(little, big), gate, DEVICE, "val")
        on_val = summed(record["val"]["right"], len(cuts)) / record["val"]["n"]
        assert np.array_equal(on_val, val.accuracy[cuts])
        rate = exact.escalation_rate[cuts]
        for name in PAIR_COSTS:
            column = np.asarray(getattr(exact, name))[cuts]
            if np.isfinite(column).all():
                assert np.allclose(unpacked(record["costs"]["board"][name], rate), column, 1e-5)


def test_a_point_has_its_place_on_its_curve(table: str) -> None:
    bench = Benchmark.load(table)
    ids = bench.architectures
    point = bench.query_many(ids[0], ids[1], "margin", [0.123], DEVICE)
    (curve,) = table_curves(bench, {"board": point}, {"board": DEVICE}, 16).values()
    at = [k for k, cut in enumerate(curve.cuts) if cut % 16]
    assert len(at) <= 1  # beside the even ones only the point's own
    place = curve.place(int(curve.cuts[at[0]])) if at else 0
    assert place == (at[0] if at else 0)
    assert curve.place(3) is None


def test_a_column_that_is_neither_line_nor_steps_is_kept_whole() -> None:
    rate = np.linspace(0, 1, 9)
    column = rate**2
    assert packed(column, rate) == {"values": [rounded(v) for v in column]}


def test_one_place_is_enough() -> None:
    one = np.array([0.5])
    curve = PairCurve(
        "margin", np.array([7]), one, one, {"a": {"macs": one, "energy_mj": one * np.nan}}
    )
    record = curve.record()
    assert record["cuts"] == {"step": 256, "more": [7]}
    assert record["costs"] == {"a": {"macs": {"line": [0.5, 0]}}}


@pytest.mark.parametrize(("value", "shown"), [(2.0, 2), (0.1234567, 0.123457), (1e-9, 1e-9)])
def test_numbers_are_short(value: float, shown: float) -> None:
    assert rounded(value) == shown


def test_costs_that_all_of_several_devices_share_stand_once(table: str) -> None:
    bench = Benchmark.load(table)
    ids = bench.architectures
    point = bench.query_many(ids[0], ids[1], "margin", [0.123], DEVICE)
    (one,) = table_curves(bench, {"board": point}, {"board": DEVICE}, 16).values()
    columns = dict(one.costs["board"])
    slower = {**columns, "latency_ms": 2 * columns["latency_ms"]}
    alone, two = one.record(), replace(one, costs={"board": columns, "slow": slower}).record()
    assert alone["everywhere"] == {}
    assert "macs" in two["everywhere"]
    assert {*two["costs"]["board"]} == {*two["costs"]["slow"]} == {"latency_ms"}
    for device in ("board", "slow"):
        assert {*two["everywhere"], *two["costs"][device]} == {*alone["costs"]["board"]}
    together = {**two["everywhere"], **two["costs"]["board"]}
    assert together == alone["costs"]["board"]
