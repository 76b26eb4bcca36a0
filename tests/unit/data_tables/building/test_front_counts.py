"""What fronts ask of the networks of a table."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.building.front_counts import asked_for, share_of_budgets


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("fronts") / "table.h5"
    write_table(path, synthetic_table(12, seed=2, n_exits=3), "1", "d")
    return Benchmark.load(path)


def test_a_share_is_that_of_budgets_whose_best_answer_has_the_network(bench: Benchmark) -> None:
    shares = share_of_budgets(bench)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    counted: dict[str, list[float]] = {}
    for device in bench.devices:
        points = bench.front(device).points
        ends = np.log([points.latency_ms.min(), points.latency_ms.max()])
        for budget in np.exp(np.linspace(*ends, 4000, endpoint=False)):
            best = int(np.argmax(np.where(points.latency_ms <= budget * (1 + 1e-9),
                                          points.latency_ms, -1.0)))  # fmt: skip
            for name in {str(points.little[best]), str(points.big[best])}:
                counted.setdefault(name, []).append(1 / 4000)
    for name, share in shares.items():
        assert share == pytest.approx(sum(counted.get(name, [])), abs=0.01)


def test_points_are_counted_once_for_each_of_their_networks(bench: Benchmark) -> None:
    counts = asked_for(bench)
    fronts = [bench.front(device) for device in bench.devices]
    fronts.append(bench.front(bench.devices[0], ("error", "macs")))
    assert sum(counts.values()) == 2 * sum(len(front.points) for front in fronts)
    assert set(share_of_budgets(bench)) <= set(counts)
