"""The figures as a page of tables, and in short for the page of the proxies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._page import FIGURES, Step
from ._agreement import ROUNDS
from ._formatting import number, order
from ._measure import measure
from ._picture import picture
from ._published import FAR, PublishedFigure, published
from ._scoring import WORKING
from ._sets import NB201_COLUMNS, SETS

PICTURE = FIGURES / "zerocost" / "report.png"


def text(document: dict[str, Any]) -> str:
    """The figures as Markdown tables."""
    lines = []
    for which, facts in document["made_with"].items():
        failed = ", ".join(f"{p} {n}" for p, n in facts["failures"].items()) or "none"
        lines.append(
            f"- `{which}`: {facts['networks']} networks ({SETS[which].about}), seeds of "
            f"initialisation: {facts['seeds']}, batch: {facts['batch']}, torch {facts['torch']}, "
            f"{facts['device']}; scores that failed: {failed}."
        )
    for name, n in document["too_few"].items():
        lines.append(f"- {name}: {n} networks, too few for a correlation.")
    lines += [
        "",
        "Spearman's rho with accuracy, mean over seeds, and its 95 % interval over networks (one "
        "batch; the bootstrap does not know of other batches or seeds); Kendall's tau; share of "
        "the best tenth that is found; networks; seeds of initialisation. `macs` and `params` are "
        "the baselines. A network that a proxy failed on is left out of its row; `macs` there is "
        "the baseline on the same networks.",
        "",
        "![Heat map of rank correlations](figures/zerocost/report.png)",
        "",
        "A cell of the map rests on as many networks as the proxy's row says below.",
    ]
    for target, rows in document["targets"].items():
        held_against = target in NB201_COLUMNS
        heads = [
            "proxy",
            "Spearman",
            "interval",
            "Kendall",
            "top 10 %",
            "n",
            "seeds",
            "`macs` there",
        ]
        heads += ["published", "difference"] if held_against else []
        lines += ["", f"## {target}", "", f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
        ordered = sorted(rows.items(), key=lambda item: -order(item[1]["spearman"]))
        for proxy, row in ordered:
            cells = [f"`{proxy}`", number(row["spearman"])]
            if row["spearman"] is not None:
                low, high = number(row["spearman_low"]), number(row["spearman_high"])
                cells.append(f"{low} to {high}")
                cells.append(number(row["kendall"]))
                cells.append(number(row["top_10_percent_overlap"], 2))
            else:
                cells += ["-"] * 3
            cells += [str(row["n"]), str(row.get("seeds", "-"))]
            cells.append(number(row.get("spearman_of_macs")))
            if held_against:
                cells += _difference(row, published(proxy, target))
            lines.append(f"| {' | '.join(cells)} |")
        if held_against:
            lines += _sample_lines(document["all_cells"], target, rows)
            lines += _chance_lines(rows, target, document.get("like", {}).get(target, {}))
    if "like" in document:
        lines += _like_lines(document["like"], document["targets"])
    if "pairs" in document:
        lines += _pair_lines(document["pairs"])
    if "few" in document:
        lines += _few_lines(document["few"])
    lines += [
        "",
        "## Time",
        "",
        "Mean processor time of a proxy with every pass it needs, in s. Passes are shared, so the "
        "sum is what proxies cost one by one; `together` is what they cost at once.",
        "",
    ]
    times = document["time_s"]
    lines += [f"| proxy | {' | '.join(times)} |", "|---|" + "---|" * len(times)]
    for proxy in next(iter(times.values())):
        cells = [number(times[which].get(proxy)) for which in times]
        lines.append(f"| {proxy if proxy == 'together' else f'`{proxy}`'} | {' | '.join(cells)} |")
    alone = [sum(s or 0.0 for p, s in times[which].items() if p != "together") for which in times]
    lines.append(f"| sum of the lines above | {' | '.join(number(a) for a in alone)} |")
    if "speed" in document:
        lines += ["", speed_text(document["speed"])]
    return "\n".join(lines) + "\n"


def speed_text(runs: Sequence[Mapping[str, Any]]) -> str:
    """One sentence on what sharing passes gains, over all runs."""

    def span(name: str, digits: int) -> str:
        told = [f"{run[name]:.{digits}f}" for run in sorted(runs, key=lambda run: run[name])]
        return told[0] if told[0] == told[-1] else f"{told[0]} to {told[-1]}"

    one = runs[0]
    return (
        f"One network of {one['macs'] / 1e6:.1f} M MACs and a batch of {one['batch']} on "
        f"{one['threads']} threads of {one['processor']}, {len(runs)} runs of {one['rounds']} "
        f"rounds (medians): all proxies take {span('together_s', 1)} s at once "
        f"({span('first_together_s', 1)} s the first time in a process), which is "
        f"{span('times_faster', 2)} times as fast as one by one and as long as "
        f"{span('together_in_training_steps', 1)} training steps of {span('training_step_s', 2)} s "
        "(`tests/perf/test_proxies.py`)."
    )


def _sample_lines(everything: Mapping[str, Any], target: str, rows: Mapping[str, Any]) -> list[str]:
    """The baselines on the sample and on all cells."""
    parts = [
        f"`{p}` {number(rows[p]['spearman'])} on the sample and {number(whole)} on all"
        for p, whole in everything["targets"][target].items()
        if p in rows
    ]
    return ["", f"What the sample does, of {everything['cells']} cells: {'; '.join(parts)}."]


def _gap(row: Mapping[str, Any], theirs: PublishedFigure) -> float:
    """Ours less a published figure, both by the statistic that it is published by."""
    return float(row[theirs.statistic]) - theirs.value


def _difference(row: Mapping[str, Any], theirs: PublishedFigure | None) -> list[str]:
    """Two cells: a published figure, and ours less that."""
    if theirs is None or row["spearman"] is None:
        return ["", ""]
    gap = _gap(row, theirs)
    sign = "" if theirs.statistic == "spearman" else "tau "
    return [f"{sign}{number(theirs.value)}", f"{gap:+.3f}{' (far)' if abs(gap) > FAR else ''}"]


def _chance_lines(rows: Mapping[str, Any], target: str, again: Mapping[str, Any]) -> list[str]:
    """What of a difference from a published figure the sample of cells and the batch can do."""
    lines = []
    for proxy, row in rows.items():
        theirs = published(proxy, target)
        if theirs is None or row["spearman"] is None:
            continue
        if abs(_gap(row, theirs)) <= FAR:
            continue
        chance = (
            "there is no interval of Kendall's tau"
            if theirs.statistic == "kendall"
            else "the published figure is within our interval, so the sample of cells can be all "
            "of it"
            if row["spearman_low"] <= theirs.value <= row["spearman_high"]
            else "the published figure is outside our interval"
        )
        more = again.get(proxy, {"spearman": None})
        if more["spearman"] is not None:
            chance += (
                f"; on {more['n']} cells and a batch like the data set (below) it is "
                f"{number(more[theirs.statistic])}, {_gap(more, theirs):+.3f}"
            )
        lines.append(f"- `{proxy}`: {chance}.")
    if not lines:
        return []
    general = (
        "Published are all cells and a batch of the data set itself, with as many classes; ours "
        "are a sample of cells and a batch of CIFAR-10 with ten classes on all three."
    )
    return ["", f"Farther than {FAR} from the published figure. {general}", "", *lines]


def _like_lines(like: Mapping[str, Any], targets: Mapping[str, Any]) -> list[str]:
    """What the batch does to a difference from a published figure."""
    lines = [
        "",
        "## Published figures, made again",
        "",
        "More cells, on images of CIFAR-10 with as many pixels and classes as the data set has. "
        "Where those are others than CIFAR-10's, labels are drawn, since before training they say "
        "nothing of an image. What is left of a difference is neither the batch's shape nor, "
        "beyond the interval, the sample. Known to differ in the published code: every cell is "
        "scored on a batch of its own; a bias before a norm, and a norm without a weight, which it "
        "has as well, change no gradient of the others. `nwot` is held against Kendall's tau.",
        "",
        "| target | proxy | as above | here | interval | tau | n | seeds | published "
        "| difference |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for target, rows in like.items():
        for proxy, row in sorted(rows.items(), key=lambda item: -order(item[1]["spearman"])):
            first = targets.get(target, {}).get(proxy, {}).get("spearman")
            cells = [target, f"`{proxy}`", number(first), number(row["spearman"])]
            low, high = number(row.get("spearman_low")), number(row.get("spearman_high"))
            cells += [f"{low} to {high}", number(row.get("kendall")), str(row["n"])]
            cells += [str(row.get("seeds", "-"))]
            cells += _difference(row, published(proxy, target))
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def _few_lines(few: Mapping[str, Any]) -> list[str]:
    small, whole = few["images"]
    lines = [
        "",
        f"## {small} images in place of {whole}",
        "",
        f"Some proxies are computed on the first {small} images of a batch (`zico`: on two "
        f"mini-batches of {small}). Spearman of that with the same proxy on all {whole} (`zico`: "
        f"on two halves), over {few['cells']} cells of NAS-Bench-201 under one initialisation. "
        f"Together they take {few['together_s'][0]:.2f} s of processor time in place of "
        f"{few['together_s'][1]:.2f} s.",
        "",
        "| proxy | Spearman | n |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{proxy}` | {number(row['spearman'])} | {row['n']} |"
        for proxy, row in few["proxies"].items()
    ]
    return lines


def page_text(document: dict[str, Any]) -> str:
    """What the page of the proxies says in short: the baselines, and what is better than both."""
    lines = [
        "| target | networks | seeds | `macs` | `params` | best proxies | better than both, with "
        "their interval above |",
        "|---|---|---|---|---|---|---|",
    ]
    for target, rows in document["targets"].items():
        scored = {p: row for p, row in rows.items() if row["spearman"] is not None}
        if not {"macs", "params"} <= set(scored):
            continue
        bar = max(scored["macs"]["spearman"], scored["params"]["spearman"])
        others = [p for p in scored if p not in ("macs", "params")]
        best = sorted(others, key=lambda p: -order(scored[p]["spearman"]))[:3]
        clear = sum(scored[p]["spearman_low"] > max(bar, _there(scored[p])) for p in others)
        named = ", ".join(f"`{p}` {number(scored[p]['spearman'])}" for p in best)
        lines.append(
            f"| {target} | {scored['macs']['n']} | {scored['macs']['seeds']} "
            f"| {number(scored['macs']['spearman'])} | {number(scored['params']['spearman'])} "
            f"| {named} | {clear} of {len(others)} |"
        )
    if "speed" in document:
        lines += ["", speed_text(document["speed"])]
    return "\n".join(lines)


def _there(row: Mapping[str, Any]) -> float:
    """``macs`` on a proxy's own networks."""
    return order(row.get("spearman_of_macs"))


def _pair_lines(pairs: Mapping[str, Any]) -> list[str]:
    lines = [
        "",
        "## Pairs",
        "",
        f"{pairs['n_pairs']} random pairs of {pairs['n_networks']} networks with inherited "
        "weights: Spearman of combinations of the two networks' scores (`zerocost/pair.py`) with "
        "what the table says of the pair on test, under `margin`. `escalation` is the least rate "
        "that comes within a point of the big network, with its sign turned. ± is one standard "
        "error (networks left out by tenths).",
    ]
    lines += ["", "| target | `macs` | `params` | best proxies, each in its best combination |"]
    lines.append("|---|---|---|---|")
    for target, rows in pairs["targets"].items():
        told = {p: _best_combination(row) for p, row in rows.items()}
        baselines = [told.pop(p, ("-", None)) for p in ("macs", "params")]
        best = sorted(told, key=lambda p: -order(told[p][1]))[:3]
        cells = [f"{number(value)} ({name})" for name, value in baselines]
        cells.append(", ".join(f"`{p}` {number(told[p][1])} ({told[p][0]})" for p in best))
        lines.append(f"| {target} | {' | '.join(cells)} |")
    lines += ["", "The best of six combinations is chosen on the same pairs it is told of."]
    for target, rows in pairs["targets"].items():
        names = list(next(iter(rows.values())))
        lines += ["", f"### {target}", "", f"| proxy | {' | '.join(names)} |"]
        lines.append("|---|" + "---|" * len(names))
        highest = {p: max(order(row[n]["spearman"]) for n in names) for p, row in rows.items()}
        for proxy in sorted(rows, key=lambda p: -highest[p]):
            cells = [
                f"{number(c['spearman'])} ± {number(c['standard_error'])}"
                for c in (rows[proxy][name] for name in names)
            ]
            lines.append(f"| `{proxy}` | {' | '.join(cells)} |")
    return lines


def _best_combination(row: Mapping[str, Any]) -> tuple[str, float | None]:
    name = max(row, key=lambda n: order(row[n]["spearman"]))
    return name, row[name]["spearman"]


def measure_scores(
    working: Path = WORKING, rounds: int = ROUNDS, picture_file: Path = PICTURE
) -> dict[str, Any]:
    """All figures from the scores in a working folder; draws the heat map as well."""
    document = measure(working, rounds)
    picture_file.parent.mkdir(parents=True, exist_ok=True)
    picture(document, picture_file)
    return document


STEP = Step(measure_scores, {"zerocost": page_text, "zerocost/report": text}, of_table=True)
