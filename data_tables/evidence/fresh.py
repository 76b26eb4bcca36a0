"""How long it takes from a fresh clone to a printed front; needs the network."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from ._page import ROOT, Step


def measure() -> dict[str, Any]:
    """Seconds from a fresh clone to a printed front, and what the light set-up weighs."""
    with tempfile.TemporaryDirectory() as temporary:
        clone = Path(temporary) / "biglittle"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        seconds = []
        for _ in range(2):  # the second time nothing has to be installed
            began = time.perf_counter()
            subprocess.run(["make", "search"], cwd=clone, check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
        files = [f for f in (clone / ".venv-search").rglob("*") if f.is_file()]
        size = sum(f.stat().st_size for f in files if not f.is_symlink())
    return {"first_s": seconds[0], "again_s": seconds[1], "installed_mb": size / 1e6}


def fresh_text(fresh: dict[str, Any]) -> str:
    """Seconds and size of the light set-up as Markdown."""
    return (
        f"From a fresh clone `make search` takes {fresh['first_s']:.0f} s, installation of "
        f"{fresh['installed_mb']:.0f} MB included, and {fresh['again_s']:.0f} s when it is "
        "installed already."
    )


STEP = Step(measure, {"fresh": fresh_text})
