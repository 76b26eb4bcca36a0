"""Trust statistics on made-up rows whose answers are known."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")

from biglittle.bench import Benchmark, Pair
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_contents import Predictions
from biglittle.bench.table_writer import write_table
from biglittle.cotrain.recipe import load_recipe
from biglittle.data_tables.evidence import _equal_latency, trust
from biglittle.data_tables.flagship import RECIPE


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("trust") / "table.h5"
    write_table(path, synthetic_table(n_test=1000, n_pairs=2, n_trained=8), "1", "d")
    return Benchmark.load(path)


def test_ranks_that_agree_and_ranks_that_do_not() -> None:
    values = np.random.default_rng(0).normal(size=30)
    same = trust.rank_agreement(values, np.exp(values), rounds=200)
    for name in ("kendall_tau", "spearman"):
        assert list(same[name].values()) == pytest.approx([1.0, 1.0, 1.0])
    reverse = trust.rank_agreement(values, -values, rounds=200)
    assert reverse["kendall_tau"]["value"] == -1.0
    noise = trust.rank_agreement(values, np.random.default_rng(1).normal(size=30), rounds=300)
    assert noise["spearman"]["low"] < 0 < noise["spearman"]["high"]


def test_kendall_is_what_counting_pairs_gives() -> None:
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])
    assert trust.rank_agreement(a, b, rounds=50)["kendall_tau"]["value"] == pytest.approx(4 / 6)


def test_intervals_narrow_with_more_networks() -> None:
    rng, widths = np.random.default_rng(0), []
    for n in (10, 200):
        a = rng.normal(size=n)
        found = trust.rank_agreement(a, a + rng.normal(size=n), rounds=200)["spearman"]
        assert found["low"] < found["value"] < found["high"]
        widths.append(found["high"] - found["low"])
    assert widths[1] < widths[0] / 2


def test_a_draw_of_one_network_alone_is_left_out() -> None:
    found = trust.rank_agreement(np.array([0.1, 0.2]), np.array([0.3, 0.4]), rounds=400)
    assert 100 < found["rounds"] < 300
    assert list(found["kendall_tau"].values()) == pytest.approx([1.0, 1.0, 1.0])


def test_twins_are_the_same_networks(bench: Benchmark) -> None:
    found = trust.twins(bench.table, "finetuned")
    assert len(found.architecture) == 8
    for i, architecture in enumerate(found.architecture):
        rows = [bench.table.network_row(architecture, t) for t in ("inherited", "finetuned")]
        said = bench.table.predictions("test").correct[rows].mean(axis=1)
        assert [found.inherited[i], found.trained[i]] == said.tolist()
    assert found.trained.mean() > found.inherited.mean()  # so synthetic rows are made


def test_a_recipe_is_held_against_the_one_before_on_the_networks_of_both() -> None:
    gained = trust.over_earlier({"a": 0.9, "b": 0.7, "c": 0.1}, {"b": 0.6, "a": 0.7, "d": 1.0})
    assert gained == pytest.approx({"n": 2, "mean": 0.15, "least": 0.1, "most": 0.2})
    assert trust.over_earlier({"a": 0.9}, {}) == {}
    earlier = json.loads(trust.EARLIER.read_text(encoding="utf-8"))
    assert earlier["recipe"]["images"] == load_recipe(RECIPE.trust["standalone"]).images


def _curve(gain: float, n: int = 4000) -> _equal_latency.Operating:
    """Escalation 0, 1/4 ... 1; right on exactly 60 % of the images, and a gain more."""
    place = np.arange(n) / n
    rates = np.linspace(0, 1, 5)
    right = np.array([place < 0.6 + 0.2 * r + gain for r in rates])
    return _equal_latency.Operating(right, np.array([place < r for r in rates]), 10.0, 40.0)


def test_accuracy_between_thresholds_is_linear() -> None:
    curve = _curve(0.0)
    at = curve.accuracy_at(np.array([10.0, 15.0, 50.0]))
    assert at[0] == pytest.approx([0.6, 0.6 + 0.2 / 8, 0.8])
    weights = _equal_latency.image_weights(4000, 50, 0)
    assert weights.sum(axis=0).tolist() == [4000] * 50
    resampled = curve.accuracy_at(np.array([50.0]), weights)
    assert resampled.shape == (50, 1)
    assert resampled.mean() == pytest.approx(0.8, abs=0.005)


def test_a_known_difference_is_found_and_a_curve_equals_itself() -> None:
    one, other = _curve(0.02), _curve(0.0)
    same = _equal_latency.paired_difference([one], [one], rounds=100)["difference"]
    assert same == {"value": 0.0, "low": 0.0, "high": 0.0}
    found = _equal_latency.paired_difference([one], [other], rounds=300)
    assert found["difference"]["value"] == pytest.approx(0.02, abs=1e-6)
    assert 0.005 < found["difference"]["low"] < 0.02 < found["difference"]["high"] < 0.035
    assert len(found["at"]) == len(_equal_latency.SHARES)
    assert found["at"][0]["latency_ms"] == pytest.approx(10 + 0.05 * 40)


def test_seeds_that_differ_widen_the_interval() -> None:
    one = [_curve(g) for g in (0.0, 0.02, 0.04)]
    other = [_curve(0.0)] * 3
    several = _equal_latency.paired_difference(one, other, rounds=400)["difference"]
    alone = _equal_latency.paired_difference(one[1:2], other[:1], rounds=400)["difference"]
    assert several["value"] == pytest.approx(0.02, abs=1e-4)
    assert several["high"] - several["low"] > 1.5 * (alone["high"] - alone["low"])


def test_thresholds_are_chosen_on_val_and_reported_on_test(bench: Benchmark) -> None:
    pair = bench.table.cotrained()[0]
    found = _equal_latency.operating(bench, pair, DEVICE)
    rates = found.escalated.mean(axis=1)
    assert (rates.min(), rates.max()) == (0.0, 1.0)
    little, big = bench.table.pair_rows(pair)
    alone = bench.table.predictions("test").correct[[little, big]].mean(axis=1)
    ends = found.accuracy_at(np.array([found.little_ms, found.little_ms + found.big_ms]))[0]
    assert ends == pytest.approx(alone)
    curve = bench.curve(pair, "margin", DEVICE)
    assert found.little_ms + found.big_ms == pytest.approx(curve.latency_ms.max())


def test_the_report_names_every_pair_and_what_is_missing(bench: Benchmark, tmp_path: Path) -> None:
    found = trust.report(bench, DEVICE, rounds=50)
    assert found["ranks"]["finetuned"]["n"] == 8
    assert [(c["one"], c["other"]) for c in found["cotraining"]] == list(_equal_latency.COMPARED)
    for comparison in found["cotraining"]:
        assert [p["seeds"] for p in comparison["pairs"]] == [3, 1]
        low, high = comparison["overall"]["low"], comparison["overall"]["high"]
        assert low <= comparison["overall"]["value"] <= high
    write_table(tmp_path / "bare.h5", synthetic_table(), "1", "d")
    bare = trust.report(Benchmark.load(tmp_path / "bare.h5"), DEVICE, rounds=10)
    assert (bare["ranks"], bare["cotraining"]) == ({}, [])


def test_a_pair_that_answers_better_everywhere_is_better(tmp_path: Path) -> None:
    contents = synthetic_table(n_test=2000, n_pairs=1)
    columns = contents.networks
    gated = (columns["training"] == "gated") & (columns["seed"] == 0)
    said = contents.predictions["test"]
    base = (columns["training"] == "independent") & (columns["seed"] == 0)
    wrong = np.flatnonzero(~said.correct[base].any(axis=0))[:50]
    assert len(wrong) == 50
    top1 = said.top1.copy()
    top1[gated] = top1[base]
    codes = {m: c.copy() for m, c in said.codes.items()}
    for split in ("val", "test"):
        for metric, c in contents.predictions[split].codes.items():
            (codes[metric] if split == "test" else c)[gated] = c[base]
    top1[np.ix_(np.flatnonzero(gated), wrong)] = said.labels[wrong]
    contents.predictions["val"].top1[gated] = contents.predictions["val"].top1[base]
    test = Predictions(said.labels, top1, codes)
    changed = dataclasses.replace(
        contents, predictions={"val": contents.predictions["val"], "test": test}
    )
    write_table(tmp_path / "t.h5", changed, "1", "d")
    bench = Benchmark.load(tmp_path / "t.h5")
    little, big = bench.table.cotrained()[0].little, bench.table.cotrained()[0].big
    both = [
        [_equal_latency.operating(bench, Pair(little, big, way, 0), DEVICE)]
        for way in ("gated", "independent")
    ]
    found = _equal_latency.paired_difference(both[0], both[1], rounds=200)["difference"]
    assert found["value"] == pytest.approx(50 / 2000, abs=1e-6)
    assert 0.015 < found["low"] < 0.025 < found["high"] < 0.035
