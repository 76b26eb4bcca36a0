"""How large the pages are that verbs write; each is one offline file, of at most 6 MB."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ._page import Step

LIMIT_MB = 6.0
PAIR = ("0800000000000000000008", "6666666666666666666666")
#: The command of each page by its name, and the file that it writes.
PAGES = {
    "a pair (`query --out`)": (("query", *PAIR, "--threshold", "0.37", "--out"), "pair.html"),
    "a front (`front --out`)": (("front", "--device", "raspberry-pi-4", "--out"), "front.html"),
    "a search (`report.html`)": (("search", "--latency-ms-max", "20", "--out"), "report.html"),
    "the whole table on one device (`explore`)": (("explore", "--out"), "table.html"),
    "the whole table on all devices (`explore --device all`)": (
        ("explore", "--device", "all", "--out"),
        "table.html",
    ),
}


def measure() -> dict[str, Any]:
    """Writes every page anew and says how many bytes it has."""
    sizes = {}
    with tempfile.TemporaryDirectory() as scratch:
        for i, (page, (words, file)) in enumerate(PAGES.items()):
            folder = Path(scratch) / str(i)
            out = folder if words[0] == "search" else folder / file
            command = [sys.executable, "-m", "biglittle", *words, str(out)]
            subprocess.run(command, check=True, capture_output=True)
            sizes[page] = (folder / file).stat().st_size
    return {"bytes": sizes}


def page_sizes_text(s: dict[str, Any]) -> str:
    """The sizes of the pages as Markdown."""
    listed = ", ".join(f"{page} {n / 1e6:.2f} MB" for page, n in s["bytes"].items())
    how_many = "all" if max(s["bytes"].values()) < LIMIT_MB * 1e6 else "not all"
    return f"Sizes: {listed}; {how_many} below the {LIMIT_MB:.0f} MB asked for (step `page_sizes`)."


STEP = Step(measure, {"page_sizes": page_sizes_text}, of_table=True)
