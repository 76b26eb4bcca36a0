"""Facts about the machine that measures: its processor, clock and versions, never its name."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..bench.device import shipped_devices

_ROOT = Path("/")
_DEVICE_TREE = ("proc/device-tree/model", "sys/firmware/devicetree/base/model")
_FREQUENCY = "sys/devices/system/cpu/cpu0/cpufreq"
#: Words of a model name that say nothing about the model, in lower case.
_NOISE = re.compile(
    r"\(r\)|\(tm\)|\b(cpu|processor)\b|\b(\d+|quad|dual|six|eight)-core\b|@.*$|\brev [\d.]+.*$"
)
_VERSIONS = ("numpy", "onnx", "onnxruntime")


def _read(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip("\0 \n\t")
    except OSError:
        return None
    return text or None


def _cpuinfo(root: Path) -> tuple[dict[str, str], int]:
    """First value of every key of /proc/cpuinfo, and the number of processors."""
    facts: dict[str, str] = {}
    processors = 0
    for line in (_read(root / "proc/cpuinfo") or "").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            processors += key.strip() == "processor"
            facts.setdefault(key.strip(), value.strip())
    return facts, processors


def cpu_model(root: Path = _ROOT) -> str | None:
    """The board's or processor's model as the operating system gives it, None if it does not.

    A board's device tree is preferred: "Raspberry Pi 4 Model B" says more than "Cortex-A72".
    """
    for path in _DEVICE_TREE:
        if (model := _read(root / path)) is not None:
            return model
    facts, _ = _cpuinfo(root)
    return facts.get("Model") or facts.get("model name") or facts.get("Hardware") or None


def device_name(root: Path = _ROOT) -> str:
    """A slug of the processor's model, for example ``amd-ryzen-7-5800x``.

    A model without a number names a whole line of processors, so that its family and model
    numbers are appended: ``amd-epyc-f25-m17``. The host's name is never used.

    Args:
        root: folder that holds /proc and /sys; another one for tests.
    """
    facts, _ = _cpuinfo(root)
    text = cpu_model(root)
    if text is None:
        if "CPU part" in facts:  # an ARM server without a device tree
            return _slug(f"arm i{facts.get('CPU implementer', '')} p{facts['CPU part']}")
        return _slug(f"unknown {platform.machine()}")
    slug = _slug(_NOISE.sub(" ", text.lower()))
    if not re.search(r"\d", slug) and "cpu family" in facts:
        slug = _slug(f"{slug} f{facts['cpu family']} m{facts.get('model', '')}")
    return slug or _slug(f"unknown {platform.machine()}")


def same_device(name: str, promised: Mapping[str, Any], measured: Mapping[str, Any]) -> bool:
    """Whether a profile measured by the profiler may be of the device called ``name``.

    Profiles are named by people, machines by what their system gives:
    ``nvidia-jetson-nano-developer-kit`` is the ``jetson-nano``. The model of the processor tells as
    well; of a profile that ships only where it has a number, since it may be anybody's.

    Args:
        name: name of a device profile.
        promised: facts of that profile; {} where it is not here.
        measured: the profile that was measured, or its facts.
    """
    shared = _models(promised) & _models(measured)
    if shared and (name not in shipped_devices() or any(re.search(r"\d", m) for m in shared)):
        return True
    here = str(measured["device"])
    return name == here or re.sub(r"-(cpu|gpu)$", "", name) in here


def _models(profile: Mapping[str, Any]) -> set[str]:
    """What a profile calls its processor."""
    given = profile.get("soc"), (profile.get("environment") or {}).get("cpu_model")
    return {str(model) for model in given if model}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _number(text: str | None, divisor: float) -> float | None:
    try:
        return None if text is None else round(float(text) / divisor, 3)
    except ValueError:
        return None


def _temperature_c(root: Path) -> float | None:
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*"))

    def is_other(zone: Path) -> bool:
        kind = (_read(zone / "type") or "").lower()
        return not any(word in kind for word in ("cpu", "pkg", "soc"))

    # A zone of the processor if one says so, else whichever comes first.
    for zone in sorted(zones, key=is_other):
        celsius = _number(_read(zone / "temp"), 1000.0)
        if celsius is not None:
            return celsius
    return None


def _version(package: str) -> str | None:
    import importlib.metadata  # late: a quarter of the time that importing the profiler took

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def conditions(root: Path = _ROOT) -> dict[str, float | None]:
    """Clock and temperature at this moment: ``clock_mhz``, ``temperature_c``; None = not given.

    Args:
        root: folder that holds /proc and /sys; another one for tests.
    """
    clock_mhz = _number(_read(root / _FREQUENCY / "scaling_cur_freq"), 1000.0)
    if clock_mhz is None:
        clock_mhz = _number(_cpuinfo(root)[0].get("cpu MHz"), 1.0)
    return {"clock_mhz": clock_mhz, "temperature_c": _temperature_c(root)}


def environment(root: Path = _ROOT) -> dict[str, Any]:
    """What a reader of a profile needs to know of the machine; None = the system does not say.

    Keys: ``cpu_model``, ``cpu_cores``, ``cpu_architecture``, ``os``, ``python``, ``numpy``,
    ``onnx``, ``onnxruntime`` (versions), ``governor``, ``clock_mhz``, ``clock_max_mhz``,
    ``temperature_c``, ``load_average`` (of the last minute).

    Args:
        root: folder that holds /proc and /sys; another one for tests.
    """
    _, processors = _cpuinfo(root)
    load = (_read(root / "proc/loadavg") or "").split()
    return {
        "cpu_model": cpu_model(root),
        "cpu_cores": processors or os.cpu_count(),
        "cpu_architecture": platform.machine(),
        "os": platform.system(),
        "python": platform.python_version(),
        **{package: _version(package) for package in _VERSIONS},
        "governor": _read(root / _FREQUENCY / "scaling_governor"),
        "clock_max_mhz": _number(_read(root / _FREQUENCY / "cpuinfo_max_freq"), 1000.0),
        **conditions(root),
        "load_average": _number(load[0], 1.0) if load else None,
    }
