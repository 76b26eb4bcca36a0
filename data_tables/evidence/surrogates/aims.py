"""What was asked of the surrogates beside what was reached, from the figures of the other steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....surrogates.surrogate import DOCUMENT
from ...flagship import RECIPE
from .._page import Step, load
from .nb201 import CELLS, LATENCY_CELLS, PARTS, SAMPLES
from .speed import SPEED_PAIRS


def asked_text(steps: Mapping[str, Mapping[str, Any]], report: Mapping[str, Any]) -> str:
    """What was asked for and what was reached, as far as its step was run.

    Args:
        steps: the figures of those that were.
        report: of the shipped surrogate, on networks of the table that it never saw.
    """
    rows: list[tuple[str, str, str, bool | None]] = []

    def row(what: str, aim: str, entry: Mapping[str, Any], met: bool, scale: float) -> None:
        shown = f"{scale * entry['median']:.{2 if scale > 1 else 3}f}"
        spread = f"{scale * entry['spread']:.{2 if scale > 1 else 3}f}"
        rows.append((what, aim, f"{shown} ± {spread}", met))

    if report:
        own, n = report["splits"]["random"]["recipes"][report["recipe"]], report["n_networks"]
        tau, mae = own["val"]["network"]["kendall_tau"], own["val"]["pair"]["mae"]
        what = f"single networks, unseen, of {n} in the table: Kendall tau of accuracy"
        row(what, "at least 0.85", tau, tau["median"] >= 0.85, 1)
        what = "pairs, both unseen: mean absolute error along the curve, points"
        row(what, "at most 0.7", mae, mae["median"] <= 0.007, 100)
        for kind in ("network", "pair"):
            held = own["coverage"][kind]
            what = f"90 % intervals of {'single networks' if kind == 'network' else 'pairs'}: hold"
            row(what, "87 to 93 %", held, 0.87 <= held["median"] <= 0.93, 100)
    if "searched" in steps:
        figures = steps["searched"]["figures"]["all"]
        gap, held_share, n = 100 * figures["optimism"], figures["coverage"], figures["n"]
        what = f"searched, {steps['searched']['architectures']} networks: optimism, points"
        error = "" if n < 2 else f" ± {100 * figures['standard_error']:.2f}"
        rows.append((what, "at most 0.5", f"{gap:+.2f}{error}", gap <= 0.5))
        inside = 0.87 <= held_share <= 0.93
        rows.append(("searched: intervals hold", "87 to 93 %", f"{held_share:.0%}", inside))
    else:
        rows.append(("searched: optimism, points", "at most 0.5", "-", None))
        rows.append(("searched: intervals hold", "87 to 93 %", "-", None))
    if all(part in steps.get("nb201", {}) for part in PARTS):
        figures = steps["nb201"]
        name, best = max(figures["accuracy"].items(), key=lambda kv: kv[1]["spearman"]["median"])
        what = f"NB201 accuracy from {CELLS} cells, no proxies: Spearman of {name}"
        row(what, "at least 0.945", best["spearman"], best["spearman"]["median"] >= 0.945, 1)
        if "proxies" in figures:
            name, best = max(
                figures["proxies"]["with"].items(), key=lambda kv: kv[1]["spearman"]["median"]
            )
            what = f"the same with {', '.join(figures['proxies']['proxies'])}: Spearman of {name}"
            row(what, "at least 0.955", best["spearman"], best["spearman"]["median"] >= 0.955, 1)
        else:
            rows.append(("the same with zero-cost proxies", "at least 0.955", "-", None))
        timed = figures["latency"]["sum and robust trees"]
        what = f"NB201 raspi4 from {LATENCY_CELLS}: Spearman"
        row(what, "at least 0.98", timed["spearman"], timed["spearman"]["median"] >= 0.98, 1)
        near = timed["within_10_percent"]
        row("the same: within 10 %", "at least 70 %", near, near["median"] >= 0.7, 100)
        for which, both in figures["transfer"].items():
            if which.endswith(f"{SAMPLES[0]} samples"):
                mean = both["transfer"]["mean"]
                what = f"unseen device, {which}: Spearman"
                row(what, "above 0.95", mean, mean["median"] > 0.95, 1)
    if "speed" in steps:
        wall, first = (steps["speed"][k] for k in ("wall_s", "first_prediction_s"))
        used, load = (steps["speed"][k] for k in ("cpu_s", "load_average"))
        what = f"{steps['speed']['pairs']:,} pairs, seconds on {steps['speed']['cores']} cores"
        shown = f"{wall:.1f} ({used:.1f} of CPU; load average {load:.1f})"
        rows.append((what, "at most 2", shown, wall <= 2))
        rows.append(("first prediction, seconds", "at most 1", f"{first:.2f}", first <= 1))
    else:
        rows.append((f"{SPEED_PAIRS:,} pairs, seconds", "at most 2", "-", None))
        rows.append(("first prediction, seconds", "at most 1", "-", None))
    words = {True: "yes", False: "**no**", None: "not run"}
    lines = [
        "## Asked and reached",
        "",
        "Median ± standard deviation over the seeds where there are several; optimism ± its "
        "standard error over points.",
        "",
        "| figure | asked | reached | |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {what} | {aim} | {got} | {words[met if met is None else bool(met)]} |"
        for what, aim, got, met in rows
    ]
    return "\n".join(lines)


def aims_text(_: dict[str, Any]) -> str:
    """The same from the figures that are kept."""
    all_figures = {name: load(f"surrogates/{name}") for name in ("nb201", "searched", "speed")}
    steps = {name: figures for name, figures in all_figures.items() if figures is not None}
    shipped = load("surrogate", RECIPE.folder / "surrogate" / DOCUMENT) or {"report": {}}
    return asked_text(steps, shipped["report"])


STEP = Step(None, {"surrogates/aims": aims_text}, keeps=False)
