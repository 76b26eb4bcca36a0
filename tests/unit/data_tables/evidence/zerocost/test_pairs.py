"""Proxies of pairs, told with their best combination."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from biglittle.data_tables.evidence.zerocost import (  # noqa: E402
    _pairs,
    report,
)


def test_pairs_of_a_perfect_proxy() -> None:
    rng = np.random.default_rng(0)
    accuracy = rng.random(40)
    little, big = rng.integers(0, 40, (2, 300))
    found = _pairs.pair_agreement([accuracy], little, big, accuracy[big], 0.5)
    assert found["big"]["spearman"] == pytest.approx(1)
    assert found["big"]["standard_error"] == pytest.approx(0, abs=1e-9)
    assert abs(found["little"]["spearman"]) < 0.3


def test_pairs_are_told_with_the_best_combination_of_each_proxy() -> None:
    def row(**values: float) -> dict[str, dict[str, float]]:
        return {n: {"spearman": v, "standard_error": 0.01} for n, v in values.items()}

    found = {
        "macs": row(little=0.1, big=0.5),
        "params": row(little=0.2, big=0.1),
        "good": row(little=0.9, big=float("nan")),
    }
    document = {"n_pairs": 5, "n_networks": 3, "targets": {"accuracy at 0.5": found}}
    told = "\n".join(report._pair_lines(document))
    assert "| accuracy at 0.5 | 0.500 (big) | 0.200 (little) | `good` 0.900 (little) |" in told
    assert "| `good` | 0.900 ± 0.010 | - ± 0.010 |" in told
