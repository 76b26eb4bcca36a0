"""What a Ray cluster of one machine costs over its pool of processes, for the same small jobs.

Networks with inherited weights are evaluated as `table build --stage evaluate` does it, on few
images and the smallest first, so that jobs are short and what a runner adds is large. Runners take
turns; every turn counts from nothing to the last file, workers and cluster started anew. What runs
beside moves single turns, so the median of their ratios is what is said, with the extremes. Needs
the images and Ray.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...bench import Benchmark
from ...bench.datasets import Images
from ...bench.errors import BigLittleError
from ..building.jobs import InheritedJob, run_jobs
from ..building.plan import Plan
from ..building.site import Site
from ..flagship import RECIPE
from ._page import Step, versions

RUNNERS = ("local", "ray")
N_VAL = N_TEST = 250


@dataclass(frozen=True)
class FewImages(Plan):
    """A build that asks about the first images of each split alone."""

    def images(self) -> dict[str, Images]:
        """Train as it is, of val and test the first ones."""
        splits = super().images()
        sizes = {"val": N_VAL, "test": N_TEST}
        return {
            name: replace(split, images=split.images[: (n := sizes.get(name))],
                          labels=split.labels[:n])
            for name, split in splits.items()
        }  # fmt: skip


def measure(networks: int = 50, turns: int = 3) -> dict[str, Any]:
    """Seconds of each runner in every turn, and what Ray takes over the pool."""
    import ray

    table = Benchmark.load(RECIPE.name).table
    ids = [str(a) for a in table.networks["architecture"][table.rows()]]
    order = np.argsort(table.space.macs(ids, table.n_classes), kind="stable")
    jobs = [InheritedJob(ids[i]) for i in order[:networks]]
    workers, load = os.cpu_count() or 1, os.getloadavg()[0]
    seconds: dict[str, list[float]] = {on: [] for on in RUNNERS}
    contents = []
    with tempfile.TemporaryDirectory() as scratch:
        for turn in range(turns):
            for on in RUNNERS:
                working = Path(scratch) / f"{on}-{turn}"
                plan = Plan.load(RECIPE, working)
                site = Site(FewImages(**vars(plan)))
                _ = site.origin, site.images  # the same for both, and not what is compared
                began = time.perf_counter()
                run_jobs(site, jobs, workers, on=on)
                seconds[on].append(time.perf_counter() - began)
                contents.append({p.name: p.read_bytes() for p in plan.networks.iterdir()})
    if any(content != contents[0] for content in contents) or len(contents[0]) != len(jobs):
        raise BigLittleError("the runners left different files; expected the same bytes of both.")
    ratios = [r / p for p, r in zip(*(seconds[on] for on in RUNNERS), strict=True)]
    return {
        "networks": len(jobs),
        "images": N_VAL + N_TEST,
        "workers": workers,
        "turns": turns,
        "seconds": seconds,
        "ratios": ratios,
        "ratio": statistics.median(ratios),
        "load": load,
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
        "ray": ray.__version__,
    }


def ratio_text(f: dict[str, Any]) -> str:
    """What Ray takes over the pool, in one sentence and its conditions."""
    local, cluster = (statistics.median(f["seconds"][on]) for on in RUNNERS)
    low, high = min(f["ratios"]), max(f["ratios"])
    raised = ", at a raised priority" if f["priority"] < 0 else ""
    return (
        f"On one machine, the {f['networks']} smallest networks of the table on {f['images']:,} "
        f"images each take {local:.0f} s with `--workers {f['workers']}` and {cluster:.0f} s "
        "with `--on ray`, which "
        f"is {f['ratio']:.2f} times as long (median of {f['turns']} turns, {low:.2f} to "
        f"{high:.2f}), "
        "start of workers and cluster included; the files are the same, byte for byte. Runners "
        f"took turns on a machine that did other things too (load {f['load']:.1f} before"
        f"{raised}), which moves a turn by more than the runners differ. "
        f"Ray {f['ray']}, {versions(f)}, "
        "`python -m biglittle.data_tables.evidence ray_ratio`."
    )


STEP = Step(measure, {"ray_ratio": ratio_text})
