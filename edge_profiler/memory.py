"""How much resident memory a piece of work takes at its peak, where the system keeps count."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_STATUS, _RESET = "proc/self/status", "proc/self/clear_refs"
_KIB_PER_MIB = 1024.0

Made = TypeVar("Made")


def resident_mib(root: Path = Path("/")) -> tuple[float, float] | None:
    """Resident memory of this process in MiB, now and at its peak; None = the system does not say.

    Args:
        root: folder that holds /proc; another one for tests.
    """
    resident: dict[str, float] = {}
    try:
        for line in (root / _STATUS).read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key in ("VmRSS", "VmHWM"):
                resident[key] = float(value.split()[0]) / _KIB_PER_MIB
        return resident["VmRSS"], resident["VmHWM"]
    except (OSError, ValueError, LookupError):
        return None


@dataclass(frozen=True)
class Rise:
    """By how much resident memory rose.

    Attributes:
        peak_mib: MiB by which memory rose at its highest.
        kept_mib: MiB by which memory is still higher afterwards.
    """

    peak_mib: float
    kept_mib: float


def rise_of(work: Callable[[], Made], root: Path = Path("/")) -> tuple[Made, Rise | None]:
    """What ``work`` gives, and by how much it made resident memory rise.

    The peak is set back before, which Linux lets a process do for itself; where it does not, or
    there is no Linux, there is no figure. Memory that was freed before is handed back to the system
    first, as far as the C library can, or work that fits into it would seem to need none.

    Args:
        work: function that is called once; what it raises is passed on.
        root: folder that holds /proc; another one for tests.
    """
    before = _set_back(root)
    made = work()
    after = resident_mib(root)
    if before is None or after is None:
        return made, None
    return made, Rise(max(0.0, after[1] - before[0]), max(0.0, after[0] - before[0]))


def _set_back(root: Path) -> tuple[float, float] | None:
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):  # another C library than glibc
        pass
    try:
        with (root / _RESET).open("r+") as file:  # it is there, or nothing is written
            file.write("5")
    except OSError:
        return None
    return resident_mib(root)
