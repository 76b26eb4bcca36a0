"""Given pairs have their best operating point within the limits."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark, Pair, get_space
from biglittle.bench.errors import ConstraintError
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers.evaluators.table import TableEvaluator
from biglittle.searchers.given_pairs import judged

SPACE = get_space("fbnet")


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> TableEvaluator:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(n_networks=14, seed=3), "test", "2020-01-01")
    return TableEvaluator(Benchmark.load(path), DEVICE)


def test_pairs_have_their_best_point_within_the_limits(evaluator: TableEvaluator) -> None:
    ids = SPACE.format(evaluator.listed)
    rng = np.random.default_rng(0)
    pairs = [Pair(ids[a], ids[b]) for a, b in rng.integers(0, len(ids), (12, 2))]
    limit = float(np.quantile(evaluator.networks(evaluator.listed).costs.latency_ms, 0.5))
    outcome = judged(evaluator, [*pairs, pairs[0]], {"latency_ms": limit})
    assert outcome.n_evaluations == len(set(pairs))
    assert outcome.best is not None
    parsed = [SPACE.parse([getattr(p, part) for p in pairs]) for part in ("little", "big")]
    swept = evaluator.sweep(parsed[0], parsed[1]).figures
    within = swept["latency_ms"] <= limit
    assert outcome.best.accuracy[0] == swept["accuracy"][within].max()
    assert outcome.best.latency_ms[0] <= limit
    with pytest.raises(ConstraintError, match="no pairs"):
        judged(evaluator, [])
    with pytest.raises(ConstraintError, match="does not know"):
        judged(evaluator, [Pair("1" * 22, "1" * 22)])
    with pytest.raises(ConstraintError, match="best reachable"):
        judged(evaluator, pairs, {"latency_ms": 1e-6})
