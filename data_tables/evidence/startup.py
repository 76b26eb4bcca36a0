"""How long it takes to import the bench and to print the help."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

from ._page import Step, versions

STARTUP_RUNS = 7


def measure() -> dict[str, Any]:
    """Seconds to import the bench and to print the help, medians over fresh processes."""
    commands = {
        "import_bench": [sys.executable, "-c", "from biglittle.bench import Benchmark"],
        "bare_python": [sys.executable, "-c", "pass"],
        "help": [sys.executable, "-m", "biglittle", "--help"],
    }
    seconds: dict[str, float] = {}
    for name, command in commands.items():
        runs = []
        for _ in range(STARTUP_RUNS):
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            runs.append(time.perf_counter() - began)
        seconds[name] = statistics.median(runs)
    return {"runs": STARTUP_RUNS, "median_seconds": seconds}


def startup_text(s: dict[str, Any]) -> str:
    """Start-up times as Markdown."""
    m = s["median_seconds"]
    return (
        "`from biglittle.bench import Benchmark` takes "
        f"{m['import_bench'] - m['bare_python']:.2f} s on top of bare Python's "
        f"{m['bare_python']:.2f} s; `biglittle --help` {m['help']:.2f} s in all "
        f"(medians of {s['runs']}, {versions(s)})."
    )


STEP = Step(measure, {"startup": startup_text})
