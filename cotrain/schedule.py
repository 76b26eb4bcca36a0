"""The training schedule of a supernet, read from TOML; an unknown key is an error."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bench.documents import DocumentError, read_toml, settings
from ..bench.errors import BigLittleError, CheckpointError
from ..bench.files import why_unreadable
from ..bench.spaces import get_space
from .recipe import OPTIMIZERS


@dataclass(frozen=True)
class PathSampling:
    """How a path is drawn: first how many layers are skipped, then what the others do.

    Attributes:
        skip_low: smallest expected share of skipped layers.
        skip_high: largest; a path's share is drawn uniformly between the two.
        all_skip: probability of the all-skip path itself.
        anchor: probability of the anchor path itself.
        weights: relative frequency of every other choice.
        concentration: how far paths agree on those frequencies. Each path draws its own from a
            Dirichlet distribution with ``weights`` (scaled to sum to 1) times this as parameters:
            small values give paths of nearly one choice, None gives every path ``weights``.
    """

    skip_low: float
    skip_high: float
    weights: dict[str, float]
    all_skip: float = 0.0
    anchor: float = 0.0
    concentration: float | None = None


@dataclass(frozen=True)
class Phase:
    """Some epochs under one rule.

    Attributes:
        name: name of the phase, for the log.
        resolutions: rows (and columns) of the images, one per epoch: its length is the epochs.
        peak_lr: learning rate after warm-up; a cosine takes it to ``end_lr``.
        end_lr: learning rate of the last step.
        warmup_steps: steps of linear warm-up.
        large: rule of the path that learns from labels; None means the anchor alone.
        small: rule of the path that learns from labels and from the large one; None means none.
        grow: choices whose batch norms start from the anchor's when the phase begins.
        teacher: share of a dense teacher's answers, in [0, 1]: in the soft target of the large
            path all that is not labels (``distillation``) comes from it, and in that of the small
            path this share, the rest from the large path. 0 trains without a teacher.
        ema_decay: share of the averaged weights that one step keeps; the average is what networks
            inherit. None keeps no average.
        distillation: weight of soft targets in this phase; None: that of the schedule.
        exits: weight of the loss of an early exit, in [0, 1]. Each path of a step draws one exit,
            which learns what the whole path learns, and the layers before it learn with it.
            0 trains no exits.
        optimizer: ``sgd`` or ``muon``, as in a recipe; one that differs from that of the phase
            before begins anew.
        weight_decay: weight decay in this phase; None: that of the schedule.
    """

    name: str
    resolutions: tuple[int, ...]
    peak_lr: float
    end_lr: float
    warmup_steps: int
    large: PathSampling | None = None
    small: PathSampling | None = None
    grow: tuple[str, ...] = ()
    teacher: float = 0.0
    ema_decay: float | None = None
    distillation: float | None = None
    exits: float = 0.0
    optimizer: str = "sgd"
    weight_decay: float | None = None

    def __post_init__(self) -> None:
        for name in ("teacher", "exits", "ema_decay", "distillation"):
            value = getattr(self, name) or 0.0
            if not 0.0 <= value <= 1.0:
                raise BigLittleError(
                    f"{name} of phase {self.name!r} is {value}; expected a number from 0 to 1."
                )
        if self.optimizer not in OPTIMIZERS:
            raise BigLittleError(
                f"optimizer of phase {self.name!r} is {self.optimizer!r}; expected one of "
                f"{', '.join(OPTIMIZERS)}."
            )


@dataclass(frozen=True)
class Schedule:
    """Everything that decides a supernet run but the images.

    Attributes:
        space: name of the search space.
        dataset: name of the data set.
        anchor: the choice that every layer of the anchor path makes.
        phases: phases in the order of training.
        batch: number of images in a step.
        momentum: momentum of Nesterov's stochastic gradient descent.
        weight_decay: weight decay, of convolution and classifier weights only.
        label_smoothing: smoothing of labels in the cross-entropy.
        distillation: weight of the large path's answers in the small path's loss, in [0, 1].
        clip_norm: largest norm of the gradient; a larger one is scaled down.
        seed: seed of initialisation, order, augmentation and paths.
    """

    space: str
    dataset: str
    anchor: str
    phases: tuple[Phase, ...]
    batch: int
    momentum: float
    weight_decay: float
    label_smoothing: float
    distillation: float
    clip_norm: float
    seed: int

    @property
    def n_epochs(self) -> int:
        """Epochs of all phases."""
        return sum(len(p.resolutions) for p in self.phases)

    @property
    def trained_choices(self) -> tuple[str, ...]:
        """Choices that some path of the schedule uses: the only ones a table may contain."""
        used = {self.anchor}
        for rule in (r for p in self.phases for r in (p.large, p.small) if r is not None):
            used |= {c for c, w in rule.weights.items() if w > 0} | {"skip"}
        return tuple(sorted(used))

    @property
    def has_teacher(self) -> bool:
        """Whether some phase learns from a teacher."""
        return any(phase.teacher > 0 for phase in self.phases)

    @property
    def trains_exits(self) -> bool:
        """Whether early exits learn in some phase."""
        return any(phase.exits > 0 for phase in self.phases)

    def locate(self, epoch: int) -> tuple[int, Phase, int]:
        """Index of the phase, the phase, and the epoch within it, of a global epoch."""
        for index, phase in enumerate(self.phases):
            if epoch < len(phase.resolutions):
                return index, phase, epoch
            epoch -= len(phase.resolutions)
        raise AssertionError("epoch beyond the schedule")

    def costliest_resolution(self, epoch: int) -> int:
        """Rows of the images that take the most time of all epochs from ``epoch`` on."""
        rows = [rows for phase in self.phases for rows in phase.resolutions]
        cost = Counter[int]()
        for one in rows[epoch:] or rows[-1:]:
            cost[one] += one**2
        return cost.most_common(1)[0][0]

    def learning_rate(self, phase: Phase, step: int, n_steps: int) -> float:
        """Learning rate at ``step`` of the ``n_steps`` of a phase."""
        if step < phase.warmup_steps:
            return phase.peak_lr * (step + 1) / phase.warmup_steps
        done = (step - phase.warmup_steps) / max(1, n_steps - phase.warmup_steps)
        return phase.end_lr + (phase.peak_lr - phase.end_lr) * 0.5 * (1 + math.cos(math.pi * done))

    def continues(self, other: Schedule) -> bool:
        """Whether this is ``other``, perhaps with further phases: its run can then go on here."""
        begun = dataclasses.replace(self, phases=self.phases[: len(other.phases)])
        return begun == other

    def as_dict(self) -> dict[str, Any]:
        """The schedule as plain JSON."""
        return dataclasses.asdict(self)


def schedule_from(values: dict[str, Any], where: str) -> Schedule:
    """The schedule in plain values, as TOML or JSON holds them.

    Args:
        values: the keys of ``Schedule``; phases and path rules as dictionaries.
        where: name by which an error calls it.

    Raises:
        BigLittleError: an unknown or missing key.
        CheckpointError: a phase without epochs.
    """
    try:
        schedule = settings(values, Schedule, where)
    except DocumentError as error:
        raise BigLittleError(f"{error}.") from error
    if not schedule.phases or not all(p.resolutions for p in schedule.phases):
        raise CheckpointError(f"{where} has a phase without epochs.")
    return schedule


def load_schedule(path: Path) -> Schedule:
    """The schedule in a TOML file.

    Raises:
        BigLittleError: not readable, with an unknown or missing key, or with a choice that the
            space does not have.
    """
    try:
        values = read_toml(path, dict[str, Any])
    except (OSError, ValueError) as error:
        why = why_unreadable(error, f"{error}.")
        raise BigLittleError(f"schedule {path} cannot be read: {why}") from error
    schedule = schedule_from(values, path.name)
    named = {schedule.anchor, *(c for p in schedule.phases for c in p.grow)}
    for sampling in (r for p in schedule.phases for r in (p.large, p.small) if r is not None):
        named |= set(sampling.weights)
    get_space(schedule.space).allowed(sorted(named))
    return schedule
