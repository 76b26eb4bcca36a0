"""Trains a supernet along a schedule, resumable at any step.

The rule, and why. A first phase trains one cheap anchor path alone: random paths from scratch do
not learn (every step moves weights that the next step uses otherwise). Then each step takes two
paths over the shared weights: a large one that learns from the labels, and a small one that learns
from the labels and from the large one's answers (the sandwich rule of Yu and Huang 2019,
"Universally Slimmable Networks", with in-place distillation), because small networks, the littles
of a pair, hardly ever come up when paths are drawn uniformly. Epochs begin at a low resolution and
end at the full one (progressive resizing, Tan and Le 2021, "EfficientNetV2"), which buys several
epochs for the price of one.

Every random draw comes from (seed, epoch, step), so a run that was killed and resumed takes the
same steps as one that was not.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ..bench.datasets import Images, get_dataset
from ..bench.errors import TrainingError
from ..bench.spaces import get_space
from .average import WeightAverage
from .checkpoint import load_checkpoint, restoring, save_checkpoint
from .exit_heads import ExitHeads
from .images import augmented_batch
from .memory import keep_freed_memory
from .optimizers import ModuleOptimizer, OptimizerSettings
from .paths import draw_path
from .precision import Precision, fastest
from .quick_accuracy import quick_accuracy
from .schedule import Phase, Schedule, schedule_from
from .supernet import Supernet
from .views import TaughtImages, TeacherAnswers
from .weights import EXIT_HEADS

log = logging.getLogger(__name__)

CHECKPOINT_STEPS = 100  # at most a minute or two of work is lost to a kill
LOG_STEPS = 25


@dataclass(frozen=True)
class Progress:
    """Where a run stands after a step.

    Attributes:
        epoch: global epoch, from 0.
        step: step within it, from 0.
        steps_per_epoch: steps of an epoch.
        n_epochs: number of epochs in all.
        loss: mean loss of the last steps.
        accuracy: mean training accuracy of the large path over them, in [0, 1].
        eta_s: estimated seconds to the end.
    """

    epoch: int
    step: int
    steps_per_epoch: int
    n_epochs: int
    loss: float
    accuracy: float
    eta_s: float


def _relative_cost(phase: Phase, epoch: int, full: int) -> float:
    return (phase.resolutions[epoch] / full) ** 2 * (1.0 if phase.large is None else 2.5)


class SupernetRun:
    """A training run: its state, one step, and the checkpoint.

    Args:
        schedule: phases, paths and rates of the training.
        folder: folder of ``supernet.h5``; a run found there goes on.
        splits: images and labels by split, from ``Dataset.load``.
        device: torch device that the supernet trains on.
        threads: torch threads; None leaves them as they are.
        answers: a teacher's answers on fixed views of the training images, which take the place
            of random crops; for a schedule with a ``teacher``.
        precision: number format of forward and backward passes. It is not part of the run's
            identity: a run may go on where another one is faster.

    Raises:
        TrainingError: the schedule asks for a teacher and there are no answers.
        CheckpointError: the run that is there is of another schedule or teacher.
    """

    def __init__(
        self,
        schedule: Schedule,
        folder: Path,
        splits: dict[str, Images],
        device: str = "cpu",
        threads: int | None = None,
        answers: TeacherAnswers | None = None,
        precision: Precision = Precision.FP32,
    ) -> None:
        taught = [phase.name for phase in schedule.phases if phase.teacher > 0]
        if taught and answers is None:
            raise TrainingError(
                f"phase {taught[0]!r} learns from a teacher, and its answers were not given; make "
                "them with 'biglittle table build --stage teacher'."
            )
        keep_freed_memory()
        if threads is not None:
            torch.set_num_threads(threads)
        self.schedule, self.path, self.splits = schedule, folder / "supernet.h5", splits
        self.device = torch.device(device)
        self.space, self.dataset = get_space(schedule.space), get_dataset(schedule.dataset)
        self.space.check_images(self.dataset.name, self.dataset.height)
        self.anchor = self.space.choices.index(schedule.anchor)
        torch.manual_seed(schedule.seed)
        self.net = Supernet(self.space, self.dataset.n_classes)
        if schedule.trains_exits:
            self.net.exit_heads = ExitHeads(self.space, self.dataset.n_classes)
        self.net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = self._optimizer(schedule.phases[0])
        self.average: WeightAverage | None = None
        self.precision = precision
        self.taught = (
            None if answers is None else TaughtImages(answers, splits["train"], self.dataset)
        )
        self.identity = {"space_hash": self.space.hash, "schedule": schedule.as_dict()}
        self.epoch, self.step, self.elapsed_s = 0, 0, 0.0
        self.steps_per_epoch = len(splits["train"]) // schedule.batch
        if self.path.exists():
            self._resume()

    def _resume(self) -> None:
        progress, states = load_checkpoint(self.path, self.identity, self._accepts)
        with restoring(self.path):
            self._restore(progress, states)

    def _restore(
        self, progress: dict[str, Any], states: dict[str, dict[str, torch.Tensor]]
    ) -> None:
        weights = states["weights"]
        if not any(name.startswith(EXIT_HEADS) for name in weights):  # of a phase without exits
            own = self.net.state_dict()
            weights = {k: own[k] for k in own if k.startswith(EXIT_HEADS)} | weights
        self.net.load_state_dict(weights)
        self.epoch, self.step = progress["epoch"], progress["step"]
        begun = self.epoch if self.step else max(0, self.epoch - 1)  # as of its last step
        self.optimizer = self._optimizer(self.schedule.locate(begun)[1])
        self.optimizer.restore(states)
        if "average" in states:
            decay = self.schedule.locate(min(self.epoch, self.schedule.n_epochs - 1))[1].ema_decay
            self.average = WeightAverage(self.net, decay or 0.0)
            self.average.steps = progress["averaged_steps"]
            for name, values in states["average"].items():
                self.average.values[name].copy_(values)
        self.elapsed_s = progress["elapsed_s"]

    def _accepts(self, key: str, stored: Any, wanted: Any) -> bool:
        """A run of the same schedule goes on, and so does one of its first phases alone."""
        if key == "schedule":
            return self.schedule.continues(schedule_from(stored, "the checkpoint's schedule"))
        return bool(stored == wanted)

    def save(self) -> None:
        """Writes the checkpoint (whole or not at all)."""
        progress = {"epoch": self.epoch, "step": self.step, "elapsed_s": self.elapsed_s}
        states = {"weights": self.net.state_dict(), **self.optimizer.states()}
        if self.average is not None:
            states["average"] = self.average.values
            progress["averaged_steps"] = self.average.steps
        save_checkpoint(self.path, self.identity, progress, **states)

    def _batch(
        self, phase: Phase, index: np.ndarray, resolution: int, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Images, labels and the teacher's answers, as probabilities, of one step."""
        if self.taught is None or phase.teacher == 0:
            x, y = augmented_batch(self.splits["train"], self.dataset, index, resolution, rng)
            return x.to(self.device), y.to(self.device), None
        x, y, soft = self.taught.batch(self.epoch, index, resolution)
        return x.to(self.device), y.to(self.device), soft.to(self.device)

    def _train_step(self, phase: Phase, phase_epoch: int, index: np.ndarray) -> tuple[float, float]:
        schedule = self.schedule
        rng = np.random.default_rng((schedule.seed, self.epoch, self.step))
        resolution = phase.resolutions[phase_epoch]
        x, y, teacher = self._batch(phase, index, resolution, rng)
        large = np.full(self.space.n_layers, self.anchor)
        if phase.large is not None:
            large = draw_path(self.space, phase.large, self.anchor, rng)
        self.optimizer.zero_grad()
        logits, early = self._logits(x, large, self._drawn_exit(phase, rng))
        loss = self._loss(phase, logits, early, y, teacher)
        value, paths = float(loss.detach()), [large]
        if np.isfinite(value):
            loss.backward()  # type: ignore[no-untyped-call]
        if phase.small is not None:
            small = draw_path(self.space, phase.small, self.anchor, rng)
            soft = logits.detach().softmax(1)
            if teacher is not None:
                soft = torch.lerp(soft, teacher, phase.teacher)
            own, early = self._logits(x, small, self._drawn_exit(phase, rng))
            loss = self._loss(phase, own, early, y, soft)
            value += float(loss.detach())
            paths.append(small)
            if np.isfinite(value):
                loss.backward()  # type: ignore[no-untyped-call]
        if not np.isfinite(value):
            raise TrainingError(
                f"the loss is {value} at epoch {self.epoch}, step {self.step}, on paths "
                f"{', '.join(self.space.format(np.array(paths)))}. The checkpoint {self.path} is "
                "of before; lower peak_lr in the schedule, or go on with another seed."
            )
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), schedule.clip_norm)
        step = phase_epoch * self.steps_per_epoch + self.step
        n_steps = len(phase.resolutions) * self.steps_per_epoch
        self.optimizer.step(schedule.learning_rate(phase, step, n_steps))
        if self.average is not None:
            self.average.update(self.net)
        return value / len(paths), float((logits.argmax(1) == y).float().mean())

    def _drawn_exit(self, phase: Phase, rng: np.random.Generator) -> str | None:
        """The exit that learns with a path, drawn anew for each; None in a phase without."""
        heads = self.net.exit_heads
        if heads is None or phase.exits == 0:
            return None
        return heads.names[rng.integers(len(heads.names))]

    def _logits(
        self, x: torch.Tensor, path: np.ndarray, exit_name: str | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Logits of a path and of one of its exits, both (batch, n_classes)."""
        heads, early = self.net.exit_heads, None
        with self.precision.autocast(self.device):
            if heads is None or exit_name is None:
                logits: torch.Tensor = self.net(x, path)
            else:
                features, logits = self.net.features(
                    x, path.tolist(), {heads.places[exit_name].after}
                )
                early = heads(features, [exit_name])[0].float()
        return logits.float(), early

    def trial(self, seconds: float = 5.0) -> dict[str, float]:
        """Takes the faster of the precisions; returns images a second of each.

        Forward and backward passes of a path like those to come, without an update of weights, on
        images as large as those that take most of the time that is left.
        """
        phase = self.schedule.locate(min(self.epoch, self.schedule.n_epochs - 1))[1]
        rng = np.random.default_rng(self.schedule.seed)
        index = np.arange(min(self.schedule.batch, len(self.splits["train"])))
        x, y, _ = self._batch(phase, index, self.schedule.costliest_resolution(self.epoch), rng)
        path = np.full(self.space.n_layers, self.anchor)
        if phase.large is not None:
            path = draw_path(self.space, phase.large, self.anchor, rng)
        norms = copy.deepcopy(self.net.state_dict())

        def step() -> int:
            F.cross_entropy(self._logits(x, path)[0], y).backward()  # type: ignore[no-untyped-call]
            self.optimizer.zero_grad()
            return len(index)

        def step_in(precision: Precision) -> Callable[[], int]:
            self.precision = precision
            return step

        self.net.train()
        self.precision, rates = fastest(step_in, seconds)
        self.net.load_state_dict(norms)  # the passes moved batch-norm statistics
        return rates

    def _optimizer(self, phase: Phase) -> ModuleOptimizer:
        decay = self.schedule.weight_decay if phase.weight_decay is None else phase.weight_decay
        settings = OptimizerSettings(phase.optimizer, self.schedule.momentum, decay)
        return ModuleOptimizer(self.net, settings)

    def _begin(self, phase: Phase) -> None:
        """What the first step of a phase needs."""
        anew = self._optimizer(phase)
        if anew.settings != self.optimizer.settings:
            self.optimizer = anew
        if phase.grow:
            self.net.grow_norms(self.schedule.anchor, phase.grow, gamma=0.2)
        self._begin_average(phase)

    def _begin_average(self, phase: Phase) -> None:
        self.average = None
        if phase.ema_decay is not None:
            self.average = WeightAverage(self.net, phase.ema_decay)

    def _loss(
        self,
        phase: Phase,
        logits: torch.Tensor,
        early: torch.Tensor | None,
        labels: torch.Tensor,
        soft: torch.Tensor | None,
    ) -> torch.Tensor:
        """Cross-entropy on labels and on soft targets where there are any; of an exit, too."""
        if early is not None:
            whole = self._loss(phase, logits, None, labels, soft)
            return whole + phase.exits * self._loss(phase, early, None, labels, soft)
        hard = F.cross_entropy(logits, labels, label_smoothing=self.schedule.label_smoothing)
        if soft is None:
            return hard
        share = self.schedule.distillation if phase.distillation is None else phase.distillation
        return torch.lerp(hard, F.cross_entropy(logits, soft), share)

    def train(
        self,
        on_progress: Callable[[Progress], None] | None = None,
        max_steps: int | None = None,
        validate: int = 1000,
        on_epoch: Callable[[int, Supernet], None] | None = None,
    ) -> Supernet:
        """Trains to the end of the schedule, or for ``max_steps`` more steps.

        Args:
            on_progress: called every few steps.
            max_steps: stop early; the checkpoint is written.
            validate: validation images on which the anchor is checked after every epoch; 0: none.
            on_epoch: called after every epoch with the number of epochs done and the supernet as
                it is then, from ``result``.

        Raises:
            TrainingError: the loss is not finite.
        """
        schedule, full = self.schedule, self.dataset.height
        costs = [
            _relative_cost(p, e, full) for p in schedule.phases for e in range(len(p.resolutions))
        ]
        taken, recent = 0, []
        done_cost, started = 0.0, time.monotonic()
        self.net.train()
        while self.epoch < schedule.n_epochs:
            _, phase, phase_epoch = schedule.locate(self.epoch)
            if phase_epoch == 0 and self.step == 0:
                self._begin(phase)
            elif self.average is None:  # of a run that began from kept weights in mid-phase
                self._begin_average(phase)
            order = np.random.default_rng((schedule.seed, self.epoch)).permutation(
                len(self.splits["train"])
            )
            while self.step < self.steps_per_epoch:
                before = time.monotonic()
                index = order[self.step * schedule.batch : (self.step + 1) * schedule.batch]
                recent.append(self._train_step(phase, phase_epoch, index))
                self.step += 1
                taken += 1
                self.elapsed_s += time.monotonic() - before
                done_cost += costs[self.epoch] / self.steps_per_epoch
                if self.step % LOG_STEPS == 0 and on_progress is not None:
                    left = sum(costs[self.epoch :]) - costs[self.epoch] * (
                        self.step / self.steps_per_epoch
                    )
                    loss, accuracy = np.mean(recent, axis=0)
                    recent.clear()
                    eta = (time.monotonic() - started) / done_cost * left
                    on_progress(
                        Progress(
                            self.epoch,
                            self.step,
                            self.steps_per_epoch,
                            schedule.n_epochs,
                            float(loss),
                            float(accuracy),
                            eta,
                        )
                    )
                if self.step % CHECKPOINT_STEPS == 0:
                    self.save()
                if max_steps is not None and taken >= max_steps:
                    self.save()
                    return self.result()
            self.epoch, self.step = self.epoch + 1, 0
            self.save()
            if on_epoch is not None:
                on_epoch(self.epoch, self.result())
            if validate:
                self._log_validation(phase.resolutions[phase_epoch], validate)
        return self.result()

    def result(self) -> Supernet:
        """The supernet as it is, its weights averaged where the phase keeps an average."""
        if self.average is None:
            return self.net
        averaged = copy.deepcopy(self.net)
        self.average.copy_to(averaged)
        return averaged

    def _log_validation(self, resolution: int, n: int) -> None:
        space, skip = self.space, self.space.choices.index("skip")
        ids = [str(self.anchor) * space.n_layers]
        if self.schedule.locate(self.epoch - 1)[1].large is not None:
            half = np.where(np.arange(space.n_layers) % 2, self.anchor, skip)
            ids += [*space.format(half), "2" * space.n_layers, str(skip) * space.n_layers]
        net = self.result()
        for arch in ids:
            accuracy = quick_accuracy(net, arch, self.splits, self.dataset, resolution, n)
            log.info(
                "epoch %d at %d px: %s val accuracy %.4f on %d",
                self.epoch,
                resolution,
                arch,
                accuracy,
                n,
            )
