"""Whether the energies of a finished profile are of what ran: older versions did not ask."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_ALONE: dict[str, tuple[str, ...]] = {"rapl": ("cpu",), "pmic": ("cpu",), "nvml": ("gpu",)}
_RUNS_ON = (
    ("gpu", re.compile(r"CUDA|Tensorrt", re.IGNORECASE)),
    ("cpu", re.compile(r"CPUExecutionProvider")),
)


def misfit(profile: Mapping[str, Any]) -> str | None:
    """What is wrong with the meter's rail for what ran, and what to do; None if nothing is.

    Args:
        profile: a device profile as its JSON holds it.
    """
    meter, runtime = profile.get("meter"), str(profile.get("runtime", ""))
    if not isinstance(meter, Mapping):
        return None
    rail, covers = str(meter.get("rail", "")), meter.get("covers")
    if not isinstance(covers, list):  # of a version that did not say
        covers = _ALONE.get(str(meter.get("name")), ("cpu", "gpu"))
    runs_on = next((word for word, form in _RUNS_ON if form.search(runtime)), None)
    if runs_on is not None and runs_on not in covers:
        return (
            f"the networks ran on the {runs_on.upper()} ({runtime}), which the meter's rail "
            f"({rail!r}) does not carry: measure again with --meter auto, or leave out the "
            "energies."
        )
    if re.match(r"module, VIN_SYS_5V0\b", rail):
        return (
            "VIN_SYS_5V0 stands beside the rails of GPU and CPU and is not the module: measure the "
            "energies again, or leave them out."
        )
    return None
