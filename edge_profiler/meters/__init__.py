"""Energy meters, one file each: what a run of networks takes on one rail, in millijoules."""

from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path

from ...bench.errors import ProfileError
from ...bench.registry import Registry

#: Reads a clock in seconds.
Seconds = Callable[[], float]


class Meter(typing.Protocol):
    """A source of energy figures that was found on this machine."""

    @property
    def name(self) -> str:
        """Key of the meter."""

    @property
    def rail(self) -> str:
        """Where power is taken: wall, board, module, core; figures of two rails never compare."""

    @property
    def sampling_hz(self) -> float | None:
        """How often power is read; None: the source counts energy by itself."""

    def start(self) -> None:
        """Begins a measurement; the network runs from here on."""

    def stop(self) -> float | None:
        """Energy in mJ since `start`; None where the source gave too little to tell."""


class MeterKind(typing.Protocol):
    """How a meter is found; every entry's ``METER`` is one."""

    def open(self, root: Path = Path("/")) -> Meter:
        """The meter on this machine.

        Args:
            root: where /sys lies; another one for tests.

        Raises:
            ProfileError: it is not here, or not readable; the message says which.
        """


METERS = Registry("meter", __name__, Path(__file__).parent, "METER")
#: Tried in this order by "auto": a board's own rail before a part of the chip.
AUTOMATIC = ("ina3221", "tegrastats", "pmic", "nvml", "rapl")


def get_meter(name: str, root: Path = Path("/")) -> Meter:
    """The meter called ``name`` on this machine; "auto": the first that is here, else ``none``.

    Raises:
        UnknownNameError: no such meter.
        ProfileError: it was asked for by name and is not here.
    """
    if name != "auto":
        return typing.cast(MeterKind, METERS.load(name)).open(root)
    for candidate in AUTOMATIC:
        try:
            return typing.cast(MeterKind, METERS.load(candidate)).open(root)
        except ProfileError:
            continue  # absent without noise: most machines lack most meters
    return typing.cast(MeterKind, METERS.load("none")).open(root)


__all__ = ["AUTOMATIC", "METERS", "Meter", "MeterKind", "Seconds", "get_meter"]
