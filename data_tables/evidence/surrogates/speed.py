"""How fast the shipped surrogate answers."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

from ....bench import Benchmark, Candidates, load_device
from ....surrogates import (
    Surrogate,
    SurrogateEvaluator,
)
from .._page import Step
from ._common import DEVICE, TABLE

SPEED_PAIRS = 100_000


def measure() -> dict[str, Any]:
    """Seconds for 100,000 pairs of different networks, and for a process's first prediction.

    Also for the whole curves of a tenth of them, which is what a search asks for.
    """
    folder = Benchmark.load(TABLE).table.path.parent / "surrogate"
    surrogate, rng = Surrogate.load(folder), np.random.default_rng(0)
    space, n = surrogate.space, SPEED_PAIRS
    little, big = (space.sample(rng, n, surrogate.choices) for _ in range(2))
    gates = rng.integers(0, len(surrogate.gates), n)
    candidates = Candidates(little, big, gates, rng.integers(0, 257, n))
    surrogate.predict(Candidates(little[:1], big[:1], gates[:1], candidates.cut[:1]))
    wall, cpu = [], []
    for _ in range(3):
        began, used = time.perf_counter(), time.process_time()
        surrogate.predict(candidates)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
    judge, some = SurrogateEvaluator(surrogate, load_device(DEVICE)), slice(0, n // 10)
    began = time.perf_counter()
    swept = judge.sweep(little[some], big[some])
    swept_s = time.perf_counter() - began
    code = (
        "import time; import biglittle.surrogates as s, numpy as np; t = time.perf_counter();"
        f"x = s.Surrogate.load({str(folder)!r}); x.accuracy(x.space.parse('8' * 22));"
        "print(time.perf_counter() - t)"
    )
    first = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(3)
    ]
    return {
        "pairs": n,
        "wall_s": statistics.median(wall),
        "cpu_s": statistics.median(cpu),
        "swept_pairs": n // 10,
        "swept_points": len(swept.owner),
        "swept_wall_s": swept_s,
        "first_prediction_s": statistics.median(first),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
    }


def speed_text(data: dict[str, Any]) -> str:
    """The line of the speed."""
    lines = [
        "## Speed",
        "",
        f"{data['pairs']:,} pairs of {2 * data['pairs']:,} different networks: "
        f"{data['wall_s']:.1f} s ({data['cpu_s']:.1f} s of CPU, {data['cores']} cores, load "
        f"average {data['load_average']:.1f}); whole curves of {data['swept_pairs']:,} of them, "
        f"{data['swept_points']:,} operating points: {data['swept_wall_s']:.1f} s; loading and "
        f"the first prediction after import: {data['first_prediction_s']:.2f} s. "
        "Step `surrogates/speed`.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"surrogates/speed": speed_text}, of_table=True)
