"""A dense network that teaches: plain 3x3 convolutions, far more accurate than any of the space.

Depthwise networks are slow to train on a CPU. A dense network does five to ten times as many
multiply-accumulates in the same time, so one that is accurate is cheap to have, and everything
else can learn from it. What it says about a fixed set of augmented views is stored once
(``views.py``), so that learning from it costs no forward pass.

Shape and the fixed whitening layer follow Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds on a
Single GPU" (section 3); the recipe is in ``teacher.toml``. Where we differ: batch-norm scales are
trained, weights are averaged exponentially instead of by lookahead, images are padded with zeros
and shifted by up to four pixels, and nothing is averaged over mirrored images.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, cast

import numpy as np
import torch
import torch.nn.functional as F
from msgspec import Meta
from torch import nn

from ..bench.datasets import Dataset, Images, get_dataset
from ..bench.errors import CheckpointError
from .checkpoint import restoring
from .images import normalised
from .learner import Learner
from .precision import Precision, fastest
from .recalibrate import calibrated
from .recipe import Recipe
from .tensors import Facts, facts_of, read_tensors, write_tensors
from .train_loop import TrainingRun, TrainProgress, train_learners

RECIPE = Path(__file__).parent / "teacher.toml"
FORMAT = "biglittle-teacher-1"

WIDTHS = (64, 256, 256)  # channels of the three stages
WHITENING_IMAGES = 5000  # patches of so many images decide the first layer
WHITENING_EPS = 5e-4  # keeps directions that hardly vary from being blown up
LOGIT_SCALE = 1 / 9  # keeps the first logits small, so that the first steps do not diverge
CALIBRATION_IMAGES, CALIBRATION_BATCH = 12_800, 512  # 25 batches of the size of training


class _Stage(nn.Module):
    """Two 3x3 convolutions, the first followed by 2x2 pooling."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(n_out)
        self.second = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(n_out)
        for conv in (self.first, self.second):  # the first channels begin as the identity
            nn.init.dirac_(conv.weight[:n_in])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, n_out, rows / 2, columns / 2)."""
        x = F.gelu(self.first_norm(F.max_pool2d(self.first(x), 2)))
        return F.gelu(self.second_norm(self.second(x)))


class Teacher(nn.Module):
    """The dense network.

    Args:
        n_classes: number of classes of its classifier.
        widths: channels of the three stages.
        precision: number format in which it computes while it is trained.
    """

    def __init__(
        self,
        n_classes: int,
        widths: tuple[int, int, int] = WIDTHS,
        precision: Precision = Precision.FP32,
    ) -> None:
        super().__init__()
        self.n_classes, self.widths, self.precision = n_classes, widths, precision
        self.whiten = nn.Conv2d(3, 24, 2)
        self.stages = nn.Sequential(
            *(_Stage(n, m) for n, m in zip((24, *widths[:2]), widths, strict=True))
        )
        self.head = nn.Linear(widths[2], n_classes, bias=False)
        self.whiten.weight.requires_grad_(False)

    @torch.no_grad()
    def set_whitening(self, images: torch.Tensor) -> None:
        """Sets the first layer to whiten 2x2 patches, each direction with both signs.

        Args:
            images: normalised images, shape (n, 3, height, width).
        """
        channels = images.shape[1]
        patches = F.unfold(images, 2).permute(0, 2, 1).reshape(-1, channels * 4).double()
        patches = patches - patches.mean(0)
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        scaled = (vectors / (values + WHITENING_EPS).sqrt()).T.flip(0)
        filters = torch.cat([scaled, -scaled]).float().reshape(-1, channels, 2, 2)
        self.whiten.weight.copy_(filters)
        self.whiten.bias.zero_()  # type: ignore[union-attr]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (n, n_classes), float32, of normalised images (n, 3, height, width)."""
        with self.precision.autocast(x.device):
            features = self.stages(F.gelu(self.whiten(x)))
            pooled = features.amax(dim=(2, 3))
            return cast(torch.Tensor, self.head(pooled).float() * LOGIT_SCALE)


def train_teacher(
    recipe: Recipe,
    splits: Mapping[str, Images],
    folder: Path,
    seed: int = 0,
    device: str = "cpu",
    precision: Precision = Precision.FP32,
    widths: tuple[int, int, int] = WIDTHS,
    on_progress: Callable[[TrainProgress], None] | None = None,
) -> Teacher:
    """The trained teacher on the CPU, in evaluation mode; its checkpoint is ``teacher.h5``.

    Args:
        recipe: recipe of the training, as in ``teacher.toml``.
        splits: images from ``Dataset.load``; only ``train`` is looked at.
        folder: folder of the checkpoint; a run that is there goes on.
        seed: seed of weights, order and augmentation.
        device: torch device to train on.
        precision: number format of the forward and backward passes.
        widths: channels of the three stages.
        on_progress: called every few steps.

    Raises:
        TrainingError: the loss is not finite; the checkpoint is of before.
        CheckpointError: the folder holds another run.
    """
    dataset, train = get_dataset(recipe.dataset), splits["train"]
    torch.manual_seed(seed)
    start = Teacher(dataset.n_classes, widths, precision)
    start.set_whitening(normalised(train.subset(_first(train, WHITENING_IMAGES)), dataset))
    facts = {"recipe": recipe.as_dict(), "n_train": len(train), "seed": seed, "widths": widths}
    run = TrainingRun(
        recipe=recipe,
        dataset=dataset,
        train=train,
        path=folder / "teacher.h5",
        identity=facts,  # without the precision: a run may go on where another is faster
        seed=seed,
        device=torch.device(device),
    )
    learner = Learner("teacher", start, recipe, run.device)

    def losses(logits: Mapping[str, torch.Tensor], labels: torch.Tensor) -> dict[str, torch.Tensor]:
        smoothing = recipe.label_smoothing
        return {"teacher": F.cross_entropy(logits["teacher"], labels, label_smoothing=smoothing)}

    train_learners(run, [learner], losses, on_progress)
    return ready(learner.result(), train, dataset)


def fastest_precision(
    recipe: Recipe, train: Images, device: str = "cpu", seconds: float = 4.0
) -> tuple[Precision, dict[str, float]]:
    """The precision in which this machine trains a teacher fastest, and images a second of each.

    Args:
        recipe: recipe whose batches are tried.
        train: training images with their labels.
        device: torch device that the teacher trains on.
        seconds: seconds that each trial may take.
    """
    dataset, where = get_dataset(recipe.dataset), torch.device(device)
    index = _first(train, recipe.batch)
    x, labels = normalised(train.subset(index), dataset), train.labels[index].astype(np.int64)
    x = x.to(where).contiguous(memory_format=torch.channels_last)
    y = torch.from_numpy(labels).to(where)

    def step_in(precision: Precision) -> Callable[[], int]:
        start = Teacher(dataset.n_classes, precision=precision)
        learner = Learner("trial", start, recipe, where)

        def step() -> int:
            learner.update(F.cross_entropy(learner.network(x), y), recipe.end_lr)
            return len(y)

        return step

    return fastest(step_in, seconds)


def ready(teacher: Teacher, train: Images, dataset: Dataset) -> Teacher:
    """The teacher in fp32 and evaluation mode, its batch norms recalibrated on training images."""
    teacher.precision = Precision.FP32
    return calibrated(teacher, train, dataset, CALIBRATION_IMAGES, CALIBRATION_BATCH)


def _first(images: Images, n: int) -> np.ndarray:
    return np.arange(min(n, len(images)))


def save_teacher(path: Path, teacher: Teacher, facts: Mapping[str, str]) -> None:
    """Writes a teacher's weights in int8, without batch-norm statistics, whole or not at all.

    Whoever asks the teacher asks the rounded one, of the file.

    Args:
        path: the ``.safetensors`` file to write.
        teacher: the network whose weights are kept.
        facts: text to keep beside them, for example the data set and the recipe.
    """
    metadata = {
        **facts,
        "format": FORMAT,
        "n_classes": str(teacher.n_classes),
        "widths": json.dumps(teacher.widths),
    }
    write_tensors(path, teacher.state_dict(), metadata, "int8")


_Width = Annotated[int, Meta(ge=1, le=4096)]


class _TeacherFacts(Facts, kw_only=True):
    """What is read of the text beside a teacher's weights."""

    widths: tuple[_Width, _Width, _Width]


def load_teacher(path: Path, train: Images, dataset: Dataset) -> Teacher:
    """The teacher of a ``.safetensors`` file, ready to answer.

    Args:
        path: a ``.safetensors`` file from `save_teacher`.
        train: training images, on which its batch norms are recalibrated.
        dataset: facts of the images.

    Raises:
        CheckpointError: unreadable, or not a teacher of this data set.
    """
    metadata, tensors = read_tensors(path)
    facts = facts_of(path, metadata, FORMAT, _TeacherFacts)
    if facts.n_classes != dataset.n_classes:
        raise CheckpointError(
            f"{path} knows {facts.n_classes} classes; expected the {dataset.n_classes} of "
            f"{dataset.name}."
        )
    teacher = Teacher(dataset.n_classes, facts.widths)
    with restoring(path):
        teacher.load_state_dict({k: t.float() for k, t in tensors.items()}, strict=False)
    return ready(teacher, train, dataset)
