"""What it takes to import anybody's answers: seconds, and memory at the most.

Each import is the command in a fresh process, from files that were written just before, so that
they may lie in the system's cache. Peak memory is that of the process as the system counts it,
pages of the mapped files among it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ._page import Step, versions

N_IMAGES = 50_000
#: Number of networks and of classes of each import.
CASES = ((2, 10), (2, 1000), (50, 1000))
_ROWS = 5000
_GUESSED = 2.0  # how much the networks' chance of being right differs by


def measure(
    repeats: Annotated[int, typer.Option(help="Runs of each import but the largest.")] = 5,
    threads: Annotated[int, typer.Option(help="Threads of NumPy.")] = 1,
) -> dict[str, Any]:
    """Seconds of each import, the least of some runs, its processor time and its peak memory."""
    cases, load = [], os.getloadavg()[0]
    for n_networks, n_classes in CASES:
        with tempfile.TemporaryDirectory() as folder:
            n_bytes = _write(Path(folder), n_networks, n_classes)
            runs = [
                _run(Path(folder), n_networks, threads)
                for _ in range(repeats if n_networks == 2 else 1)
            ]
        best = min(runs, key=lambda run: run["wall_s"])
        cases.append({"networks": n_networks, "classes": n_classes, "bytes": n_bytes, **best})
    load = max(load, os.getloadavg()[0])
    facts = {"images": N_IMAGES, "repeats": repeats, "threads": threads, "load": load}
    return {**facts, "cases": cases}


def _write(folder: Path, n_networks: int, n_classes: int) -> int:
    """Files of made-up float32 probabilities and of labels; the bytes of the probabilities."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, n_classes, N_IMAGES)
    hard = rng.normal(size=N_IMAGES).astype(np.float32)
    np.save(folder / "labels.npy", labels)
    for network in range(n_networks):
        path = folder / f"network-{network:02}.npy"
        out = np.lib.format.open_memmap(path, "w+", np.float32, (N_IMAGES, n_classes))
        skill = np.log(n_classes) + _GUESSED * (network + 1) / n_networks
        for start in range(0, N_IMAGES, _ROWS):
            rows = slice(start, start + _ROWS)
            logits = rng.standard_normal((_ROWS, n_classes), dtype=np.float32)
            logits[np.arange(_ROWS), labels[rows]] += skill - hard[rows]
            odds = np.exp(logits)
            out[rows] = odds / odds.sum(axis=1, keepdims=True)
        del out
    return n_networks * N_IMAGES * n_classes * 4


def _run(folder: Path, n_networks: int, threads: int) -> dict[str, float]:
    costs = [f"--cost=network-{i:02}={i + 1}" for i in range(n_networks)]
    command = [sys.executable, "-m", "biglittle", "import", "answers", str(folder), *costs]
    out = folder / "out" / "mine.h5"
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--out", str(out)], stdout=subprocess.DEVNULL, env=environment
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the import ended with {process.returncode}")
    return {
        "wall_s": wall,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss / 1024,
        "table_mib": out.stat().st_size / 2**20,
    }


def given_text(figures: dict[str, Any]) -> str:
    """Time and memory of imports as Markdown."""
    lines = [
        "| networks | classes | files, GiB | seconds | of a core | peak MiB | table, MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in figures["cases"]:
        lines.append(
            f"| {case['networks']} | {case['classes']:,} | {case['bytes'] / 2**30:.2f} | "
            f"{case['wall_s']:.1f} | {case['cpu_s']:.1f} | {case['peak_mib']:,.0f} | "
            f"{case['table_mib']:.1f} |"
        )
    lines += [
        "",
        f"From files to the printed verdict in a fresh process, {figures['images']:,} images in "
        f"float32 `.npy` files, {figures['threads']} thread: the least of {figures['repeats']} "
        f"runs (of the largest one run), {versions(figures)}, on which about {figures['load']:.0f} "
        "processes wanted to run at a time: alone an import takes what it keeps a core busy. "
        "Step `given_answers`.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"given_answers": given_text})
