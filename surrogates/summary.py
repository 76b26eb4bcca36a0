"""A surrogate's own report as Markdown tables, for a page or a terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .members import MEMBERS, get_member
from .pairs import PAIR_MODELS, get_pair_model

HASH_DIGITS = 12
_HASH = re.compile(r"[0-9a-f]{64}")
SPLITS = {
    "random": "random fifth",
    "cheap_to_dear": "expensive half, fitted on the cheap half",
    "dear_to_cheap": "cheap half, fitted on the expensive half",
}


def figure(entry: Mapping[str, Any], scale: float = 1.0, digits: int = 2) -> str:
    """One figure with its spread; a dash where there is none."""
    if entry["mean"] is None:
        return "-"
    text = f"{scale * entry['mean']:.{digits}f}"
    return text if not entry["spread"] else f"{text} ± {scale * entry['spread']:.{digits}f}"


def split_table(report: Mapping[str, Any], split: str) -> list[str]:
    """Lines of the table of one split, all recipes."""
    lines = [
        "| accuracy / pairs / points | pairs: error of accuracy (points) | pairs: Kendall tau | "
        "error of escalation rate (points) | single: error (points) | single: bias | single: "
        "Kendall tau |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, figures in report["splits"][split]["recipes"].items():
        row = figures["val"]
        lines.append(
            f"| `{name}` | {figure(row['pair']['mae'], 100)} | "
            f"{figure(row['pair']['kendall_tau'], digits=3)} | "
            f"{figure(row['escalation_rate']['mae'], 100)} | "
            f"{figure(row['network']['mae'], 100)} | {figure(row['network']['bias'], 100)} | "
            f"{figure(row['network']['kendall_tau'], digits=3)} |"
        )
    return lines


def report_markdown(report: Mapping[str, Any]) -> str:
    """The figures of a report on held-out networks, as Markdown."""
    lines = [
        f"`{report['recipe']}`, fitted on val with networks held out, both networks of every pair "
        f"among them ({report['n_held_out']} of {report['n_networks']} in the random split); "
        f"accuracy predicted at {len(report['rates'])} escalation rates from 0 to 1 under every "
        "gate and compared with the table's val answers. Mean ± standard deviation over "
        f"{len(report['seeds'])} random splits.",
    ]
    for split in report["splits"]:
        lines += ["", f"Unseen: {SPLITS[split]}.", "", *split_table(report, split)]
    own = report["splits"]["random"]["recipes"][report["recipe"]]
    covered, support = own["coverage"], own["support"]
    lines += [
        "",
        f"Intervals of {report['level']:.0%}, calibrated on half of the unseen networks and "
        f"counted on the other half, hold {figure(covered['network'], 100, 0)} % of single "
        f"networks (± {figure(covered['network_half_width'], 100)} points wide) and "
        f"{figure(covered['pair'], 100, 0)} % of points of pairs (± "
        f"{figure(covered['pair_half_width'], 100)}). Kendall tau of the error of a single network "
        f"with its predicted spread {figure(support['std_error_tau'])}, with its distance to the "
        f"networks learnt from {figure(support['distance_error_tau'])}.",
    ]
    if "exit" in own["val"]:
        cut, pair = own["val"]["exit"], own["val"].get("prefix_pair")
        pairs = f", of pairs of an exit and its network {figure(pair['mae'], 100)}" if pair else ""
        lines += [
            "",
            f"Networks cut at exits ({report['n_exits']} of them, held out with their "
            f"architecture): error {figure(cut['mae'], 100)} points, bias "
            f"{figure(cut['bias'], 100)}, Kendall tau {figure(cut['kendall_tau'], digits=3)}"
            f"{pairs}.",
        ]
    return "\n".join(lines)


def markdown(document: Mapping[str, Any]) -> str:
    """The figures of ``surrogate.json`` on held-out networks, as Markdown."""
    return report_markdown(document["report"]) if document["report"] else ""


def entries() -> dict[str, dict[str, str]]:
    """What every member and pair model does, by kind and name."""
    return {
        "members": {name: get_member(name).summary for name in MEMBERS.names()},
        "pair models": {name: get_pair_model(name).summary for name in PAIR_MODELS.names()},
    }


def entries_text() -> list[str]:
    """The same as `entries`, as lines for a reader."""
    lines = []
    for kind, summaries in entries().items():
        lines.append(kind)
        lines += [f"  {name:22} {summary}" for name, summary in summaries.items()]
    return lines


def facts_text(columns: Mapping[str, Any]) -> list[str]:
    """Facts of a surrogate as lines for a reader, one a fact; hashes by their first digits."""
    return [f"{key:20} {_plain(value)}" for key, value in columns.items()]


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(entry)}" for key, entry in value.items())
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str):
        return value[:HASH_DIGITS] if _HASH.fullmatch(value) else value
    return ", ".join(map(_plain, value)) if isinstance(value, Sequence) else str(value)


def facts(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a surrogate is made of, without its weights and figures, as plain JSON."""
    keys = ("format", "version", "recipe", "space", "dataset", "table", "choices", "gates", "split")
    return {key: document[key] for key in keys if key in document} | {
        "n_networks": document["n_networks"],
        "n_found": document.get("n_found", 0),
        "n_columns": len(document["features"]["network"]),
        "exits": list(document.get("exits", ())),
        "intervals": document["intervals"],
        "support_threshold": document["support"]["threshold"],
        "files": document["files"],
        "versions": document.get("versions", {}),
    }
