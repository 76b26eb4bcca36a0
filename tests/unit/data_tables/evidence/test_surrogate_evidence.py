"""The surrogates' page: what was not run is said, what was asked stands beside what was reached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")

from biglittle.bench import Table
from biglittle.bench.errors import BigLittleError
from biglittle.bench.gates import get_metric
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.building.searched_points import agreement, evaluated_point
from biglittle.data_tables.evidence import _page
from biglittle.data_tables.evidence.surrogates import (
    _common,
    aims,
    improve,
    nb201,
    packed,
    proposed,
    searched,
)
from biglittle.surrogates import fit_data
from biglittle.surrogates.evaluated_networks import read_evaluated
from biglittle.surrogates.report import summary


@pytest.fixture
def figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of figures."""
    monkeypatch.setattr(_page, "FIGURES", tmp_path / "figures")
    return tmp_path / "figures"


def trial(mae: float) -> dict[str, Any]:
    figures = {"mae": mae, "bias": 0.0, "kendall_tau": 0.9}
    split = {"network": figures, "pair": figures, "escalation_rate": {"mae": mae}}
    return {"val": split, "coverage": {"network": 0.9, "pair": 0.8}}


def test_steps_that_were_not_run_are_named(figures: Path) -> None:
    owners = _page.claims()
    for mark in ("surrogates/recipes", "surrogates/searched", "searched"):
        assert _page.text_of(mark, owners) == f"Step `{owners[mark]}` was not run yet."
    assert "| - | not run |" in _page.text_of("surrogates/aims", owners)
    assert "latency, accuracy" in nb201.nb201_text({"seeds": 5, "n_cells": 10, "transfer": {}})


def test_what_was_asked_stands_beside_what_was_reached() -> None:
    recipes = {"shipped": summary([trial(0.006), trial(0.0065), trial(0.012)])}
    splits = {"random": {"recipes": recipes, "table": {}}}
    report = {"recipe": "shipped", "n_networks": 50, "splits": splits}
    rows = [
        {"accuracy": 0.8, "low": 0.7, "high": 0.9, "evaluated_accuracy": a, "outside": False}
        | {"escalation_rate": 0.5, "evaluated_escalation_rate": 0.5}
        for a in (0.79, 0.795, 0.75)
    ]
    row_figures = searched.optimism(rows)
    facts = {"architectures": 6, "new_architectures": 5, "budget": 1, "device": "toy"}
    found = {**facts, "points": rows, "figures": row_figures}
    lines = aims.asked_text({"searched": found}, report).splitlines()
    by_name = {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}
    curve = by_name["pairs, both unseen: mean absolute error along the curve, points"]
    assert "0.65 ± " in curve
    assert curve.endswith("| yes |")
    assert by_name["searched, 6 networks: optimism, points"].endswith("| +2.17 ± 1.42 | **no** |")
    assert by_name["90 % intervals of pairs: hold"].endswith("| **no** |")


def test_networks_evaluated_since_are_packed_beside_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from biglittle.data_tables.building import plan
    from biglittle.data_tables.building.evaluate import Evaluation, NetworkKey, write_evaluation

    class Kept:
        sha256 = "the weights"

        @classmethod
        def kept(cls, path: Path) -> Kept:
            return cls()

    write_table(tmp_path / "table.h5", synthetic_table(30), "0", "2026-01-01")
    table = Table(tmp_path / "table.h5")
    monkeypatch.setattr(packed, "TABLE", str(table.path))
    monkeypatch.setattr(plan, "TrainedSupernet", Kept)
    data, working = fit_data(table), tmp_path / "working"
    said = data.predictions["val"]
    held, new = table.space.format(data.genomes)[0], "0" * 11 + "8" * 11

    def evaluate(architecture: str, origin: str) -> None:
        answers = {"top1": said.top1[3], **{g: c[3] for g, c in said.codes.items()}}
        key = NetworkKey(architecture, origin=origin)
        evaluation = Evaluation(key, "0" * 64, {"val": answers})
        write_evaluation(working / f"{key.name}.npz", evaluation)

    evaluate(held, "the weights")
    with pytest.raises(BigLittleError, match="does not hold"):
        packed.measure(working)
    assert new not in _common.learnable(table)
    evaluate(new, "the weights")
    packed.measure(working)
    found = read_evaluated(tmp_path / "found.npz", table.space, said.labels, data.gates)
    assert found.architectures == (new,)
    assert np.array_equal(found.predictions.top1, said.top1[3:4])
    assert _common.learnable(table) == {new, *table.space.format(data.genomes)}
    evaluate("8" * 11 + "0" * 11, "other weights")
    with pytest.raises(BigLittleError, match="another supernet"):
        packed.measure(working)


def test_active_learning_is_shown_round_by_round() -> None:
    figures = {"n": 3, "mae": 0.01, "optimism": 0.008, "worst": 0.02, "coverage": 0.5}
    better = figures | {"mae": 0.004, "optimism": 0.001}
    both = {"networks": better, "points": better}
    rounds = [
        {"round": 1, "n_fitted": 30, "networks": 4, "figures": {"networks": figures}},
        {"round": 2, "n_fitted": 33, "networks": 4, "figures": both},
    ]
    compared = [figures | {"n_fitted": 30}, better | {"n_fitted": 36}]
    found = {"batch": 4, "budget": 1, "device": "toy", "latency_ms_max": 30.0, "wall_s": 60.0}
    asked = {"points": 3, "left_out": 2, "by_round": compared}
    document = {**found, "rounds": rounds, "held_out": [], "searched": asked}
    lines = improve.improve_text(document).splitlines()
    assert "| 1 | 30 | 4 | 1.00 | +0.80 | 0 | - | - |" in lines
    assert "| 2 | 33 | 4 | 0.40 | +0.10 | 3 | 0.40 | +0.10 |" in lines
    assert "| 0 | 30 | 1.00 | +0.80 | +2.00 | 50% |" in lines
    assert "| 1 | 36 | 0.40 | +0.10 | +2.00 | 50% |" in lines


def test_what_was_evaluated_of_what_was_proposed(
    figures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    from biglittle.bench import Benchmark
    from biglittle.data_tables.building.evaluate import Evaluation, NetworkKey, write_evaluation

    table = Benchmark.load(searched.TABLE).table
    ids = [str(a) for a in table.networks["architecture"][table.rows()]]
    stored, working = table.predictions("val"), tmp_path / "working"
    monkeypatch.setattr(searched, "LEAST_SEARCHED", 3)
    point = {"gate": "margin", "threshold": 0.4, "accuracy": 0.7, "low": 0.6, "high": 0.8}
    point |= {"escalation_rate": 0.5, "outside": False}
    rows = [{**point, "little": ids[i], "big": ids[i + 1]} for i in (0, 2, 4)]
    _page.save("surrogates/proposed", {"budget": 5000, "device": "toy", "points": rows})
    ordered = proposed.in_random_order(rows)
    assert sorted(ordered) == sorted(ids[:6])
    for i, architecture in enumerate(ordered[:3]):
        if i == 2:
            with pytest.raises(BigLittleError, match="at least 3"):
                searched.measure(working)
        row = table.network_row(architecture)
        answers = {"top1": stored.top1[row], **{g: c[row] for g, c in stored.codes.items()}}
        key = NetworkKey(architecture, origin="the weights")
        write_evaluation(working / f"{key.name}.npz", Evaluation(key, "0" * 64, {"val": answers}))
    found = searched.measure(working)
    assert (found["architectures"], found["proposed"], found["evaluated_new"]) == (3, 3, 0)
    assert len(found["points"]) == 1
    assert {found["points"][0]["little"], found["points"][0]["big"]} == set(ordered[:2])
    assert found["figures"]["single networks"]["n"] == 3
    assert "1 were evaluated on val" in searched.searched_text(found)


def test_agreement_by_hand() -> None:
    rows = [
        {"accuracy": 0.8, "low": 0.75, "high": 0.85, "evaluated_accuracy": 0.7},
        {"accuracy": 0.6, "low": 0.55, "high": 0.65, "evaluated_accuracy": 0.62},
    ]
    found = agreement(rows)
    assert found["n"] == 2
    assert found["optimism"] == pytest.approx(0.04)
    assert found["mae"] == pytest.approx(0.06)
    assert found["worst"] == pytest.approx(0.1)
    assert found["coverage"] == 0.5
    assert found["kendall_tau"] == pytest.approx(1)
    alone = agreement(rows[:1])
    assert (alone["kendall_tau"], alone["standard_error"]) == (None, None)
    json.dumps(alone, allow_nan=False)


def test_an_evaluated_point_is_counted() -> None:
    labels = np.zeros(4, np.uint8)
    little = {"top1": np.array([0, 0, 1, 1], np.uint8), "margin": np.array([9, 200, 9, 200])}
    big = {"top1": np.array([0, 1, 0, 0], np.uint8), "margin": np.zeros(4)}
    point = {"gate": "margin", "threshold": float(get_metric("margin").thresholds(10)[100])}
    found = evaluated_point(point, little, big, labels, 10)
    assert found == {"evaluated_accuracy": 0.75, "evaluated_escalation_rate": 0.5}
