"""Networks of a device's own space, whole or cut at an exit, by their names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from biglittle.bench import get_space, load_device
from biglittle.bench.device_list import exit_facts
from biglittle.bench.errors import ArchitectureError, DeviceError
from biglittle.data_tables.devices.predict import predict_each
from biglittle.data_tables.devices.predict_named import is_name, predict_named
from biglittle.data_tables.devices.prediction import Prediction, Refusal

SPACE = get_space("fbnet")
ARCHITECTURE = "3200002020236000800000"
PI = load_device("raspberry-pi-4")


def few() -> object:
    """The Pi with two listed networks in the place of its block table."""
    listed = {ARCHITECTURE: 20.0, f"{ARCHITECTURE}@12": 12.0}
    return replace(PI, name="few", block_ms=None, measured_ms=listed)


def test_a_whole_network_is_a_sum_and_its_exit_predicted() -> None:
    pytest.importorskip("scipy")
    whole, cut = (predict_named(PI, ARCHITECTURE + e) for e in ("", "@12"))
    genome = SPACE.parse(ARCHITECTURE)
    assert whole.latency_ms == PI.latency_ms(SPACE, genome)[0]
    assert (whole.provenance["latency_ms"], whole.latency_low_ms) == ("block-sum", None)
    assert "ms block-sum" in whole.text()
    assert "interval" not in whole.text()
    exits = SPACE.exit_numbers(["12"])
    assert cut.latency_ms == PI.latency_ms(SPACE, genome, exits)[0] < whole.latency_ms
    assert cut.macs == SPACE.macs(genome, PI.n_classes, exits)[0] < whole.macs
    assert cut.provenance["latency_ms"] == "predicted"
    assert cut.latency_low_ms is not None
    assert cut.latency_high_ms is not None
    assert cut.latency_low_ms < cut.latency_ms < cut.latency_high_ms
    assert "predicted" in cut.text()
    assert "90% interval" in cut.text()


@pytest.mark.parametrize(
    ("name", "problem"),
    [("@13", "no exit '13'"), (":int4", "one of fp32, int8"), ("1", "has 23 characters")],
)
def test_a_name_that_is_none_costs_one_line(name: str, problem: str) -> None:
    (refusal,) = predict_each("raspberry-pi-4", [Path(ARCHITECTURE + name)])
    assert isinstance(refusal, Refusal)
    assert problem in refusal.reason
    assert "\n" not in refusal.reason


def test_a_network_in_int8_is_its_fp32_figure_times_what_was_published() -> None:
    plain, small = (predict_named(PI, f"{ARCHITECTURE}@12{end}") for end in ("", ":int8"))
    assert small.latency_ms == pytest.approx(PI.factors["int8"].ratio * plain.latency_ms)
    assert small.latency_low_ms is not None
    assert small.latency_low_ms < small.latency_ms < plain.latency_ms
    assert small.provenance["latency_ms"] == "predicted"
    assert small.fitted_to.startswith("MLPerf")
    (refusal,) = predict_each("jetson-nano", [Path(f"{ARCHITECTURE}:int8")])
    assert isinstance(refusal, Refusal)
    assert "says nothing of int8; name the network without :int8" in refusal.reason


def test_a_device_that_lists_networks_alone_answers_for_those() -> None:
    profile = few()
    listed = predict_named(profile, f"{ARCHITECTURE}@12")  # type: ignore[arg-type]
    assert (listed.latency_ms, listed.provenance["latency_ms"]) == (12.0, "measured")
    with pytest.raises(DeviceError, match="lists 2 networks and not this one"):
        predict_named(profile, f"{ARCHITECTURE}@8")  # type: ignore[arg-type]
    with pytest.raises(ArchitectureError, match="no exit '13'"):
        predict_named(profile, f"{ARCHITECTURE}@13")  # type: ignore[arg-type]
    facts = exit_facts(profile)  # type: ignore[arg-type]
    assert facts["heads_ms"] is None
    assert "listed" in facts["problem"]


def test_files_and_names_are_told_apart() -> None:
    assert is_name(f"{ARCHITECTURE}@12s:int8", PI)
    assert not is_name("network.onnx", PI)
    assert not is_name("12.onnx", PI)
    cells = replace(PI, space="nb201", space_hash=get_space("nb201").hash)
    assert is_name(get_space("nb201").names(get_space("nb201").parse("321032"))[0] + "@4", cells)


def test_heads_of_exits_are_among_the_facts_of_a_device() -> None:
    pytest.importorskip("scipy")
    facts = exit_facts(PI)
    assert facts["latency_ms"] == "predicted"
    assert list(facts["heads_ms"]) == [cut.name for cut in SPACE.exits]
    assert all(0 < ms < PI.constant_ms for ms in facts["heads_ms"].values())
    (answer,) = predict_each("raspberry-pi-4", [Path(f"{ARCHITECTURE}@12")])
    assert isinstance(answer, Prediction)
