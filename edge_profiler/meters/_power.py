"""Energy from samples of power: read on a thread, integrated by the trapezoid rule."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...bench.errors import ProfileError
from . import Seconds

#: Reads power in mW.
PowerReader = Callable[[], float]
LEAST_SAMPLES = 3  # of which two are the ends
MOST_POWER_MW = 1e9  # of a reading that is believed


def energy_mj(time_s: Sequence[float], power_mw: Sequence[float]) -> float | None:
    """Energy under samples of power, in mJ; None for fewer than three samples.

    >>> energy_mj([0.0, 1.0, 2.0], [1000.0, 1000.0, 3000.0])
    3000.0
    """
    if len(time_s) < LEAST_SAMPLES:
        return None
    t, p = np.asarray(time_s, np.float64), np.asarray(power_mw, np.float64)
    return float(((p[1:] + p[:-1]) / 2 * np.diff(t)).sum())


def put_energy(
    entry: dict[str, Any], total_mj: float, duration_s: float, runs: int, idle_mw: float | None
) -> None:
    """Writes the energy of one run into a network's entry, and beside it that above idle.

    Args:
        entry: the network's entry, which is changed in place.
        total_mj: energy of all runs.
        duration_s: seconds that all runs took together.
        runs: number of runs that ``total_mj`` is of.
        idle_mw: power of the device with nothing running; None: not measured.
    """
    entry["energy_mj"] = round(total_mj / runs, 6)
    entry["energy_runs"] = runs
    entry["energy_net_mj"] = (
        None if idle_mw is None else round((total_mj - idle_mw * duration_s) / runs, 6)
    )


class SampledMeter:
    """A meter that reads power at a fixed rate while the network runs.

    Args:
        name: key of the meter.
        rail: place where the power is measured.
        read: gives power in mW; an ``OSError`` or ``ValueError``, or a figure that no power can be,
            loses that one sample.
        sampling_hz: readings of the power per second.
        clock: a clock in seconds; another one for tests.
        covers: parts of the machine on the rail: "cpu", "gpu" or both.
    """

    def __init__(
        self,
        name: str,
        rail: str,
        read: PowerReader,
        sampling_hz: float,
        clock: Seconds = time.monotonic,
        covers: frozenset[str] = frozenset({"cpu", "gpu"}),
    ) -> None:
        self.name, self.rail, self.sampling_hz, self.covers = name, rail, sampling_hz, covers
        self._read, self._clock = read, clock
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._samples: list[tuple[float, float]] = []

    def start(self) -> None:
        """Begins to sample, with one sample at once."""
        self._samples = []
        self._ended.clear()
        self._sample()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def stop(self) -> float | None:
        """Energy in mJ, after one last sample."""
        if self._thread is None:
            return None
        self._ended.set()
        self._thread.join()
        self._thread = None
        self._sample()
        return energy_mj([t for t, _ in self._samples], [p for _, p in self._samples])

    def _loop(self) -> None:
        while not self._ended.wait(1.0 / self.sampling_hz):
            self._sample()

    def _sample(self) -> None:
        try:
            power_mw = self._read()
        except (OSError, ValueError):
            return
        if 0 <= power_mw <= MOST_POWER_MW:  # a driver that stumbles says inf, nan or less than 0
            self._samples.append((self._clock(), power_mw))


def read_number(path: Path) -> float:
    """The number that a file of sysfs holds.

    Raises:
        ProfileError: it cannot be read (many need root), or holds no number.
    """
    try:
        return float(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError) as error:
        raise ProfileError(f"{path} cannot be read as a number: {error}") from error
