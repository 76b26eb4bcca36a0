"""Any ONNX network on any device: predicted, with an interval, or refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import biglittle
from biglittle.bench import get_space, load_device, shipped_devices
from biglittle.bench.device import SHIPPED
from biglittle.bench.errors import DeviceError, ProfileError
from biglittle.bench.operator_features import NAMES
from biglittle.data_tables.devices.predict import (
    Prediction,
    Refusal,
    predict,
    predict_each,
    predict_files,
    record,
    text,
)
from biglittle.edge_profiler import cascade_model, onnx_model
from biglittle.edge_profiler.anchors import anchor_networks
from biglittle.edge_profiler.onnx_reader import read_model

onnx = pytest.importorskip("onnx")
pytest.importorskip("scipy")
FBNET, NB201 = get_space("fbnet"), get_space("nb201")
NETWORK = "2863848418780625260277"


def board(tmp_path: Path, n: int, truth: np.ndarray) -> Path:
    """A profile of a board whose latency is a sum over operators, with a little noise."""
    from biglittle.bench.operator_features import network_features

    ids, rng = anchor_networks(FBNET, n), np.random.default_rng(0)
    ms = network_features(FBNET, FBNET.parse(ids), 10) @ truth
    raw = json.loads((SHIPPED / "raspberry-pi-4.json").read_text())
    raw = {k: v for k, v in raw.items() if k not in ("block_table", "load_power", "fit")} | {
        "device": "board",
        "networks": [
            {"architecture": a, "latency_ms": float(v * np.exp(rng.normal(0, 0.005))),
             "provenance": "measured"}
            for a, v in zip(ids, ms, strict=True)
        ],
    }  # fmt: skip
    path = tmp_path / "board.json"
    path.write_text(json.dumps(raw))
    return path


@pytest.fixture
def truth() -> np.ndarray:
    truth = np.zeros(len(NAMES))
    for name, value in (("networks", 1.0), ("pointwise.macs", 0.1), ("depthwise.roof2", 0.2)):
        truth[NAMES.index(name)] = value
    return truth


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    onnx.save(onnx_model(FBNET, NETWORK, 10), str(path))
    return path


@pytest.mark.parametrize("device", shipped_devices())
def test_every_shipped_device_predicts_with_an_interval(device: str, network: Path) -> None:
    (found,) = predict_files(device, [network])
    assert found.latency_low_ms is not None
    assert found.latency_high_ms is not None
    assert found.latency_low_ms < found.latency_ms < found.latency_high_ms
    assert found.provenance["latency_ms"] == "predicted"
    assert (found.energy_mj is not None) == (found.provenance.get("energy_mj") == "modelled")
    assert "predicted" in found.text()


def test_a_network_of_the_space_is_predicted_as_its_profile_has_it(network: Path) -> None:
    profile = load_device("raspberry-pi-4")
    known = float(profile.latency_ms(FBNET, FBNET.parse(NETWORK))[0])
    (found,) = predict_files("raspberry-pi-4", [network])
    assert found.latency_ms == pytest.approx(known, rel=0.1)
    profile = load_device("raspberry-pi-5")  # the very same model, so the very same figure
    known = float(profile.latency_ms(FBNET, FBNET.parse(NETWORK))[0])
    assert predict_files("raspberry-pi-5", [network])[0].latency_ms == pytest.approx(
        known, rel=1e-3
    )


def test_a_board_of_which_forty_networks_were_measured(
    tmp_path: Path, truth: np.ndarray, network: Path
) -> None:
    from biglittle.bench.operator_features import operator_features

    (found,) = predict_files(board(tmp_path, 40, truth), [network])
    wanted = float((operator_features([FBNET.graph(NETWORK, 10)]) @ truth)[0])
    assert found.latency_ms == pytest.approx(wanted, rel=0.03)
    assert (found.coverage, found.energy_mj) == (0.9, None)
    assert "40 measured fbnet networks" in found.fitted_to


def test_with_five_networks_there_is_a_figure_and_no_interval(
    tmp_path: Path, truth: np.ndarray, network: Path
) -> None:
    (found,) = predict_files(board(tmp_path, 5, truth), [network])
    assert (found.latency_low_ms, found.coverage) == (None, None)
    assert "no interval" in found.text()


def test_what_a_devices_networks_say_nothing_of_is_not_predicted(tmp_path: Path) -> None:
    path = tmp_path / "cell.onnx"
    onnx.save(onnx_model(NB201, "333333", 10), str(path))
    with pytest.raises(DeviceError, match=r"no figure.*dense") as caught:
        predict_files("raspberry-pi-4", [path])
    assert "biglittle profile --networks FILE.onnx" in str(caught.value)  # which does measure it
    assert predict_files("raspberry-pi-5", [path])[0].latency_ms > 0


def test_the_first_page_says_on_which_boards_larger_convolutions_are_predicted() -> None:
    page = (Path(biglittle.__file__).parent / "README.md").read_text(encoding="utf-8")
    start = page.index("larger than 1x1 over all channels on ")
    predicted, _, refused = page[start : page.index(".", start)].partition("but not on")
    columns = [i for i, name in enumerate(NAMES) if name.startswith("dense.")]
    for name in shipped_devices():
        known = load_device(name).latency.operators().model.coefficients[columns].any()
        assert (f"`{name}`" in predicted) == known
        assert not (known and f"`{name}`" in refused)
    assert "`raspberry-pi-4`" in refused


def test_an_extrapolation_says_that_it_is_one(network: Path) -> None:
    (found,) = predict_files("jetson-nano", [network])
    assert any("extrapolation" in note for note in found.notes)


def test_a_cascade_takes_both_of_its_ways_and_their_mean_by_the_rate(tmp_path: Path) -> None:
    parts = [onnx_model(FBNET, a, 10) for a in ("8" * 22, NETWORK)]
    paths = [tmp_path / name for name in ("little.onnx", "big.onnx", "cascade.onnx")]
    for path, model in zip(paths, [*parts, cascade_model(*parts, "margin", 0.5)], strict=True):
        onnx.save(model, str(path))
    little, big, cascade = predict_files("raspberry-pi-5", paths)
    kept, escalated = cascade.branches
    assert (kept.network, escalated.network) == ("kept", "escalated")
    assert little.latency_ms <= kept.latency_ms < 1.2 * little.latency_ms  # the gate's share
    # Both networks and a gate, of which the constant per network is paid once.
    assert big.latency_ms < escalated.latency_ms < 1.1 * (little.latency_ms + big.latency_ms)
    assert cascade.latency_ms == escalated.latency_ms
    assert any("--rate" in note for note in cascade.notes)
    (mean,) = predict_each("raspberry-pi-5", paths[2:], rate=0.25)
    assert isinstance(mean, Prediction)
    for name in ("latency_ms", "latency_low_ms", "latency_high_ms", "energy_mj"):
        ends = getattr(kept, name), getattr(escalated, name)
        assert getattr(mean, name) == pytest.approx(0.75 * ends[0] + 0.25 * ends[1])
    assert (mean.rate, mean.provenance["latency_ms"]) == (0.25, "predicted")
    assert mean.macs == round(0.75 * kept.macs + 0.25 * escalated.macs)
    assert "kept: " in mean.text()
    assert json.loads(json.dumps(mean.as_dict()))["branches"][1]["network"] == "escalated"
    (alone,) = predict_each("raspberry-pi-5", paths[:1], rate=0.25)
    assert isinstance(alone, Prediction)
    assert any("no branches" in note for note in alone.notes)


def test_half_precision_is_said_where_the_device_was_measured_in_another(tmp_path: Path) -> None:
    path = tmp_path / "half.onnx"
    network = onnx_model(FBNET, NETWORK, 10)
    for weight in network.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT:
            half = onnx.numpy_helper.to_array(weight).astype(np.float16)
            weight.CopyFrom(onnx.numpy_helper.from_array(half, weight.name))
    for value in (*network.graph.input, *network.graph.output):
        value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    onnx.save(network, str(path))
    (found,) = predict_files("raspberry-pi-5", [path])
    assert any("weights are fp16" in note and "in fp32" in note for note in found.notes)


def test_one_bad_file_does_not_cost_the_others_their_answers(network: Path, tmp_path: Path) -> None:
    dilated = onnx_model(FBNET, NETWORK, 10)
    conv = next(n for n in dilated.graph.node if n.op_type == "Conv" and "stem" in n.name)
    (pads,) = (a for a in conv.attribute if a.name == "pads")
    pads.ints[:] = [2, 2, 2, 2]  # as many rows and columns as before
    conv.attribute.append(onnx.helper.make_attribute("dilations", [2, 2]))
    bad = tmp_path / "dilated.onnx"
    onnx.save(dilated, str(bad))
    answers = predict_each("raspberry-pi-5", [bad, network])
    assert isinstance(answers[0], Refusal)
    assert "Conv with dilation (1)" in answers[0].reason
    assert isinstance(answers[1], Prediction)
    with pytest.raises(DeviceError, match=r"1 of 2 files(.|\n)*dilated\.onnx"):
        predict_files("raspberry-pi-5", [bad, network])


def test_operators_that_cannot_be_predicted_are_named(truth: np.ndarray) -> None:
    profile = load_device("raspberry-pi-5")
    read = read_model(onnx_model(FBNET, NETWORK, 10), "net")
    bad = type(read)(read.name, read.graph, {"LSTM": 2, "Einsum": 1}, read.input_shape)
    with pytest.raises(ProfileError, match=r"Einsum \(1\), LSTM \(2\)"):
        predict(profile, profile.latency.operators(), bad)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"coefficients_ms": {"networks": -1.0}}, "networks is -1.0, expected at least 0"),
        ({"coefficients_ms": {"magic.macs": 1.0}}, "magic.macs"),
        ({"coefficients_ms": "many"}, "is 'many', expected an object"),
        ({}, "has no field 'coefficients_ms'"),
    ],
)
def test_a_model_that_makes_no_sense_is_refused(
    tmp_path: Path, network: Path, change: dict[str, object], text: str
) -> None:
    raw = json.loads((SHIPPED / "raspberry-pi-5.json").read_text())
    held = raw["model"]["operators"]
    raw["model"]["operators"] = {**held, **change} if change else {}
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(raw))
    with pytest.raises(DeviceError, match=text):
        predict_files(path, [network])


def test_answers_are_recorded_and_told_apart_from_refusals(tmp_path: Path) -> None:
    good, bad = tmp_path / "net.onnx", tmp_path / "bad.onnx"
    onnx.save(onnx_model(FBNET, NETWORK, 10), str(good))
    bad.write_bytes(b"nothing")
    answers = predict_each("raspberry-pi-5", [good, bad])
    document = record(answers)
    assert [p["network"] for p in document["predictions"]] == ["net.onnx"]
    assert [r["network"] for r in document["refused"]] == ["bad.onnx"]
    assert len(text(answers)) == 1
    assert text(answers)[0].startswith("net.onnx on raspberry-pi-5")
