"""The device profiles that can be named: those that ship, and the user's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from .device import load_device, shipped_devices, user_devices
from .device_profile import DeviceProfile
from .errors import BigLittleError
from .spaces import get_space


def device_facts(profile: DeviceProfile) -> dict[str, Any]:
    """How a profile was made, from what, and with what error, as plain JSON."""
    return {"says": profile.summary, "provenance": profile.provenance, **profile.facts}


def exit_facts(profile: DeviceProfile) -> dict[str, Any]:
    """How latencies of networks that are cut at exits come about, as plain JSON.

    ``heads_ms`` are latencies of exit heads with their classifiers, by name of the exit; None where
    there is nothing to predict them from, and ``problem`` then says why.
    """
    try:
        space = get_space(profile.space)
        names, k = [cut.name for cut in space.exits], len(space.exits)
        genomes = np.zeros((k, space.n_layers), np.uint8)
        exits = np.arange(1, k + 1).astype(np.uint8)
        heads = profile.latency.latency_ms(genomes, exits)
        heads = heads - profile.latency.trunk_ms(genomes, exits)
        word = profile.latency.provenance(genomes, exits)["latency_ms"]
    except BigLittleError as error:
        return {"latency_ms": None, "heads_ms": None, "problem": str(error)}
    if np.isnan(heads).all():
        problem = "only networks that are listed have a latency, at exits as well"
        return {"latency_ms": None, "heads_ms": None, "problem": problem}
    rounded = {
        name: None if np.isnan(ms) else round(float(ms), 4)
        for name, ms in zip(names, heads, strict=True)
    }
    return {"latency_ms": word, "heads_ms": rounded}


def listed_devices() -> dict[str, dict[str, Any]]:
    """Facts of every profile by its name, and under ``where`` whether it is "shipped" or "yours".

    A file that cannot be read does not hide the others: it has a ``problem`` instead of facts.
    """
    shipped = shipped_devices()
    listed: dict[str, dict[str, Any]] = {}
    for name in (*shipped, *user_devices()):
        where = "shipped" if name in shipped else "yours"
        try:
            listed[name] = {"where": where, **device_facts(load_device(name))}
        except BigLittleError as error:
            listed[name] = {"where": where, "problem": str(error)}
    return listed


def devices_text() -> list[str]:
    """One line for every profile, for a reader."""
    return [
        f"{name}{'' if facts['where'] == 'shipped' else ' (yours)'}: "
        + (facts.get("problem") or f"{facts['description']} ({facts['says']})")
        for name, facts in listed_devices().items()
    ]
