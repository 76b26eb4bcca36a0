"""A controller is pulled towards what is rewarded."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.searchers.algorithms.reinforce import Controller


def test_what_is_rewarded_becomes_likely() -> None:
    controller, rng = Controller([np.eye(3), np.eye(2)]), np.random.default_rng(0)
    for _ in range(200):
        rows = controller.draw(rng, 16, 3)
        controller.learn(rows, (rows[:, 0] == 2).astype(float))
    chances = controller.chances()
    assert all(c.sum() == pytest.approx(1.0) for c in chances)
    assert chances[0].argmax() == 2
    assert chances[0][2] > 0.8
    assert (controller.draw(rng, 16, 3)[:, 2] == 0).all()  # a gene it does not know
