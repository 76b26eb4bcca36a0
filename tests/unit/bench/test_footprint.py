"""RAM and flash of pairs and cascades: as counted by hand, as limits, and of models by name."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair, get_space
from biglittle.bench.cost import NetworkCosts, SharedCosts, cascade_figure, pair_figure
from biglittle.bench.errors import ConstraintError
from biglittle.bench.footprint import Footprint, footprint
from biglittle.bench.kept_front import front_key
from biglittle.bench.operators import Operator
from biglittle.bench.synthetic import DEVICE

BOTH = ("ram_kib", "flash_kib")


def network(
    image: float, reading: float, others: float, at_exit: float, flash: float
) -> NetworkCosts:
    parts = Footprint(*(np.array([v]) for v in (image, reading, others, at_exit, flash)))
    column = np.ones(1)
    return NetworkCosts(*(column,) * 6, gate_ms=0.0, provenance={}, footprint=parts)


def ram(little: NetworkCosts, big: NetworkCosts, shared: SharedCosts | None = None) -> float:
    return float(pair_figure("ram_kib", little, big, np.array([0.5]), shared)[0])


def test_the_image_is_kept_for_the_network_that_runs_later() -> None:
    little, big = network(3, 19, 40, 0, 100), network(3, 19, 30, 0, 200)
    assert ram(little, big) == 43.0  # 40 while the image waits
    assert ram(big, little) == 40.0  # little's 30 and the image are less than big's 40


def test_a_pair_that_never_escalates_is_its_little_network() -> None:
    little, big = network(3, 19, 40, 0, 100), network(3, 19, 300, 0, 200)
    for name, alone in (("ram_kib", 40.0), ("flash_kib", 100.0)):
        assert pair_figure(name, little, big, np.zeros(1)).tolist() == [alone]


def test_networks_of_two_precisions_have_an_image_each() -> None:
    int8, fp32 = network(3, 19, 40, 0, 100), network(12, 76, 30, 0, 200)
    assert ram(int8, fp32) == 76.0
    assert ram(int8, network(12, 20, 30, 0, 200)) == 52.0  # 40 and the other image
    assert ram(fp32, int8) == 79.0  # while fp32 reads its own image the other one waits


def test_features_at_an_exit_are_kept_while_its_head_runs() -> None:
    little, big = network(3, 19, 40, 60, 100), network(3, 19, 50, 0, 200)
    shared = SharedCosts(weights_mib=80 / 1024, features_mib=16 / 1024, flash_kib=90.0)
    assert ram(little, big, shared) == 60.0
    flash = pair_figure("flash_kib", little, big, np.array([0.5]), shared)
    assert flash.tolist() == [100 + 200 - 90]
    unsaid = replace(shared, flash_kib=None)
    assert pair_figure("flash_kib", little, big, np.array([0.5]), unsaid).tolist() == [220.0]


def test_features_are_kept_while_a_stranger_in_between_runs() -> None:
    exit_, other, whole = (network(3, 9, n, e, 10) for n, e in ((10, 12), (20, 0), (15, 0)))
    shared = [None, SharedCosts(features_mib=4 / 1024, since=0)]
    got = cascade_figure("ram_kib", [exit_, other, whole], [np.array([0.5])] * 2, shared)
    assert got.tolist() == [24.0]  # other, and the features
    got = cascade_figure("ram_kib", [exit_, other, whole], [np.array([0.5]), np.zeros(1)], shared)
    assert got.tolist() == [20.0]  # nobody goes on to the whole network


def test_flash_in_int8_has_a_bias_and_a_scale_for_each_channel() -> None:
    assert Operator("conv", 16, 16, 32, 32, 3, groups=16).int8_bytes == 9 * 16 + 8 * 16
    assert Operator("linear", 1504, 10, 1, 1).int8_bytes == 1504 * 10 + 8 * 10
    assert Operator("batch_norm", 16, 16, 32, 32).int8_bytes == 0
    space = get_space("fbnet")
    row = space.parse("3200002020236000800000")
    graph = [node.operator for node in space.graph(row[0], 10)]
    got = footprint(space, row, 10, precisions=np.array(["int8"])).flash_kib
    assert got.tolist() == [sum(op.int8_bytes for op in graph) / 1024]
    whole = footprint(space, row, 10).flash_kib
    assert whole.tolist() == [4 * sum(op.params for op in graph) / 1024]


def test_models_that_are_known_by_name_have_what_was_said_of_them(tiny_answers: Benchmark) -> None:
    point = tiny_answers.query(Pair("small", "large"), Gate("margin", 1.0), "given")
    assert (point.ram_kib, point.flash_kib) == (2048.0, 5 * 1024.0)
    assert {point.provenance[name] for name in BOTH} == {"given"}


@pytest.fixture
def tiny_answers() -> Benchmark:
    rng = np.random.default_rng(0)
    answers = {n: rng.dirichlet(np.ones(3), 60).astype(np.float32) for n in ("small", "large")}
    costs = {
        "small": {"macs": 1e6, "weights_mib": 1.0, "activation_mib": 2.0},
        "large": {"macs": 4e6, "weights_mib": 4.0, "activation_mib": 1.5},
    }
    return Benchmark.from_answers(answers, rng.integers(0, 3, 60), costs=costs)


def test_a_front_keeps_within_both_limits_on_any_device(bench: Benchmark) -> None:
    every = bench.front(DEVICE, ("error", "macs"))
    most = {name: float(np.median(getattr(every.points, name))) for name in BOTH}
    for device in bench.table.devices:
        front = bench.front(device, ("error", "macs"), most)
        assert len(front.points)
        for name in BOTH:
            assert (getattr(front.points, name) <= most[name]).all()
            assert front.points.provenance[name] == "modelled"


def test_the_error_says_the_least_that_can_be_met(bench: Benchmark) -> None:
    device = DEVICE
    costs = bench.costs(device).take(bench.table.rows(exits=True))
    least = {n: float(np.min(pair_figure(n, costs, costs, np.zeros(1)))) for n in BOTH}
    for name in BOTH:
        limits = {name: 0.5 * least[name]}
        with pytest.raises(ConstraintError, match=f"{name} {least[name]:.4g}"):
            bench.front(device, ("error", "macs"), limits)
        met = bench.front(device, ("error", "macs"), {name: least[name]})
        assert getattr(met.points, name).max() <= least[name]


@pytest.mark.parametrize("limit", [-1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", BOTH)
def test_a_limit_that_is_no_size_is_refused(bench: Benchmark, name: str, limit: float) -> None:
    with pytest.raises(ConstraintError, match=rf"on {name} is not usable; expected a number"):
        bench.front(DEVICE, ("error", "macs"), {name: limit})


def test_a_choice_keeps_within_the_limit_or_says_the_least(bench: Benchmark) -> None:
    little, big = bench.architectures[0], bench.architectures[-1]
    alone = bench.query(Pair(little, big), Gate("margin", 0.0), DEVICE).flash_kib
    both = bench.query(Pair(little, big), Gate("margin", 1.0), DEVICE).flash_kib
    assert alone is not None
    assert both is not None
    assert alone < both
    point = bench.choose(Pair(little, big), "margin", DEVICE, {"flash_kib": alone})
    assert point.escalation_rate == 0.0
    with pytest.raises(ConstraintError, match="flash_kib"):
        bench.choose(Pair(little, big), "margin", DEVICE, {"flash_kib": 1.0})


def test_a_front_is_kept_for_the_footprint_that_it_was_made_of(bench: Benchmark) -> None:
    costs = bench.costs(DEVICE)
    assert costs.footprint is not None
    other = replace(costs.footprint, others_kib=costs.footprint.others_kib + 1.0)
    keys = {
        front_key("a" * 64, c, ("error", "ram_kib"), {}, ("margin",), 256)
        for c in (costs, replace(costs, footprint=other))
    }
    assert len(keys) == 2
