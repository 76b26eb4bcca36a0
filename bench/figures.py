"""The catalogue of figures: what can be told, optimised or limited of an operating point."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

from .errors import ConstraintError, UnknownNameError

if TYPE_CHECKING:  # the command line asks for this catalogue before it needs numpy
    import numpy as np
    from numpy.typing import NDArray


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


def _significant(value: float) -> str:
    if 0 < abs(value) < 0.1:  # of a network that takes microseconds
        return three_digits(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{3 if abs(value) < 10 else 1}f}"


def _one_place(value: float) -> str:
    return f"{value:.{2 if 0 < abs(value) < 0.1 else 1}f}"


def three_digits(value: float) -> str:
    """A number to three significant digits, never with an exponent.

    >>> [three_digits(v) for v in (0.2184, 21.84, 1218.4)]
    ['0.218', '21.8', '1,218']
    """
    if not value or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def counted(n: int, noun: str) -> str:
    """A number of things, with the noun in the plural unless there is one.

    >>> [counted(n, "round") for n in (0, 1, 1200)]
    ['0 rounds', '1 round', '1,200 rounds']
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


@dataclass(frozen=True)
class Figure:
    """A figure of an operating point.

    Everything is minimised inside searchers; the sign of a figure lives here alone.

    Attributes:
        name: field of an operating point, and its name on the command line.
        unit: unit in which it is stored.
        direction: whether less or more of it is wanted.
        label: its name in plots and prose.
        head: its short name, for narrow tables.
        shown_unit: unit in which a reader is shown it.
        text: the figure as a reader sees it, in ``shown_unit``.
        note: what the label leaves open, a few words; empty if it says all.
        short: a shorter name of the limit on it, as an option; empty if there is none.

    >>> import numpy as np
    >>> FIGURES["accuracy"].minimised(np.array([0.9])).tolist()
    [-0.9]
    >>> FIGURES["macs"].text(42_300_000.0)
    '42.3'
    """

    name: str
    unit: str
    direction: Literal["min", "max"]
    label: str
    head: str
    shown_unit: str
    text: Callable[[float], str] = _significant
    note: str = ""
    short: str = ""

    @property
    def limit(self) -> str:
        """What a limit on it is called among options, such as ``latency_ms_max``."""
        return f"{self.name}_{'max' if self.direction == 'min' else 'min'}"

    @property
    def limit_help(self) -> str:
        """What a limit on it means, as one sentence for a reader of options."""
        note = f" ({self.note})" if self.note else ""
        if self.unit in self.label:  # a number of what it counts
            return f"{'Most' if self.direction == 'min' else 'Fewest'} {self.label}{note}."
        unit = ", a fraction" if self.unit == "fraction" else f" in {self.unit}"
        return f"{'Highest' if self.direction == 'min' else 'Lowest'} {self.label}{unit}{note}."

    def minimised(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values with the sign that makes less better."""
        return values if self.direction == "min" else -values


FIGURES: dict[str, Figure] = {
    f.name: f
    for f in (
        Figure("error", "fraction", "min", "error", "error", "%", _percent),
        Figure("accuracy", "fraction", "max", "accuracy", "acc", "%", _percent),
        Figure(
            *("escalation_rate", "fraction", "min", "escalation rate", "escal", "%"),
            lambda v: f"{100 * v:.1f}",
            "share of inputs that reach the big network",
        ),
        Figure("latency_ms", "ms", "min", "mean latency", "mean", "ms"),
        Figure("latency_p95_ms", "ms", "min", "p95 latency", "p95", "ms"),
        Figure(
            *("latency_worst_ms", "ms", "min", "worst latency", "worst", "ms"),
            note="of an escalated input",
        ),
        Figure("energy_mj", "mJ", "min", "mean energy", "energy", "mJ"),
        Figure("macs", "MAC", "min", "mean MACs", "MACs", "M", lambda v: f"{v / 1e6:.1f}"),
        Figure(
            *("params", "parameters", "min", "parameters", "params", "M"),
            lambda v: f"{v / 1e6:.3f}",
            "of both networks",
        ),
        Figure(
            *("peak_memory_mib", "MiB", "min", "peak memory", "memory", "MiB"),
            _one_place,
        ),
        Figure(
            *("ram_kib", "KiB", "min", "RAM", "RAM", "KiB"),
            lambda v: f"{v:.1f}",
            "of one arena on a microcontroller, for both networks",
            "--ram-kib",
        ),
        Figure(
            *("flash_kib", "KiB", "min", "flash", "flash", "KiB"),
            lambda v: f"{v:.1f}",
            "weights of both networks on a microcontroller",
            "--flash-kib",
        ),
    )
}
#: Those that are fields of an operating point: all but the error, which is 1 - accuracy.
POINT_FIGURES = tuple(name for name in FIGURES if name != "error")


def get_figure(name: str) -> Figure:
    """The figure called ``name``.

    Raises:
        UnknownNameError: no figure has this name.
        ConstraintError: it is the area of an accelerator, which devices do not have.
    """
    if name in ("area", "area_mm2"):
        raise ConstraintError(
            f"{name!r} is a figure of an accelerator, and here there is none to choose; a search "
            "that chooses one is: biglittle accelerator search --objectives "
            "error,latency_ms,area_mm2."
        )
    if name not in FIGURES:
        raise UnknownNameError("objective", name, FIGURES)
    return FIGURES[name]


def words_of(figures: Mapping[str, Any], provenance: Mapping[str, str]) -> dict[str, str]:
    """The provenance of the figures that are there: one that is None or absent has no word.

    >>> words_of({"macs": 3.0, "energy_mj": None}, {"macs": "modelled", "energy_mj": "modelled"})
    {'macs': 'modelled'}
    """
    return {name: word for name, word in provenance.items() if figures.get(name) is not None}


def checked_limits(limits: Mapping[str, float] | None) -> dict[str, float]:
    """Limits by figure, checked; of accuracy the smallest value, of all else the largest.

    Raises:
        UnknownNameError: no figure has this name.
        ConstraintError: a limit that is not a usable number.
    """
    out = {}
    for name, limit in (limits or {}).items():
        figure = get_figure(name)
        is_number = isinstance(limit, Real) and not isinstance(limit, bool)
        if not is_number or not math.isfinite(limit) or limit < 0:
            raise ConstraintError(
                f"the limit {limit!r} on {name} is not usable; expected a number of at least 0 "
                "(where there is no limit, leave the figure out)."
            )
        if figure.unit == "fraction" and limit > 1:
            raise ConstraintError(
                f"the limit {limit:g} on {name} is not usable; it is a fraction from 0 to 1 "
                f"(90 % is 0.9)."
            )
        out[name] = float(limit)
    return out
