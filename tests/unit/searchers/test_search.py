"""Importing the searchers is light, and what is no evaluator is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import ConstraintError
from biglittle.searchers import get_searcher


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, biglittle.searchers as s; s.SEARCHERS.names(); "
        "print([m for m in ('pymoo', 'torch', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_benchmark_is_not_an_evaluator() -> None:
    bench = Benchmark.load("fbnet-cifar10")
    with pytest.raises(ConstraintError, match=r"is not an evaluator but of type Benchmark; pass"):
        get_searcher("random").run(bench, budget=10)  # type: ignore[arg-type]
