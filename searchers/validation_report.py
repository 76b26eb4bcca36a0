"""``validation.html``: what a front promised against what was measured, as one page."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .front_files import write_files
from .report import BLUE, VERMILION, drawn, graph_objects, page

TITLES = {
    "latency_ms": "mean latency, ms",
    "latency_p95_ms": "95th percentile of latency, ms",
    "energy_mj": "mean energy, mJ",
    "peak_memory_mib": "peak memory, MiB",
}
GREY = "#8a8a8a"
STYLE = """<style>
p.verdict { font-size: 1.15rem; border-left: 6px solid #767676; padding: .2rem 0 .2rem 1rem; }
p.verdict.kept { border-color: #0072B2; } p.verdict.missed { border-color: #D55E00; }
li { max-width: 75ch; overflow-wrap: anywhere; } td { vertical-align: top; }
td small { color: #555; } td.name { white-space: normal; }
</style>"""


def write_validation(path: str | Path, document: Mapping[str, Any]) -> Path:
    """The path of the page, one self-contained HTML file: verdict, notes, plots, points.

    Args:
        path: path of the file; its folder is made if it is not there.
        document: a validation as plain JSON.

    Raises:
        MissingExtraError: plotly is not installed.
        BigLittleError: the file cannot be written.
    """
    path = Path(path)
    shown = [name for name in TITLES if document["figures"].get(name) is not None]
    plots = [_singles_plot(document["singles"], document["interval"])]
    plots += [_scatter(document["points"], name, not any(plots) and i == 0)
              for i, name in enumerate(shown)]  # fmt: skip
    heads = [
        "Single networks: latency, ms",
        *(TITLES[name][0].upper() + TITLES[name][1:] for name in shown),
    ]
    drawings = "\n".join(
        f"<h2>{html.escape(head)}</h2>\n{plot}"
        for head, plot in zip(heads, plots, strict=True)
        if plot
    )
    body = f"""{_verdict(document)}
{_list(_remarks(document))}
<p>{_front_text(document)}</p>
<h2>How far promise and measurement agree</h2>
<p>An error is a share of what was measured. Measured / promised is how many times the promise was
taken: 2 is twice as much. Both are means over what was compared.</p>
<div class="scroll">{_agreement(document, shown)}</div>
{drawings}
<h2>The operating points</h2>
<p>Promised above, on the device below. Measured: run as a whole. Modelled: a mean over figures that
were measured, weighed by an escalation rate that was not, or the sum of parts measured alone.
{_unmeasured(document["points"])}</p>
<div class="scroll">{_table(document["points"], shown)}</div>"""
    title = f"Promised for {document['device']}, measured on {document['measured_on']}"
    return write_files(path.parent, {path.name: page(title, STYLE + body)})[0]


def write_pairs_validation(path: str | Path, document: Mapping[str, Any]) -> Path:
    """The path of the page about co-trained pairs, one self-contained HTML file.

    Args:
        path: path of the file; its folder is made if it is not there.
        document: a validation of pairs as plain JSON.

    Raises:
        BigLittleError: the file cannot be written.
    """
    path = Path(path)
    heads = ["little, big, method", "gate"]
    heads += [_head(name, "%: promised, trained, deployed") for name in ("accuracy", "escalation")]
    heads += [_head("latency, ms", "promised"), _head("latency, ms", "mean"),
              _head("latency, ms", "little answers, big asked"), "kept"]  # fmt: skip
    rows, remarks = [], []
    for p in document["pairs"]:
        cells = [_ids(p["little"], p["big"], p["method"]), _gate(p["gate"], p["threshold"])]
        for name in ("accuracy", "escalation_rate"):
            figures = p[name]
            shares = [f"{figures[k]:.2%}" for k in ("promised", "trained", "deployed")]
            cells.append(_lines([f"{_small(figures['provenance'])} {shares[0]}", *shares[1:]]))
        latency = p["latency"]
        cells.append(_lines([_cell(latency["promised_ms"]) or "-", _small(latency["provenance"])]))
        cells.append(f"<td>{_cell(latency['mean_ms']) or '-'}</td>")
        cells.append(_lines(_cell(latency[n]) or "-" for n in ("kept_ms", "escalated_ms")))
        rows.append(f"<tr>{''.join(cells)}<td>{'no' if p['problems'] else 'yes'}</td></tr>")
        problems = [*p["problems"], *([p["error"]] if latency["mean_ms"] is None else [])]
        remarks += [f"{p['little']} -> {p['big']}: {problem}" for problem in problems]
    head = "".join(f"<th>{h}</th>" for h in heads)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    body = f"""{_verdict(document)}
{_list([*remarks, *document["notes"]])}
<p>Promised: by the search. Trained: measured after training. Deployed: the ONNX
file, asked about the test images again, and measured end to end with either branch taken.</p>
<div class="scroll">{table}</div>"""
    title = f"Co-trained pairs for {document['device']}, measured on {document['measured_on']}"
    return write_files(path.parent, {path.name: page(title, STYLE + body)})[0]


def _verdict(document: Mapping[str, Any]) -> str:
    """The verdict as the first paragraph, its word in bold."""
    word, _, why = str(document["verdict"]).partition(": ")
    css = {True: "kept", False: "missed", None: "open"}[document["kept"]]
    why = why[:1].upper() + why[1:]
    return f'<p class="verdict {css}"><b>{html.escape(word)}.</b> {html.escape(why)}</p>'


def _remarks(document: Mapping[str, Any]) -> list[str]:
    again = [str(row["text"]).strip() for row in document.get("accuracy", ())]
    return [*document["notes"], *again]


def _list(lines: Iterable[str]) -> str:
    entries = "".join(f"<li>{html.escape(text[:1].upper() + text[1:])}</li>" for text in lines)
    return f"<ul>{entries}</ul>" if entries else ""


def _front_text(document: Mapping[str, Any]) -> str:
    there, still = document["points_measured"], document["points_still_on_front"]
    return (
        f"{still} of {there} points are still on the front of error and mean latency with what the "
        "device took."
    )


def _agreement(document: Mapping[str, Any], shown: Sequence[str]) -> str:
    rows = [("latency of single networks, ms", document["networks"])]
    rows += [(TITLES[name], document["figures"][name]) for name in shown]
    lines, judged = [], document["kept"] is not None
    for name, errors in rows:
        if errors is None:
            continue
        rank = errors["spearman"]
        cells = [str(errors["n"])]
        if judged:
            cells += [f"{errors['mape']:.1%}", f"{errors['within_10']:.0%}"]
        cells += [f"{1 + errors['optimism']:.3g}", "" if rank is None else f"{rank:.3f}"]
        figures = "".join(f"<td>{cell}</td>" for cell in cells)
        lines.append(f'<tr><td class="name">{html.escape(name)}</td>{figures}</tr>')
    heads = ["", "compared", *(["error", "within 10 %"] if judged else [])]
    heads += ["measured / promised", "rank correlation"]
    head = "".join(f"<th>{h}</th>" for h in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _singles_plot(singles: Sequence[Mapping[str, Any]], interval: Mapping[str, Any] | None) -> str:
    """Measured against predicted latency of networks, each on its interval; "" without any."""
    rows = [s for s in singles if s["predicted"] is not None]
    if not rows:
        return ""
    figure = graph_objects().Figure()
    bounded = [s for s in rows if s["low"] is not None and s["high"] is not None]
    stated = 0.0 if interval is None else interval["stated"]
    for i, s in enumerate(bounded):
        figure.add_scatter(
            x=[s["predicted"], s["predicted"]],
            y=[s["low"], s["high"]],
            mode="lines",
            line={"color": GREY, "width": 5},
            opacity=0.5,
            hoverinfo="skip",
            name=f"{stated:.0%} interval",
            showlegend=i == 0,
        )
    figure.add_scatter(
        x=[s["predicted"] for s in rows],
        y=[s["measured"] for s in rows],
        mode="markers",
        name="measured",
        marker={"color": BLUE, "size": 9},
        text=[s["architecture"] for s in rows],
        hovertemplate="%{text}<br>promised %{x:.4g}<br>measured %{y:.4g}<extra></extra>",
    )
    _as_promised(figure, [v for s in rows for v in (s["predicted"], s["measured"])])
    label = "latency of a network, ms"
    device = f"on the device, {label}"
    plot = drawn(figure, f"promised {label}", None, device, 460, True, legend_above=True)
    if not bounded:
        return plot
    return (
        f"<p>A grey bar is the interval promised of a network: {stated:.0%} of them are to lie "
        "inside. A network without a bar was measured for the profile itself.</p>" + plot
    )


def _as_promised(figure: Any, values: Sequence[float]) -> None:
    ends = [min(values), max(values)]
    line = {"color": VERMILION, "dash": "dash"}
    figure.add_scatter(x=ends, y=ends, mode="lines", name="as promised", line=line)


def _scatter(points: Sequence[Mapping[str, Any]], name: str, first: bool) -> str:
    figure = graph_objects().Figure()
    rows = [p for p in points if None not in (p[name]["predicted"], p[name]["measured"])]
    for word, symbol in (("measured", "circle"), ("modelled", "circle-open")):
        here = [p for p in rows if p[name]["provenance"] == word]
        if here:
            figure.add_scatter(
                x=[p[name]["predicted"] for p in here],
                y=[p[name]["measured"] for p in here],
                mode="markers",
                name=word,
                marker={"color": BLUE, "symbol": symbol, "size": 9, "line": {"width": 2}},
                text=[" -> ".join(_networks(p)) for p in here],
                hovertemplate="%{text}<br>promised %{x:.4g}<br>"
                + word
                + " %{y:.4g}<extra></extra>",
            )
    _as_promised(figure, [v for p in rows for v in (p[name]["predicted"], p[name]["measured"])])
    title = TITLES[name]
    device = f"on the device, {title}"
    return drawn(figure, f"promised {title}", None, device, 460, first, legend_above=True)


def _unmeasured(points: Sequence[Mapping[str, Any]]) -> str:
    rest = sum(p["on_front"] is None for p in points)
    what = f"{rest:,} more {'point has' if rest == 1 else 'points have'}"
    return f"{what} no latency on the device and are not listed." if rest else ""


def _networks(point: Mapping[str, Any]) -> list[str]:
    """Ids of what answers at a point: the big network is not named where it is never asked."""
    asks = point["escalation_rate"] > 0
    return [point["little"], point["big"]] if asks else [point["little"]]


def _table(points: Sequence[Mapping[str, Any]], shown: Sequence[str]) -> str:
    heads = ["little,<br>big", "gate<br><small>threshold</small>", "accuracy,<br>escalation"]
    heads += [_head(html.escape(TITLES[n]), "promised, on the device") for n in shown]
    rows = []
    for p in (p for p in points if p["on_front"] is not None):
        alone = p["escalation_rate"] == 0
        gate = "<td>little alone</td>" if alone else _gate(p["gate"], p["threshold"])
        front = "still on the front" if p["on_front"] else "no longer on the front"
        cells = [_ids(*_networks(p), note=front), gate]
        cells.append(_lines((f"{p['accuracy']:.2%}", f"{p['escalation_rate']:.2%}")))
        for n in shown:
            word = f"<br><small>{p[n]['provenance']}</small>" if p[n]["provenance"] else ""
            now = f"<b>{_cell(p[n]['measured']) or '-'}</b>{word}"
            cells.append(f"<td>{_cell(p[n]['predicted']) or '-'}<br>{now}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = "".join(f"<th>{h}</th>" for h in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _head(name: str, below: str) -> str:
    """A head in short lines, so that its column is as narrow as its figures."""
    name, below = (text.replace(", ", ",<br>") for text in (name, below))
    return f"{name.replace(' of ', '<br>of ')}<br><small>{below}</small>"


def _ids(*ids: str, note: str = "") -> str:
    below = f"<br><small>{note}</small>" if note else ""
    return f'<td class="id">{"<br>".join(map(html.escape, ids))}{below}</td>'


def _gate(metric: str, threshold: float) -> str:
    return f"<td>{html.escape(metric)}<br>{threshold:.4g}</td>"


def _small(word: str) -> str:
    return f"<small>{html.escape(word)}</small>"


def _lines(cells: Iterable[str]) -> str:
    return f"<td>{'<br>'.join(cells)}</td>"


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
