"""The importer of HW-NAS-Bench's pickle: a file of its structure, and hostile ones."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from biglittle.bench import get_space, load_device
from biglittle.bench.errors import DeviceError, UnknownNameError
from biglittle.cli import app
from biglittle.data_tables.devices.hw_nas_bench import (
    import_profile,
    make_profile,
    operator_name,
    read_file,
)

SPACE = get_space("fbnet")


def public_file(folder: Path, **changes: Any) -> Path:
    rng = np.random.default_rng(0)
    names = [operator_name(ly, c) for ly in SPACE.layers for c in SPACE.choices]
    latency = {name: np.float64(rng.uniform(0.1, 2.0)) for name in sorted(set(names))}
    for layer in SPACE.layers:
        if layer.identity:
            latency[operator_name(layer, "skip")] = 0.0
    latency["ConvNorm_H32_W32_Cin3_Cout16_kernel3_stride1_group1"] = 0.5
    latency["ConvNorm_H4_W4_Cin352_Cout1504_kernel1_stride1_group1"] = 0.25
    document = {
        "fbnet": {
            "edgegpu_latency": latency,
            "edgegpu_energy": {name: 4.0 * value for name, value in latency.items()},
            "raspi4_latency": {k: float(v) for k, v in latency.items()},
        },
        "nasbench201": {"cifar10": {"edgegpu_latency": list(np.linspace(1, 9, 15_625))}},
    }
    document["fbnet"] |= changes
    path = folder / "HW-NAS-Bench-v1_0.pickle"
    path.write_bytes(pickle.dumps(document))
    return path


def test_operators_are_named_as_in_the_file() -> None:
    assert operator_name(SPACE.layers[0], "k3_e1") == (
        "ConvBlock_H32_W32_Cin16_Cout16_exp1_kernel3_stride1_group1"
    )
    assert operator_name(SPACE.layers[5], "skip") == "Skip_H32_W32_Cin24_Cout32_stride2"


def test_a_network_costs_the_sum_of_its_operators(tmp_path: Path) -> None:
    path = public_file(tmp_path)
    costs = read_file(path)["fbnet"]["edgegpu_latency"]
    profile = make_profile(path, "edgegpu")
    target = tmp_path / "jetson-tx2.json"
    target.write_text(json.dumps(profile))
    loaded, architecture = load_device(target), "2863848418780625260277"
    row = SPACE.parse(architecture)[0]
    by_hand = 0.75 + sum(
        costs[operator_name(ly, SPACE.choices[row[ly.index]])] for ly in SPACE.layers
    )
    assert loaded.latency_ms(SPACE, row[None])[0] == pytest.approx(by_hand)
    assert loaded.provenance == {"latency_ms": "block-sum", "energy_mj": "modelled"}
    assert loaded.load_power_mw == pytest.approx(4000.0)


def test_the_command_keeps_it_among_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    path = public_file(tmp_path)
    done = CliRunner().invoke(app, ["device", "import", "hw-nas-bench", str(path)])
    assert done.exit_code == 0, done.output
    assert load_device("jetson-tx2").block_ms is not None
    again = CliRunner().invoke(app, ["device", "import", "hw-nas-bench", str(path)])
    assert isinstance(again.exception, DeviceError)


class Hostile:
    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, self.arguments


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_hostile_file_is_refused_before_it_runs(tmp_path: Path, protocol: int) -> None:
    target = tmp_path / "was_here"
    hostile = {"fbnet": Hostile(Path.touch, target), "exec": Hostile(eval, "1 + 1")}
    path = tmp_path / "hostile.pickle"
    path.write_bytes(pickle.dumps(hostile, protocol))
    with pytest.raises(DeviceError, match=r"was refused: it asks for .*; do not open"):
        read_file(path)
    assert not target.exists()


def test_a_damaged_file_is_one_clear_error(tmp_path: Path) -> None:
    whole = public_file(tmp_path).read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"not a pickle", pickle.dumps([1, 2])):
        path = tmp_path / "damaged.pickle"
        path.write_bytes(content)
        with pytest.raises(DeviceError, match=r"damaged\.pickle"):
            read_file(path)
    with pytest.raises(DeviceError, match="cannot be read"):
        read_file(tmp_path / "missing.pickle")


def test_an_unknown_device_and_impossible_figures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no operator latencies of 'tpu'; known: edgegpu, raspi4"):
        make_profile(public_file(tmp_path), "tpu")
    with pytest.raises(DeviceError, match="no figure for operator ConvBlock_H32"):
        make_profile(public_file(tmp_path, edgegpu_latency={"Skip": 1.0}), "edgegpu")
    name = operator_name(SPACE.layers[0], "k3_e1")
    whole = read_file(public_file(tmp_path))["fbnet"]["edgegpu_latency"]
    for value in ("1.0", True, None, [1.0], np.nan):
        with pytest.raises(DeviceError, match=r"no figure for operator|says nan"):
            make_profile(public_file(tmp_path, edgegpu_latency=whole | {name: value}), "edgegpu")
    for value in (0.0, 1e308):
        energy = dict.fromkeys(whole, value)
        with pytest.raises(DeviceError, match="add up to 0 or to no finite number"):
            make_profile(public_file(tmp_path, edgegpu_energy=energy), "edgegpu")
    outside = {"../../x_latency": whole, b"y_latency": whole, 3: whole}
    with pytest.raises(DeviceError, match=r"known: edgegpu, raspi4\."):
        make_profile(public_file(tmp_path, **{"../../x_latency": whole}), "../../x")
    path = public_file(tmp_path)
    path.write_bytes(pickle.dumps({"fbnet": outside}))
    with pytest.raises(DeviceError, match=r"known: none\."):
        make_profile(path, "../../x")
    with pytest.raises(DeviceError, match=r"the file says -1\.0 for operator"):
        make_profile(public_file(tmp_path, edgegpu_latency=whole | {name: -1.0}), "edgegpu")


def test_an_imported_profile_is_the_users_own_and_never_replaced_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "own"))
    path = public_file(tmp_path)
    target = import_profile("hw-nas-bench", path, "edgegpu")
    assert target == tmp_path / "own" / "devices" / "jetson-tx2.json"
    assert load_device("jetson-tx2").provenance["latency_ms"] == "block-sum"
    with pytest.raises(DeviceError, match="add --replace"):
        import_profile("hw-nas-bench", path, "edgegpu")
    assert import_profile("hw-nas-bench", path, "edgegpu", replace=True) == target
    with pytest.raises(UnknownNameError, match="Did you mean 'hw-nas-bench'"):
        import_profile("hw-nas", path, "edgegpu")
