"""Networks and pairs: equal budgets bit for bit, exact resumption, failures that lose nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.errors import (  # noqa: E402
    ArchitectureError,
    CheckpointError,
    TrainingError,
    UnknownNameError,
)
from biglittle.bench.networks import build_network, weights_hash  # noqa: E402
from biglittle.cotrain import train_loop  # noqa: E402
from biglittle.cotrain.methods import METHODS  # noqa: E402
from biglittle.cotrain.recalibrate import calibrated  # noqa: E402
from biglittle.cotrain.recipe import Recipe  # noqa: E402
from biglittle.cotrain.train_loop import TrainingRun, TrainProgress  # noqa: E402
from biglittle.cotrain.train_network import train_network  # noqa: E402
from biglittle.cotrain.train_pair import train_littles, train_pair  # noqa: E402

LITTLE, BIG = "8" * 22, "0" + "8" * 20 + "0"
RECIPE = Recipe(
    space="fbnet",
    dataset="digits",
    images=96,  # 6 steps: two epochs of 4, the second cut short
    batch=16,
    peak_lr=0.05,
    end_lr=0.0,
    warmup_share=0.2,
    momentum=0.9,
    weight_decay=5e-4,
    label_smoothing=0.1,
    clip_norm=5.0,
    resolutions=((8, 0.5), (16, 0.5)),
    ema_decay=0.9,
)
Splits = dict[str, Images]


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def _kill_at(step: int):  # type: ignore[no-untyped-def]
    def told(progress: TrainProgress) -> None:
        if progress.step == step:
            raise Killed

    return told


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_loop, "CHECKPOINT_S", 0.0)
    monkeypatch.setattr(train_loop, "LOG_STEPS", 1)


def _pair(splits: Splits, folder: Path, method: str = "independent", **other):  # type: ignore[no-untyped-def]
    arguments = {"recipe": RECIPE, "starts": None, "seed": 3, **other}
    return train_pair(LITTLE, BIG, method, splits=splits, folder=folder, **arguments)


def test_independent_networks_are_those_trained_alone(tmp_path: Path, few_digits: Splits) -> None:
    pair = _pair(few_digits, tmp_path / "pair")
    for architecture, network in zip((LITTLE, BIG), pair, strict=True):
        alone = train_network(architecture, RECIPE, few_digits, tmp_path / architecture, None, 3)
        assert weights_hash(alone) == weights_hash(network)
        assert not network.training


def test_all_methods_see_the_same_batches_and_start_alike(
    tmp_path: Path, few_digits: Splits, monkeypatch: pytest.MonkeyPatch
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
    results = {m: _pair(few_digits, tmp_path / m, m) for m in METHODS.names()}
    assert all(start == begun[0] for start in begun)
    first = seen["independent"]
    assert len(first) == RECIPE.n_steps
    for batches in seen.values():
        assert len(batches) == len(first)
        for one, other in zip(first, batches, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    hashes = {m: tuple(weights_hash(n) for n in pair) for m, pair in results.items()}
    assert len({h[0] for h in hashes.values()}) == len(hashes)  # every little learns otherwise
    assert hashes["distilled"][1] == hashes["independent"][1]  # the teacher learns from labels
    assert hashes["joint"][1] != hashes["independent"][1]


@pytest.mark.usefixtures("every_step")
def test_littles_that_share_a_big_network_are_those_trained_one_by_one(
    tmp_path: Path, few_digits: Splits
) -> None:
    methods = ["independent", "distilled"]
    arguments = {"splits": few_digits, "folder": tmp_path / "both", "starts": None, "seed": 3}
    with pytest.raises(Killed):
        train_littles(LITTLE, BIG, methods, RECIPE, **arguments, on_progress=_kill_at(3))
    told: list[dict[str, float]] = []
    both = train_littles(
        LITTLE, BIG, methods, RECIPE, **arguments, on_progress=lambda p: told.append(p.loss)
    )
    assert set(told[0]) == {"little independent", "little distilled", "big"}
    for method in methods:
        alone = _pair(few_digits, tmp_path / method, method)
        assert [weights_hash(n) for n in both[method]] == [weights_hash(n) for n in alone]


@pytest.mark.parametrize("methods", [[], ["independent", "joint"], ["distilled", "distilled"]])
def test_a_big_network_of_its_own_is_not_shared(
    tmp_path: Path, few_digits: Splits, methods: list[str]
) -> None:
    with pytest.raises(TrainingError, match="cannot share one big network"):
        train_littles(LITTLE, BIG, methods, RECIPE, few_digits, tmp_path, None, 3)


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("method", METHODS.names())
def test_a_killed_pair_resumes_bit_for_bit(tmp_path: Path, few_digits: Splits, method: str) -> None:
    whole = _pair(few_digits, tmp_path / "whole", method)
    for step in (2, 5):
        with pytest.raises(Killed):
            _pair(few_digits, tmp_path / "cut", method, on_progress=_kill_at(step))
    told: list[int] = []
    resumed = _pair(few_digits, tmp_path / "cut", method, on_progress=lambda p: told.append(p.step))
    assert told == [6]
    assert [weights_hash(n) for n in whole] == [weights_hash(n) for n in resumed]
    again = _pair(few_digits, tmp_path / "cut", method, on_progress=_kill_at(6))  # nothing left
    assert [weights_hash(n) for n in whole] == [weights_hash(n) for n in again]


@pytest.mark.usefixtures("every_step")
def test_progress_says_where_the_run_stands(tmp_path: Path, few_digits: Splits) -> None:
    told: list[TrainProgress] = []
    _pair(few_digits, tmp_path, on_progress=told.append)
    assert [p.step for p in told] == [1, 2, 3, 4, 5, 6]
    assert all(p.n_steps == 6 and p.images_per_s > 0 for p in told)
    assert all({*p.loss} == {*p.accuracy} == {"little", "big"} for p in told)
    assert told[0].eta_s > 0
    assert told[-1].eta_s == 0


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_nan_stops_with_the_step_and_keeps_the_checkpoint(
    tmp_path: Path, few_digits: Splits, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    with pytest.raises(Killed):
        _pair(few_digits, tmp_path, on_progress=_kill_at(2))
    before = (tmp_path / "pair.h5").read_bytes()
    nan = float("nan")
    if what == "loss":
        monkeypatch.setattr(
            "biglittle.cotrain.methods.independent.F.cross_entropy",
            lambda logits, *rest, **more: logits.sum() * nan,
        )
    else:
        monkeypatch.setattr(
            train_loop.torch.nn.utils, "clip_grad_norm_", lambda *rest: torch.tensor(nan)
        )
    with pytest.raises(TrainingError, match=rf"the {what} of the little network.* at step 2 of 6"):
        _pair(few_digits, tmp_path)
    assert (tmp_path / "pair.h5").read_bytes() == before


def test_another_run_is_refused(tmp_path: Path, few_digits: Splits) -> None:
    _pair(few_digits, tmp_path)
    with pytest.raises(CheckpointError, match="its seed is 3, expected 4"):
        _pair(few_digits, tmp_path, seed=4)
    with pytest.raises(CheckpointError, match="its method is 'independent', expected 'joint'"):
        _pair(few_digits, tmp_path, "joint")
    starts = build_network(LITTLE, 10), build_network(BIG, 10)
    with pytest.raises(CheckpointError, match="its starts is"):
        _pair(few_digits, tmp_path, starts=starts)


def test_a_start_is_gone_on_from_and_left_alone(tmp_path: Path, few_digits: Splits) -> None:
    start = build_network(LITTLE, 10, seed=1)
    before = weights_hash(start)
    slow = dataclasses.replace(RECIPE, peak_lr=1e-9, ema_decay=None, images=16)
    trained = train_network(LITTLE, slow, few_digits, tmp_path, start, 3)
    assert weights_hash(start) == before
    for (name, a), b in zip(start.named_parameters(), trained.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6, msg=name)


def test_statistics_are_those_of_every_other_network(
    tmp_path: Path, few_digits: Splits, digits: Dataset
) -> None:
    trained = train_network(LITTLE, RECIPE, few_digits, tmp_path, None, 3)
    before = weights_hash(trained)
    with torch.no_grad():
        for module in trained.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.reset_running_stats()
    assert weights_hash(trained) != before
    assert weights_hash(calibrated(trained, few_digits["train"], digits)) == before


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"architecture": "12"}, ArchitectureError, "22 digits"),
        ({"start": build_network("0" * 22, 10)}, ArchitectureError, "network to start from is 000"),
        ({"recipe": dataclasses.replace(RECIPE, batch=80)}, TrainingError, "70 training images"),
        ({"device": "gpu"}, TrainingError, "cannot train on device 'gpu'"),
    ],
)
def test_wrong_arguments(tmp_path: Path, few_digits: Splits, arguments, kind, message) -> None:  # type: ignore[no-untyped-def]
    given = {"architecture": LITTLE, "recipe": RECIPE, "start": None, **arguments}
    with pytest.raises(kind, match=message):
        train_network(splits=few_digits, folder=tmp_path, seed=0, **given)


def test_unknown_method(tmp_path: Path, few_digits: Splits) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'joint'"):
        _pair(few_digits, tmp_path, "jont")


@pytest.mark.usefixtures("every_step")
def test_a_network_learns(tmp_path: Path, few_digits: Splits) -> None:
    # Dark or bright all over: whatever the rounding, thirty steps are plenty to tell them apart.
    labels = (np.arange(64) % 2).astype(np.uint8)
    pixels = np.repeat(60 + 130 * labels, 32 * 32 * 3).reshape(64, 32, 32, 3).astype(np.uint8)
    splits = {**few_digits, "train": Images(pixels, labels)}
    recipe = dataclasses.replace(RECIPE, images=480, resolutions=((16, 1.0),))
    told: list[TrainProgress] = []
    train_network(BIG, recipe, splits, tmp_path, None, 0, on_progress=told.append)
    assert np.mean([p.accuracy["network"] for p in told[-5:]]) > 0.75
    assert told[-1].loss["network"] < told[0].loss["network"]
