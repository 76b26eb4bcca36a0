"""Puts the energies of an external meter's trace into the file of a profile."""

from __future__ import annotations

from pathlib import Path

from ..bench.locks import holding
from .meters.trace import fill
from .profile_file import read_profile, write_profile


def fill_file(profile: Path, trace: Path) -> int:
    """Gives every network in a profile's file its energy from a trace; how many got one.

    Args:
        profile: JSON file of the profile, measured with ``--meter trace``; it is replaced.
        trace: the CSV of the external meter.

    Raises:
        ProfileError: a profile without windows, or a trace that does not fit.
    """
    with holding(profile):
        document = read_profile(profile)
        filled = fill(document, trace)
        write_profile(profile, document)
        return filled
