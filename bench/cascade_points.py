"""Operating points of cascades, and fronts made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, overload

import numpy as np

from .better_alone import BetterAlone
from .figures import POINT_FIGURES, words_of
from .points import figure_lines
from .tabular import WORD_OF, Column, Tabular


def share_text(share: float) -> str:
    """A share in percent; one that is not zero is not shown as that.

    >>> share_text(0.6875), share_text(0.0001), share_text(0.0)
    ('68.8 %', 'under 0.1 %', '0.0 %')
    """
    return "under 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


@dataclass(frozen=True)
class CascadePoint:
    """A cascade under its gates and thresholds: one accuracy, one cost; as ``OperatingPoint``.

    Attributes:
        networks: names of the networks, in the order in which they are asked.
        gates: names of the gates' metrics, one fewer.
        thresholds: thresholds of the gates, each in its metric's unit.
        answered: share of inputs that each network answers; they add up to 1.
        reach: share of inputs that reach each network; 1 for the first.
        accuracy: fraction in [0, 1].
        escalation_rate: share of inputs that the first network does not answer.
        latency_ms: mean over the inputs; None where the device has no figure.
        latency_p95_ms: 95th percentile over the inputs.
        latency_worst_ms: latency of an input that goes as far as any does.
        energy_mj: mean over the inputs.
        macs: mean over the inputs.
        params: trained weights of the networks that any input reaches, shared ones once.
        peak_memory_mib: peak memory with those networks resident.
        provenance: how each figure came about, by field; a figure that is None has no word.
        couplings: what each network after the first shares with those before it, of ``COUPLINGS``.
        better_alone: the network that is at least as accurate alone and costs no more, as of an
            ``OperatingPoint``; None: none is, or nobody looked.
        ram_kib: RAM on a microcontroller, one arena for those networks (``bench/footprint.py``).
        flash_kib: weights of those networks in the flash of a microcontroller.
    """

    networks: tuple[str, ...]
    gates: tuple[str, ...]
    thresholds: tuple[float, ...]
    answered: tuple[float, ...]
    reach: tuple[float, ...]
    accuracy: float
    escalation_rate: float
    latency_ms: float | None
    latency_p95_ms: float | None
    latency_worst_ms: float | None
    energy_mj: float | None
    macs: float | None
    params: float | None
    peak_memory_mib: float | None
    provenance: Mapping[str, str]
    couplings: tuple[str, ...] = ()
    better_alone: BetterAlone | None = field(default=None, compare=False)
    ram_kib: float | None = None
    flash_kib: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "provenance", words_of(vars(self), self.provenance))

    @property
    def error(self) -> float:
        """1 - accuracy."""
        return 1.0 - self.accuracy

    def as_dict(self) -> dict[str, Any]:
        """The point as plain JSON."""
        out = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "better_alone"}
        lists = {n: list(value) for n, value in out.items() if isinstance(value, tuple)}
        return {**out, **lists, "provenance": dict(self.provenance)}

    def record(self) -> dict[str, Any]:
        """The same with the network that does as well alone, or None, under ``better_alone``."""
        alone = None if self.better_alone is None else self.better_alone.as_dict()
        return {**self.as_dict(), "better_alone": alone}

    def text(self) -> list[str]:
        """Its stages, then its figures with unit and provenance, then what does as well alone."""
        rules = [f"gate {g} {t:.4g}" for g, t in zip(self.gates, self.thresholds, strict=True)]
        shares = [f"{share_text(share)} of the inputs" for share in self.answered]
        couplings = ["", *(f" ({coupling})" for coupling in self.couplings)]
        couplings += [""] * (len(self.networks) - len(couplings))
        stages = zip(self.networks, couplings, shares, [*rules, "the rest"], strict=True)
        lines = [
            f"  {i}. {name}{coupling} answers {share}, {rule}"
            for i, (name, coupling, share, rule) in enumerate(stages, 1)
        ]
        lines += figure_lines(vars(self), self.provenance)
        if self.reach[-1] == 0:
            first = self.reach.index(0)
            lines.append(
                f"  None of these inputs reaches {' or '.join(self.networks[first:])}; no figure "
                "counts it: a device that holds it all the same needs its memory, RAM and flash, "
                "and the worst latency is that of the networks before it."
            )
        return lines if self.better_alone is None else [*lines, self.better_alone.text("cascade")]


@dataclass(frozen=True, repr=False, eq=False)
class CascadeFront(Tabular):
    """The non-dominated operating points of cascades, chosen on ``val``.

    Attributes:
        points: the points as they are reported: accuracy, shares and costs on ``test``.
        chosen: the same points on ``val``, where they are non-dominated.
        objectives: figures in which they are non-dominated.
        device: name of the device.
        n_cascades: cascades that were looked at.
        n_points: combinations of cuts that were looked at, each counted exactly.
    """

    points: tuple[CascadePoint, ...]
    chosen: tuple[CascadePoint, ...]
    objectives: tuple[str, ...]
    device: str
    n_cascades: int
    n_points: int

    def columns(self) -> dict[str, Column]:
        """Columns of the points, in order: stages by number, figures, words, ``device``."""

        def of_stage(name: str, i: int, empty: object) -> Column:
            return np.array([[*getattr(p, name), *[empty] * 4][i] for p in self.points])

        depth = max((len(point.networks) for point in self.points), default=0)
        out = {}
        for i in range(depth):
            out[f"network_{i + 1}"] = of_stage("networks", i, "")
            out[f"answered_{i + 1}"] = of_stage("answered", i, np.nan)
            if i < depth - 1:
                out[f"gate_{i + 1}"] = of_stage("gates", i, "")
                out[f"threshold_{i + 1}"] = of_stage("thresholds", i, np.nan)
        for name in POINT_FIGURES:
            figures = [getattr(p, name) for p in self.points]
            out[name] = np.array(figures, np.float64)  # None becomes NaN
        for name in POINT_FIGURES:
            words = [p.provenance.get(name, "") for p in self.points]
            out[WORD_OF.format(name)] = np.array(words, np.str_)
        return {**out, "device": np.full(len(self), self.device)}

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[CascadePoint]:
        return iter(self.points)

    @overload
    def __getitem__(self, i: int) -> CascadePoint: ...
    @overload
    def __getitem__(self, i: slice) -> tuple[CascadePoint, ...]: ...
    def __getitem__(self, i: int | slice) -> CascadePoint | tuple[CascadePoint, ...]:
        return self.points[i]

    def __repr__(self) -> str:
        of = f"{', '.join(self.objectives)} on {self.device}, {self.n_cascades:,} cascades"
        spread = [point.accuracy for point in self.points]
        accuracy = f", accuracy {min(spread):.4f} to {max(spread):.4f}" if spread else ""
        return f"CascadeFront({of}: {len(self):,} points{accuracy}, on test)"
