"""``tegrastats``: NVIDIA's own tool on Jetson boards, for systems that hide the sysfs files.

Source: NVIDIA Jetson Linux Developer Guide, "tegrastats Utility".
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from ...bench.errors import ProfileError
from . import Meter, Seconds
from ._power import energy_mj
from ._rails import Rails, choose_rails

INTERVAL_MS = 50
#: "VDD_IN 5226mW/5105mW" since JetPack 5, "POM_5V_IN 2532/2488" before: present / average. Any name
#: will do; "RAM 1/2MB" and the like have another unit behind them.
_RAIL = re.compile(r"(?<!\S)([A-Za-z]\w*) (-?\d+)(?:mW)?/-?\d+(?:mW)?(?!\S)")


def rails_mw(line: str) -> dict[str, float]:
    """Power of every rail in a line that tegrastats printed, in mW.

    >>> rails_mw("RAM 1/2MB VDD_IN 5226mW/5105mW VDD_SOC 1462mW/1460mW")
    {'VDD_IN': 5226.0, 'VDD_SOC': 1462.0}
    """
    return {name: float(now) for name, now in _RAIL.findall(line)}


def power_mw(line: str) -> tuple[str, float] | None:
    """What is counted of a line and its power; None where the line names no rail."""
    readings = rails_mw(line)
    if not readings:
        return None
    rails = choose_rails(readings, "tegrastats")
    return rails.description, rails.power_mw(readings)


class TegrastatsMeter:
    """Runs the tool while the network runs and reads its lines as they come.

    Args:
        command: the tool and its arguments, as a list of words.
        rails: rails that are counted, from a first line of the tool.
        clock: a clock in seconds; another one for tests.
    """

    name, sampling_hz = "tegrastats", 1000.0 / INTERVAL_MS

    def __init__(
        self, command: Sequence[str], rails: Rails, clock: Seconds = time.monotonic
    ) -> None:
        self.rail, self.covers = rails.description, rails.covers
        self._rails, self._command, self._clock = rails, list(command), clock
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._samples: list[tuple[float, float]] = []

    def start(self) -> None:
        """Starts the tool, and returns when its first line is there.

        Raises:
            ProfileError: the tool says nothing.
        """
        self._samples = []
        first = threading.Event()
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, args=(self._process, first), daemon=True)
        self._reader.start()
        if not first.wait(5.0):
            self.stop()
            raise ProfileError(f"{self._command[0]} printed nothing within 5 s.")

    def _read(self, process: subprocess.Popen[str], first: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            # A line without the rails, or whose input reads less than its parts, is not a sample.
            with contextlib.suppress(ValueError):
                self._samples.append((self._clock(), self._rails.power_mw(rails_mw(line))))
            first.set()

    def stop(self) -> float | None:
        """Energy in mJ; the tool is ended."""
        if self._process is None or self._reader is None:
            return None
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        self._process = self._reader = None
        return energy_mj([t for t, _ in self._samples], [p for _, p in self._samples])


class TegrastatsKind:
    """Looks for the tool on the path.

    Args:
        command: name of the tool; another one for tests.
    """

    def __init__(self, command: str = "tegrastats") -> None:
        self._command = command

    def open(self, root: Path = Path("/")) -> Meter:
        """The meter.

        Raises:
            ProfileError: no such tool, or one that names no rail.
        """
        program = shutil.which(self._command)
        if program is None:
            raise ProfileError("meter 'tegrastats': no such program here; it comes with a Jetson.")
        command = [program, "--interval", str(INTERVAL_MS)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            process.terminate()
        readings = rails_mw(line)
        if not readings:
            raise ProfileError(f"meter 'tegrastats': no rail in {line[:80]!r}.")
        return TegrastatsMeter(command, choose_rails(readings, "tegrastats"))


METER = TegrastatsKind()
