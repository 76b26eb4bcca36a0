"""``rapl``: energy counters of Intel and AMD processors in /sys/class/powercap.

Source: Linux kernel, Documentation/power/powercap/powercap.rst.
"""

from __future__ import annotations

import re
from pathlib import Path

from ...bench.errors import ProfileError
from . import Meter
from ._power import read_number

_PACKAGE = re.compile(r"intel-rapl:\d+")  # "intel-rapl:0:0" is a part of package 0
_UJ_PER_MJ = 1000.0


class RaplMeter:
    """Sums the counters of all packages; a counter that wrapped round once is put right.

    Args:
        packages: folders with ``energy_uj`` and ``max_energy_range_uj``.
    """

    name, sampling_hz, covers = "rapl", None, frozenset({"cpu"})

    def __init__(self, packages: list[Path]) -> None:
        self._packages = packages
        self._range_uj = [read_number(p / "max_energy_range_uj") for p in packages]
        self._before_uj: list[float] = []
        n = len(packages)
        self.rail = f"{n} processor package{'s' * (n > 1)}, memory and board not included"

    def _read_uj(self) -> list[float]:
        return [read_number(p / "energy_uj") for p in self._packages]

    def start(self) -> None:
        """Notes the counters."""
        self._before_uj = self._read_uj()

    def stop(self) -> float | None:
        """Energy in mJ since `start`."""
        if not self._before_uj:
            return None
        total = 0.0
        rows = zip(self._before_uj, self._read_uj(), self._range_uj, strict=True)
        for before, after, limit in rows:
            total += after - before + (limit if after < before else 0.0)
        self._before_uj = []
        return total / _UJ_PER_MJ


class RaplKind:
    """Looks for readable packages."""

    def open(self, root: Path = Path("/")) -> Meter:
        """The meter.

        Raises:
            ProfileError: no counters, or none that this user may read.
        """
        folder = root / "sys/class/powercap"
        names = sorted(folder.glob("intel-rapl:*"))
        packages = [p for p in names if _PACKAGE.fullmatch(p.name)]
        packages = [p for p in packages if _kind(p).startswith("package")]
        if not packages:
            raise ProfileError("meter 'rapl': this system has no RAPL counters in /sys.")
        meter = RaplMeter(packages)
        meter._read_uj()  # most systems let only root read; say so now
        return meter


def _kind(package: Path) -> str:
    try:
        return (package / "name").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


METER = RaplKind()
