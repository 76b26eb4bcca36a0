"""A heat map of rank correlations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .._small_png import make_small
from ._formatting import number, order


def picture(document: Mapping[str, Any], path: Path) -> None:
    """A heat map: proxies by target, Spearman's rho."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    columns = {
        target: {p: row["spearman"] for p, row in column.items()}
        for target, column in document["targets"].items()
    }
    for target, column in document.get("pairs", {}).get("targets", {}).items():
        columns[f"pairs, {target}"] = {
            p: max((c["spearman"] for c in row.values()), key=order) for p, row in column.items()
        }
    proxies = sorted(
        next(iter(columns.values())),
        key=lambda p: -float(np.mean([order(column.get(p)) for column in columns.values()])),
    )
    grid = np.array(
        [[np.nan if f.get(p) is None else f[p] for f in columns.values()] for p in proxies],
        np.float64,
    )
    figure, axes = plt.subplots(
        figsize=(2.6 + 0.9 * len(columns), 1.8 + 0.3 * len(proxies)), dpi=120
    )
    drawn = axes.imshow(grid, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), list(columns), rotation=35, ha="right", fontsize=8)
    axes.set_yticks(range(len(proxies)), proxies, fontsize=8)
    for label in axes.get_yticklabels():
        if label.get_text() in ("macs", "params"):
            label.set_fontweight("bold")
    for (i, j), value in np.ndenumerate(grid):
        colour = "white" if abs(value) > 0.6 else "black"
        axes.text(j, i, number(value, 2), ha="center", va="center", fontsize=7, color=colour)
    figure.colorbar(drawn, ax=axes, label="Spearman's rho with accuracy")
    axes.set_title("Zero-cost proxies; bold: baselines; pairs: best combination", fontsize=9)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
    make_small(path)
