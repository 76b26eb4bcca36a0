"""A surrogate's own report as Markdown tables, for a page or a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES = {
    "surrogate": "XGBoost surrogate",
    "macs_only": "MACs only",
    "nearest_neighbour": "nearest neighbour",
}


def _figure(entry: Mapping[str, float], scale: float = 1.0, digits: int = 2) -> str:
    return f"{scale * entry['mean']:.{digits}f} ± {scale * entry['spread']:.{digits}f}"


def markdown(document: Mapping[str, Any]) -> str:
    """The figures of ``surrogate.json`` on held-out networks, as Markdown."""
    report, versions = document["report"], document["versions"]
    lines = [
        f"Fitted on val with {report['n_held_out']} of {report['n_networks']} networks held out, "
        f"both networks of every pair among them; accuracy predicted at {len(report['rates'])} "
        "escalation rates from 0 to 1 under every gate and compared with the table's val answers. "
        f"Mean ± standard deviation over {len(report['seeds'])} splits (XGBoost "
        f"{versions['xgboost']}, Python {versions['python']}).",
        "",
        "| predictor | pairs: Kendall tau | pairs: error of accuracy (points) | pairs: error of "
        "escalation rate (points) | single: Kendall tau | single: error (points) |",
        "|---|---|---|---|---|---|",
    ]
    for key, name in NAMES.items():
        row = report["val"][key]
        lines.append(
            f"| {name} | {_figure(row['pair']['kendall_tau'], digits=3)} | "
            f"{_figure(row['pair']['mae'], 100)} | {_figure(row['escalation_rate']['mae'], 100)} | "
            f"{_figure(row['network']['kendall_tau'], digits=3)} | "
            f"{_figure(row['network']['mae'], 100)} |"
        )
    for device, latency in document["latency"].items():
        lines += [
            "",
            f"Latency of single networks on `{device}`, cross-validated over the "
            f"{latency['n_measured']} measured ones (`{latency['chosen']}` ships):",
            "",
            "| model | MAPE | within 10 % | Spearman |",
            "|---|---|---|---|",
        ]
        for name, figures in latency["cross_validated"].items():
            lines.append(
                f"| `{name}` | {100 * figures['mape']:.1f} % | "
                f"{100 * figures['share_within_10_percent']:.0f} % | {figures['spearman']:.3f} |"
            )
    return "\n".join(lines)
