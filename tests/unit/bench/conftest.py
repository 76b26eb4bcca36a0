"""A benchmark of made-up networks, a pair of them, and its front."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, Front, Pair, Table, get_space
from biglittle.bench.operator_features import operator_features
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a table of twelve inherited networks, which a test may damage."""
    target = tmp_path / "table.h5"
    write_table(target, synthetic_table(), "1", "2026-01-01")
    return target


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """Twelve inherited networks on one device."""
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(), "1", "2026-01-01")
    return Benchmark.load(path)


@pytest.fixture(scope="module")
def pair(bench: Benchmark) -> Pair:
    """The cheapest of these networks, and the most expensive one."""
    most_expensive = int(np.argmax(bench.table.networks["macs"]))
    return Pair(bench.architectures[0], bench.architectures[most_expensive])


@pytest.fixture(scope="module")
def front(bench: Benchmark) -> Front:
    """The exact front of these networks in error and latency."""
    return bench.front(DEVICE)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Eight inherited networks, with images enough to fit gates to."""
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(8, n_val=600, n_test=900), "1", "2026-01-01")
    return Table(path)


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    """Sums over the operators of 160 random networks of ``fbnet``, shape (160, n_columns)."""
    space = get_space("fbnet")
    rows = space.sample(np.random.default_rng(0), 160)
    return operator_features([space.graph(row, 10) for row in rows])
