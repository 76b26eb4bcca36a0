"""How long the exact front of all couplings of many networks with exits takes.

The networks are made up (``_exits.py``). Beside it stands, from the same run, what bounding each
cut by itself would take, on a sample of little networks and scaled to all: the part of the work
that bounds on whole intervals of cuts spare.
"""

from __future__ import annotations

import os
import resource
import time
from typing import Any

import numpy as np

from ...bench.cost import pair_figure
from ...bench.exact_front import exact_front
from ...bench.front_grid import Grid
from ...bench.front_question import Question
from ...bench.tally import below_cut
from ._exits import exits_question
from ._page import Step, versions

N_ARCHITECTURES, THREADS = 400, 2
SAMPLE = 8  # littles that each cut is bounded of


def every_cut_s(question: Question, n_littles: int = SAMPLE) -> float:
    """Median processor time to bound and look up each point of one little and gate, in s.

    Args:
        question: one whose objectives are the error and the mean latency.
        n_littles: number of littles that are timed, drawn at random.
    """
    tally, costs, taken = question.tally, question.costs, []
    n = len(tally.correct)
    grid = Grid(costs.latency_ms.min(keepdims=True), 2 * costs.latency_ms.max(keepdims=True))
    grid.update(costs.latency_ms[:, None], tally.right)
    right, both = tally.right.astype(np.int32), tally.both_right
    for little in np.random.default_rng(0).choice(n, min(n, n_littles), replace=False).tolist():
        for number, gate in enumerate(question.gates):
            assert callable(gate)
            codes = gate(little)
            began = time.thread_time()
            shared = None if question.shared is None else question.shared(little, number)
            escalated = below_cut(codes).astype(np.int32)[:, None]
            lost = below_cut(codes, tally.correct[little]).astype(np.int32)[:, None]
            common = both[little].astype(np.int32)
            most = right[little] - np.maximum(lost - common, 0)
            most += np.minimum(escalated - lost, right - common)
            first, rate = costs.take([little]), escalated / tally.n_images
            latency = pair_figure("latency_ms", first, costs, rate, shared)
            np.flatnonzero(most > grid.at([latency]))
            taken.append(time.thread_time() - began)
    return float(np.median(taken))


def front_time(question: Question, threads: int = THREADS) -> dict[str, Any]:
    """The front of a question: its size, how long it took, and the baseline of the same run."""
    n, gates = len(question.tally.correct), len(question.gates)
    used, began = resource.getrusage(resource.RUSAGE_SELF).ru_utime, time.perf_counter()
    front = exact_front(question, threads=threads)
    wall = time.perf_counter() - began
    user = resource.getrusage(resource.RUSAGE_SELF).ru_utime - used
    each = every_cut_s(question)
    return {
        "networks": n,
        "images": question.tally.n_images,
        "gates": gates,
        "threads": threads,
        "pairs": n * n,
        "points": front.n_points,
        "front_points": len(front.cut),
        "counted_share": front.n_counted / front.n_points,
        "wall_s": wall,
        "user_s": user,
        "every_cut_s": each * n * gates,
        "load_average": os.getloadavg()[0],
    }


def measure() -> dict[str, Any]:
    """The figures of the made-up question, all couplings and the three stored gates."""
    return front_time(exits_question(N_ARCHITECTURES))


def exits_section(figures: dict[str, Any]) -> str:
    """The figures as one paragraph."""
    f = figures
    return f"""\
{f["networks"]:,} made-up networks, {N_ARCHITECTURES} architectures with six exits each, all \
couplings, {f["gates"]} gates, {f["images"]:,} images: {f["pairs"] / 1e6:.1f} million pairs and \
{f["points"] / 1e9:.1f} billion points. Their exact front of {f["front_points"]} points takes \
{f["user_s"]:.0f} s of processor time ({f["wall_s"]:.0f} s by the clock with {f["threads"]} \
threads, while {f["load_average"]:.1f} processes wanted the cores); \
{100 * f["counted_share"]:.2f} % of the points are counted. To bound each point by itself would \
take {f["every_cut_s"]:.0f} s of processor time, timed in the same run on {SAMPLE} little networks \
and scaled. {versions(f)}; \
`python -m biglittle.data_tables.evidence engine_exits`."""


STEP = Step(measure, {"engine_exits": exits_section})
