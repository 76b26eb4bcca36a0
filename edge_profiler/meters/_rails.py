"""Which of a board's rails carry all of it: its input where that is measured, else a named sum.

Boards name their rails differently, and new ones come, so names are read by patterns and never by a
closed list; a rail that no pattern tells anything about is listed and not counted.

Source: NVIDIA Jetson Linux Developer Guide, "Software-Based Power Consumption Modeling", of the
TX2, Nano, AGX Xavier, Orin and Thor. On an AGX Orin ``VIN_SYS_5V0`` feeds memory and peripherals:
it stands beside ``VDD_GPU_SOC`` and ``VDD_CPU_CV``, and ``VDDQ_VDD2_1V8AO`` is a part of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...bench.errors import ProfileError


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


#: Inputs that everything else is fed from; the module's before its carrier board's.
_TOTALS = (
    ("module", _form(r"VDD_IN(_\d\w*)?|POM_\w+_IN")),
    ("board", _form(r"VIN|VDD_MUX|(\w+_)?TOTAL(_\w+)?")),
)
#: Rails that are measured once more inside another one.
_INSIDE = ((_form(r"VDDQ_\w*1V8AO"), _form(r"VIN_SYS_5V0")),)
#: Supplies of sockets on a carrier board: no part of a module.
_CARRIER = _form(r"VDD_\dV\d?_\w+|VDD_M2_\w+")
_GPU, _CPU = _form(r"(\w+_)?GPU\d*(_\w+)?"), _form(r"(\w+_)?CPU\d*(_\w+)?")
_PART = _form(
    r"(\w+_)?(GPU\d*|CPU\d*|SOC\d*|CV\d*|MSS|V?DDR\w*|VDDQ|DRAM|SRAM|MEM|CORE|SYS|SYS_?5V\w*)"
    r"(_\w+)?"
)
_UNUSED = _form(r"NC\d*|N/?A|")
#: A total may read this much less than its parts, whose samples are of another moment.
TOLERANCE = 0.05
MAX_CHARACTERS = 200  # of a rail in a profile


@dataclass(frozen=True)
class Rails:
    """The rails whose power is added up, and what is known of the others.

    Attributes:
        counted: names of the rails whose sum is the power; one where that is the input of all.
        parts: rails of parts of the module; an input reads no less than their sum.
        description: names of what was counted, for a profile.
        covers: "cpu", "gpu", both or neither: what of the machine is seen.
    """

    counted: tuple[str, ...]
    parts: tuple[str, ...]
    description: str
    covers: frozenset[str]

    def power_mw(self, readings: Mapping[str, float]) -> float:
        """Power in mW in readings of all rails.

        Raises:
            ValueError: a rail is missing, or the input of all reads less than its parts.
        """
        absent = [name for name in self.counted if name not in readings]
        if absent:
            raise ValueError(f"no reading of {absent[0]}")
        power = sum(readings[name] for name in self.counted)
        if len(self.counted) == 1 and _is_short(power, _sum(readings, self.parts)):
            raise ValueError(f"{self.counted[0]} reads less than its parts")
        return power


def choose_rails(readings: Mapping[str, float], meter: str) -> Rails:
    """What to count of the rails that a board reports.

    Args:
        readings: power of every rail by name, in mW.
        meter: its key, for messages.

    Raises:
        ProfileError: no rail is in use.
    """
    names = sorted(name for name in readings if not _UNUSED.fullmatch(name))
    if not names:
        raise ProfileError(f"meter '{meter}': no rail in use among {sorted(readings)}.")
    inputs = [(word, n) for word, form in _TOTALS for n in names if form.fullmatch(n)]
    inside = [n for n in names if any(f.fullmatch(n) and _any(o, names) for f, o in _INSIDE)]
    beside = {*inside, *(n for _, n in inputs), *(n for n in names if _CARRIER.fullmatch(n))}
    parts = [n for n in names if n not in beside and _PART.fullmatch(n)]
    unknown = [n for n in names if n not in beside and n not in parts]
    short = [n for _, n in inputs if _is_short(readings[n], _sum(readings, parts))]
    notes = [f"{n} refused: less than its parts" for n in short]
    for word, name in inputs:
        if name not in short:
            notes += _listed("unknown, not looked at", unknown)
            both = frozenset({"cpu", "gpu"})
            return Rails((name,), tuple(parts), _described(f"{word}, {name}", notes), both)
    covers = {word for word, form in (("cpu", _CPU), ("gpu", _GPU)) if _any(form, parts)}
    if not parts:
        if not unknown:
            listed = ", ".join(names)
            raise ProfileError(
                f"meter '{meter}': of the rails {listed} none carries the module or a part of it."
            )
        parts, unknown, covers = unknown, [], {"cpu", "gpu"}  # as much as one knows
        notes.append("rails of unknown meaning")
    notes += _listed("inside these", inside) + _listed("unknown, not counted", unknown)
    description = _described("sum of " + "+".join(parts), notes)
    return Rails(tuple(parts), (), description, frozenset(covers))


def _is_short(total: float, parts: float) -> bool:
    return total < (1 - TOLERANCE) * parts


def _sum(readings: Mapping[str, float], names: tuple[str, ...] | list[str]) -> float:
    return sum(readings.get(name, 0.0) for name in names)


def _any(form: re.Pattern[str], names: list[str]) -> bool:
    return any(form.fullmatch(name) for name in names)


def _listed(word: str, names: list[str]) -> list[str]:
    return [f"{word}: {', '.join(names)}"] if names else []


def _described(text: str, notes: list[str]) -> str:
    whole = "; ".join([text, *notes])
    return whole if len(whole) <= MAX_CHARACTERS else whole[: MAX_CHARACTERS - 3] + "..."
