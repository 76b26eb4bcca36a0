"""``ina3221``: the power monitor of Jetson modules, through sysfs.

Source: Linux kernel, Documentation/hwmon/ina3221.rst; for JetPack 4, whose driver is another,
NVIDIA's L4T documentation ("Software-Based Power Consumption Modeling").
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...bench.errors import ProfileError
from . import Meter
from ._power import PowerReader, SampledMeter

SAMPLING_HZ = 20.0  # the chip averages over some 30 ms
#: Rails that carry all of a module; parts of it are in them already.
TOTALS = ("VDD_IN", "POM_5V_IN", "VIN_SYS_5V0")


def _channels(root: Path) -> Iterator[tuple[str, PowerReader]]:
    """Name of every channel and what reads its power in mW."""
    for chip in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if _text(chip / "name") == "ina3221":
            for n in (1, 2, 3):
                label = _text(chip / f"in{n}_label")
                if label and "NC" not in label and (chip / f"curr{n}_input").exists():
                    yield label, _product(chip / f"in{n}_input", chip / f"curr{n}_input")
    old = "sys/bus/i2c/drivers/ina3221x/*/iio:device*"
    for chip in sorted(root.glob(old)):
        for n in (0, 1, 2):
            label, power = _text(chip / f"rail_name_{n}"), chip / f"in_power{n}_input"
            if label and "NC" not in label and power.exists():
                yield label, _milliwatt(power)


def _product(volts: Path, amperes: Path) -> PowerReader:
    return lambda: _number(volts) * _number(amperes) / 1000.0  # mV x mA = uW


def _milliwatt(path: Path) -> PowerReader:
    return lambda: _number(path)


def _number(path: Path) -> float:
    return float(path.read_text().strip())


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


class Ina3221Kind:
    """Prefers the rail that carries the whole module; else the sum of all rails, named."""

    def open(self, root: Path = Path("/")) -> Meter:
        """The meter.

        Raises:
            ProfileError: no such chip, or none that can be read.
        """
        channels = dict(_channels(root))
        if not channels:
            raise ProfileError("meter 'ina3221': no such power monitor in /sys.")
        totals = [name for name in TOTALS if name in channels]
        chosen = totals[:1] or sorted(channels)
        readers = [channels[name] for name in chosen]

        def read() -> float:
            return sum(reader() for reader in readers)

        try:
            read()
        except (OSError, ValueError) as error:
            raise ProfileError(f"meter 'ina3221' cannot be read: {error}") from error
        what = "module, " if totals else "sum of "
        return SampledMeter("ina3221", what + "+".join(chosen), read, SAMPLING_HZ)


METER = Ina3221Kind()
