"""``compare.html``: which searcher to use, and how far each was from the front at every budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..bench.figures import counted
from .compare import BAND, LEVEL, Comparison
from .pages.charts import COLOURS, Charts, band, line, points
from .pages.page import page, table, verdict

FLOOR = 1e-5  # of the logarithmic axis: a regret below it is 0 in print
STYLES = ("", "dash", "dots")


def comparison_html(comparison: Comparison, title: str) -> str:
    """The page of a comparison.

    Args:
        comparison: regrets of the searchers over their seeds.
        title: what was searched, on which devices.
    """
    charts, rows = Charts(), comparison.rows()
    whose = "true front" if comparison.exact else "front of all runs together"
    body = f"""{_verdict(comparison, rows)}
<h2>Missing share of the hypervolume at every budget</h2>
<p>Medians over {counted(comparison.n_seeds, "seed")}; the bands hold
{100 * (BAND[1] - BAND[0]):.0f} % of them. The reference is the {whose}.</p>
{_chart(charts, comparison, whose)}
<h2>At the end, and after a quarter of the budget</h2>
{_table(rows)}
<p>p: two-sided Wilcoxon signed ranks over seeds, Holm-corrected; * below {LEVEL:g}.</p>"""
    return page(f"Which searcher? {title}", body, {"charts": charts.records})


def _verdict(comparison: Comparison, rows: Sequence[Mapping[str, Any]]) -> str:
    first, *rest = rows
    text = (
        f"{first['searcher']} misses {_percent(first['median'])} of the hypervolume after "
        f"{counted(comparison.settings.budget, 'evaluation')} (median of "
        f"{counted(comparison.n_seeds, 'seed')}; 10 to 90 % of them: {_percent(first['low'])} to "
        f"{_percent(first['high'])})."
    )
    if not rest:
        return verdict("open", "One searcher", f"There is nothing to compare. {text}")
    alike = [row["searcher"] for row in rest if row["p_best"] is None or row["p_best"] >= LEVEL]
    if not alike:
        return verdict("good", "Use this one", f"{text} Every other one misses more, beyond luck.")
    few = " More seeds tell more." if comparison.n_seeds < 10 else ""
    text += f" Not told apart from it by these seeds: {', '.join(alike)}.{few}"
    return verdict("open", "Ahead, perhaps by luck", text)


def _chart(charts: Charts, comparison: Comparison, whose: str) -> str:
    marks = []
    for i, name in enumerate(comparison.ranked()):
        regret = np.maximum(comparison.regret[name], FLOOR)
        middle, colour = np.median(regret, axis=0), COLOURS[i % len(COLOURS)]
        if comparison.n_seeds > 1:
            low, high = np.quantile(regret, BAND, axis=0)
            marks.append(band(comparison.at, low, high, colour))
        hover = [
            f"{name}\n{counted(at, 'evaluation')}\nmisses {_percent(value)}"
            for at, value in zip(comparison.at.tolist(), middle.tolist(), strict=True)
        ]
        style = STYLES[i // len(COLOURS) % len(STYLES)]
        marks += [
            line(name, comparison.at, middle, colour, style),
            points("", comparison.at, middle, hover, colour),
        ]
    label = f"missing share of the hypervolume of the {whose}"
    return charts.add("Regret", "evaluations", label, marks, log=True, height=460)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = ["searcher", "median regret", "10 to 90 % of seeds", "after a quarter"]
    heads += ["differs from random\np", "from the best\np", "a run\ns"]
    return table(
        heads,
        [
            [
                row["searcher"],
                _percent(row["median"]),
                f"{_percent(row['low'])} to {_percent(row['high'])}",
                _percent(row["quarter"]),
                _p(row["p_random"]),
                _p(row["p_best"]),
                f"{row['seconds']:.1f}",
            ]
            for row in rows
        ],
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3f} %"


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}{' *' if value < LEVEL else ''}"
