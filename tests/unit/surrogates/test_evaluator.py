import numpy as np
import pytest

from biglittle.bench import Candidates, DeviceProfile
from biglittle.bench.errors import DeviceError, SurrogateError
from biglittle.bench.evaluator import SweepingEvaluator
from biglittle.bench.gates import get_metric
from biglittle.edge_profiler.anchors import anchor_networks
from biglittle.surrogates import SurrogateEvaluator


def profile(space, **changes):
    facts = {
        "name": "toy-board",
        "description": "a toy",
        "space": space.name,
        "space_hash": space.hash,
        "n_classes": 10,
        "runtime": "none",
        "source": "none",
        "gate_ms": 0.5,
        "load_power_mw": 2000.0,
    }
    return DeviceProfile(**(facts | changes))


@pytest.fixture
def blocks(surrogate):
    shape = (surrogate.space.n_layers, len(surrogate.space.choices))
    return np.random.default_rng(0).random(shape)


@pytest.fixture
def asked(surrogate):
    rng = np.random.default_rng(1)
    little, big = (surrogate.space.sample(rng, 25, surrogate.choices) for _ in range(2))
    return Candidates(little, big, rng.integers(0, 3, 25), rng.integers(0, 257, 25))


def test_figures_equal_a_computation_by_hand(surrogate, blocks, asked):
    space = surrogate.space
    points = SurrogateEvaluator(surrogate, profile(space, block_ms=blocks)).evaluate(asked)
    accuracy, rate = surrogate.predict(asked)
    for i in range(25):
        t_l, t_b = (
            sum(blocks[layer, c] for layer, c in enumerate(g[i])) for g in (asked.little, asked.big)
        )
        point = points[i]
        assert (point.accuracy, point.escalation_rate) == (accuracy[i], rate[i])
        assert point.latency_ms == pytest.approx(t_l + 0.5 + rate[i] * t_b)
        p95 = t_l + 0.5 + (t_b if rate[i] > 0.05 else 0)
        assert point.latency_p95_ms == pytest.approx(p95)
        assert point.energy_mj == pytest.approx(2 * (t_l + rate[i] * t_b))
        macs = [space.macs(g[i : i + 1], 10)[0] for g in (asked.little, asked.big)]
        assert point.macs == pytest.approx(macs[0] + rate[i] * macs[1])
        assert [point.little, point.big] == [
            space.format(g[i])[0] for g in (asked.little, asked.big)
        ]
        gate = surrogate.gates[asked.gate[i]]
        assert point.gate == gate
        assert point.threshold == get_metric(gate).thresholds(10)[asked.cut[i]]
    assert points.provenance["accuracy"] == points.provenance["escalation_rate"] == "predicted"
    assert points.provenance["latency_ms"] == "block-sum"


def test_caution_and_the_penalty_take_from_accuracy_alone(surrogate, blocks, asked):
    board = profile(surrogate.space, block_ms=blocks)
    plain = SurrogateEvaluator(surrogate, board).evaluate(asked)
    wary = SurrogateEvaluator(surrogate, board, caution=2.0).evaluate(asked)
    std = [surrogate.network_std(g) for g in (asked.little, asked.big)]
    rate = plain.escalation_rate
    expected = np.clip(plain.accuracy - 2 * ((1 - rate) * std[0] + rate * std[1]), 0, 1)
    np.testing.assert_allclose(wary.accuracy, expected, atol=1e-5)
    np.testing.assert_array_equal(wary.latency_ms, plain.latency_ms)
    strict = SurrogateEvaluator(surrogate, board, outside_penalty=0.5)
    outside = surrogate.outside(asked.little)
    taken = strict.networks(asked.little).accuracy - surrogate.accuracy(asked.little)
    assert (taken[~outside] == 0).all()
    assert (taken[outside] < -0.1).all()
    with pytest.raises(SurrogateError, match="outside_penalty"):
        SurrogateEvaluator(surrogate, board, outside_penalty=2.0)


def test_points_of_a_search_get_their_intervals(calibrated_surrogate, blocks, asked):
    judge = SurrogateEvaluator(
        calibrated_surrogate, profile(calibrated_surrogate.space, block_ms=blocks)
    )
    found = judge.intervals(judge.evaluate(asked))
    expected = calibrated_surrogate.predict_points(asked)
    np.testing.assert_allclose(found.low, expected.low, atol=1e-9)
    np.testing.assert_allclose(found.accuracy, expected.accuracy, atol=1e-9)
    np.testing.assert_array_equal(found.outside, expected.outside)


def test_a_sweep_is_what_evaluating_point_by_point_says(surrogate, blocks, asked):
    judge = SurrogateEvaluator(surrogate, profile(surrogate.space, block_ms=blocks))
    assert isinstance(judge, SweepingEvaluator)
    swept = judge.sweep(asked.little, asked.big)
    again = Candidates(asked.little[swept.owner], asked.big[swept.owner], swept.gate, swept.cut)
    points = judge.evaluate(again)
    for name, values in swept.figures.items():
        np.testing.assert_allclose(values, getattr(points, name), atol=1e-5, err_msg=name)
    assert swept.provenance == points.provenance
    assert swept.split is None
    assert (np.diff(swept.owner) >= 0).all()
    assert set(swept.owner.tolist()) == set(range(len(asked)))
    first = np.searchsorted(swept.owner, np.arange(len(asked)))
    assert (swept.cut[first] == 0).all()
    assert ((swept.cut == 0).sum(), (swept.gate[swept.cut == 0] != 0).any()) == (len(asked), False)
    for pair in range(len(asked)):
        for gate in range(3):
            rows = (swept.owner == pair) & (swept.gate == gate)
            accuracy, rate = (swept.figures[n][rows] for n in ("accuracy", "escalation_rate"))
            assert (np.diff(swept.cut[rows]) > 0).all()
            assert (np.diff(accuracy) > 0).all()
            assert (np.diff(rate) > 0).all()


def test_a_sweep_misses_little_of_what_all_cuts_hold(surrogate, blocks, asked):
    judge = SurrogateEvaluator(surrogate, profile(surrogate.space, block_ms=blocks))
    every = np.stack(np.meshgrid(np.arange(3), np.arange(257), indexing="ij"), -1).reshape(-1, 2)
    for pair in range(5):
        one = slice(pair, pair + 1)
        swept = judge.sweep(asked.little[one], asked.big[one]).figures
        both = (np.repeat(g[one], len(every), axis=0) for g in (asked.little, asked.big))
        whole = judge.evaluate(Candidates(*both, every[:, 0], every[:, 1]))
        for cost in ("latency_ms", "latency_p95_ms"):
            limit = getattr(whole, cost)
            # what is best within any limit, against what the sweep has within a hundredth more
            for at in np.quantile(limit, [0.1, 0.3, 0.5, 0.7, 1.0]):
                reached = whole.accuracy[limit <= at].max()
                assert swept["accuracy"][swept[cost] <= at].max() > reached - 0.02
        assert swept["accuracy"].max() == pytest.approx(whole.accuracy.max(), abs=2e-3)


def test_sweeps_in_parts_are_the_whole_one_and_caution_reaches_them(
    surrogate, blocks, asked, monkeypatch
):
    board = profile(surrogate.space, block_ms=blocks)
    judge = SurrogateEvaluator(surrogate, board, caution=1.5, outside_penalty=0.1)
    whole = judge.sweep(asked.little, asked.big)
    monkeypatch.setattr("biglittle.surrogates.evaluator.SWEPT", 7)
    parts = judge.sweep(asked.little, asked.big)
    np.testing.assert_array_equal(parts.owner, whole.owner)
    np.testing.assert_array_equal(parts.cut, whole.cut)
    again = Candidates(asked.little[whole.owner], asked.big[whole.owner], whole.gate, whole.cut)
    points = judge.evaluate(again)
    np.testing.assert_allclose(whole.figures["accuracy"], points.accuracy, atol=1e-5)
    with pytest.raises(SurrogateError, match="expects"):
        judge.sweep(asked.little[:, :6], asked.big[:, :6])


def test_networks_carry_their_provenance(surrogate, blocks, asked):
    figures = SurrogateEvaluator(surrogate, profile(surrogate.space, block_ms=blocks)).networks(
        asked.little
    )
    assert figures.provenance == "predicted"
    assert figures.costs.provenance["latency_ms"] == "block-sum"
    assert figures.accuracy.shape == figures.costs.latency_ms.shape == (25,)


def measured(space, n):
    """Latencies that are a sum over operators, of the n most telling networks."""
    ids = anchor_networks(space, n)
    ms = space.macs(space.parse(ids), 10) / 1e7 + 1.0
    return dict(zip(ids, ms.tolist(), strict=True))


def test_ten_measured_networks_are_enough_to_search_with(surrogate, asked):
    pytest.importorskip("scipy")
    listed = measured(surrogate.space, 10)
    judge = SurrogateEvaluator(surrogate, profile(surrogate.space, measured_ms=listed))
    points = judge.evaluate(asked)
    assert points.provenance["latency_ms"] == "predicted"
    truth = surrogate.space.macs(asked.little, 10) / 1e7 + 1.0
    np.testing.assert_allclose(judge.costs(asked.little).latency_ms, truth, rtol=0.1)
    known = surrogate.space.parse(list(listed))
    assert judge.costs(known).latency_ms.tolist() == list(listed.values())
    assert judge.costs(known).provenance["latency_ms"] == "predicted"  # whoever is asked about


def test_too_few_measured_networks_are_refused_with_what_to_do(surrogate):
    with pytest.raises(DeviceError, match=r"lists 1 networks.*anchors:10"):
        SurrogateEvaluator(surrogate, profile(surrogate.space, measured_ms={"8" * 22: 1.0}))


def test_a_profile_of_another_space_is_refused(surrogate, blocks):
    with pytest.raises(SurrogateError, match="is of space"):
        SurrogateEvaluator(surrogate, profile(surrogate.space, block_ms=blocks, space_hash="0"))


def test_a_device_is_a_profile_a_name_or_a_path_and_nothing_else(surrogate, monkeypatch):
    device = profile(surrogate.space, block_ms=np.ones((surrogate.space.n_layers, 9)))
    monkeypatch.setattr("biglittle.surrogates.evaluator.load_device", {"toy-board": device}.get)
    assert SurrogateEvaluator(surrogate, "toy-board").profile is device
    for arguments in ((surrogate, 3), (device, surrogate), ("folder", device)):
        with pytest.raises(SurrogateError, match=r"of type .*; pass a (device|surrogate)"):
            SurrogateEvaluator(*arguments)
