"""``ina3221``: the power monitors of Jetson modules, through sysfs.

The module's rails hang on chips of this name; the board's input of an AGX Thor hangs on an INA238.

Source: Linux kernel, Documentation/hwmon/ina3221.rst; for JetPack 4, whose driver is another,
NVIDIA's L4T documentation ("Software-Based Power Consumption Modeling").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ...bench.errors import ProfileError
from . import Meter
from ._power import PowerReader, SampledMeter
from ._rails import choose_rails

SAMPLING_HZ = 20.0  # the chip averages over some 30 ms
_CHIPS = re.compile(r"ina\d+")


def _channels(root: Path) -> Iterator[tuple[str, PowerReader]]:
    """Name of every channel and what reads its power in mW."""
    for chip in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if _CHIPS.fullmatch(_text(chip / "name")):
            for n in (1, 2, 3):
                # A chip with one channel carries its label itself.
                label = _text(chip / f"in{n}_label") or (_text(chip / "label") if n == 1 else "")
                power = chip / f"power{n}_input"
                if label and power.exists():
                    yield label, _microwatt(power)
                elif label and (chip / f"curr{n}_input").exists():
                    yield label, _product(chip / f"in{n}_input", chip / f"curr{n}_input")
    old = "sys/bus/i2c/drivers/ina3221x/*/iio:device*"
    for chip in sorted(root.glob(old)):
        for n in (0, 1, 2):
            label, power = _text(chip / f"rail_name_{n}"), chip / f"in_power{n}_input"
            if label and power.exists():
                yield label, partial(_number, power)


def _product(volts: Path, amperes: Path) -> PowerReader:
    return lambda: _number(volts) * _number(amperes) / 1000.0  # mV x mA = uW


def _microwatt(path: Path) -> PowerReader:
    return lambda: _number(path) / 1000.0


def _number(path: Path) -> float:
    return float(path.read_text(encoding="utf-8").strip())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


class Ina3221Kind:
    """Takes the rail that carries the whole module; else the sum of its parts, named."""

    def open(self, root: Path = Path("/")) -> Meter:
        """The meter.

        Raises:
            ProfileError: no such chip, or none that can be read.
        """
        channels = dict(_channels(root))
        if not channels:
            raise ProfileError("meter 'ina3221': no such power monitor in /sys.")
        try:
            rails = choose_rails({name: read() for name, read in channels.items()}, "ina3221")
        except (OSError, ValueError) as error:
            raise ProfileError(f"meter 'ina3221' cannot be read: {error}") from error
        readers = {name: channels[name] for name in (*rails.counted, *rails.parts)}

        def read() -> float:
            return rails.power_mw({name: reader() for name, reader in readers.items()})

        return SampledMeter("ina3221", rails.description, read, SAMPLING_HZ, covers=rails.covers)


METER = Ina3221Kind()
