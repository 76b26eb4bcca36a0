"""Logs of other people's benchmark tools, one file each: what a profile takes from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ...bench.registry import Registry

LOG_FORMATS = Registry("log", __name__, Path(__file__).parent, "LOG")


@dataclass(frozen=True)
class LogFigures:
    """What one log says of one network.

    Attributes:
        latency_ms: median of the runs, or their mean where the tool prints no median.
        statistic: which of the two it is, ``median`` or ``mean``.
        runtime: name, version and backend, as it stands in a profile.
        precision: precision in which the network ran; None: the log does not say.
        threads: threads inside an operator; None: the log does not say.
        model: name of the model's file; "" where the log does not say.
        latency_p90_ms: 90th percentile of the runs; None: the log does not say.
        n: number of runs that count; None: the log does not say.
        warm_up: number of runs before them; None: the log does not say.
        peak_memory_mib: memory of the process at its peak; None: the log does not say.
        notes: what a reader of the profile has to know.
    """

    latency_ms: float
    statistic: str
    runtime: str
    precision: str | None = None
    threads: int | None = None
    model: str = ""
    latency_p90_ms: float | None = None
    n: int | None = None
    warm_up: int | None = None
    peak_memory_mib: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LogFormat:
    """A tool whose logs are read.

    Attributes:
        name: name of the tool.
        marks: texts of which its logs hold one, and those of other tools none.
        read: takes the figures out of such a log; raises ``ValueError`` with what is missing.
    """

    name: str
    marks: tuple[str, ...]
    read: Callable[[str], LogFigures]


def log_formats() -> tuple[LogFormat, ...]:
    """All formats, in the order of their names."""
    return tuple(cast(LogFormat, LOG_FORMATS.load(name)) for name in LOG_FORMATS.names())


__all__ = ["LOG_FORMATS", "LogFigures", "LogFormat", "log_formats"]
