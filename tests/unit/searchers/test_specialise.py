"""Specialisation of a supernet: the few best pairs, and the one that is chosen on val."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.device_profile import DeviceProfile
from biglittle.bench.errors import BigLittleError, ConstraintError, UnknownNameError
from biglittle.bench.evaluator import SweepingEvaluator
from biglittle.searchers import (
    EvaluationLog,
    SearchOutcome,
)
from biglittle.searchers.evaluators.live import LiveEvaluator
from biglittle.searchers.given_pairs import judged
from biglittle.searchers.log import LoggedBatch
from biglittle.searchers.specialise import (
    SpecialiseSettings,
    best_pairs,
    evolve,
    specialise,
)

SPACE = get_space("fbnet")
LABELS = np.arange(40, dtype=np.uint8) % 10


def test_the_few_best_are_within_the_limits_best_first_and_apart(
    live: Callable[..., LiveEvaluator],
) -> None:
    settings = SpecialiseSettings({"latency_ms": 70.0}, budget=300, few=5, apart=6)
    predictor = live()
    outcome = evolve(predictor, settings)
    best_few = best_pairs(outcome, predictor, settings.few, settings.apart)
    assert len(best_few) == 5
    assert outcome.best is not None
    assert best_few[0][0] == outcome.best.accuracy[0]
    accuracy = [a for a, _ in best_few]
    assert accuracy == sorted(accuracy, reverse=True)
    genomes = [SPACE.parse([p.little, p.big]) for _, p in best_few]
    for i, one in enumerate(genomes):
        assert all((one != other).sum() >= 6 for other in genomes[:i])
    for worth, pair in best_few:
        best = judged(predictor, [pair], settings.limits).best
        assert best is not None
        assert best.accuracy[0] == worth


@pytest.mark.parametrize(("rate", "n"), [(0.001, 2), (0.5, 3)])
def test_another_big_network_that_hardly_answers_makes_no_other_pair(
    rate: float, n: int, live: Callable[..., LiveEvaluator]
) -> None:
    genes = np.zeros((3, 46), np.int64)
    genes[1, 22:44] = 1  # another big
    genes[2, :22] = 1  # another little
    figures = {"accuracy": np.array([0.9, 0.89, 0.8]), "escalation_rate": np.full(3, rate)}
    nothing = np.zeros(3, np.int64)
    batch = LoggedBatch(genes, 3.0, 1.0, 0.0, np.arange(3), nothing, nothing, figures)
    outcome = SimpleNamespace(
        log=EvaluationLog({}, [batch]), settings=SimpleNamespace(limits={"error": 0.5})
    )
    best_few = best_pairs(cast(SearchOutcome, outcome), live(), few=3, apart=2)
    assert [worth for worth, _ in best_few] == [0.9, 0.89, 0.8][:: 1 if n == 3 else 2]


def test_what_was_promised_too_much_is_not_chosen(live: Callable[..., LiveEvaluator]) -> None:
    settings = SpecialiseSettings({"latency_ms": 70.0}, budget=300, few=6, apart=2)
    best, considered = specialise(live(), live(penalty=9), settings)
    values = [c.val.accuracy for c in considered if c.val is not None]
    assert best.accuracy == max(values)
    assert best.latency_ms is not None
    assert best.latency_ms <= 70.0
    promised = [c.predicted.accuracy for c in considered if c.predicted is not None]
    assert promised[0] >= promised[-1]
    assert len(promised) == len(considered)
    again, _ = specialise(live(), live(penalty=9), settings)
    assert again == best


def test_exits_are_searched_where_prefix_is_asked_for(live: Callable[..., LiveEvaluator]) -> None:
    exits = ("8", "12")
    settings = SpecialiseSettings({"latency_ms": 70.0}, 300, 3, couplings=("prefix",))
    best, considered = specialise(live(exits=exits), live(penalty=9, exits=exits), settings)
    assert best.coupling == "prefix"
    for one in considered:
        little, _, cut = one.pair.little.partition("@")
        assert (little, cut in exits) == (one.pair.big.partition("@")[0], True)
        assert one.predicted is not None
    whole = SpecialiseSettings({"latency_ms": 70.0}, 300, 3)
    _, considered = specialise(live(exits=exits), live(exits=exits), whole)
    assert not [c for c in considered if "@" in c.pair.little + c.pair.big]
    # A predictor of whole networks: their exits are run.
    best, considered = specialise(live(), live(exits=exits), settings)
    assert best.coupling == "prefix"
    assert {c.pair.little for c in considered} >= {f"{best.big}@8", f"{best.big}@12"}
    assert all(c.predicted is None for c in considered)
    with pytest.raises(ConstraintError, match="train the heads: biglittle table build"):
        specialise(live(exits=exits), live(), settings)
    with pytest.raises(ConstraintError, match="knows exits 12, for which"):
        specialise(live(exits=exits), live(exits=("8",)), settings)
    with pytest.raises(UnknownNameError, match="Did you mean 'prefix'"):
        SpecialiseSettings({"latency_ms": 70.0}, couplings=("prefixed",))


def test_bad_settings_and_a_predictor_of_other_weights(live: Callable[..., LiveEvaluator]) -> None:
    for given in ({"few": 0}, {"few": 9, "budget": 8}, {"apart": 0}):
        with pytest.raises(ConstraintError, match="expected at least"):
            SpecialiseSettings({"latency_ms": 20.0}, **given)
    with pytest.raises(BigLittleError, match="latency_ms"):
        SpecialiseSettings({"latency": 20.0})
    settings = SpecialiseSettings({"latency_ms": 70.0}, budget=40, few=1)
    with pytest.raises(ConstraintError, match="predictor of these weights"):
        specialise(live(choices=("k3_e1", "k5_e1", "skip")), live(), settings)
    with pytest.raises(ConstraintError, match="best reachable"):
        specialise(live(), live(), SpecialiseSettings({"latency_ms": 1.0}, budget=40, few=1))


def test_a_predictor_is_fitted_on_what_networks_answered(
    live: Callable[..., LiveEvaluator], made_up_device: Callable[..., DeviceProfile]
) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("sklearn")
    from biglittle.searchers.specialise import sampled_predictor

    judge = live()
    predictor = sampled_predictor(judge, LABELS, made_up_device(), 10, samples=40)
    ids = ["0" * 22, "80" * 11, "8" * 22]
    genomes = SPACE.parse(ids)
    predicted, true = predictor.networks(genomes), judge.networks(genomes)
    assert predicted.provenance == "predicted"
    assert isinstance(predictor, SweepingEvaluator)  # so that no grid of cuts stands in for curves
    assert (np.diff(predicted.accuracy) < 0).all()  # it ranks them
    assert np.abs(predicted.accuracy - true.accuracy).max() < 0.15
    assert np.array_equal(predicted.costs.latency_ms, true.costs.latency_ms)
