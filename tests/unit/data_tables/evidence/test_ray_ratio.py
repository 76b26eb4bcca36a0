"""What is said of Ray and the pool, and which images their jobs see."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench.datasets import Images
from biglittle.data_tables.building.plan import Plan
from biglittle.data_tables.evidence.ray_ratio import N_TEST, N_VAL, FewImages, ratio_text


def test_the_sentence_has_the_median_and_the_extremes() -> None:
    text = ratio_text(
        {
            "networks": 50, "images": 500, "workers": 2, "turns": 3, "ratio": 1.1,
            "seconds": {"local": [100.0, 101.0, 99.0], "ray": [110.0, 120.0, 90.0]},
            "ratios": [1.1, 1.2, 0.9], "load": 3.0, "priority": -5, "ray": "2.60.0",
            "conditions": {"cores": 2, "cpu": "a-cpu", "python": "3.11", "numpy": "2"},
        }
    )  # fmt: skip
    assert "take 100 s with `--workers 2` and 110 s with `--on ray`" in text
    assert "1.10 times as long (median of 3 turns, 0.90 to 1.20)" in text
    assert "load 3.0 before, at a raised priority" in text


def test_jobs_see_the_first_images_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"train": 900, "val": 500, "test": 700}
    splits = {
        name: Images(np.zeros((n, 4, 4, 3), np.uint8), np.arange(n) % 10)
        for name, n in sizes.items()
    }
    monkeypatch.setattr(Plan, "images", lambda self: splits)
    few = FewImages.images(FewImages.__new__(FewImages))
    sizes_now = {name: (len(split.images), len(split.labels)) for name, split in few.items()}
    assert sizes_now == {"train": (900, 900), "val": (N_VAL, N_VAL), "test": (N_TEST, N_TEST)}
