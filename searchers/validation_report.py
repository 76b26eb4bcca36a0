"""``validation.html``: what a front promised against what was measured, as one page."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
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


def write_validation(path: str | Path, document: Mapping[str, Any], text: str) -> Path:
    """The path of the page, one self-contained HTML file.

    Args:
        path: path of the file; its folder is made if it is not there.
        document: a validation as plain JSON.
        text: the same in words.

    Raises:
        MissingExtraError: plotly is not installed.
        BigLittleError: the file cannot be written.
    """
    path = Path(path)
    shown = [name for name in TITLES if document["figures"].get(name) is not None]
    plots = "\n".join(
        f"<h2>{html.escape(TITLES[name])}</h2>\n{_scatter(document['points'], name, i == 0)}"
        for i, name in enumerate(shown)
    )
    body = f"""<p>Each point is one operating point of the front. On the line, it took what was
promised; above the line it took more. Filled: measured as a whole. Open: modelled from parts that
were measured alone.</p><pre>{html.escape(text)}</pre>
{plots}
<h2>The operating points</h2><div class="scroll">{_table(document["points"], shown)}</div>"""
    title = f"Promised for {document['device']}, measured on {document['measured_on']}"
    return write_files(path.parent, {path.name: page(title, body)})[0]


def write_pairs_validation(path: str | Path, document: Mapping[str, Any], text: str) -> Path:
    """The path of the page about co-trained pairs, one self-contained HTML file.

    Args:
        path: path of the file; its folder is made if it is not there.
        document: a validation of pairs as plain JSON.
        text: the same in words.

    Raises:
        BigLittleError: the file cannot be written.
    """
    path = Path(path)
    heads = ["little", "big", "method", "gate"]
    for name in ("accuracy", "escalation"):
        heads += [
            f"{name}<br><small>{word}</small>" for word in ("promised", "trained", "deployed")
        ]
    heads += [f"latency, ms<br><small>{word}</small>" for word in ("promised", "mean", "kept")]
    heads += ["latency, ms<br><small>escalated</small>", "kept"]
    rows = []
    for p in document["pairs"]:
        cells = [f'<td class="id">{html.escape(p[n])}</td>' for n in ("little", "big", "method")]
        cells.append(f"<td>{html.escape(p['gate'])} {p['threshold']:.4g}</td>")
        for name in ("accuracy", "escalation_rate"):
            figures = p[name]
            cells += [f"<td>{figures[k]:.2%}</td>" for k in ("promised", "trained", "deployed")]
        latency = p["latency"]
        names = ("promised_ms", "mean_ms", "kept_ms", "escalated_ms")
        cells += [f"<td>{_cell(latency[n])}</td>" for n in names]
        rows.append(f"<tr>{''.join(cells)}<td>{'no' if p['problems'] else 'yes'}</td></tr>")
    head = "".join(f"<th>{h}</th>" for h in heads)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    body = f"""<p>Promised: by the search. Trained: measured after training. Deployed: the ONNX
file, asked about the test images again, and measured end to end with either branch taken.</p>
<pre>{html.escape(text)}</pre><div class="scroll">{table}</div>"""
    title = f"Co-trained pairs for {document['device']}, measured on {document['measured_on']}"
    return write_files(path.parent, {path.name: page(title, body)})[0]


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
                marker={"color": BLUE, "symbol": symbol, "size": 9},
                text=[f"{p['little']} -> {p['big']}" for p in here],
                hovertemplate="%{text}<br>promised %{x:.4g}<br>"
                + word
                + " %{y:.4g}<extra></extra>",
            )
    both = [v for p in rows for v in (p[name]["predicted"], p[name]["measured"])]
    ends = [min(both), max(both)]
    line = {"color": VERMILION, "dash": "dash"}
    figure.add_scatter(x=ends, y=ends, mode="lines", name="as promised", line=line)
    title = TITLES[name]
    device = f"on the device, {title}"
    return drawn(figure, f"promised {title}", None, device, 460, first, legend_above=True)


def _table(points: Sequence[Mapping[str, Any]], shown: Sequence[str]) -> str:
    heads = ["little", "big", "gate", "escalation", "accuracy"]
    heads += [f"{html.escape(TITLES[n])}<br><small>promised</small>" for n in shown]
    heads += [f"{html.escape(TITLES[n])}<br><small>on the device</small>" for n in shown]
    heads.append("on front")
    rows = []
    for p in points:
        cells = [
            f'<td class="id">{html.escape(p["little"])}</td>',
            f'<td class="id">{html.escape(p["big"])}</td>',
            f"<td>{html.escape(p['gate'])} {p['threshold']:.4g}</td>",
            f"<td>{p['escalation_rate']:.2%}</td><td>{p['accuracy']:.2%}</td>",
        ]
        cells += [f"<td>{_cell(p[n]['predicted'])}</td>" for n in shown]
        cells += [
            f"<td>{_cell(p[n]['measured'])} <small>{p[n]['provenance']}</small></td>" for n in shown
        ]
        on = {True: "yes", False: "no", None: "not measured"}[p["on_front"]]
        rows.append(f"<tr>{''.join(cells)}<td>{on}</td></tr>")
    head = "".join(f"<th>{h}</th>" for h in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
