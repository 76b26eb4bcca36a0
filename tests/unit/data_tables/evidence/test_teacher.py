"""What the kept teacher is worth."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.data_tables.evidence import teacher


def test_accuracy_has_the_interval_of_a_binomial() -> None:
    labels = np.arange(200) % 10
    logits = np.eye(10)[labels]
    logits[:20] = np.roll(logits[:20], 1, axis=1)  # wrong on 20 of 200
    figures = teacher.accuracy(logits, labels)
    assert figures["accuracy"] == 0.9
    assert (figures["low"], figures["high"]) == pytest.approx((0.8498, 0.9379), abs=5e-4)
    assert teacher.accuracy(np.eye(10), np.arange(10))["high"] == 1.0
