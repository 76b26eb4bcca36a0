"""The front of networks with exits against bounding each cut of each pair by itself."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.exact_front import exact_front
from biglittle.data_tables.evidence._exits import exits_question
from biglittle.data_tables.evidence.engine_exits import every_cut_s

pytestmark = pytest.mark.perf


def test_front_of_networks_with_exits(benchmark) -> None:  # type: ignore[no-untyped-def]
    question = exits_question(n_architectures=20, n_images=1000)
    front = benchmark.pedantic(exact_front, (question,), rounds=2, iterations=1)
    same = front.little // 7 == front.big // 7
    assert (same & (front.cut > 0)).any()  # pairs that share a trunk
    assert front.n_counted < 0.1 * front.n_points
    assert np.unique(front.hits).size == len(front.hits)
    if benchmark.stats is not None:
        baseline = every_cut_s(question) * len(question.costs.macs) * len(question.gates)
        benchmark.extra_info["times_bounding_each_cut"] = baseline / benchmark.stats["median"]
        benchmark.extra_info["counted_share"] = front.n_counted / front.n_points
