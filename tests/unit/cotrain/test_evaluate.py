"""Thresholds chosen by hand-countable answers, and against a plain loop."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench import NetworkCosts  # noqa: E402
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.gates import get_metric, stored_metrics  # noqa: E402
from biglittle.bench.networks import build_network  # noqa: E402
from biglittle.cotrain.evaluate import (  # noqa: E402
    PairAnswers,
    best_threshold,
    logits_of,
    operating_point,
    probabilities,
)

IDS = ("8" * 22, "0" * 22)


def _costs(word: str = "measured") -> NetworkCosts:
    return NetworkCosts(
        latency_ms=np.array([2.0, 10.0]),
        energy_mj=np.array([1.0, np.nan]),
        macs=np.array([1e6, 1e7]),
        params=np.array([2e5, 1e6]),
        weights_mib=np.array([1.0, 4.0]),
        activation_mib=np.array([0.5, 0.25]),
        gate_ms=0.5,
        provenance={"latency_ms": word, "energy_mj": "modelled"},
    )


def _answers(n: int = 300, seed: int = 0) -> PairAnswers:
    """A big network that is right more often, and a little one that knows when it is."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n).astype(np.uint8)
    one_hot = np.eye(10)[labels]
    little = (rng.exponential(2.0, (n, 1)) * one_hot + rng.standard_normal((n, 10))).astype("f4")
    big = (5.0 * one_hot + rng.standard_normal((n, 10))).astype("f4")
    return PairAnswers(little, big, labels)


@pytest.mark.parametrize("name", stored_metrics())
@pytest.mark.parametrize("limit", [2.5, 4.0, 8.0, 100.0])
def test_the_threshold_is_the_best_of_all_that_are_fast_enough(name: str, limit: float) -> None:
    answers, metric, costs = _answers(), get_metric(name), _costs()
    points = [
        operating_point(answers, IDS, metric, t, costs) for t in metric.thresholds(n_classes=10)
    ]
    allowed = [p for p in points if p.latency_ms <= limit + 1e-9]
    best = max(allowed, key=lambda p: (p.accuracy, -p.escalation_rate))
    chosen = operating_point(
        answers, IDS, metric, best_threshold(answers, metric, costs, limit), costs
    )
    assert chosen.accuracy == best.accuracy
    assert chosen.escalation_rate == best.escalation_rate
    assert chosen.latency_ms <= limit + 1e-9


@pytest.mark.parametrize("name", stored_metrics())
def test_where_nothing_is_fast_enough_little_answers_all(name: str) -> None:
    answers, metric = _answers(), get_metric(name)
    threshold = best_threshold(answers, metric, _costs(), 1.0)
    assert not answers.escalated(metric, threshold).any()


def test_figures_and_words_of_a_point() -> None:
    answers, metric = _answers(), get_metric("margin")
    everything = operating_point(answers, IDS, metric, 1.0, _costs())
    assert everything.escalation_rate == pytest.approx(1.0)
    assert everything.accuracy == answers.big_right.mean()
    assert everything.latency_ms == pytest.approx(12.5)
    assert everything.energy_mj is None
    nothing = operating_point(answers, IDS, metric, 0.0, _costs())
    assert nothing.accuracy == answers.little_right.mean()
    assert nothing.latency_ms == pytest.approx(2.5)
    # A mean over two measured networks is computed: it may not pass for measured.
    assert nothing.provenance["latency_ms"] == "modelled"
    assert nothing.provenance["accuracy"] == "measured"
    summed = operating_point(answers, IDS, metric, 0.0, _costs("block-sum"))
    assert summed.provenance["latency_ms"] == "block-sum"


def test_a_confidence_that_is_no_number_escalates() -> None:
    answers = _answers(4)
    broken = answers.little.copy()
    broken[1] = np.nan
    answers = dataclasses.replace(answers, little=broken)
    assert answers.escalated(get_metric("max_prob"), 0.0).tolist() == [False, True, False, False]


def test_logits_do_not_depend_on_how_images_are_grouped(
    digits: Dataset, digit_splits: dict[str, Images]
) -> None:
    network = build_network(IDS[0], 10, seed=0).eval()
    images = digit_splits["val"].subset(np.arange(70))
    whole = logits_of(network, images, digits)
    one = np.concatenate(
        [logits_of(network, images.subset(np.array([i])), digits) for i in range(70)]
    )
    np.testing.assert_allclose(whole, one, rtol=1e-4, atol=1e-4)
    assert probabilities(whole).sum(axis=1) == pytest.approx(1.0)
