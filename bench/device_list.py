"""The device profiles that can be named: those that ship, and the user's own."""

from __future__ import annotations

from typing import Any

from .device import DeviceProfile, load_device, shipped_devices, user_devices
from .errors import BigLittleError


def device_facts(profile: DeviceProfile) -> dict[str, Any]:
    """How a profile was made, from what, and with what error, as plain JSON."""
    return {"says": profile.summary, "provenance": profile.provenance, **profile.facts}


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
