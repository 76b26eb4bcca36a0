"""A made-up table of any size, written row by row, and its front in a process of its own.

python -m biglittle.data_tables.evidence._large TABLE

Images have a difficulty and networks a skill; who is right and how sure it is follow from both.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench import Benchmark
from ...bench.class_numbers import class_dtype
from ...bench.gates import stored_metrics
from ...bench.lazy_rows import LazyPredictions
from ...bench.spaces import Genomes, get_space
from ...bench.synthetic import CHOICES
from ...bench.table_contents import TableContents
from ...bench.table_writer import write_table

DEVICE = "made-up-device"
LIMIT_BYTES = 2**32


def _architectures(n: int, rng: np.random.Generator) -> Genomes:
    """Different genomes of all sizes, all-skip among them."""
    space = get_space("fbnet")
    skip = space.choices.index("skip")
    drawn = space.sample(rng, 2 * n, CHOICES)
    drawn = np.where(rng.random(drawn.shape) < rng.random((len(drawn), 1)), skip, drawn)
    first = np.sort(np.unique(drawn, axis=0, return_index=True)[1])[:n]
    return drawn[first]


def _answers(
    skill: NDArray[np.float64], n_images: int, n_classes: int, seed: tuple[int, int]
) -> LazyPredictions:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n_images).astype(class_dtype(n_classes))
    difficulty = rng.normal(size=n_images).astype(np.float32)

    def row(network: int) -> dict[str, NDArray[Any]]:
        own = np.random.default_rng([*seed, network])
        luck, doubt = own.normal(size=(2, n_images)).astype(np.float32)
        chance = 1 / (1 + np.exp(-1.5 * (skill[network] - difficulty) - luck))
        right = own.random(n_images, np.float32) < chance
        wrong = own.integers(1, n_classes, n_images)
        top1 = np.where(right, labels, (labels.astype(np.int64) + wrong) % n_classes)
        sure = np.clip(chance + 0.2 * doubt + 0.15 * right, 0.0, 0.999)
        code = (256 * sure).astype(np.int64)
        near = own.integers(-3, 4, (2, n_images))
        codes = dict(zip(stored_metrics(), (code, *(code + near)), strict=True))
        return {
            "top1": top1.astype(labels.dtype),
            **{name: np.clip(values, 0, 255).astype(np.uint8) for name, values in codes.items()},
        }

    types = {"top1": labels.dtype, **dict.fromkeys(stored_metrics(), np.dtype(np.uint8))}
    return LazyPredictions(labels, len(skill), types, (), row)


def write_large(path: Path, n_networks: int, n_images: int, n_classes: int, seed: int = 0) -> None:
    """Writes a made-up table without having it in memory.

    Args:
        path: path of the table file to write.
        n_networks: how many networks there are.
        n_images: images of val, and as many of test.
        n_classes: how many classes there are.
        seed: seed of everything that is random.
    """
    space, rng = get_space("fbnet"), np.random.default_rng(seed)
    genomes = _architectures(n_networks, rng)
    macs, n = space.macs(genomes, n_classes), len(genomes)
    skill = np.log(macs / macs.min()) - 0.5 + 0.3 * rng.normal(size=n)
    latency = 5.0 + macs / 2e6 * rng.uniform(0.8, 1.2, n)
    text, zeros = np.full(n, ""), np.zeros(n, np.int64)
    contents = TableContents(
        name=path.stem,
        space=space.name,
        dataset="made-up",
        n_classes=n_classes,
        choices=CHOICES,
        networks={
            "architecture": np.array(space.format(genomes)),
            "exit": text,
            "training": np.full(n, "inherited"),
            "precision": np.full(n, "fp32"),
            "weights_sha256": np.full(n, "0" * 64),
            "partner": text,
            "role": text,
            **dict.fromkeys(("seed", "epochs", "images"), zeros),
            "macs": macs,
            "params": space.params(genomes, n_classes),
        },
        val_index=np.arange(n_images),
        predictions={
            split: _answers(skill, n_images, n_classes, (seed, number))
            for number, split in enumerate(("val", "test"))
        },
        devices={
            DEVICE: {
                "latency_ms": latency,
                "energy_mj": latency * 4.0,
                "provenance": {"latency_ms": "simulated", "energy_mj": "simulated"},
                "gate_ms": 0.0,
                "description": "a device that does not exist",
                "runtime": "none",
                "source": "made up",
                "power_source": "made up",
            }
        },
    )
    write_table(path, contents, "1", "2026-01-01")


def front_of(path: Path, cache: Path, tell: Callable[[str], object]) -> dict[str, Any]:
    """Seconds and peak memory of a process that opens a table and works out its front.

    Args:
        path: path of the table file.
        cache: empty folder for what would be kept of fronts.
        tell: is told a line of what it says of its progress.
    """
    environment = {**os.environ, "BIGLITTLE_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", __name__, str(path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        for line in process.stderr:
            tell(line.rstrip())
        out = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"the front of {path} ended with {process.returncode}")
    figures: dict[str, Any] = json.loads(out)
    return figures


def main(file: str) -> None:
    """Opens a table with at most 4 GiB of data, works out its front, and prints what it took."""
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))
    began = time.perf_counter()
    bench = Benchmark.load(file)
    opened = time.perf_counter() - began

    def move(done: int, total: int) -> None:
        if done % 500 < 16:
            sys.stderr.write(f"{done} of {total}, {time.perf_counter() - began:.0f} s\n")
            sys.stderr.flush()

    front = bench.front(DEVICE, on_progress=move)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "open_s": opened,
        "wall_s": time.perf_counter() - began,
        "user_s": usage.ru_utime,
        "peak_mib": usage.ru_maxrss / 1024,
        "limit_mib": LIMIT_BYTES / 2**20,
        "pairs": front.n_pairs,
        "points": front.n_points,
        "counted_share": front.n_counted / front.n_points,
        "front_points": len(front),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
