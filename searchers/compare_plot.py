"""Any-time regret of a comparison as a picture: medians with bands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..bench.files import replacing
from .compare import BAND, Comparison

# Okabe and Ito 2008, and two greys: told apart under every common colour blindness
COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#222222",
    "#888888",
    "#F0E442",
)
STYLES = ("-", "--", "-.", ":")
FLOOR = 1e-5  # of the logarithmic axis: a regret below it is 0 in print


def write_plot(path: Path, comparison: Comparison, title: str) -> Path:
    """The path of the picture (.svg or .png): median regret against evaluations, with bands.

    Args:
        path: file of the picture, ending in .svg or .png.
        comparison: regrets of the searchers over their seeds.
        title: text that stands above the picture.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "biglittle"  # the same comparison draws the same bytes
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 4.5), constrained_layout=True)
    for i, name in enumerate(comparison.ranked()):
        regret = np.maximum(comparison.regret[name], FLOOR)
        colour, style = COLOURS[i % len(COLOURS)], STYLES[i % len(STYLES)]
        axes.plot(comparison.at, np.median(regret, axis=0), style, color=colour, label=name, lw=1.8)
        if comparison.n_seeds > 1:
            low, high = np.quantile(regret, BAND, axis=0)
            axes.fill_between(comparison.at, low, high, color=colour, alpha=0.13, lw=0)
    whose = "true front" if comparison.exact else "front of all runs together"
    axes.set(
        yscale="log",
        xlabel="evaluations",
        ylabel=f"missing share of the hypervolume\nof the {whose}",
        title=title,
    )
    axes.grid(alpha=0.3, which="major")
    axes.legend(fontsize=8, ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        metadata: dict[str, Any] = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(partial, format=path.suffix[1:], metadata=metadata, dpi=120)
    plt.close(figure)
    return path
