"""Energy of the profiler's runs: what the device takes at rest, and what a network takes on top."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .meters import EVERYTHING, Meter
from .meters._power import put_energy
from .protocol import Clock, Protocol
from .runtimes import Run

_MOST_RUNS = 10**6  # of one network, should the clock stand still


def idle_power(
    meter: Meter, protocol: Protocol, clock: Clock, sleep: Callable[[float], None]
) -> dict[str, Any] | None:
    """Facts of the meter with the power of the device at rest; None without a meter."""
    if meter.name == "none":
        return None
    meter.start()
    began = clock()
    sleep(protocol.energy_s)
    took_s = (clock() - began) / 1e9
    total_mj = meter.stop()
    has_reading = total_mj is not None and 0 <= total_mj < math.inf and took_s > 0
    facts: dict[str, Any] = {
        "name": meter.name,
        "rail": meter.rail,
        "covers": sorted(getattr(meter, "covers", EVERYTHING)),
        "sampling_hz": meter.sampling_hz,
        "idle_power_mw": round((total_mj or 0.0) / took_s, 3) if has_reading else None,
        "idle_s": round(took_s, 6),
    }
    if (windows := getattr(meter, "windows", None)) is not None:
        facts["idle_window_s"] = list(windows[-1])
    return facts


def measure_energy(
    entry: dict[str, Any],
    network: Run,
    meter: Meter,
    facts: dict[str, Any] | None,
    protocol: Protocol,
    clock: Clock,
) -> None:
    """Runs a network for ``energy_s`` under the meter; nothing is written where it says nothing."""
    if facts is None:
        return
    runs, limit_ns = 0, protocol.energy_s * 1e9
    meter.start()
    began = clock()
    while runs < _MOST_RUNS:
        network()
        runs += 1
        if clock() - began >= limit_ns:
            break
    took_s = (clock() - began) / 1e9
    total_mj = meter.stop()
    if (windows := getattr(meter, "windows", None)) is not None:
        entry |= {"energy_window_s": list(windows[-1]), "energy_runs": runs}
    if total_mj is not None and 0 < total_mj < math.inf:
        put_energy(entry, total_mj, took_s, runs, facts.get("idle_power_mw"))
