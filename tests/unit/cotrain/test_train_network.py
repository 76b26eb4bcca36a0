"""One network: from random weights or a start, and what cannot be trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.errors import (  # noqa: E402
    ArchitectureError,
    BigLittleError,
    CheckpointError,
    TrainingError,
)
from biglittle.bench.networks import build_network, weights_hash  # noqa: E402
from biglittle.cotrain.images import cropped_batch  # noqa: E402
from biglittle.cotrain.recalibrate import calibrated  # noqa: E402
from biglittle.cotrain.recipe import is_among, recipe_from  # noqa: E402
from biglittle.cotrain.train_loop import TrainingRun, TrainProgress  # noqa: E402
from biglittle.cotrain.train_network import start_network, train_network  # noqa: E402
from biglittle.cotrain.views import (  # noqa: E402
    TaughtImages,
    TeacherAnswers,
    Views,
    images_hash,
)

LITTLE, BIG = "8" * 22, "0" + "8" * 20 + "0"
Splits = dict[str, Images]


def test_a_start_is_gone_on_from_and_left_alone(
    six_steps, tmp_path: Path, few_digits: Splits
) -> None:
    start = build_network(LITTLE, 10, seed=1)
    before = weights_hash(start)
    slow = dataclasses.replace(six_steps, peak_lr=1e-9, ema_decay=None, images=16)
    trained = train_network(LITTLE, slow, few_digits, tmp_path, start, 3)
    assert weights_hash(start) == before
    for (name, a), b in zip(start.named_parameters(), trained.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6, msg=name)


def test_statistics_are_those_of_every_other_network(
    six_steps, tmp_path: Path, few_digits: Splits, digits: Dataset
) -> None:
    trained = train_network(LITTLE, six_steps, few_digits, tmp_path, None, 3)
    before = weights_hash(trained)
    with torch.no_grad():
        for module in trained.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.reset_running_stats()
    assert weights_hash(trained) != before
    assert weights_hash(calibrated(trained, few_digits["train"], digits)) == before


def _sure_of_the_next_class(folder: Path, train: Images) -> TeacherAnswers:
    """A teacher who is certain that every image is of the class after its own."""

    def ask(view: int) -> torch.Tensor:
        wrong = torch.from_numpy((train.labels.astype("int64") + 1) % 10)
        return 40.0 * torch.nn.functional.one_hot(wrong, 10).float()

    return TeacherAnswers(Views(2), folder, "f" * 64, images_hash(train), ask)


def test_a_taught_batch_is_of_its_view_and_its_targets_are_both(
    six_steps, tmp_path: Path, few_digits: Splits, digits: Dataset
) -> None:
    train = few_digits["train"]
    recipe = dataclasses.replace(six_steps, teacher=0.25, images=1000)
    answers = _sure_of_the_next_class(tmp_path / "views", train)
    taught = TaughtImages(answers, train, digits)
    facts = (recipe, digits, train, tmp_path / "run.h5", {}, 3, torch.device("cpu"))
    run, plain = TrainingRun(*facts, taught), TrainingRun(*_without_teacher(facts))
    epoch = len(train) // recipe.batch
    for step in (0, 1, epoch, 2 * epoch):
        x, targets = run.batch(step)
        labels = plain.batch(step)[1]  # the same images in the same order
        assert torch.equal(targets.argmax(1), labels)
        expected = torch.zeros(len(labels), 10)
        expected[torch.arange(len(labels)), labels] = 0.75
        expected[torch.arange(len(labels)), (labels + 1) % 10] = 0.25
        torch.testing.assert_close(targets, expected)
        order = np.random.default_rng((3, step // epoch)).permutation(len(train))
        place = step % epoch
        index = order[place * recipe.batch : (place + 1) * recipe.batch]
        crop = answers.views.crop((step // epoch) % 2, len(train)).take(index)
        shown, _ = cropped_batch(train, digits, index, recipe.resolution(step), crop)
        assert torch.equal(x, shown)


def _without_teacher(facts: tuple[Any, ...]) -> tuple[Any, ...]:
    return (dataclasses.replace(facts[0], teacher=0.0), *facts[1:])


def test_a_taught_run_is_resumed_by_its_own_teacher_alone(
    six_steps, tmp_path: Path, few_digits: Splits
) -> None:
    recipe = dataclasses.replace(six_steps, teacher=0.5)
    answers = _sure_of_the_next_class(tmp_path / "views", few_digits["train"])
    with pytest.raises(TrainingError, match=r"teacher = 0\.5.*Take 'teacher' out"):
        train_network(LITTLE, recipe, few_digits, tmp_path / "run", None, 3)
    first = train_network(LITTLE, recipe, few_digits, tmp_path / "run", None, 3, answers=answers)
    again = train_network(LITTLE, recipe, few_digits, tmp_path / "run", None, 3, answers=answers)
    assert weights_hash(first) == weights_hash(again)
    other = dataclasses.replace(answers, teacher_sha256="e" * 64)
    with pytest.raises(CheckpointError):
        train_network(LITTLE, recipe, few_digits, tmp_path / "run", None, 3, answers=other)


def test_a_recipe_without_a_teacher_is_known_again_as_before(six_steps) -> None:  # type: ignore[no-untyped-def]
    assert "teacher" not in six_steps.as_dict()
    taught = dataclasses.replace(six_steps, teacher=0.5)
    assert taught.as_dict()["teacher"] == 0.5
    assert recipe_from(taught.as_dict(), "a recipe") == taught
    with pytest.raises(BigLittleError, match=r"teacher is 1\.5"):
        dataclasses.replace(six_steps, teacher=1.5)


def test_blocks_with_a_shortcut_may_begin_as_nothing(six_steps) -> None:  # type: ignore[no-untyped-def]
    plain = start_network("0" * 22, six_steps, 10, None, 3)
    recipe = dataclasses.replace(six_steps, zero_residuals=True)
    zeroed = start_network("0" * 22, recipe, 10, None, 3)
    for block, before in zip(zeroed.blocks, plain.blocks, strict=True):
        x = torch.randn(2, next(block.parameters()).shape[1], 8, 8)
        assert block.residual == torch.equal(block(x), x)  # type: ignore[operator]
        assert before.residual == block.residual
    last = [m for m in zeroed.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert 0 < sum(not m.weight.any() for m in last) < len(last)
    assert "zero_residuals" not in six_steps.as_dict()
    assert recipe_from(recipe.as_dict(), "a recipe") == recipe
    assert not is_among(recipe.as_dict(), [six_steps.as_dict()])


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"architecture": "12"}, ArchitectureError, "22 digits"),
        ({"start": build_network("0" * 22, 10)}, ArchitectureError, "network to start from is 000"),
        ({"batch": 80}, TrainingError, "70 training images"),
        ({"device": "gpu"}, TrainingError, "cannot train on device 'gpu'"),
    ],
)
def test_wrong_arguments(
    six_steps, tmp_path: Path, few_digits: Splits, arguments, kind, message
) -> None:  # type: ignore[no-untyped-def]
    recipe = dataclasses.replace(six_steps, batch=arguments.get("batch", six_steps.batch))
    given = {"architecture": LITTLE, "start": None, **arguments, "recipe": recipe}
    given.pop("batch", None)
    with pytest.raises(kind, match=message):
        train_network(splits=few_digits, folder=tmp_path, seed=0, **given)


@pytest.mark.usefixtures("every_step")
def test_a_network_learns(six_steps, tmp_path: Path, few_digits: Splits) -> None:
    # Dark or bright all over: whatever the rounding, thirty steps are plenty to tell them apart.
    labels = (np.arange(64) % 2).astype(np.uint8)
    pixels = np.repeat(60 + 130 * labels, 32 * 32 * 3).reshape(64, 32, 32, 3).astype(np.uint8)
    splits = {**few_digits, "train": Images(pixels, labels)}
    recipe = dataclasses.replace(six_steps, images=480, resolutions=((16, 1.0),))
    told: list[TrainProgress] = []
    train_network(BIG, recipe, splits, tmp_path, None, 0, on_progress=told.append)
    assert np.mean([p.accuracy["network"] for p in told[-5:]]) > 0.75
    assert told[-1].loss["network"] < told[0].loss["network"]
