"""The comparison of co-search with searches of one side."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.hypervolume import reference_of
from biglittle.bench.pareto import nondominated
from biglittle.data_tables.evidence.co_search import (
    OBJECTIVES,
    STEP,
    WAYS,
    exact_fronts,
    fixed_sides,
    of_some,
    pair_names,
    regret,
    ways,
)
from biglittle.edge_profiler.accelerators.space import parse_space
from biglittle.searchers.co_run import co_evaluator
from biglittle.searchers.co_search import CoSettings, co_search


def test_no_search_is_better_than_the_exact_front() -> None:
    few = parse_space(
        {
            "name": "few",
            "rows": [8, 16],
            "columns": 16,
            "weight_buffer_kib": [4, 16],
            "activation_buffer_kib": 16,
            "bandwidth_bits": 64,
            "dataflow": "row-stationary",
        },
        "few",
    )
    settings = CoSettings(objectives=OBJECTIVES, evaluations=150, population=20)
    bench = Benchmark.load("fbnet-cifar10")
    evaluator = of_some(co_evaluator("table", bench, few, settings, 200.0)[0], 6)
    own = exact_fronts(evaluator)
    assert set(own) == set(range(4))
    whole = np.concatenate(list(own.values()))
    box = reference_of(whole[nondominated(whole)], OBJECTIVES)
    assert regret(box, whole) == pytest.approx(0.0, abs=1e-9)
    chip, pair = fixed_sides(evaluator, box)
    assert len(set(pair_names(evaluator, pair))) >= 1
    for way, judge in ways(evaluator, chip, pair).items():
        outcome = co_search(judge, settings)
        missed = regret(box, outcome.values)
        assert -1e-9 <= missed <= 1
        if way == WAYS[0] and outcome.evaluations == 6 * 6 * 4:
            assert missed == pytest.approx(0.0, abs=1e-9)
        if way == WAYS[1]:
            assert set(outcome.places) == {chip}
            assert missed >= regret(box, own[chip]) - 1e-9


def test_the_page_says_what_was_measured() -> None:
    way = {"exact": 0.1, "regret": [0.1, 0.2]}
    figures = {
        "space": "edge",
        "area_mm2": 0.3,
        "accelerators": 1200,
        "within": 400,
        "objectives": list(OBJECTIVES),
        "some": {
            "networks": 30,
            "pairs": 900,
            "front": 500,
            "evaluations": 2000,
            "ways": dict.fromkeys(WAYS, way),
            "fixed_accelerator": "chip",
            "fixed_pair": ["0", "1"],
            "regret_of_each_accelerator": [0.0, 0.05, 0.25],
        },
        "all": {"evaluations": 20_000, "hypervolume": {name: [0.9, 0.8] for name in WAYS}},
        "timed": {
            on: {"evaluations": 20_000, "processor_s": 21.0, "tables_s": 5.0}
            for on in ("surrogate", "table")
        },
        "conditions": {"cores": 1, "cpu": "any", "python": "3", "numpy": "2"},
    }
    text = STEP.texts["co_search"](figures)
    assert "15.00 (10.00 to 20.00)" in text
    assert "20,000 evaluations" in text
    assert "modelled" in text
