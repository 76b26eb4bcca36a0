"""Accelerators of which a differentiable search derives one: asked for, priced, and as a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import structs

from ..bench import Benchmark, DeviceProfile
from ..bench.device import parse_profile
from ..bench.errors import ConstraintError
from ..edge_profiler.accelerators.parametric import Parameters, toml_text
from ..edge_profiler.accelerators.profile import accelerator_profile
from ..edge_profiler.accelerators.space import AcceleratorSpace, load_space

if TYPE_CHECKING:
    from .darts_accelerators import AcceleratorPrices


@dataclass(frozen=True)
class Chips:
    """Accelerators of which one is derived with a pair.

    Attributes:
        space: accelerators to choose from.
        area_mm2: most area of the one that is chosen; None: any.
        clock_mhz: clock by which cycles are milliseconds.
    """

    space: AcceleratorSpace
    area_mm2: float | None
    clock_mhz: float

    def prices(
        self, bench: Benchmark, choices: tuple[str, ...] | None, seed: int
    ) -> AcceleratorPrices:
        """What blocks cost on those that may be chosen.

        Args:
            bench: table whose space and classes the networks have.
            choices: names of the choices of a layer that may be used; None: all.
            seed: seed of the noise.

        Raises:
            ConstraintError: none has so little area; the message says the least.
            AcceleratorError: none of them runs every block of these choices.
        """
        from .darts_accelerators import accelerator_prices

        space = bench.table.space
        allowed = [int(c) for c in space.allowed(choices)]
        return accelerator_prices(
            self.space,
            space,
            bench.table.n_classes,
            allowed,
            self.area_mm2,
            self.clock_mhz,
            seed,
        )

    def device(self, place: int, bench: Benchmark) -> DeviceProfile:
        """One of them as a device for the networks of a table."""
        chip, table = self.space.accelerator(place), bench.table
        document = accelerator_profile(chip, table.space, table.n_classes, self.clock_mhz)
        return parse_profile(document, chip.name)

    def record(self, place: int) -> dict[str, Any]:
        """What a report says of the one that was derived."""
        return {
            "accelerator": structs.asdict(self.space.parameters(place)),
            "area_mm2": round(self.space.accelerator(place).area_mm2, 6),
            "clock_mhz": self.clock_mhz,
        }


def chips_named(name: str, area_mm2: float | None, clock_mhz: float) -> Chips | None:
    """The accelerators that were asked for; None: none were.

    Args:
        name: name or file of their space; empty: there is a device.
        area_mm2: most area of the one that is chosen; None: any.
        clock_mhz: clock by which cycles are milliseconds.

    Raises:
        ConstraintError: a limit on accelerators, and none to choose.
        AcceleratorError: the file does not describe a space of accelerators.
    """
    if name:
        return Chips(load_space(name), area_mm2, clock_mhz)
    if area_mm2 is not None:
        raise ConstraintError(
            "--area-mm2 is a limit on accelerators, and there are none to choose; add "
            "--accelerators edge, or another space of them."
        )
    return None


def chip_lines(report: dict[str, Any]) -> list[str]:
    """The accelerator of a report as a file of one; nothing where there was a device."""
    if "accelerator" not in report:
        return []
    return [
        f"on an accelerator of {report['area_mm2']:.3g} mm2 (modelled). Keep these lines as "
        "chip.toml, and 'biglittle accelerator profile chip.toml --out chip.json' makes a device:",
        toml_text(Parameters(**report["accelerator"])).rstrip(),
    ]
