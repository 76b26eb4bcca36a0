"""Thresholds as genes beside the exact choice: the step runs on any table, and says what it saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.evidence.searchers import _common, thresholds


def test_the_page_says_what_each_way_misses() -> None:
    run = {"quarter": [0.03, 0.03], "end": [0.01, 0.02]}
    better = {"quarter": [0.01, 0.01], "end": [0.002, 0.002]}
    gap = {
        "gene": {n: [0.004, 0.006] for n in thresholds.SEARCHERS},
        "inside": {n: [0.0, 0.002] for n in thresholds.SEARCHERS},
    }
    text = thresholds.thresholds_text(
        {
            "budget": 2000,
            "limited_budget": 500,
            "seeds": 2,
            "fronts": {
                "gene": dict.fromkeys(thresholds.SEARCHERS, run),
                "inside": dict.fromkeys(thresholds.SEARCHERS, better),
            },
            "limits": [{"figure": "macs", "limit": 17.3e6, "best": 0.772, "gap": gap}],
            "chain_budget": 200,
            "chains": [
                {
                    "stages": 3,
                    "chains": 983,
                    "figure": "macs",
                    "limit": 30e6,
                    "best": 0.8,
                    "gap": {
                        way: {n: [x] * 2 for n in thresholds.CHAIN_SEARCHERS}
                        for way, x in (("gene", 0.01), ("inside", 0.0))
                    },
                }
            ],
        }
    )
    assert "| `nsga2` | genes | 3.00 % | 1.500 % | 1.100 to 1.900 % |" in text
    assert "| `nsga2` | chosen exactly | 1.00 % | 0.200 %" in text
    row = "| 3 stages (983 chains), mean MACs 30.0 M | 80.00 % | `evolution` | 1.00 (0 of 2) | 0.00"
    assert row in text
    assert "| mean MACs 17.3 M | 77.20 % | `nsga2` | 0.50 (0 of 2) | 0.10 (1 of 2) | -0.40" in text


def test_the_step_runs_on_any_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thresholds, "CHAIN_BUDGET", 60)
    few = thresholds._chains(Benchmark.load("fbnet-cifar10"), 3, 1)
    path = tmp_path / "table.h5"
    write_table(path, synthetic_table(n_networks=12, seed=2), "test", "2020-01-01")
    for module in (thresholds, _common):
        for name, value in {"TABLE": str(path), "DEVICE": DEVICE, "BUDGET": 40}.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(thresholds, "LIMITED_BUDGET", 144)  # all 12 x 12 pairs
    monkeypatch.setattr(thresholds, "LIMITS", (("latency_ms", 60.0),))
    monkeypatch.setattr(thresholds, "_chains", lambda bench, n, seeds: few)
    figures = thresholds.measure(seeds=2)
    for chain in figures["chains"]:
        gaps = [gap for by_name in chain["gap"].values() for gap in by_name.values()]
        assert min(min(gap) for gap in gaps) >= 0
    row = figures["limits"][0]
    assert np.allclose(row["gap"]["inside"]["random"], 0.0)  # every pair with its best threshold
    assert min(min(gap) for by_name in row["gap"].values() for gap in by_name.values()) > -1e-12
    assert "as in EDANAS" in thresholds.thresholds_text(figures)
