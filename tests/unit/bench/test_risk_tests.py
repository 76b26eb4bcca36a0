"""P-values are valid under the hypothesis and small where it is false."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from biglittle.bench.risk_tests import betting_p_value, binomial_p_values


@pytest.mark.parametrize(("n", "risk"), [(1, 0.3), (20, 0.15), (60, 0.9)])
def test_the_binomial_tail_is_that_of_the_formula(n: int, risk: float) -> None:
    tail = np.cumsum([comb(n, k) * risk**k * (1 - risk) ** (n - k) for k in range(n + 1)])
    assert binomial_p_values(np.arange(n + 1), n, risk) == pytest.approx(tail)


def test_the_tail_is_right_for_many_images_and_at_both_ends() -> None:
    n = 50_000
    p = binomial_p_values(np.array([4500, 5000, 5500]), n, 0.1)
    assert p[0] < 1e-12
    assert 0.49 < p[1] < 0.52
    assert p[2] > 1 - 1e-9
    assert binomial_p_values(np.array([0, 9]), 9, 0.0).tolist() == [1.0, 1.0]
    assert binomial_p_values(np.array([0, 9]), 9, 1.0).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("share", [(0.02, 0.03), (0.0, 0.01), (0.3, 0.31), (0.495, 0.505)])
def test_a_true_hypothesis_is_rejected_no_more_often_than_delta(
    share: tuple[float, float],
) -> None:
    """Losses of 1 and -1 with just the mean that is to be ruled out: the hardest true case."""
    delta, repeats, rng = 0.2, 600, np.random.default_rng(0)
    gain, loss = share
    rejected = 0
    for _ in range(repeats):
        losses = rng.choice([-1.0, 0.0, 1.0], 800, p=[gain, 1 - gain - loss, loss])
        rejected += betting_p_value(losses, loss - gain, delta) <= delta
    assert rejected <= delta * repeats + 4 * np.sqrt(delta * (1 - delta) * repeats)


def test_a_false_hypothesis_is_found_out_with_few_images_where_losses_hardly_vary() -> None:
    rng = np.random.default_rng(1)
    losses = rng.choice([-1.0, 0.0, 1.0], 5000, p=[0.01, 0.98, 0.01])
    assert betting_p_value(losses, 0.01, 0.1) < 0.01  # two standard errors are 0.004
    assert betting_p_value(losses, -0.01, 0.1) > 0.1
    assert betting_p_value(np.zeros(2000), 0.01, 0.1) < 0.01
    assert betting_p_value(np.ones(50), 0.5, 0.1) == 1.0
