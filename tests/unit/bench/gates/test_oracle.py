"""The bound: who is right decides."""

from __future__ import annotations

import numpy as np

from biglittle.bench.gates import (
    pair_codes,
)


def test_oracle_knows_who_is_right() -> None:
    little, big = np.array([0, 0, 1, 1], bool), np.array([0, 1, 0, 1], bool)
    assert pair_codes("oracle", little, big).tolist() == [128, 0, 255, 128]
    assert pair_codes("oracle", little[:, None], big[None]).shape == (4, 4)
