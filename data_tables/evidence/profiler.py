"""What the profiler itself is worth on this machine.

How well ratios repeat, what the harness costs, how long a profile of 40 anchors takes, how long the
import takes, and how much has to be installed.
"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ...bench.spaces import get_space
from ...edge_profiler import Protocol, get_runtime
from ...edge_profiler.anchors import N_ANCHORS
from ...edge_profiler.repeatability import REPEATS, report
from ._page import Step

NEEDED = ("numpy", "onnx", "onnxruntime")
IMPORT = "import time; t = time.perf_counter(); import biglittle.edge_profiler; "
IMPORT += "print(time.perf_counter() - t)"


def import_seconds(repeats: int = 7) -> float:
    """Median time of importing the profiler into a fresh interpreter, in s."""
    taken = [
        float(
            subprocess.run(
                [sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(repeats)
    ]
    return float(np.median(taken))


def installed_mib(needed: tuple[str, ...] = NEEDED) -> dict[str, tuple[float, float]]:
    """MiB of every package that these need: its files, and their bytecode."""
    packages: dict[str, tuple[float, float]] = {}
    todo = list(needed)
    while todo:
        name = re.split(r"[^A-Za-z0-9._-]", todo.pop())[0].lower().replace("-", "_")
        if name in packages:
            continue
        try:
            package = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        sizes = {".pyc": 0, "": 0}
        for file in package.files or ():
            if (path := Path(str(file.locate()))).is_file():
                sizes[".pyc" if path.suffix == ".pyc" else ""] += path.stat().st_size
        packages[name] = (sizes[""] / 2**20, sizes[".pyc"] / 2**20)
        todo += [r for r in package.requires or () if "extra ==" not in r]
    return packages


def page(data: dict[str, Any]) -> str:
    """The figures as Markdown."""
    rows = data["networks"]
    worst = max(n["ratio_range"] for n in rows)
    raw = max(n["raw_range"] for n in rows)
    files = sum(v[0] for v in data["installed_mib"].values())
    bytecode = sum(v[1] for v in data["installed_mib"].values())
    largest = sorted(data["installed_mib"].items(), key=lambda kv: -kv[1][0])[:3]
    lines = [
        f"- A ratio to the reference repeats within {100 * worst:.2f} % over {data['repeats']} "
        f"sessions, networks loaded anew (largest minus smallest, worst of {len(rows)} anchors); "
        f"a stopwatch alone within {100 * raw:.1f} %.",
        f"- Importing the profiler takes {data['import_s']:.2f} s.",
        f"- numpy, onnx, onnxruntime and what they need: {files:.0f} MiB, and {bytecode:.0f} MiB "
        "of bytecode unless installed with `pip install --no-compile` ("
        + ", ".join(f"{name} {size[0]:.0f}" for name, size in largest)
        + ").",
    ]
    if "anchors_s" in data:
        lines[1:1] = [
            f"- The harness takes {data['null_network_us']:.1f} us of every run (a null network).",
            f"- {data['anchors']} anchors take {data['anchors_s']:.0f} s, {data['failed']} failed.",
        ]
    quiet = "" if (data["load_average"] or 0) < 0.5 else ", **on a busy machine**"
    lines.append(
        f"- {data['device']}, {data['runtime']}, load {data['load_average']} before{quiet}; "
        "`python -m biglittle.data_tables.evidence profiler`."
    )
    return "\n".join(lines)


def measure(
    repeats: int = REPEATS,
    rounds: int = Protocol().rounds,
    anchors: int = N_ANCHORS,
    max_drift: float = Protocol().max_drift,
) -> dict[str, Any]:
    """Profiles the anchors on this machine, with nothing else running; two minutes."""
    figures = report(
        get_space("fbnet"),
        get_runtime("ort-cpu"),
        Protocol(rounds=rounds, max_drift=max_drift),
        repeats,
        anchors,
        log=lambda text: sys.stderr.write(text + "\n"),
    )
    return {**figures, "import_s": import_seconds(), "installed_mib": installed_mib()}


STEP = Step(measure, {"profiler": page})
