"""Promises are counted as kept by the images that judge, and by nothing else."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench import Guarantee
from biglittle.data_tables.evidence.guarantee import Images, Tally


def _images(n: int, seed: int) -> Images:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, n).astype(np.uint8)
    return Images(codes, rng.random(n) < 0.5 + codes / 520, rng.random(n) < 0.9)


def test_accuracy_at_every_cut_is_that_of_the_pair() -> None:
    images = _images(500, 0)
    for cut in (0, 1, 100, 256):
        pair = np.where(images.codes < cut, images.big, images.little)
        assert images.accuracy[cut] == pytest.approx(pair.mean())
    assert images.escalated(256) == 1.0


def test_kept_is_what_the_judging_images_say() -> None:
    images = _images(500, 1)
    big = float(images.big.mean())
    for cut in (50, 150, 256):
        lost = big - images.accuracy[cut]
        assert images.kept(Guarantee("loss", 0.01), cut) == (lost <= 0.01 + 1e-12)
        assert images.kept(Guarantee("accuracy", 0.85), cut) == (images.accuracy[cut] >= 0.85)
    best = images.looks_best(Guarantee("loss", 0.01))
    assert images.kept(Guarantee("loss", 0.01), best)
    assert best == 0 or not images.kept(Guarantee("loss", 0.01), best - 1)


def test_a_promise_that_cannot_be_given_is_asked_and_not_counted() -> None:
    tally, judge = Tally(), _images(4000, 2)
    tally.add(Guarantee("accuracy", 0.999), _images(300, 3), judge)
    tally.add(Guarantee("loss", 0.03), _images(3000, 4), judge)
    record = tally.record()
    assert (record["asked"], record["promised"]) == (2, 1)
    assert record["kept"] in (0, 1)
    assert record["escalated"] >= record["escalated_plain"] - 0.1
    assert Tally().record()["escalated"] is None
