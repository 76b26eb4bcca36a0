"""A table that is no longer used is gone from memory at once, without a search for circles."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from biglittle.bench import Benchmark, Cascade, Gate, Pair
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table

QUESTIONS: dict[str, Callable[[Benchmark, list[str]], Any]] = {
    "load": lambda bench, ids: None,
    "query": lambda bench, ids: bench.query(Pair(*ids[:2]), Gate("margin", 0.4), DEVICE),
    "learned": lambda bench, ids: bench.query(Pair(*ids[:2]), Gate("learned", 0.4), DEVICE),
    "query_many": lambda bench, ids: bench.query_many(ids[:2], ids[1:3], "margin", 0.4, DEVICE),
    "curve": lambda bench, ids: bench.curve(Pair(*ids[:2]), gate="margin", device=DEVICE),
    "curves": lambda bench, ids: bench.curves(ids[0], gate="margin", device=DEVICE),
    "front": lambda bench, ids: bench.front(device=DEVICE, gates=("margin", "learned", "oracle")),
    "explain": lambda bench, ids: bench.explain(Pair(*ids[:2]), Gate("margin", 0.4)),
    "cascade": lambda bench, ids: bench.query_cascade(
        Cascade(tuple(ids[:3]), (Gate("margin", 0.4), Gate("margin", 0.6))), DEVICE
    ),
}


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Holds Python's search for circles of references off."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_table_that_answered_is_not_kept(tmp_path: Path, no_collector: None, name: str) -> None:
    write_table(tmp_path / "t.h5", synthetic_table(8, 100, 200), "1", "2026-01-01")
    bench = Benchmark.load(tmp_path / "t.h5")
    QUESTIONS[name](bench, bench.architectures)
    kept = weakref.ref(bench), weakref.ref(bench.table)
    del bench
    assert [reference() for reference in kept] == [None, None]


GROWTH = """
from pathlib import Path
from biglittle.bench import Benchmark, Gate, Pair

def used():
    bench = Benchmark.load("fbnet-cifar10", check=False)
    bench.query(Pair(*bench.architectures[:2]), Gate("margin", 0.4), "raspberry-pi-4")

def resident_mib():
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in x)
    return int(line.split()[1]) / 1024

used()
before, most = resident_mib(), 0.0
for _ in range(10):
    used()
    most = max(most, resident_mib())
print(most - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux counts like this")
def test_ten_loads_take_hardly_more_memory_than_one() -> None:
    done = subprocess.run(
        [sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 60  # MiB; 8 measured, and 111 while answers and table held on to
    # one another
