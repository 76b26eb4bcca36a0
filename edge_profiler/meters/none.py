"""``none``: no meter, so that no energy is ever made up."""

from __future__ import annotations

from pathlib import Path

from . import EVERYTHING, Meter


class NoMeter:
    """Measures nothing and says so."""

    name, rail, sampling_hz, covers = "none", "none", None, EVERYTHING

    def start(self) -> None:
        """Does nothing."""

    def stop(self) -> float | None:
        """None: not measured."""
        return None


class NoMeterKind:
    """Found everywhere."""

    def open(self, root: Path = Path("/")) -> Meter:
        """The meter that measures nothing."""
        return NoMeter()


METER = NoMeterKind()
