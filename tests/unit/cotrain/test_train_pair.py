"""Networks and pairs: equal budgets bit for bit, exact resumption, failures that lose nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.datasets import Images  # noqa: E402
from biglittle.bench.errors import (  # noqa: E402
    CheckpointError,
    TrainingError,
    UnknownNameError,
)
from biglittle.bench.networks import build_network, weights_hash  # noqa: E402
from biglittle.cotrain import train_loop  # noqa: E402
from biglittle.cotrain.methods import METHODS  # noqa: E402
from biglittle.cotrain.train_loop import TrainingRun  # noqa: E402
from biglittle.cotrain.train_network import train_network  # noqa: E402
from biglittle.cotrain.train_pair import train_littles  # noqa: E402

LITTLE, BIG = "8" * 22, "0" + "8" * 20 + "0"
Splits = dict[str, Images]


def test_independent_networks_are_those_trained_alone(
    six_steps, pair, tmp_path: Path, few_digits: Splits
) -> None:
    networks = pair(few_digits, tmp_path / "pair")
    for architecture, network in zip((LITTLE, BIG), networks, strict=True):
        alone = train_network(architecture, six_steps, few_digits, tmp_path / architecture, None, 3)
        assert weights_hash(alone) == weights_hash(network)
        assert not network.training


def test_all_methods_see_the_same_batches_and_start_alike(
    six_steps, pair, tmp_path: Path, few_digits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[tuple[torch.Tensor, ...]]] = {}
    drawn = TrainingRun.batch

    def batch(run: TrainingRun, step: int):  # type: ignore[no-untyped-def]
        x, y = drawn(run, step)
        seen.setdefault(run.identity["method"], []).append((x, y))
        return x, y

    monkeypatch.setattr(TrainingRun, "batch", batch)
    begun = []
    build = train_loop.train_learners
    monkeypatch.setattr(
        "biglittle.cotrain.train_pair.train_learners",
        lambda run, learners, *rest: (
            begun.append([weights_hash(x.network) for x in learners]),
            build(run, learners, *rest),
        ),
    )
    results = {m: pair(few_digits, tmp_path / m, m) for m in METHODS.names()}
    assert all(start == begun[0] for start in begun)
    first = seen["independent"]
    assert len(first) == six_steps.n_steps
    for batches in seen.values():
        assert len(batches) == len(first)
        for one, other in zip(first, batches, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    hashes = {m: tuple(weights_hash(n) for n in networks) for m, networks in results.items()}
    assert hashes.pop("joint") == hashes["independent"]  # a sum of losses of what shares nothing
    assert len({h[0] for h in hashes.values()}) == len(hashes)  # every other little differs
    assert hashes["distilled"][1] == hashes["independent"][1]  # the teacher learns from labels
    assert hashes["gated"][1] != hashes["independent"][1]


@pytest.mark.usefixtures("every_step")
def test_littles_that_share_a_big_network_are_those_trained_one_by_one(
    six_steps, pair, killed, kill_at, tmp_path: Path, few_digits: Splits
) -> None:
    methods = ["independent", "distilled"]
    arguments = {"splits": few_digits, "folder": tmp_path / "both", "starts": None, "seed": 3}
    with pytest.raises(killed):
        train_littles(LITTLE, BIG, methods, six_steps, **arguments, on_progress=kill_at(3))
    told: list[dict[str, float]] = []
    both = train_littles(
        LITTLE, BIG, methods, six_steps, **arguments, on_progress=lambda p: told.append(p.loss)
    )
    assert set(told[0]) == {"little independent", "little distilled", "big"}
    for method in methods:
        alone = pair(few_digits, tmp_path / method, method)
        assert [weights_hash(n) for n in both[method]] == [weights_hash(n) for n in alone]


@pytest.mark.parametrize("methods", [[], ["independent", "gated"], ["distilled", "distilled"]])
def test_a_big_network_of_its_own_is_not_shared(
    six_steps, tmp_path: Path, few_digits: Splits, methods: list[str]
) -> None:
    with pytest.raises(TrainingError, match="cannot share one big network"):
        train_littles(LITTLE, BIG, methods, six_steps, few_digits, tmp_path, None, 3)


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("method", METHODS.names())
def test_a_killed_pair_resumes_bit_for_bit(
    pair, killed, kill_at, tmp_path: Path, few_digits: Splits, method: str
) -> None:
    whole = pair(few_digits, tmp_path / "whole", method)
    for step in (2, 5):
        with pytest.raises(killed):
            pair(few_digits, tmp_path / "cut", method, on_progress=kill_at(step))
    told: list[int] = []
    resumed = pair(few_digits, tmp_path / "cut", method, on_progress=lambda p: told.append(p.step))
    assert told == [6]
    assert [weights_hash(n) for n in whole] == [weights_hash(n) for n in resumed]
    again = pair(few_digits, tmp_path / "cut", method, on_progress=kill_at(6))  # nothing left
    assert [weights_hash(n) for n in whole] == [weights_hash(n) for n in again]


def test_another_run_is_refused(pair, tmp_path: Path, few_digits: Splits) -> None:
    pair(few_digits, tmp_path)
    with pytest.raises(CheckpointError, match="its seed is 3, expected 4"):
        pair(few_digits, tmp_path, seed=4)
    with pytest.raises(CheckpointError, match="its method is 'independent', expected 'joint'"):
        pair(few_digits, tmp_path, "joint")
    starts = build_network(LITTLE, 10), build_network(BIG, 10)
    with pytest.raises(CheckpointError, match="its starts is"):
        pair(few_digits, tmp_path, starts=starts)


def test_unknown_method(pair, tmp_path: Path, few_digits: Splits) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'joint'"):
        pair(few_digits, tmp_path, "jont")
