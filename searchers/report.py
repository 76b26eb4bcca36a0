"""``report.html``: a front as one page that opens without a network."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..bench import BigLittleError, Points
from ..bench.errors import MissingExtraError
from ..bench.figures import POINT_FIGURES, counted, get_figure
from ..bench.provenance import words_taken
from ..bench.recommend import NO_GATE, Recommendation, alone, marks
from .accuracy_view import accuracy_view, gain_over_single, view_text
from .answer_page import answers_section
from .front_files import write_files
from .report_config import config_table
from .search import SingleNetworks

# Okabe and Ito 2008: told apart under every common colour blindness
VERMILION, BLUE, BLACK = "#D55E00", "#0072B2", "#222222"
SCALE = "Cividis"  # reads the same for everyone, and in grey

LATENCY_LABEL = "mean latency, ms"

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 1240px; margin: 2rem auto;
  padding: 0 1.2rem; }
h1 { font-size: 1.6rem; margin-bottom: .3rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
p { max-width: 75ch; } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .5rem; text-align: right; border-bottom: 1px solid #ddd;
  white-space: nowrap; }
th { background: #f3f3f3; vertical-align: bottom; } th small { font-weight: normal; color: #555; }
tr.chosen td { background: #fff3d6; font-weight: 600; }
p.warning { max-width: none; color: #a30000; border: 2px solid #a30000; padding: .4rem .8rem; }
ol.answers { padding-left: 0; list-style: none; } ol.answers > li { border-left: 4px solid #0072B2;
  padding: .1rem 0 .3rem 1rem; margin: 1rem 0; } ol.answers p { max-width: none; margin: .2rem 0; }
ol.answers li.single { border-color: #222; } .strip { overflow-x: auto; margin: .5rem 0; }
td.id { font-family: ui-monospace, monospace; text-align: left; } .name { text-align: left; }
"""


def write_report(
    path: str | Path,
    points: Points,
    config: Mapping[str, Any],
    best_singles: SingleNetworks | None = None,
    exact: Points | None = None,
    exact_label: str = "table: measured accuracy, inherited weights",
    answers: Sequence[Recommendation] = (),
) -> Path:
    """The path of the report, one self-contained HTML file.

    Args:
        path: path of the file; its folder is made if it is not there.
        points: operating points of the front, in any order.
        config: config of the run; what it names appears in the text.
        best_singles: the best single network at each point's latency, one row per point.
        exact: a second front, from a table, drawn with its own marker.
        exact_label: what that second front is and where its figures come from.
        answers: what to use at each budget.

    Raises:
        MissingExtraError: plotly is not installed.
        BigLittleError: the file cannot be written, or the front has no latency to be drawn over.
    """
    if not np.isfinite(points.latency_ms).any():
        raise BigLittleError("the front has no latency on its device, so there is nothing to draw.")
    path = Path(path)
    return write_files(
        path.parent, {path.name: _page(points, config, best_singles, exact, exact_label, answers)}
    )[0]


def _page(
    points: Points,
    config: Mapping[str, Any],
    singles: SingleNetworks | None,
    exact: Points | None,
    exact_label: str,
    answers: Sequence[Recommendation],
) -> str:
    order = np.argsort(points.latency_ms, kind="stable")
    why = {int(np.flatnonzero(order == row)[0]): text for row, text in marks(answers).items()}
    gain = "" if singles is None else _gain_plot(points, singles)
    points = points.take(order)
    if singles is not None:
        singles = _by_latency(singles)
    where = dict(config.get("sources", {})).get("device", config.get("device", ""))
    title = "Big/little front" + (f" on {where}" if where else "")
    return page(
        title,
        f"""{answers_section(answers, config)}
<p>{html.escape(_text(points, config, singles, exact, exact_label))}</p>
<h2>Accuracy against mean latency</h2>
{_accuracy_plot(points, singles, exact, exact_label, answers)}
{gain}
<h2>How often the big network is asked</h2>
{_escalation_plot(points, exact)}
<h2>The {len(points)} operating points</h2>
<div class="scroll">{_table(points, why)}</div>
<h2>Config</h2>
<div class="scroll">{config_table(config)}</div>""",
    )


def page(title: str, body: str) -> str:
    """A whole page: the title, escaped, above a body that is HTML already."""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>
<h1>{html.escape(title)}</h1>
{body}
</body></html>
"""


def _by_latency(singles: SingleNetworks) -> SingleNetworks:
    there = np.flatnonzero(singles.architecture != "")
    order = there[np.argsort(singles.latency_ms[there], kind="stable")]
    first = np.unique(singles.latency_ms[order], return_index=True)[1]
    rows = order[first]
    names = ("architecture", "accuracy", "latency_ms", "energy_mj", "macs", "peak_memory_mib")
    arrays = {name: getattr(singles, name)[rows] for name in names}
    return SingleNetworks(**arrays, provenance=words_taken(singles.provenance, rows))


def _text(
    points: Points,
    config: Mapping[str, Any],
    singles: SingleNetworks | None,
    exact: Points | None,
    exact_label: str,
) -> str:
    groups: dict[str, list[str]] = {}
    for figure in POINT_FIGURES:
        if np.isfinite(points.figure(figure)).any():
            label = get_figure(figure).label
            groups.setdefault(points.provenance.get(figure, "unknown"), []).append(label)
    figures = "; ".join(f"{', '.join(labels)}: {word}" for word, labels in groups.items())
    run = [counted(config["budget"], "evaluation")] if "budget" in config else []
    run += [f"{k} {config[k]}" for k in ("searcher", "seed") if k in config]
    names = [get_figure(o).label for o in config.get("objectives", ())]
    text = (
        f"Each of the {len(points)} points is a pair of networks with a gate: the little network "
        "answers when it is confident enough, and the big one is asked otherwise. No point is "
        f"beaten by another in {' and '.join(names) if names else 'all objectives'} together"
        f"{' (' + ', '.join(run) + ')' if run else ''}. Where the figures come from: {figures}."
    )
    if singles is not None:
        words = singles.provenance
        text += (
            " The step line is the best single network seen in the same search (accuracy "
            f"{words.get('accuracy', 'unknown')}, latency {words.get('latency_ms', 'unknown')}); a "
            "search for single networks alone may find better ones."
        )
    if exact is not None:
        text += f" The diamonds are a second front ({exact_label})."
    return text


def _hover(points: Points) -> list[str]:
    rows = zip(
        points.little,
        points.big,
        points.gate,
        points.threshold,
        points.accuracy,
        points.escalation_rate,
        points.latency_ms,
        strict=True,
    )
    return [
        f"{lat:.3f} ms, accuracy {100 * acc:.2f} %<br>escalation {100 * rate:.1f} %<br>"
        f"little {little}<br>big {big}<br>gate {gate}, threshold {threshold:.4f}"
        for little, big, gate, threshold, acc, rate, lat in rows
    ]


def graph_objects() -> Any:
    """The module ``graph_objects`` of plotly.

    Raises:
        MissingExtraError: plotly is not installed.
    """
    try:
        import plotly.graph_objects as objects
    except ImportError as error:
        raise MissingExtraError("plotly", "report", "drawing the report") from error
    return objects


def _accuracy_plot(
    points: Points,
    singles: SingleNetworks | None,
    exact: Points | None,
    exact_label: str,
    answers: Sequence[Recommendation],
) -> str:
    go = graph_objects()
    figure = go.Figure()
    if singles is not None and len(singles):
        # the best single network stays the best until a slower one beats it, up to the last point
        end = max(float(np.nanmax(points.latency_ms)), float(singles.latency_ms[-1]))
        figure.add_scatter(
            x=[*singles.latency_ms.tolist(), end],
            y=[*(100 * singles.accuracy).tolist(), 100 * float(singles.accuracy[-1])],
            text=[*singles.architecture.tolist(), singles.architecture[-1]],
            mode="lines",
            line={"shape": "hv", "color": BLACK, "width": 2, "dash": "dot"},
            hovertemplate="single %{text}<br>%{x:.3f} ms, accuracy %{y:.2f} %<extra></extra>",
            name=f"best single network ({_words(singles)})",
        )
    figure.add_scatter(
        x=points.latency_ms.tolist(),
        y=(100 * points.accuracy).tolist(),
        text=_hover(points),
        mode="markers",
        marker={
            "color": (100 * points.escalation_rate).tolist(),
            "colorscale": SCALE,
            "cmin": 0,
            "cmax": 100 * max(0.01, float(np.nanmax(points.escalation_rate))),
            "size": 9,
            "line": {"width": 0.6, "color": "#555"},  # the scale's light end is pale on white
            "colorbar": {"title": {"text": "escalation<br>rate, %"}, "thickness": 14},
        },
        hovertemplate="%{text}<extra></extra>",
        name=f"big/little pairs ({_words(points)})",
    )
    if exact is not None:
        figure.add_scatter(
            x=exact.latency_ms.tolist(),
            y=(100 * exact.accuracy).tolist(),
            text=_hover(exact),
            mode="markers",
            marker={"symbol": "diamond-open", "size": 9, "color": VERMILION, "line": {"width": 2}},
            hovertemplate="%{text}<extra></extra>",
            name=f"{exact_label}; latency {exact.provenance.get('latency_ms', 'unknown')}",
        )
    chosen = [a.pair for a in answers if a.verdict == "pair" and a.pair is not None]
    if chosen:
        figure.add_scatter(
            x=[p.latency_ms for p in chosen],
            y=[100 * p.accuracy for p in chosen],
            mode="markers",
            marker={"symbol": "circle-open", "size": 19, "color": BLUE, "line": {"width": 3}},
            hoverinfo="skip",
            name="recommended",
        )
    view = accuracy_view(points.accuracy, answers, 0.0 if exact is None else exact.accuracy.max())
    figure.update_yaxes(range=[round(100 * end, 2) for end in view])
    plot = drawn(figure, LATENCY_LABEL, _span(points, exact), "accuracy, %", 540, inline=True)
    return f"{plot}\n<p>{view_text(points.accuracy, view[0])}</p>"


def _gain_plot(points: Points, singles: SingleNetworks) -> str:
    """What each point gains over the single network of its row, under a head of its own."""
    gain = 100 * gain_over_single(points, singles)
    if not np.isfinite(gain).any():
        return ""
    beside = zip(_hover(points), singles.architecture, strict=True)
    figure = graph_objects().Figure()
    figure.add_scatter(
        x=points.latency_ms.tolist(),
        y=[None if np.isnan(g) else g for g in gain.tolist()],
        text=[f"{text}<br>single {single}" for text, single in beside],
        mode="markers",
        marker={"color": BLUE, "size": 8},
        hovertemplate="%{y:+.2f} points: %{text}<extra></extra>",
        showlegend=False,
    )
    figure.add_hline(y=0, line={"color": BLACK, "width": 1})
    label = f"gain, points ({points.provenance.get('accuracy', 'unknown')})"
    plot = drawn(figure, LATENCY_LABEL, _span(points, None), label, 340, inline=False)
    return f"<h2>What a pair gains over the best single network that is as fast</h2>\n{plot}"


def _words(figures: Points | SingleNetworks) -> str:
    provenance = figures.provenance
    accuracy, latency = (provenance.get(n, "unknown") for n in ("accuracy", "latency_ms"))
    return f"accuracy {accuracy}, latency {latency}"


def _span(points: Points, exact: Points | None) -> tuple[float, float]:
    """The latencies both plots show, in ms, so that one can be read below the other."""
    both = [points.latency_ms, *([] if exact is None else [exact.latency_ms])]
    low, high = (float(f(np.concatenate(both))) for f in (np.nanmin, np.nanmax))
    margin = 0.03 * (high - low) or 0.05 * high
    return low - margin, high + margin


def _escalation_plot(points: Points, exact: Points | None) -> str:
    figure = graph_objects().Figure()
    figure.add_scatter(
        x=points.latency_ms.tolist(),
        y=(100 * points.escalation_rate).tolist(),
        text=_hover(points),
        mode="markers",
        marker={"color": BLUE, "size": 8},
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    figure.update_yaxes(range=[-3, 103])
    label = f"escalation rate, % ({points.provenance.get('escalation_rate', 'unknown')})"
    return drawn(figure, LATENCY_LABEL, _span(points, exact), label, 340, inline=False)


def drawn(
    figure: Any,
    x_label: str,
    span: tuple[float, float] | None,
    y_label: str,
    height: int,
    inline: bool,
    legend_above: bool = False,
) -> str:
    """A plotly figure in the house's dress, as HTML.

    Args:
        figure: the plotly figure to be drawn; its layout is set.
        x_label: what goes along the page, with its unit.
        span: smallest and largest x; None: as the data have it.
        y_label: what goes up the page, with its unit.
        height: height of the figure in pixels.
        inline: whether to bring plotly itself along; the first figure of a page has to.
        legend_above: above the figure instead of in its lower right corner.
    """
    corner = {"x": 0.99, "y": 0.02, "xanchor": "right", "yanchor": "bottom"}
    above = {"x": 0.0, "y": 1.02, "xanchor": "left", "yanchor": "bottom", "orientation": "h"}
    frame = {"bgcolor": "rgba(255,255,255,.85)", "bordercolor": "#ccc", "borderwidth": 1}
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 70, "r": 20, "t": 50 if legend_above else 20, "b": 60},
        font={"size": 14, "color": BLACK},
        legend=above if legend_above else corner | frame,
    )
    axis = {"showline": True, "linecolor": "#888", "ticks": "outside", "zeroline": False}
    figure.update_xaxes(title=x_label, range=None if span is None else list(span), **axis)
    figure.update_yaxes(title=y_label, **axis)
    options = {"displaylogo": False, "responsive": True}
    return str(figure.to_html(full_html=False, include_plotlyjs=inline, config=options))


_HEADS = (
    ("accuracy", "accuracy<br>%", 100.0, 2),
    ("escalation_rate", "escalation<br>%", 100.0, 1),
    ("latency_ms", "mean latency<br>ms", 1.0, 3),
    ("latency_p95_ms", "p95 latency<br>ms", 1.0, 3),
    ("energy_mj", "mean energy<br>mJ", 1.0, 2),
    ("macs", "mean MACs<br>M", 1e-6, 1),
    ("peak_memory_mib", "peak memory<br>MiB", 1.0, 2),
)


def _table(points: Points, why: Mapping[int, str]) -> str:
    heads = [h for h in _HEADS if np.isfinite(points.figure(h[0])).any()]
    cells = "".join(
        f"<th>{text}<br><small>{html.escape(points.provenance.get(name, 'unknown'))}</small></th>"
        for name, text, _, _ in heads
    )
    lines, one = [], alone(points)
    for i in range(len(points)):
        figures = [(float(points.figure(n)[i]) * scale, digits) for n, _, scale, digits in heads]
        shown = ["" if np.isnan(v) else f"{v:.{digits}f}" for v, digits in figures]
        row = "".join(f"<td>{s}</td>" for s in shown)
        gates = (str(points.gate[i]), f"{points.threshold[i]:.4f}")
        ids = [str(points.little[i]), str(points.big[i])]
        if one[i] and points.gate[i] != NO_GATE:
            gates = ("little alone" if one[i] == ids[0] else "big alone", "")
            ids = [a if a == one[i] else "" for a in ids]
        gate = f'<td class="name">{html.escape(gates[0])}</td><td>{gates[1]}</td>'
        pair = "".join(f'<td class="id">{html.escape(a)}</td>' for a in ids)
        head = f' class="chosen" title="recommended {html.escape(why[i])}"' if i in why else ""
        lines.append(f"<tr{head}>{row}{gate}{pair}</tr>")
    named = "".join(f"<th>{t}</th>" for t in ("gate", "threshold", "little", "big"))
    return f"<table><thead><tr>{cells}{named}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
