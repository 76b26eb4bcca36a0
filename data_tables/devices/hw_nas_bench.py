"""Makes a device profile from the public file of HW-NAS-Bench, which is a pickle.

A pickle can ask for any function to be run. The reader here knows containers, numbers, strings and
arrays of numbers, and runs nothing; a file that asks for anything else is refused by name.

Source: Li et al. 2021, "HW-NAS-Bench: Hardware-Aware Neural Architecture Search Benchmark" (MIT).
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...bench.bounded import LimitError, read_bounded
from ...bench.device import parse_profile, user_folder
from ...bench.device_document import FORMAT_2
from ...bench.errors import DeviceError, UnknownNameError
from ...bench.files import replacing
from ...bench.pickled import PickleError, RefusedPickleError, load_plain
from ...bench.spaces import Layer, SearchSpace, get_space
from ...bench.spaces.fbnet import BLOCKS

#: Names of devices become names of files.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_BYTES = 128 * 2**20  # the published file has some 10 MiB
N_CLASSES = 100
#: What the devices of the file are called here.
DEVICES = {
    "edgegpu": ("jetson-tx2", "NVIDIA Jetson TX2"),
    "raspi4": ("raspberry-pi-4-hw-nas-bench", "Raspberry Pi 4"),
    "pixel3": ("pixel3", "Google Pixel 3"),
}


def read_file(path: Path) -> Mapping[str, Any]:
    """What the file holds: ``fbnet`` and ``nasbench201``, each by metric.

    Raises:
        DeviceError: the file is not there, or it is too large, damaged, or asks for code to be
            run.
    """
    try:
        contents = load_plain(read_bounded(path, MAX_BYTES))
    except OSError as error:
        raise DeviceError(f"{path} cannot be read: {error.strerror}.") from error
    except RefusedPickleError as error:
        raise DeviceError(
            f"{path.name} was refused: {error}. Expected the published HW-NAS-Bench file; do not "
            "open this one elsewhere."
        ) from error
    except (PickleError, LimitError) as error:
        raise DeviceError(
            f"{path.name} is not the published HW-NAS-Bench-v1_0.pickle: {error}. Fetch it again."
        ) from error
    if not isinstance(contents, dict) or not isinstance(contents.get("fbnet"), dict):
        raise DeviceError(
            f"{path.name} holds {type(contents).__name__} without the key 'fbnet'; expected the "
            "published HW-NAS-Bench file."
        )
    return contents


def operator_name(layer: Layer, choice: str) -> str:
    """What the file calls a choice at a layer."""
    h, cin, cout = layer.height, layer.in_channels, layer.out_channels
    place = f"H{h}_W{h}_Cin{cin}_Cout{cout}"
    if choice == "skip":
        return f"Skip_{place}_stride{layer.stride}"
    kernel, expansion, groups = BLOCKS[choice]
    return f"ConvBlock_{place}_exp{expansion}_kernel{kernel}_stride{layer.stride}_group{groups}"


def _figure(costs: Mapping[str, Any], name: str, free: bool = False) -> float:
    if name not in costs and free:
        return 0.0
    value = costs.get(name)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise DeviceError(f"the file has no figure for operator {name}.")
    if not np.isfinite(value) or value < 0:
        raise DeviceError(f"the file says {value} for operator {name}; expected at least 0.")
    return float(value)


def _blocks(space: SearchSpace, costs: Mapping[str, Any]) -> tuple[np.ndarray, float]:
    table = np.array(
        [
            [
                _figure(costs, operator_name(ly, c), free=c == "skip" and ly.identity)
                for c in space.choices
            ]
            for ly in space.layers
        ]
    )
    # Stem and head; the classifier and the average are added where the file has them.
    ends = [n for n in costs if str(n).startswith(("ConvNorm_", "AvgP", "FC", "Linear"))]
    return table, sum(_figure(costs, n) for n in ends)


def make_profile(path: Path, device: str) -> dict[str, Any]:
    """A block-sum profile of one device in the file, ``edgegpu`` for the Jetson TX2.

    Where the file has energies of operators too, energy is modelled: latency times the ratio of
    both sums, the median of 500 random networks.

    Raises:
        DeviceError: the file is refused, or has no figures of that device.
    """
    metrics, space = read_file(path)["fbnet"], get_space("fbnet")
    devices = sorted(
        k.removesuffix("_latency")
        for k in metrics
        if isinstance(k, str) and k.endswith("_latency") and _NAME.fullmatch(k)
    )
    costs = metrics.get(f"{device}_latency") if _NAME.fullmatch(device) else None
    if not isinstance(costs, dict):
        raise DeviceError(
            f"{path.name} has no operator latencies of {device!r}; known: "
            f"{', '.join(devices) or 'none'}."
        )
    name, title = DEVICES.get(device, (device.replace("_", "-"), device))
    table, constant = _blocks(space, costs)
    power: dict[str, Any] | None = None
    if isinstance(energies := metrics.get(f"{device}_energy"), dict):
        energy, base = _blocks(space, energies)
        rows = space.sample(np.random.default_rng(0), 500)
        at = np.arange(space.n_layers), rows
        with np.errstate(over="ignore"):
            totals = energy[at].sum(axis=1) + base, table[at].sum(axis=1) + constant
        if not all(np.isfinite(total).all() and (total > 0).all() for total in totals):
            raise DeviceError(
                f"{path.name} has energies or latencies of {device!r} that add up to 0 or to no "
                "finite number; expected the published file."
            )
        ratio = totals[0] / totals[1]
        power = {
            "power_mw": round(1000 * float(np.median(ratio)), 1),
            "rail": "as in HW-NAS-Bench",
            "source": "HW-NAS-Bench: summed energy over summed latency, median of 500 random "
            f"networks ({1000 * ratio.min():.0f} to {1000 * ratio.max():.0f} mW)",
        }
    return {
        "format": FORMAT_2,
        "device": name,
        "description": f"{title}, block latencies of HW-NAS-Bench added up",
        "space": space.name,
        "space_hash": space.hash,
        "n_classes": N_CLASSES,
        "runtime": f"as published (HW-NAS-Bench, {device})",
        "precision": "fp32",
        "threads": None,
        "batch": 1,
        "source": f"Li et al. 2021, HW-NAS-Bench (MIT), {path.name}, metric {device}_latency",
        "author": None,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "tool_version": None,
        "load_power": power,
        "block_table": {"constant_ms": constant, "latency_ms": table.tolist()},
    }


def import_profile(kind: str, path: Path, device: str, replace: bool = False) -> Path:
    """The file of a profile of the user's own, made from a published file.

    Args:
        kind: form of the published file; only ``hw-nas-bench`` is read.
        path: the published file of HW-NAS-Bench.
        device: one of the devices in it.
        replace: whether a profile of the same name gives way.

    Raises:
        UnknownNameError: files of that kind are not read.
        DeviceError: the file is refused, or the user has a profile of that name.
    """
    if kind != "hw-nas-bench":
        raise UnknownNameError("published file", kind, ("hw-nas-bench",))
    profile = make_profile(path, device)
    parse_profile(profile, f"what {path.name} says of {device}")
    target = user_folder() / f"{profile['device']}.json"
    if target.exists() and not replace:
        raise DeviceError(f"{target} is there already; add --replace to take its place.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as partial:
        partial.write_text(json.dumps(profile, indent=1) + "\n", encoding="utf-8")
    return target
