"""What the surrogate that ships is worth on networks it never saw, from its own report.

``biglittle surrogate fit`` writes the figures, beside the models that they are of.
"""

from __future__ import annotations

from typing import Any

from ...surrogates.summary import SPLITS, markdown, split_table
from ...surrogates.surrogate import DOCUMENT
from ..flagship import RECIPE
from ._page import Step


def shipped_text(document: dict[str, Any]) -> str:
    """What ships and how it extrapolates, from its own report."""
    report, n_since = document["report"], document.get("n_found", 0)
    since = (
        f"; {n_since} evaluated since the table was made were there beside its own"
        if n_since
        else ""
    )
    lines = [
        "## What ships, and extrapolation",
        "",
        f"`{document['recipe']}`, fitted on {document['n_networks']} networks, those held out by "
        f"their hash left out{since}. Splits other than the random one, as `biglittle surrogate "
        "eval` shows them:",
    ]
    for split in ("cheap_to_dear", "dear_to_cheap"):
        if split in report.get("splits", {}):
            lines += ["", f"Unseen: {SPLITS[split]}.", "", *split_table(report, split)]
    return "\n".join(lines)


STEP = Step(
    None,
    {"surrogate": markdown, "surrogates/shipped": shipped_text},
    RECIPE.folder / "surrogate" / DOCUMENT,
)
