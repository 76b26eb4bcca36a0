"""The dense teacher, its stored answers on fixed views, and trainings that learn from them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.errors import BigLittleError, CheckpointError, TrainingError  # noqa: E402
from biglittle.cotrain import teacher as teaching  # noqa: E402
from biglittle.cotrain.images import augmented_batch, cropped_batch  # noqa: E402
from biglittle.cotrain.recipe import load_recipe  # noqa: E402
from biglittle.cotrain.schedule import PathSampling, Phase, Schedule  # noqa: E402
from biglittle.cotrain.train_supernet import SupernetRun  # noqa: E402
from biglittle.cotrain.views import TeacherAnswers, Views, images_hash  # noqa: E402

BATCH, STEPS = 16, 2
WIDTHS = (8, 8, 8)
RECIPE = dataclasses.replace(
    load_recipe(teaching.RECIPE), dataset="digits", images=BATCH * STEPS * 2, batch=BATCH
)


@pytest.fixture
def taught(
    splits: dict[str, Images], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Images]:
    monkeypatch.setattr(teaching, "get_dataset", lambda name: digits)
    return splits


def _teacher(folder: Path, splits: dict[str, Images]) -> teaching.Teacher:
    return teaching.train_teacher(RECIPE, splits, folder, widths=WIDTHS)


def test_whitened_patches_have_no_correlation(digit_splits: dict[str, Images]) -> None:
    images = torch.from_numpy(np.random.default_rng(0).normal(size=(64, 3, 8, 8))).float()
    images[:, 1] += images[:, 0]  # two channels that go together
    net = teaching.Teacher(10, WIDTHS)
    net.set_whitening(images)
    out = net.whiten(images)[:, :12].permute(1, 0, 2, 3).flatten(1)
    torch.testing.assert_close(torch.cov(out), torch.eye(12), atol=0.02, rtol=0)
    assert not net.whiten.weight.requires_grad


def test_weights_that_were_kept_answer_as_before(
    tmp_path: Path, taught: dict[str, Images], digits: Dataset
) -> None:
    net = _teacher(tmp_path, taught)
    path = tmp_path / "teacher.safetensors"
    teaching.save_teacher(path, net, {"dataset": "digits"})
    again = teaching.load_teacher(path, taught["train"], digits)
    x, _ = augmented_batch(
        taught["train"], digits, np.arange(8), digits.height, np.random.default_rng(0)
    )
    torch.testing.assert_close(again(x), net(x), atol=0.1, rtol=0)  # rounded to int8
    other = dataclasses.replace(digits, n_classes=11)
    with pytest.raises(CheckpointError, match="knows 10 classes; expected the 11"):
        teaching.load_teacher(path, taught["train"], other)


def _answers(folder: Path, train: Images, sha: str = "a" * 64, n_views: int = 2) -> TeacherAnswers:
    return TeacherAnswers(Views(n_views), folder, sha, images_hash(train))


def test_answers_are_stored_once_and_belong_to_one_teacher(
    tmp_path: Path, taught: dict[str, Images], digits: Dataset
) -> None:
    net, train = _teacher(tmp_path, taught), taught["train"]
    answers = _answers(tmp_path / "views", train)
    with pytest.raises(CheckpointError, match="--stage teacher"):
        answers.logits(0)
    answers.asking(net, train, digits).make()
    index = np.arange(4)
    x, _ = cropped_batch(
        train, digits, index, digits.height, answers.views.crop(1, len(train)).take(index)
    )
    assert answers.logits(1).dtype == torch.float16
    torch.testing.assert_close(answers.logits(1)[:4].float(), net(x), atol=0.01, rtol=0.01)
    written = answers.path(0).stat().st_mtime_ns
    answers.asking(net, train, digits).make()
    assert answers.path(0).stat().st_mtime_ns == written
    for other in (
        _answers(tmp_path / "views", train, "b" * 64),
        _answers(tmp_path / "views", train, n_views=3),
        _answers(tmp_path / "views", train.subset(np.arange(len(train) - 1))),
    ):
        with pytest.raises(CheckpointError, match="belongs to another run"):
            other.logits(0)


@pytest.fixture
def with_teacher(schedule_of):  # type: ignore[no-untyped-def]
    """Makes the schedule of one phase of two epochs that learns from a teacher, too."""

    def made(teacher: float, ema_decay: float | None, exits: float = 0.0) -> Schedule:
        rule = PathSampling(0.5, 1.0, {"k3_e1": 1.0})
        phase = Phase("one", (8, 8), 0.05, 0.0, 1, small=rule, teacher=teacher)
        return schedule_of(dataclasses.replace(phase, ema_decay=ema_decay, exits=exits))

    return made


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("exits", [0.0, 0.3])
def test_a_killed_run_with_teacher_and_average_goes_on_bit_for_bit(  # type: ignore[no-untyped-def]
    with_teacher, tmp_path: Path, taught: dict[str, Images], digits: Dataset, exits: float
) -> None:
    answers = _answers(tmp_path / "views", taught["train"])
    answers = answers.asking(_teacher(tmp_path, taught), taught["train"], digits)
    schedule = with_teacher(teacher=0.5, ema_decay=0.9, exits=exits)
    results = []
    for name, kills in (("whole", ()), ("killed", (1, 2))):
        for steps in kills:
            SupernetRun(schedule, tmp_path / name, taught, answers=answers).train(
                max_steps=steps, validate=0
            )
        run = SupernetRun(schedule, tmp_path / name, taught, answers=answers)
        results.append((run.train(validate=0).state_dict(), run.net.state_dict()))
    (whole, last), (killed, _) = results
    assert [k for k in whole if not torch.equal(whole[k], killed[k])] == []
    assert not torch.equal(whole["classifier.weight"], last["classifier.weight"])
    assert any(name.startswith("exit_heads.") for name in whole) == (exits > 0)


def test_a_schedule_with_a_teacher_wants_its_answers(  # type: ignore[no-untyped-def]
    with_teacher, tmp_path: Path, splits: dict[str, Images]
) -> None:
    with pytest.raises(TrainingError, match=r"phase 'one' learns from a teacher.*--stage teacher"):
        SupernetRun(with_teacher(0.5, None), tmp_path, splits)
    with pytest.raises(BigLittleError, match=r"teacher of phase 'one' is 1\.5"):
        with_teacher(1.5, None)
    with pytest.raises(BigLittleError, match=r"exits of phase 'one' is -0\.5"):
        with_teacher(0.0, None, exits=-0.5)
