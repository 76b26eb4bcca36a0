"""Properties of stored gate metrics: codes, cuts and thresholds on random values."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from biglittle.bench.gates import N_CODES, get_metric, stored_metrics

METRICS = st.sampled_from(stored_metrics())


CLASSES = st.integers(2, 1000)


@given(METRICS, CLASSES, hnp.arrays(np.float64, 20, elements=st.floats(0, 1)))
def test_codes_rise_with_confidence_and_come_back(name, n_classes, shares):  # type: ignore[no-untyped-def]
    metric = get_metric(name)
    values = np.sort(shares) * metric.maximum(n_classes)
    codes = metric.encode(values, n_classes).astype(int)
    rising = np.diff(codes) if metric.confident == "high" else -np.diff(codes)
    assert (rising >= 0).all()
    again = metric.encode(metric.decode(codes, n_classes), n_classes)
    assert np.array_equal(again, codes)


@given(METRICS, CLASSES)
def test_every_cut_has_a_threshold_and_the_ends_are_the_ends(name, n_classes):  # type: ignore[no-untyped-def]
    metric = get_metric(name)
    cuts = metric.cut(metric.thresholds(n_classes), n_classes)
    assert np.array_equal(cuts, np.arange(N_CODES + 1))


@given(METRICS, CLASSES, st.floats(0, 1), st.integers(0, N_CODES - 1))
def test_a_cut_keeps_what_its_threshold_says(name, n_classes, share, code):  # type: ignore[no-untyped-def]
    metric = get_metric(name)
    threshold = share * metric.maximum(n_classes)
    value = float(metric.decode(code, n_classes))
    if abs(value - threshold) < 1e-9:
        return
    sure = value >= threshold if metric.confident == "high" else value <= threshold
    assert (code >= int(metric.cut(threshold, n_classes))) == sure
