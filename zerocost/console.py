"""Scores as JSON and as a table in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..bench.errors import BigLittleError
from ..bench.spaces import SearchSpace
from .bulk import Columns

if TYPE_CHECKING:
    from rich.console import Console


def drawn(space: SearchSpace, n: int, seed: int) -> list[str]:
    """``n`` different architectures of a space.

    Raises:
        BigLittleError: the space has fewer architectures.
    """
    everything = len(space.allowed(None)) ** space.n_layers
    if n > everything:
        raise BigLittleError(
            f"a sample of {n} architectures; space {space.name!r} has {everything}. Ask for fewer."
        )
    rng = np.random.default_rng(seed)
    architectures: dict[str, None] = {}
    while len(architectures) < n:
        architectures |= dict.fromkeys(space.format(space.sample(rng, n)))
    return list(architectures)[:n]


def record(columns: Columns) -> dict[str, Any]:
    """Scores as plain JSON: a score that does not exist is null and has its reason.

    ``az_nas`` ranks a network among those of the same seed; null without its components.
    """
    ranked = columns.az_nas()
    rows = [
        {
            "architecture": architecture,
            "seed": int(seed),
            "scores": {
                proxy: None if np.isnan(values[i]) else float(values[i])
                for proxy, values in columns.scores.items()
            },
            "az_nas": None if np.isnan(ranked[i]) else float(ranked[i]),
            "failures": columns.failures[i],
        }
        for i, (architecture, seed) in enumerate(
            zip(columns.architectures, columns.seeds, strict=True)
        )
    ]
    return {
        "config": dict(columns.facts),
        "networks": rows,
        "alone_s": {proxy: mean_s(columns, proxy) for proxy in columns.scores},
        "total_s": float(np.mean(columns.total_s)) if len(columns) else None,
    }


def mean_s(columns: Columns, proxy: str) -> float | None:
    """Mean time of a proxy with every pass it needs; None where it never ran."""
    taken = columns.alone_s[proxy]
    return None if np.isnan(taken).all() else float(np.nanmean(taken))


def print_scores(columns: Columns, console: Console) -> None:
    """One line per proxy: the score of a single network, or how those of many are spread."""
    from rich.table import Table

    n = len(columns)
    n_networks, n_seeds = len(set(columns.architectures)), len(set(columns.seeds))
    named = columns.architectures[0] if n_networks == 1 else f"{n_networks} networks"
    seeds = f" under {n_seeds} seeds" if n_seeds > 1 else ""
    title = f"{named} of {columns.facts['space']}{seeds}, {columns.facts['batch']}"
    table = Table(title=title)
    for head in ("proxy", *(("score",) if n == 1 else ("min", "median", "max", "failed")), "s"):
        table.add_column(head, justify="left" if head == "proxy" else "right")
    for proxy, values in columns.scores.items():
        finite = values[~np.isnan(values)]
        taken = mean_s(columns, proxy)
        time = "" if taken is None else f"{taken:.3f}"
        if n == 1:
            table.add_row(proxy, f"{finite[0]:.6g}" if len(finite) else "failed", time)
            continue
        spread = [f"{f(finite):.4g}" if len(finite) else "" for f in (np.min, np.median, np.max)]
        table.add_row(proxy, *spread, str(n - len(finite)), time)
    console.print(table)
    ranked = columns.az_nas()
    if np.count_nonzero(~np.isnan(ranked)) > 1:
        best = columns.architectures[int(np.nanargmax(ranked))]
        console.print(f"az_nas (its components' ranks among these networks): best is {best}")
    reasons = sorted({f"{proxy}: {why}" for row in columns.failures for proxy, why in row.items()})
    for reason in reasons[:10]:
        console.print(f"  {reason}", markup=False)
    if len(reasons) > 10:
        console.print(f"  and {len(reasons) - 10} more reasons; --json has them all")
    clock = columns.facts["clock"]
    console.print(f"s: mean {clock} time with every pass that the proxy needs, shared or not")
