"""``trace``: an external meter's CSV, aligned with the run by markers when both are finished.

While networks run nothing is measured; every block of runs leaves a window of time. Afterwards
`fill` reads the trace and gives each window its energy. The trace has a head, ``time_s`` and
either ``power_mw`` or ``voltage_v`` and ``current_a``, in any of the dialects of meters and
spreadsheets (`bench.text_files`). Its clock is tied to the board's by one of

- a column ``marker``, 1 while a block runs (a GPIO line that the meter records) and 0 between: its
  pulses are the windows, in order; or
- the markers' absence: then ``time_s`` counts from 1970, and both clocks were set alike.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.errors import ProfileError
from ...bench.files import why_unreadable
from ...bench.text_files import parse_csv, read_text
from . import EVERYTHING, Meter
from ._power import put_energy

RAIL = "external meter"
MAX_BYTES = 512 * 2**20
#: Marker pulses and windows of one block may differ by this share and this many seconds.
TOLERANCE, TOLERANCE_S = 0.05, 0.05


class TraceMeter:
    """Notes when blocks ran; `windows` is what the trace is cut by.

    Args:
        clock: seconds since 1970; another one for tests.
        mark: called with True at the start and False at the end of a block, for a GPIO line.
    """

    name, rail, sampling_hz, covers = "trace", RAIL, None, EVERYTHING

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        mark: Callable[[bool], None] | None = None,
    ) -> None:
        self._clock, self._mark = clock, mark
        self._began = 0.0
        self.windows: list[tuple[float, float]] = []

    def start(self) -> None:
        """Notes the time."""
        self._began = self._clock()
        if self._mark is not None:
            self._mark(True)

    def stop(self) -> float | None:
        """None: the energy follows from the trace."""
        if self._mark is not None:
            self._mark(False)
        self.windows.append((self._began, self._clock()))
        return None


def read_trace(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Time in s, power in mW and marker of every sample, each (n,); no marker: an empty array.

    Samples of one and the same time, as a coarse clock gives them, are one with their mean power.

    Raises:
        ProfileError: no such file, too large, without the columns, not in order of time, or with
            a figure that is none; the line and the column are named.
    """
    try:
        table = parse_csv(read_text(path, MAX_BYTES), ("time_s", "power_mw", "voltage_v"))
        direct = "power_mw" in table.columns
        if "time_s" not in table.columns or not (
            direct or {"voltage_v", "current_a"} <= {*table.columns}
        ):
            raise ProfileError(
                f"trace {path.name} has columns {sorted(table.columns)}, expected time_s and "
                "power_mw (or voltage_v and current_a)."
            )
        names = ["time_s", *(("power_mw",) if direct else ("voltage_v", "current_a"))]
        marked = "marker" in table.columns
        figures = table.numbers([*names, *(("marker",) if marked else ())])
    except (OSError, ValueError) as error:
        why = why_unreadable(error, f"{error}.")
        raise ProfileError(f"trace {path.name} cannot be read: {why}") from error
    times = figures[:, 0]
    with np.errstate(over="ignore"):
        power = figures[:, 1] if direct else 1000 * figures[:, 1] * figures[:, 2]
    if len(wrong := np.flatnonzero(~np.isfinite(power))):
        raise ProfileError(
            f"trace {path.name} cannot be read: {table.place(int(wrong[0]), names[1])}: voltage "
            "times current is no finite power."
        )
    back = np.flatnonzero(np.diff(times) < 0)
    if len(back):
        raise ProfileError(
            f"trace {path.name} cannot be read: {table.place(int(back[0]) + 1, 'time_s')}: got "
            f"{times[back[0] + 1]} after {times[back[0]]}, expected samples in order of time."
        )
    times, first, counts = np.unique(times, return_index=True, return_counts=True)
    if len(times) < 2:
        raise ProfileError(
            f"trace {path.name} has samples of {len(times)} moments; expected at least two."
        )
    power = np.add.reduceat(power, first) / counts
    if not marked:
        return times, power, np.zeros(0, np.bool_)
    return times, power, np.add.reduceat(figures[:, -1], first) / counts > 0.5


def align(
    times: NDArray[np.float64], marker: NDArray[np.bool_], windows: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """The windows in the trace's own time.

    Raises:
        ProfileError: other pulses than windows, or windows outside of the trace.
    """
    if not len(marker):
        if windows and not times[0] <= windows[0][0] <= windows[-1][1] <= times[-1]:
            raise ProfileError(
                f"the trace covers {times[0]:.1f} to {times[-1]:.1f} s, the run took "
                f"{windows[0][0]:.1f} to {windows[-1][1]:.1f} s; without a column 'marker' both "
                "clocks must agree."
            )
        return windows
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marker, [False]]).astype(np.int8)))
    pulses = [
        (float(times[a]), float(times[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
    if len(pulses) != len(windows):
        raise ProfileError(f"the trace has {len(pulses)} marker pulses for {len(windows)} windows.")
    for i, (pulse, window) in enumerate(zip(pulses, windows, strict=True)):
        got, wanted = pulse[1] - pulse[0], window[1] - window[0]
        if abs(got - wanted) > TOLERANCE_S + TOLERANCE * wanted:
            raise ProfileError(
                f"marker pulse {i} lasts {got:.3f} s, its block of runs {wanted:.3f} s; the "
                "trace is of another run."
            )
    return pulses


def window_energy_mj(
    times: NDArray[np.float64], power: NDArray[np.float64], window: tuple[float, float]
) -> float | None:
    """Energy in a window, in mJ, power interpolated at its ends; None if too short."""
    begin, end = window
    inside = (times > begin) & (times < end)
    if inside.sum() < 2:
        return None
    t = np.concatenate([[begin], times[inside], [end]])
    p = np.interp(t, times, power)
    energy = float(((p[1:] + p[:-1]) / 2 * np.diff(t)).sum())
    return energy if math.isfinite(energy) else None


def fill(profile: dict[str, Any], trace: Path) -> int:
    """Gives every network of a profile its energy from a trace; how many got one.

    The idle window of the profile gives the idle power.

    Args:
        profile: measured with ``--meter trace``; it is changed in place.
        trace: CSV file that the external meter wrote.

    Raises:
        ProfileError: a profile without windows, or a trace that does not fit.
    """
    meter = profile.get("meter") or {}
    networks = profile["networks"]
    entries = [n for n in networks if n.get("energy_window_s") and n.get("energy_runs")]
    if meter.get("name") != "trace" or not entries:
        raise ProfileError("the profile was not measured with '--meter trace'; it has no windows.")
    # In the order in which they ran: a network that failed at first may have come last.
    entries.sort(key=lambda n: n["energy_window_s"][0])
    idle = [tuple(meter["idle_window_s"])] if meter.get("idle_window_s") else []
    times, power, marker = read_trace(trace)
    windows = align(times, marker, [*idle, *(tuple(n["energy_window_s"]) for n in entries)])
    energies_mj = [window_energy_mj(times, power, w) for w in windows]
    if idle:
        total = energies_mj.pop(0)
        begin, end = windows.pop(0)
        is_told = total is not None and end > begin
        meter["idle_power_mw"] = round((total or 0.0) / (end - begin), 3) if is_told else None
    meter["sampling_hz"] = round(float(1 / np.median(np.diff(times))), 3)
    filled = 0
    for entry, energy, (begin, end) in zip(entries, energies_mj, windows, strict=True):
        if energy is not None and energy > 0:
            put_energy(entry, energy, end - begin, entry["energy_runs"], meter.get("idle_power_mw"))
            filled += 1
    return filled


class TraceKind:
    """Found everywhere; it is asked for by name alone."""

    def open(self, root: Path = Path("/")) -> Meter:
        """The meter that notes windows."""
        return TraceMeter()


METER = TraceKind()
