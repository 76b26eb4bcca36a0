"""Of several devices each cost is that of the device where it is largest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from biglittle.bench import Benchmark, get_space
from biglittle.bench.errors import (
    ConstraintError,
)
from biglittle.bench.synthetic import DEVICE
from biglittle.searchers import SearchSettings, get_searcher
from biglittle.searchers.evaluators.table import TableEvaluator
from biglittle.searchers.evaluators.worst_case import worst_case
from biglittle.searchers.judge import candidates_of

Pairs = Callable[[TableEvaluator], tuple[np.ndarray, np.ndarray]]


def test_worst_of_several_devices(bench: Benchmark, all_pairs: Pairs) -> None:
    a, b = TableEvaluator(bench, DEVICE), TableEvaluator(bench, DEVICE)
    slow = b._costs.latency_ms.max() + 5.0 - b._costs.latency_ms  # the other way round
    b._costs = type(b._costs)(
        **{
            **vars(b._costs),
            "latency_ms": slow,
            "provenance": {"latency_ms": "measured", "energy_mj": "modelled"},
        }
    )
    both = worst_case([a, b])
    pairs = [g[:40] for g in all_pairs(a)]
    swept, one, two = both.sweep(*pairs), a.sweep(*pairs), b.sweep(*pairs)
    for name in ("latency_ms", "latency_p95_ms"):
        worst = np.maximum(one.figures[name], two.figures[name])
        assert np.array_equal(swept.figures[name], worst)
    assert swept.provenance["latency_ms"] == "simulated"  # the least founded of the two
    settings = SearchSettings(budget=60, limits={"latency_worst_ms": 60.0}, population=10)
    outcome = get_searcher("nsga2")(both, settings)
    for evaluator in (a, b):
        again = evaluator.networks(get_space("fbnet").parse(list(outcome.front.little)))
        other = evaluator.networks(get_space("fbnet").parse(list(outcome.front.big)))
        rate = outcome.front.escalation_rate
        worst = again.costs.latency_ms + (rate > 0) * other.costs.latency_ms
        assert (worst <= 60.0 + 1e-9).all()
    assert np.allclose(outcome.front.latency_worst_ms.max(), 60.0, atol=60.0)
    # point by point as well, where largest mean and largest p95 are of two devices
    gene = get_searcher("random")(both, SearchSettings(budget=60, gate="gene", seed=1))
    candidates = candidates_of(gene.front, both, 10)
    exact = [
        e.networks(candidates.little).costs.latency_ms
        + (gene.front.escalation_rate > 0) * e.networks(candidates.big).costs.latency_ms
        for e in (a, b)
    ]
    assert np.allclose(gene.front.latency_worst_ms, np.maximum(*exact))
    assert worst_case([a]) is a
    assert both.n_classes == a.n_classes == bench.table.n_classes
    with pytest.raises(ConstraintError, match="no device"):
        worst_case([])
    with pytest.raises(ConstraintError, match="agree"):
        worst_case([a, TableEvaluator(bench, DEVICE, gates=["margin"])])
