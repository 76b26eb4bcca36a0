"""Number formats of a training, and how fast it is."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from biglittle.cotrain.precision import Precision, images_per_s  # noqa: E402


def test_a_trial_counts_images() -> None:
    assert images_per_s(lambda: 10, 0.01) > 0
    assert {p.value for p in Precision} == {"fp32", "bf16"}
