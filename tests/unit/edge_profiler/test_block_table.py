"""The correction of sums of blocks by whole networks."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.block_table import fit_correction, whole_networks

RNG = np.random.default_rng(0)
SUMS, PARAMS = RNG.uniform(1, 9, 20), RNG.uniform(1e5, 4e6, 20)


def test_all_three_terms_are_recovered():
    fit = fit_correction(SUMS, PARAMS, 0.4 + 0.8 * SUMS + 0.1 * PARAMS / 1e6)
    assert (fit.constant_ms, fit.factor) == pytest.approx((0.4, 0.8))
    assert fit.per_million_weights_ms == pytest.approx(0.1)
    assert fit.applied(2.0, 3e6) == pytest.approx(1.9)


@pytest.mark.parametrize(
    ("latency_ms", "zero"),
    [
        (SUMS - 0.5, "constant_ms"),
        (0.3 + SUMS - 0.05 * PARAMS / 1e6, "per_million_weights_ms"),
    ],
)
def test_no_term_is_below_zero(latency_ms, zero):
    fit = fit_correction(SUMS, PARAMS, latency_ms)
    assert getattr(fit, zero) == 0.0
    assert min(fit.constant_ms, fit.factor, fit.per_million_weights_ms) >= 0


def test_too_few_networks_are_refused():
    with pytest.raises(ProfileError, match="at least 6"):
        fit_correction(SUMS[:5], PARAMS[:5], SUMS[:5])


def test_networks_reach_small_and_large_ones_and_never_judge_their_own_fit():
    space = get_space("fbnet")
    fitted, held_out = whole_networks(space)
    assert (len(set(fitted)), len(set(held_out))) == (20, 20)
    assert not set(fitted) & set(held_out)
    even = space.macs(space.sample(np.random.default_rng(0), 500), 10)
    for ids in (fitted, held_out):
        macs = space.macs(ids, 10)
        assert macs.min() < np.quantile(even, 0.05)
        assert macs.max() > np.quantile(even, 0.95)
