"""Points: slices, joins, what is in them, and one of them in words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from biglittle.bench import Benchmark, Front, Gate, Pair, Points
from biglittle.bench.errors import (
    TableError,
)
from biglittle.bench.points import concatenate
from biglittle.bench.synthetic import DEVICE

SHIPPED = Benchmark.load("fbnet-cifar10")


def test_points_of_val_and_test_do_not_mix(bench: Benchmark) -> None:
    front = bench.front(DEVICE)
    assert (front.chosen.split, front.points.split) == ("val", "test")
    with pytest.raises(TableError, match="'val' and 'test'"):
        concatenate([front.chosen, front.points])


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


def test_a_point_is_told_with_the_provenance_of_every_figure() -> None:
    point = SHIPPED.query(Pair("8" * 22, "0" * 22), Gate("margin", 0.42), "raspberry-pi-4")
    lines = point.text()
    words = [" ".join(line.split()) for line in lines]
    assert f"mean latency {point.latency_ms:.1f} ms block-sum" in words
    assert f"accuracy {100 * point.accuracy:.2f} % measured" in words
    assert f"mean MACs {point.macs / 1e6:.1f} M modelled" in words
    assert f"parameters {point.params / 1e6:.3f} M modelled" in words


def test_a_mean_above_the_95th_percentile_is_explained() -> None:
    pair, explained = Pair("0" * 22, "6" * 22), "at most 5 % of the inputs take longer"
    curve = SHIPPED.curve(pair, "margin", "raspberry-pi-4").points
    rare = np.flatnonzero((curve.escalation_rate > 0) & (curve.escalation_rate < 0.05))
    often = np.flatnonzero(curve.escalation_rate > 0.1)
    point = curve[int(rare[0])]
    assert point.latency_p95_ms < point.latency_ms < point.latency_worst_ms
    assert explained in " ".join(point.text())
    assert explained not in " ".join(curve[int(often[0])].text())


def test_points_say_what_their_networks_share() -> None:
    bench, gate = SHIPPED, Gate("margin", 0.42)
    point = bench.query(Pair("8" * 22, "0" * 22), gate, "raspberry-pi-4")
    assert point.coupling == "sibling"  # its skips that change shapes have weights of their own
    assert point.text()[0].split() == ["coupling", "sibling"]
    itself = bench.query(Pair("0" * 22, "0" * 22), gate, "raspberry-pi-4")
    assert itself.coupling == itself.as_dict()["coupling"] == "nested"
    both = Pair("0" * 22, "0" * 22)
    assert set(bench.curve(both, "margin", "raspberry-pi-4").points.coupling) == {"nested"}
    many = bench.query_many(both.little, both.big, "margin", [0.1, 0.9], "raspberry-pi-4")
    assert many.coupling.tolist() == ["nested", "nested"]
    values = {k: v for k, v in vars(many).items() if k != "coupling"}
    assert Points(**values)[0].coupling is None
    assert Points(**values)[0].as_dict()["coupling"] is None


def test_no_figure_has_no_provenance() -> None:
    point = SHIPPED.query(Pair("8" * 22, "0" * 22), Gate("margin", 0.42), "raspberry-pi-4")
    without = dataclasses.replace(point, energy_mj=None)
    assert "energy_mj" in point.provenance
    assert "energy_mj" not in without.provenance
    assert "energy_mj" not in without.as_dict()["provenance"]
    (line,) = [line for line in without.text() if "energy" in line]
    assert line.split() == ["mean", "energy", "not", "available"]


def test_a_record_says_what_does_as_well_alone() -> None:
    both = Pair("0800000000000000000008", "6" * 22)
    point = SHIPPED.query(both, Gate("margin", 0.37), "raspberry-pi-4")
    assert point.record() == {**point.as_dict(), "better_alone": None}
    alone = SHIPPED.query(both, Gate("margin", 0.0), "raspberry-pi-4")
    assert alone.better_alone is not None
    told = alone.record()["better_alone"]
    assert told["architecture"] == alone.better_alone.architecture
    assert {*told["provenance"]} == {"accuracy", "latency_ms", "macs"}
    assert alone.text()[-1] == alone.better_alone.text()
