"""Properties of gates, curves and fronts on random inputs."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from biglittle.bench.gates import N_CODES, get_metric, stored_metrics
from biglittle.bench.pareto import nondominated

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


@settings(max_examples=200)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 40), st.integers(1, 4)),
        elements=st.integers(0, 6).map(float) | st.just(float("nan")),
    )
)
def test_nondominated_is_what_its_definition_says(values):  # type: ignore[no-untyped-def]
    kept = nondominated(values)
    finite = [i for i in range(len(values)) if not np.isnan(values[i]).any()]

    def dominated(i: int) -> bool:
        return any((values[j] <= values[i]).all() and (values[j] < values[i]).any() for j in finite)

    expected = {tuple(values[i]) for i in finite if not dominated(i)}
    assert {tuple(values[i]) for i in kept} == expected
    assert len(kept) == len(expected)
