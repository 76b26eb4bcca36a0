"""``validation.html``: what a front promised against what was measured, as one page."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .front_files import write_files
from .pages.charts import Charts, Mark, intervals, line, points
from .pages.page import Cell, listed, page, table, verdict

TITLES = {
    "latency_ms": "mean latency, ms",
    "latency_p95_ms": "95th percentile of latency, ms",
    "energy_mj": "mean energy, mJ",
    "peak_memory_mib": "peak memory, MiB",
}
KINDS = {True: "good", False: "bad", None: "open"}


def write_validation(path: str | Path, document: Mapping[str, Any]) -> Path:
    """The path of the page, one self-contained HTML file: verdict, notes, plots, points.

    Args:
        path: path of the file; its folder is made if it is not there.
        document: a validation as plain JSON.

    Raises:
        BigLittleError: the file cannot be written.
    """
    path, charts = Path(path), Charts()
    shown = [name for name in TITLES if document["figures"].get(name) is not None]
    plots = [_singles_chart(charts, document["singles"], document["interval"])]
    plots += [_scatter(charts, document["points"], name) for name in shown]
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
{listed(_remarks(document))}
<p>{_front_text(document)}</p>
<h2>How far promise and measurement agree</h2>
<p>An error is a share of what was measured. Measured / promised is how many times the promise was
taken: 2 is twice as much. Both are means over what was compared.</p>
{_agreement(document, shown)}
{drawings}
<h2>The operating points</h2>
<p>Promised above, on the device below. Measured: run as a whole. Modelled: a mean over figures that
were measured, weighed by an escalation rate that was not, or the sum of parts measured alone.
{_unmeasured(document["points"])}</p>
{_table(document["points"], shown)}"""
    title = f"Promised for {document['device']}, measured on {document['measured_on']}"
    text = page(title, body, {"charts": charts.records})
    return write_files(path.parent, {path.name: text})[0]


def write_pairs_validation(path: str | Path, document: Mapping[str, Any]) -> Path:
    """The path of the page about co-trained pairs, one self-contained HTML file.

    Args:
        path: path of the file; its folder is made if it is not there.
        document: a validation of pairs as plain JSON.

    Raises:
        BigLittleError: the file cannot be written.
    """
    path = Path(path)
    heads = ["little, big\nmethod", "gate\nthreshold", *(
        f"{name}\npromised, %\ntrained\ndeployed" for name in ("accuracy", "escalation")
    ), "latency\npromised, ms", "latency\nmean, ms",
       "latency\nlittle answers, ms\nbig asked", "kept"]  # fmt: skip
    rows, remarks = [], []
    for p in document["pairs"]:
        cells: list[Cell] = ["\n".join((p["little"], p["big"], p["method"]))]
        cells.append(_gate(p["gate"], p["threshold"]))
        for name in ("accuracy", "escalation_rate"):
            figures = p[name]
            words = {"promised": f"\t{figures['provenance']}"}
            names = ("promised", "trained", "deployed")
            shares = (f"{figures[k]:.2%}{words.get(k, '')}" for k in names)
            cells.append("\n".join(shares))
        latency = p["latency"]
        cells.append((_cell(latency["promised_ms"]) or "-", latency["provenance"]))
        cells.append(_cell(latency["mean_ms"]) or "-")
        cells.append("\n".join(_cell(latency[n]) or "-" for n in ("kept_ms", "escalated_ms")))
        rows.append([*cells, _kept(p)])
        problems = [*p["problems"], *([p["error"]] if latency["mean_ms"] is None else [])]
        remarks += [f"{p['little']} -> {p['big']}: {problem}" for problem in problems]
    body = f"""{_verdict(document)}
{listed([*remarks, *document["notes"]])}
<p>Promised: by the search. Trained: measured after training. Deployed: the ONNX
file, asked about the test images again, and measured end to end with either branch taken.</p>
{table(heads, rows, ids=(0,))}"""
    title = f"Co-trained pairs for {document['device']}, measured on {document['measured_on']}"
    return write_files(path.parent, {path.name: page(title, body)})[0]


def write_card_validation(path: str | Path, document: Mapping[str, Any]) -> Path:
    """The path of the page about a cascade and its card, one self-contained HTML file.

    Args:
        path: path of the file; its folder is made if it is not there.
        document: a validation of a card as plain JSON.

    Raises:
        BigLittleError: the file cannot be written.
    """
    path, latency, made = Path(path), document["latency"], document["made"]
    words = {True: "yes", False: "no", None: "not judged"}
    rows: list[list[Cell]] = [
        [
            "made images",
            str(made["images"]),
            f"{made['equal']} of {made['images']} alike",
            words[document["answers_kept"]],
        ]
    ]
    for name, title in (("accuracy", "accuracy"), ("escalation_rate", "escalation")):
        figures = document[name]
        here: Cell = "-"
        if figures["here"] is not None:
            here = (f"{figures['here']:.2%}", figures["provenance"])
        card = (f"{figures['card']:.2%}", figures["card_provenance"])
        rows.append([title, card, here, words[document["accuracy_kept"]]])
    for name in ("mean", "p95", "worst"):
        cells: list[Cell] = []
        for value, word in (("card", "card_provenance"), ("here", "provenance")):
            shown = latency[name][value]
            cells.append("-" if shown is None else (_cell(shown), latency[word]))
        judged = words[document["latency_kept"]] if name == "mean" else ""
        rows.append([f"latency, {name}, ms", *cells, judged])
    for name, title in (("kept_ms", "little answers"), ("escalated_ms", "big is asked")):
        value = latency[name]
        taken: Cell = "-" if value is None else (_cell(value), "measured")
        rows.append([f"latency, {title}, ms", "-", taken, ""])
    heads = ["", f"card\n{document['device']}", "this validation", "kept"]
    body = f"""{_verdict(document)}
{listed([*document["problems"], *document["notes"]])}
<p>Answers: on {html.escape(document["answered_on"])}. Latency: on
{html.escape(document["measured_on"])}.</p>
{table(heads, rows)}"""
    title = f"{document['cascade']} against its card, measured on {document['measured_on']}"
    return write_files(path.parent, {path.name: page(title, body)})[0]


def _kept(pair: Mapping[str, Any]) -> str:
    """Whether a pair keeps its promises, or which of them where one is not judged."""
    verdicts = pair["kept"]
    if None not in verdicts.values():
        return "no" if pair["problems"] else "yes"
    words = {True: "yes", False: "no", None: "not judged"}
    return "\n".join(f"{promise}: {words[each]}" for promise, each in verdicts.items())


def _verdict(document: Mapping[str, Any]) -> str:
    """The verdict in its colour, as the first block."""
    word, _, why = str(document["verdict"]).partition(": ")
    return verdict(KINDS[document["kept"]], word, why[:1].upper() + why[1:])


def _remarks(document: Mapping[str, Any]) -> list[str]:
    again = [str(row["text"]).strip() for row in document.get("accuracy", ())]
    return [*document["notes"], *again]


def _front_text(document: Mapping[str, Any]) -> str:
    there, still = document["points_measured"], document["points_still_on_front"]
    return (
        f"{still} of {there} points are still on the front of error and mean latency with what the "
        "device took."
    )


def _agreement(document: Mapping[str, Any], shown: Sequence[str]) -> str:
    rows = [("latency of single networks, ms", document["networks"])]
    rows += [(TITLES[name], document["figures"][name]) for name in shown]
    lines: list[list[str]] = []
    judged = document["kept"] is not None
    for name, errors in rows:
        if errors is None:
            continue
        rank = errors["spearman"]
        cells = [name, str(errors["n"])]
        if judged:
            cells += [f"{errors['mape']:.1%}", f"{errors['within_10']:.0%}"]
        cells += [f"{1 + errors['optimism']:.3g}", "" if rank is None else f"{rank:.3f}"]
        lines.append(cells)
    heads = ["", "compared", *(["error", "within 10 %"] if judged else [])]
    return table([*heads, "measured / promised", "rank correlation"], lines)


def _singles_chart(
    charts: Charts, singles: Sequence[Mapping[str, Any]], interval: Mapping[str, Any] | None
) -> str:
    """Measured against predicted latency of networks, each on its interval; "" without any."""
    rows = [s for s in singles if s["predicted"] is not None]
    if not rows:
        return ""
    bounded = [s for s in rows if s["low"] is not None and s["high"] is not None]
    stated = 0.0 if interval is None else interval["stated"]
    marks = []
    if bounded:
        x, low, high = ([s[name] for s in bounded] for name in ("predicted", "low", "high"))
        marks.append(intervals(f"{stated:.0%} interval", x, low, high, "grey"))
    x, y = ([s[name] for s in rows] for name in ("predicted", "measured"))
    texts = [_hover(s["architecture"], s["predicted"], s["measured"], "measured") for s in rows]
    marks += [_as_promised([*x, *y]), points("measured", x, y, texts)]
    label = "latency of a network, ms"
    plot = charts.add("Single networks", f"promised {label}", f"on the device, {label}", marks)
    if not bounded:
        return plot
    return (
        f"<p>A grey bar is the interval promised of a network: {stated:.0%} of them are to lie "
        "inside. A network without a bar was measured for the profile itself.</p>" + plot
    )


def _hover(name: str, promised: float, taken: float, word: str) -> str:
    return f"{name}\npromised {promised:.4g}\n{word} {taken:.4g}"


def _as_promised(values: Sequence[float]) -> Mark:
    ends = [min(values), max(values)]
    return line("as promised", ends, ends, "vermilion", "dash")


def _scatter(charts: Charts, rows: Sequence[Mapping[str, Any]], name: str) -> str:
    here = [p for p in rows if None not in (p[name]["predicted"], p[name]["measured"])]
    marks = [_as_promised([v for p in here for v in (p[name]["predicted"], p[name]["measured"])])]
    for word, style in (("measured", "circle"), ("modelled", "ring")):
        some = [p for p in here if p[name]["provenance"] == word]
        if some:
            x, y = ([p[name][which] for p in some] for which in ("predicted", "measured"))
            texts = [
                _hover(" -> ".join(_networks(p)), p[name]["predicted"], p[name]["measured"], word)
                for p in some
            ]
            marks.append(points(word, x, y, texts, "blue", style))
    title = TITLES[name]
    return charts.add(title, f"promised {title}", f"on the device, {title}", marks)


def _unmeasured(points: Sequence[Mapping[str, Any]]) -> str:
    rest = sum(p["on_front"] is None for p in points)
    has, listed_not = ("point has", "is") if rest == 1 else ("points have", "are")
    what = f"{rest:,} more {has} no latency on the device and {listed_not} not listed."
    return what if rest else ""


def _networks(point: Mapping[str, Any]) -> list[str]:
    """Ids of what answers at a point: the big network is not named where it is never asked."""
    asks = point["escalation_rate"] > 0
    return [point["little"], point["big"]] if asks else [point["little"]]


def _table(points: Sequence[Mapping[str, Any]], shown: Sequence[str]) -> str:
    heads = ["little\nbig", "gate\nthreshold", "accuracy\nescalation"]
    heads += [f"{TITLES[n]}\npromised\non the device" for n in shown]
    rows: list[list[Cell]] = []
    for p in (p for p in points if p["on_front"] is not None):
        alone = p["escalation_rate"] == 0
        front = "still on the front" if p["on_front"] else "no longer on the front"
        cells: list[Cell] = [("\n".join(_networks(p)), front)]
        cells.append("little alone" if alone else _gate(p["gate"], p["threshold"]))
        cells.append(f"{p['accuracy']:.2%}\n{p['escalation_rate']:.2%}")
        for n in shown:
            both = (_cell(p[n][which]) or "-" for which in ("predicted", "measured"))
            cells.append(("\n".join(both), p[n]["provenance"]))
        rows.append(cells)
    return table(heads, rows, ids=(0,))


def _gate(metric: str, threshold: float) -> str:
    return f"{metric}\n{threshold:.4g}"


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
