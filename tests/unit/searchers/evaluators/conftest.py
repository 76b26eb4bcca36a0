"""A made-up table, and every pair of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.spaces import Genomes
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers.evaluators.table import TableEvaluator

Pairs = Callable[[TableEvaluator], tuple[Genomes, Genomes]]


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path: Path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(n_networks=14, seed=3), "test", "2020-01-01")
    return Benchmark.load(path)


@pytest.fixture(scope="session")
def all_pairs() -> Pairs:
    """Gives the genomes of little and big of every pair that an evaluator lists."""

    def pairs(evaluator: TableEvaluator) -> tuple[Genomes, Genomes]:
        n = len(evaluator.listed)
        little, big = np.divmod(np.arange(n * n), n)
        return evaluator.listed[little], evaluator.listed[big]

    return pairs
