"""Energy meters, one file each: what a run of networks takes on one rail, in millijoules."""

from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path

from ...bench.errors import ProfileError
from ...bench.registry import Registry, with_members

#: Reads a clock in seconds.
Seconds = Callable[[], float]
#: What a meter can cover.
EVERYTHING = frozenset({"cpu", "gpu"})


class Meter(typing.Protocol):
    """A source of energy figures that was found on this machine."""

    @property
    def name(self) -> str:
        """Key of the meter."""

    @property
    def rail(self) -> str:
        """Where power is taken: wall, board, module, core; figures of two rails never compare."""

    @property
    def covers(self) -> frozenset[str]:
        """What of the machine its figure contains: "cpu", "gpu" or both."""

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
            root: folder that holds /sys; another one for tests.

        Raises:
            ProfileError: it is not here, or not readable; the message says which.
        """


METERS = Registry(
    "meter", __name__, Path(__file__).parent, "METER", "biglittle.meters", with_members("open")
)
#: Tried in this order by "auto": a board's own rail before a part of the chip.
AUTOMATIC = ("ina3221", "tegrastats", "pmic", "nvml", "rapl")


def get_meter(name: str, root: Path = Path("/"), runs_on: str | None = None) -> Meter:
    """The meter called ``name`` on this machine; "auto": the first that is here, else ``none``.

    Args:
        name: key of a meter, or "auto".
        root: folder that holds /sys; another one for tests.
        runs_on: "cpu" or "gpu", where networks run; a meter that does not cover that would give
            the energy of what stands idle. None: not known.

    Raises:
        UnknownNameError: ``name`` is neither a meter nor "auto".
        ProfileError: it was asked for by name, and is not here or does not see what runs.
    """
    if name != "auto":
        kind = typing.cast(MeterKind, METERS.load(name))
        try:
            meter = kind.open(root)
        except ProfileError as error:
            raise ProfileError(
                f"{str(error).rstrip('.')}. Take the meter 'auto', which is the first that this "
                "machine has, or 'none', which measures no energy."
            ) from error
        check_covers(meter, runs_on)
        return meter
    for candidate in AUTOMATIC:
        try:
            meter = typing.cast(MeterKind, METERS.load(candidate)).open(root)
        except ProfileError:
            continue  # absent without noise: most machines lack most meters
        if _covers(meter, runs_on):
            return meter
    return typing.cast(MeterKind, METERS.load("none")).open(root)


def check_covers(meter: Meter, runs_on: str | None) -> None:
    """Nothing, if the meter sees where the networks run.

    Raises:
        ProfileError: it sees another part of the machine.
    """
    if not _covers(meter, runs_on):
        seen = f"the {''.join(meter.covers).upper()} alone" if meter.covers else "neither of them"
        raise ProfileError(
            f"meter {meter.name!r} sees {seen} "
            f"({meter.rail}), and the runtime runs on the {str(runs_on).upper()}: its figure would "
            "be of what stands idle. Take the meter 'auto', which chooses by the runtime, or none."
        )


def _covers(meter: Meter, runs_on: str | None) -> bool:
    return runs_on is None or runs_on in getattr(meter, "covers", EVERYTHING)


__all__ = [
    "AUTOMATIC",
    "EVERYTHING",
    "METERS",
    "Meter",
    "MeterKind",
    "Seconds",
    "check_covers",
    "get_meter",
]
