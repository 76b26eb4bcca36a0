"""The loop that trains one or more networks on the same batches, resumable at any step.

Every random draw comes from (seed, epoch, step): a run that was killed and resumed takes the same
steps as one that was not, and two runs of one seed see the same images in the same order under the
same augmentation, whatever they train on them. On a GPU the sums inside a kernel may be ordered
differently from run to run, so there two runs agree to rounding only.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F

from ..bench.datasets import Dataset, Images
from ..bench.errors import TrainingError
from .checkpoint import load_checkpoint, restoring, save_checkpoint
from .images import augmented_batch
from .learner import Learner, States
from .memory import keep_freed_memory
from .precision import Precision, fastest, trial_text
from .recipe import Recipe

log = logging.getLogger(__name__)

CHECKPOINT_S = 30.0  # at most half a minute of work is lost to a kill
LOG_STEPS, LOG_S = 10, 15.0  # whichever comes first
TRIAL_S = 4.0  # of each precision
TRIAL_STEPS = 200  # fewer are over about as soon as a trial

Losses = Callable[[Mapping[str, torch.Tensor], torch.Tensor], Mapping[str, torch.Tensor]]


class Taught(Protocol):
    """Batches of which a teacher said something: `views.TaughtImages`."""

    def batch(
        self, epoch: int, index: np.ndarray, resolution: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Images, labels and the teacher's probabilities, (batch, n_classes), of some images."""


@dataclass(frozen=True)
class TrainProgress:
    """Where a run stands after a step.

    Attributes:
        step: number of steps that are done.
        n_steps: number of steps in all.
        loss: mean loss of the last steps, by learner.
        accuracy: mean training accuracy over them, in [0, 1], by output: that of a learner, or
            those of a learner with several.
        images_per_s: images a second since the run was (re)started.
        eta_s: estimated seconds to the end.
        precision: number format of the passes, ``fp32`` or ``bf16``.
    """

    step: int
    n_steps: int
    loss: Mapping[str, float]
    accuracy: Mapping[str, float]
    images_per_s: float
    eta_s: float
    precision: str = "fp32"


@dataclass(frozen=True)
class TrainingRun:
    """What a run trains on and where it is kept.

    Attributes:
        recipe: recipe by which the networks are trained.
        dataset: facts of the images.
        train: training images with their labels.
        path: path of the checkpoint's file.
        identity: facts that a checkpoint must share to be gone on from.
        seed: seed of order and augmentation.
        device: torch device that the networks train on.
        taught: batches with a teacher's answers; None: no teacher.

    Raises:
        TrainingError: the recipe learns from a teacher, and there is none.
    """

    recipe: Recipe
    dataset: Dataset
    train: Images
    path: Path
    identity: Mapping[str, Any]
    seed: int
    device: torch.device
    taught: Taught | None = None

    def __post_init__(self) -> None:
        if self.recipe.teacher > 0 and self.taught is None:
            raise TrainingError(
                f"the recipe learns from a teacher (teacher = {self.recipe.teacher:g}), whose "
                "answers this training does not get; 'biglittle table build --stage trust' gives "
                "them to networks that are trained alone. Take 'teacher' out of other recipes."
            )

    def batch(self, step: int, rows: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (batch, channels, rows, rows) of one step, and what they are.

        That is labels, (batch,); of a run with a teacher the probabilities of the classes, (batch,
        n_classes), of which the teacher's are a share.

        Args:
            step: number of the step, from 0.
            rows: rows (and columns) of the images; None: those of the step.
        """
        recipe, rows = self.recipe, rows or self.recipe.resolution(step)
        epoch, place = divmod(step, len(self.train) // recipe.batch)
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.train))
        index = order[place * recipe.batch : (place + 1) * recipe.batch]
        if self.taught is not None and recipe.teacher > 0:
            x, labels, soft = self.taught.batch(epoch, index, rows)
            hard = F.one_hot(labels, self.dataset.n_classes).float()
            y = hard.lerp(soft, recipe.teacher)
            return x.to(self.device), y.to(self.device)
        rng = np.random.default_rng((self.seed, epoch, place))
        x, y = augmented_batch(self.train, self.dataset, index, rows, rng)
        return x.to(self.device), y.to(self.device)


def train_learners(
    run: TrainingRun,
    learners: Sequence[Learner[Any]],
    losses: Losses,
    on_progress: Callable[[TrainProgress], None] | None = None,
) -> None:
    """Trains the learners to the end of the recipe, from a checkpoint where there is one.

    Args:
        run: recipe, images, device and checkpoint of the training.
        learners: changed in place; each has an optimiser and clipped gradients of its own.
        losses: one loss for each learner, by name, given the logits of all, (batch, n_classes)
            first, and what ``TrainingRun.batch`` says the images are. A loss must lead to its own
            learner's weights alone.
            Logits are by learner; a network that gives a mapping has one entry for each output.
        on_progress: called every few steps and at the end.

    Raises:
        TrainingError: a loss or gradient that is not finite, or fewer images than a batch. The
            checkpoint is of before.
        CheckpointError: the checkpoint belongs to another run.
    """
    recipe = run.recipe
    if len(run.train) < recipe.batch:
        raise TrainingError(
            f"there are {len(run.train)} training images, fewer than a batch of {recipe.batch}; "
            "lower batch in the recipe."
        )
    keep_freed_memory()
    step = _resume(run, learners)
    precision = _precision(run, learners, losses, step)
    begun = saved = time.monotonic()
    told = begun - LOG_S  # the first step says how long the others will take
    first, recent = step, list[tuple[dict[str, float], dict[str, float]]]()
    while step < recipe.n_steps:
        recent.append(_train_step(run, learners, losses, step, precision))
        step += 1
        now = time.monotonic()
        if step == recipe.n_steps or now - saved >= CHECKPOINT_S:
            _save(run, learners, step)
            saved = now
        due = step % LOG_STEPS == 0 or step == recipe.n_steps or now - told >= LOG_S
        if on_progress is not None and due:
            told = now
            loss, accuracy = (_means([r[i] for r in recent]) for i in (0, 1))
            recent.clear()
            elapsed = max(now - begun, 1e-9)
            done = recipe.cost(step)
            eta = elapsed / (done - recipe.cost(first)) * (recipe.cost(recipe.n_steps) - done)
            on_progress(
                TrainProgress(
                    step,
                    recipe.n_steps,
                    loss,
                    accuracy,
                    (step - first) * recipe.batch / elapsed,
                    float(eta),
                    precision.value,
                )
            )


def _train_step(
    run: TrainingRun, learners: Sequence[Learner[Any]], losses: Losses, step: int, p: Precision
) -> tuple[dict[str, float], dict[str, float]]:
    x, y = run.batch(step)
    logits = _logits(learners, x, p)
    loss = losses(logits, y)
    values = {learner.name: float(loss[learner.name].detach()) for learner in learners}
    rate = run.recipe.learning_rate(step)
    for name, value in values.items():
        if not np.isfinite(value):
            raise _diverged(run, f"the loss of the {name} network is {value}", step)
    for learner in learners:
        if not learner.update(loss[learner.name], rate):
            raise _diverged(run, f"the gradient of the {learner.name} network is not finite", step)
    return values, {name: _accuracy(out.detach(), y) for name, out in logits.items()}


def _logits(
    learners: Sequence[Learner[Any]], x: torch.Tensor, precision: Precision
) -> dict[str, torch.Tensor]:
    """What every learner says about a batch, float32, by learner or by output of one."""
    logits: dict[str, torch.Tensor] = {}
    for learner in learners:
        with precision.autocast(x.device):
            out = learner.network(x)
        logits |= {learner.name: out} if isinstance(out, torch.Tensor) else out
    return {name: out.float() for name, out in logits.items()}


def _precision(
    run: TrainingRun, learners: Sequence[Learner[Any]], losses: Losses, step: int
) -> Precision:
    """The format that the recipe asks for, or the faster one of a trial on copies of the learners.

    The trial is of images as large as those that take most of the time that is left. A run of a few
    steps is over before a trial would be, and computes in fp32.
    """
    if run.recipe.precision != "fastest":
        return Precision(run.recipe.precision)
    if run.recipe.n_steps - step < TRIAL_STEPS:
        return Precision.FP32
    x, y = run.batch(step, run.recipe.costliest_resolution(step))

    def step_in(precision: Precision) -> Callable[[], int]:
        copies = copy.deepcopy(list(learners))

        def tried() -> int:
            loss = losses(_logits(copies, x, precision), y)
            for learner in copies:
                learner.update(loss[learner.name], run.recipe.end_lr)
            return len(y)

        return tried

    chosen, rates = fastest(step_in, TRIAL_S)
    log.info("%s", trial_text(rates, torch.get_num_threads(), chosen))
    return chosen


def _accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of right answers, of logits (batch, n_classes) or of several, (batch, n_classes, n)."""
    answers, labels = logits.argmax(1), labels.argmax(1) if labels.ndim == 2 else labels
    return float((answers == labels.reshape(-1, *[1] * (answers.ndim - 1))).float().mean())


def _means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _diverged(run: TrainingRun, what: str, step: int) -> TrainingError:
    left = f"The checkpoint {run.path} is of before" if run.path.exists() else "Nothing was kept"
    return TrainingError(
        f"{what} at step {step} of {run.recipe.n_steps}. {left}; lower peak_lr in the recipe, or "
        "go on with another seed."
    )


def _save(run: TrainingRun, learners: Sequence[Learner[Any]], step: int) -> None:
    states: States = {}
    for learner in learners:
        states |= learner.states()
    save_checkpoint(run.path, run.identity, {"step": step}, **states)


def _resume(run: TrainingRun, learners: Sequence[Learner[Any]]) -> int:
    if not run.path.exists():
        return 0
    progress, states = load_checkpoint(run.path, run.identity)
    with restoring(run.path):
        step = int(progress["step"])
        for learner in learners:
            learner.restore(states, step)
    return step
