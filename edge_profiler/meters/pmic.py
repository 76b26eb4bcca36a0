"""``pmic``: the power controller of a Raspberry Pi 5, asked with ``vcgencmd pmic_read_adc``.

It sees what the controller hands out; the 5 V that USB devices and fans take is not in it.
Source: Raspberry Pi documentation, "vcgencmd", pmic_read_adc.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from ...bench.errors import ProfileError
from . import Meter
from ._power import SampledMeter

SAMPLING_HZ = 5.0  # one reading takes some 20 ms of a core: more often would heat what it measures
RAIL = "sum of the PMIC's outputs, USB and fan not included"
_READING = re.compile(r"^\s*(\w+)_([AV]) (?:current|volt)\(\d+\)=([\d.]+)[AV]", re.MULTILINE)


def power_mw(text: str) -> float:
    r"""Power over all rails that have both a current and a voltage, in mW.

    Raises:
        ValueError: no rail has both a current and a voltage.

    >>> power_mw("DDR_VDD2_A current(1)=0.5A\nDDR_VDD2_V volt(9)=1.1V\nEXT5V_V volt(24)=5.1V")
    550.0
    """
    readings: dict[str, dict[str, float]] = {}
    for name, unit, value in _READING.findall(text):
        readings.setdefault(name, {})[unit] = float(value)
    rails = [r for r in readings.values() if len(r) == 2]
    if not rails:
        raise ValueError(f"no rail with current and voltage in {text[:80]!r}")
    return round(1000 * sum(r["A"] * r["V"] for r in rails), 6)


class PmicKind:
    """Looks for the program and asks it once.

    Args:
        command: name of the program; another one for tests.
    """

    def __init__(self, command: str = "vcgencmd") -> None:
        self._command = command

    def open(self, root: Path = Path("/")) -> Meter:
        """The meter.

        Raises:
            ProfileError: no such program, or a board without such a controller (before the Pi 5).
        """
        program = shutil.which(self._command)
        if program is None:
            raise ProfileError("meter 'pmic': vcgencmd is not here; it comes with a Raspberry Pi.")

        def read() -> float:
            answer = subprocess.run(
                [program, "pmic_read_adc"], capture_output=True, text=True, check=False, timeout=5
            )
            return power_mw(answer.stdout)

        try:
            read()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise ProfileError(f"meter 'pmic': this board gives no readings ({error}).") from error
        return SampledMeter("pmic", RAIL, read, SAMPLING_HZ, covers=frozenset({"cpu"}))


METER = PmicKind()
