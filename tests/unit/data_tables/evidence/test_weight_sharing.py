"""Comparison with random pairs: what counts as drawn, that runs are kept, what the page says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench import Benchmark
from biglittle.data_tables.evidence.weight_sharing import (
    METHODS,
    NEAR,
    Runs,
    _promised,
    drawn_networks,
    weight_sharing_text,
)


def test_drawn_networks_are_none_that_a_search_found_nor_like_one() -> None:
    bench = Benchmark.load("fbnet-cifar10")
    drawn = drawn_networks(bench)
    assert 50 < len(drawn) < len(bench.architectures)
    assert set(drawn) <= set(bench.architectures)
    fronts = json.loads((bench.table.path.parent / "front_seed.json").read_text())["fronts"]
    found = [a for f in fronts for part in ("littles", "bigs", "singles") for a in f[part]]
    for architecture in drawn[::20]:
        apart = min(
            sum(x != y for x, y in zip(architecture, other, strict=True)) for other in found
        )
        assert apart > NEAR
    assert not {d * 22 for d in "012345678"} & set(drawn)


class Counted(Runs):
    """Runs without a table: each is counted."""

    def __init__(self, file: Path, basis: str) -> None:
        self.file, self.basis, self.made = file, basis, []

    def rests_on(self, method: str, seed: int) -> dict[str, Any]:
        return {"basis": self.basis if method == "ofa" else "", "seed": seed}

    def _made(self, seed: int, say: Any) -> dict[str, Any]:
        self.made.append(seed)
        point = {"accuracy": 0.8 + seed / 100, "latency_ms": 14.0, "escalation_rate": 0.1}
        return {"val": point, "test": point}

    _random = _darts = _ofa = _made

    def _facts(self) -> dict[str, Any]:
        return {}


def test_a_run_is_made_once_until_what_it_rests_on_changes(tmp_path: Path) -> None:
    file = tmp_path / "runs.json"
    runs, other = Counted(file, "a"), Counted(file, "b")
    said: list[str] = []
    for method in METHODS:
        runs.make(method, 1, said.append)
    runs.make("ofa", 1, said.append)
    assert runs.made == [1, 1, 1]
    assert said[-1] == "ofa-1: kept"
    for method in METHODS:
        other.make(method, 1, said.append)
    assert other.made == [1]  # ofa alone rests on it
    assert set(json.loads(file.read_text())["runs"]) == {"random-1", "darts-1", "ofa-1"}


def test_the_page_says_who_beats_random_and_who_was_not_run() -> None:
    def run(value: float) -> dict[str, Any]:
        point = {"accuracy": value, "latency_ms": 14.5, "escalation_rate": 0.05}
        return {"val": point, "test": point, "cpu_s": 3.2}

    facts = {
        "images": {"val": 5000},
        "drawn_networks": 200,
        "latency_ms": 15.0,
        "device": "raspberry-pi-4",
        "random_pairs": 100,
        "darts_steps": 120,
        "ofa_budget": 2000,
        "ofa_few": 3,
        "exact_best_val_accuracy": 0.83,
        "methods": list(METHODS),
    }
    runs = {f"random-{s}": run(0.81) for s in (0, 1)}
    runs |= {"darts-0": run(0.82), "darts-1": run(0.805)}
    text = weight_sharing_text({"runs": runs, "facts": facts})
    assert "`darts` does not beat random under every seed: +0.25 points on val (-0.50 to" in text
    assert "`ofa` has not been run" in text
    runs["darts-1"] = run(0.82)
    again = weight_sharing_text({"runs": runs, "facts": facts})
    assert "`darts` beats random under every seed" in again
    assert np.char.count(again, "| `darts` |") == 2


def test_promises_are_held_against_what_pairs_have() -> None:
    considered = [
        {"predicted_accuracy": 0.9, "val_accuracy": 0.88},
        {"predicted_accuracy": 0.9, "val_accuracy": None},
    ]
    (line,) = _promised({"ofa-0": {"considered": considered}, "random-0": {}})
    assert "1 pairs that `ofa` ran was off by +2.00 points" in line
    assert "1 more were beyond" in line
    assert _promised({"random-0": {}}) == []
