"""Codes against exact confidences: what a byte costs, and what it does not."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.gates import get_metric, stored_metrics
from biglittle.data_tables.evidence import quantisation


def _network(seed: int, skill: float, labels: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(len(labels), 10))
    logits[np.arange(len(labels)), labels] += skill * rng.random(len(labels))
    odds = np.exp(2 * logits)
    return odds / odds.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 10, 5000).astype(np.uint8)


@pytest.mark.parametrize("metric", stored_metrics())
def test_at_the_tables_thresholds_no_accuracy_moves_by_a_tenth_of_a_point(
    labels: np.ndarray, metric: str
) -> None:
    little, big = _network(1, 3.0, labels), _network(2, 8.0, labels)
    right = [p.argmax(axis=1) == labels for p in (little, big)]
    found = quantisation.curve_errors(metric, little, *right)
    assert found["at_thresholds"] <= 0.001
    assert 0 <= found["between"] < 0.02
    values = get_metric(metric).compute(little)
    ends = quantisation.exact_accuracy(
        values, get_metric(metric).thresholds(10)[[1, -2]], get_metric(metric).confident, *right
    )
    assert ends[0] < ends[1]  # from nearly all little to nearly all big


def test_a_coarser_code_would_be_seen(labels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    little, big = _network(1, 3.0, labels), _network(2, 8.0, labels)
    right = [p.argmax(axis=1) == labels for p in (little, big)]
    metric = get_metric("margin")
    encode = type(metric).encode
    monkeypatch.setattr(type(metric), "encode", lambda *a: encode(*a) // 16 * 16)
    assert quantisation.curve_errors("margin", little, *right)["at_thresholds"] > 0.001


def test_every_ordered_pair_is_looked_at(labels: np.ndarray) -> None:
    said = {str(i): _network(i, 2.0 + i, labels) for i in range(3)}
    found = quantisation.measure(said, labels)
    assert (found["pairs"], found["images"]) == (6, 5000)
    assert set(found["metrics"]) == set(stored_metrics())
    text = quantisation.quantisation_section({"split": "test", **found})
    assert text.count("\n| `") == 3
