"""All operating points of a pair, or of one little with many bigs, under one gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from .figures import POINT_FIGURES
from .pair import Pair
from .points import OperatingPoint, Points, described
from .provenance import words_taken
from .tabular import Column, Tabular, word_columns


@dataclass(frozen=True, repr=False, eq=False)
class Curve(Tabular):
    """All operating points of a pair under one gate metric, from little alone to big alone.

    An index gives one ``OperatingPoint``, a slice gives a part of the curve.

    Attributes:
        pair: little and big network of the curve.
        gate: name of the gate metric.
        device: name of the device.
        split: whose images were counted, "val" or "test".
        threshold: thresholds in the metric's unit, shape (257,).
        escalation_rate: share of inputs that reach the big network, shape (257,).
        accuracy: share of right answers, shape (257,).
        latency_ms: mean latency, shape (257,).
        latency_p95_ms: 95th percentile of the latency, shape (257,).
        latency_worst_ms: latency of the slowest input, shape (257,).
        energy_mj: mean energy, shape (257,).
        macs: mean MACs, shape (257,).
        params: trained weights of both networks, shape (257,), the same everywhere.
        peak_memory_mib: memory with both networks resident, shape (257,), the same everywhere.
        ram_kib: one arena for both networks on a microcontroller, shape (257,).
        flash_kib: weights of both networks on a microcontroller, shape (257,).
        provenance: how each figure came about, by field; the least founded word of all points.
        coupling: what the two networks share, one of ``COUPLINGS``; "" where nobody said.
    """

    pair: Pair
    gate: str
    device: str
    split: str
    threshold: NDArray[np.float64]
    escalation_rate: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    latency_p95_ms: NDArray[np.float64]
    latency_worst_ms: NDArray[np.float64]
    energy_mj: NDArray[np.float64]
    macs: NDArray[np.float64]
    params: NDArray[np.float64]
    peak_memory_mib: NDArray[np.float64]
    ram_kib: NDArray[np.float64]
    flash_kib: NDArray[np.float64]
    provenance: Mapping[str, str]
    coupling: str = ""
    _MARK = ""  # its points are close enough to be a line

    @cached_property
    def points(self) -> Points:
        """The same as operating points."""
        n = len(self)
        return Points(
            little=np.full(n, self.pair.little),
            big=np.full(n, self.pair.big),
            gate=np.full(n, self.gate),
            split=self.split,
            coupling=np.full(n, self.coupling),
            provenance=self.provenance,
            **{name: getattr(self, name) for name in ("threshold", *POINT_FIGURES)},
        )

    def columns(self) -> dict[str, Column]:
        """Its columns by name, in order: those of its ``points``, then the ``device``."""
        return {**self.points.columns(), "device": np.full(len(self), self.device)}

    def __len__(self) -> int:
        return len(self.threshold)

    def __repr__(self) -> str:
        of = f"{self.pair.little} -> {self.pair.big}, {self.gate}, {self.device}"
        return f"Curve({of}: {described(self.points)})"

    def __iter__(self) -> Iterator[OperatingPoint]:
        return iter(self.points)

    def __contains__(self, item: object) -> bool:
        return item in self.points

    @overload
    def __getitem__(self, i: int) -> OperatingPoint: ...
    @overload
    def __getitem__(self, i: slice) -> Curve: ...
    def __getitem__(self, i: int | slice) -> OperatingPoint | Curve:
        if not isinstance(i, slice):
            return self.points[i]
        part: dict[str, Any] = {
            f.name: value[i] if isinstance(value, np.ndarray) else value
            for f in fields(self)
            for value in [getattr(self, f.name)]
        }
        part["provenance"] = words_taken(self.provenance, i)
        return Curve(**part)


@dataclass(frozen=True, repr=False, eq=False)
class Curves(Tabular):
    """The curves of one little network with n big ones, as in ``Curve``, in one set of arrays.

    Attributes:
        little: id of the little network.
        bigs: ids of the big networks, shape (n,).
        gate: name of the gate metric.
        device: name of the device.
        split: whose images were counted, "val" or "test".
        threshold: thresholds in the metric's unit, shape (257,).
        escalation_rate: share of inputs that reach the big network, shape (257,), the same for
            every big; (257, n) under a pairwise or a paired gate.
        accuracy: share of right answers, shape (257, n).
        latency_ms: mean latency of an input, shape (257, n).
        latency_p95_ms: 95th percentile of the latency, shape (257, n).
        energy_mj: mean energy of an input, shape (257, n).
        macs: mean MACs of an input, shape (257, n).
        provenance: how each figure came about, by field; the least founded word of all points.
    """

    little: str
    bigs: NDArray[np.str_]
    gate: str
    device: str
    split: str
    threshold: NDArray[np.float64]
    escalation_rate: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    latency_p95_ms: NDArray[np.float64]
    energy_mj: NDArray[np.float64]
    macs: NDArray[np.float64]
    provenance: Mapping[str, str]

    def columns(self) -> dict[str, Column]:
        """Its columns by name, in order, of shape (257 n,): one big after the other."""
        shape = len(self.threshold), len(self)

        def flat(values: NDArray[Any]) -> Column:
            one = values if values.ndim == 2 else values[:, None]
            return np.broadcast_to(one, shape).T.reshape(-1)

        names = ("escalation_rate", "accuracy", "latency_ms", "latency_p95_ms", "energy_mj", "macs")
        figures = {name: flat(getattr(self, name)) for name in names}
        every = np.full(shape[0] * shape[1], "")
        known_words = {n: self.provenance[n] for n in names if n in self.provenance}
        return {
            "little": np.full(len(every), self.little),
            "big": np.repeat(self.bigs, shape[0]),
            "gate": np.full(len(every), self.gate),
            "threshold": flat(self.threshold),
            **figures,
            **word_columns(known_words, figures),
            "split": np.full(len(every), self.split),
            "device": np.full(len(every), self.device),
        }

    def __len__(self) -> int:
        return len(self.bigs)

    def __repr__(self) -> str:
        of = f"{self.little} -> {len(self)} networks, {self.gate}, {self.device}"
        return f"Curves({of}: {len(self.threshold)} thresholds each, on {self.split})"
