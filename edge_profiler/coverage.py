"""Single networks against a device profile's interval: how many are inside, and what that says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.device_profile import DeviceProfile
from ..bench.intervals import Width, width
from ..bench.spaces import SearchSpace

#: Chance at which a true interval is called missed.
CHANCE = 0.05


@dataclass(frozen=True)
class Coverage:
    """How many networks took what the device profile's interval says.

    Attributes:
        stated: share that the interval promises.
        inside: networks whose measured latency lies in it.
        n: networks with an interval and a measured latency.
        measured_before: networks that the profile itself had measured, which have no interval.
        width: where the interval lies around its predictions; None where there is none.
    """

    stated: float
    inside: int
    n: int
    measured_before: int = 0
    width: Width | None = None

    @property
    def empty(self) -> bool:
        """Whether the interval is so wide that to be inside says nothing."""
        return self.width is not None and self.width.empty

    @property
    def kept(self) -> bool:
        """Whether the interval promises something, and so few inside may be chance, once in 20."""
        if self.empty:
            return False
        return self.n == 0 or _at_most(self.inside, self.n, self.stated) >= CHANCE

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "empty": self.empty}

    def text(self) -> str:
        """What came of it, as sentences for a reader."""
        around = "" if self.width is None else f", {self.width} around what was predicted"
        text = (
            f"{self.inside} of {self.n} predicted networks are inside the stated "
            f"{self.stated:.0%} interval{around}."
        )
        if self.measured_before:
            these = (
                "1 more was" if self.measured_before == 1 else f"{self.measured_before} more were"
            )
            text += (
                f" {these} measured for the profile that was searched with, and so "
                f"{'has' if self.measured_before == 1 else 'have'} no interval to be held against."
            )
        if self.empty:
            text += (
                " An interval that wide promises nothing, so nothing can be kept. Measure the "
                "board again when it is quiet, or more of its networks, and search again."
            )
        return text


def network_records(
    promised: DeviceProfile, measured: DeviceProfile, space: SearchSpace, ids: Sequence[str]
) -> list[dict[str, Any]]:
    """Per network that was measured its latency, the prediction and the ends of its interval.

    A figure that the promise does not have is None.

    Args:
        promised: the device profile that the front was searched for.
        measured: the profile that was measured.
        space: search space of the networks.
        ids: names of the front's networks.
    """
    there = [a for a in ids if a in measured.listed_ms]
    columns = np.full((3, len(there)), np.nan)
    if there and promised.space_hash == space.hash:
        columns = promised.named_ms(space, there)
    names = ("predicted", "low", "high")
    return [
        {
            "architecture": a,
            "measured": measured.listed_ms[a],
            **{n: float(v) if math.isfinite(v) else None for n, v in zip(names, row, strict=True)},
        }
        for a, row in zip(there, columns.T.tolist(), strict=True)
    ]


def coverage(
    promised: DeviceProfile, space: SearchSpace, records: Sequence[Mapping[str, Any]]
) -> Coverage | None:
    """How many networks lie inside the interval; None where the profile states none.

    Args:
        promised: the device profile that the front was searched for.
        space: search space of the networks.
        records: networks as from `network_records`.
    """
    if promised.space_hash != space.hash or (stated := promised.latency.coverage) is None:
        return None
    bounded = [r for r in records if r["low"] is not None and r["high"] is not None]
    before = sum(r["architecture"] in promised.listed_ms for r in records if r not in bounded)
    inside = sum(r["low"] <= r["measured"] <= r["high"] for r in bounded)
    ends = (column(bounded, name) for name in ("predicted", "low", "high"))
    return Coverage(float(stated), inside, len(bounded), before, width(*ends))


def column(records: Sequence[Mapping[str, Any]], name: str) -> NDArray[np.float64]:
    """One figure of all records, NaN where it is None."""
    return np.array([math.nan if r[name] is None else r[name] for r in records], np.float64)


def _at_most(k: int, n: int, p: float) -> float:
    """Chance of at most ``k`` successes among ``n``."""
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))
