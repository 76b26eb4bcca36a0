"""How a network or a pair is trained, read from TOML; an unknown key is an error."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..bench.datasets import Dataset, get_dataset
from ..bench.documents import DocumentError, read_toml, settings
from ..bench.errors import BigLittleError
from ..bench.files import why_unreadable

#: The recipes that ship: for networks that inherit weights, and for those that do not.
FINE_TUNE = Path(__file__).parent / "fine_tune.toml"
SCRATCH = Path(__file__).parent / "scratch.toml"

#: Number formats that a recipe may ask for.
PRECISIONS = ("fp32", "bf16", "fastest")
#: Optimisers that a recipe, or a phase of a supernet's schedule, may ask for.
OPTIMIZERS = ("sgd", "muon")


@dataclass(frozen=True)
class PairSettings:
    """What only the training of a pair asks for; every method reads the ones it needs.

    Attributes:
        distillation: weight of the big network's answers in the little one's loss, in [0, 1].
        temperature: number that both answers are divided by there, which softens them.
        escalation_rate: share of a batch that the soft gate aims to escalate, in (0, 1).
        gate_temperature: width of the soft gate, in units of probability.
        gate_weight: weight of the cascade's expected loss in the little one's, in [0, 1].
        big_floor: smallest weight of an image in the big network's loss, in [0, 1]; 1 makes all
            images count alike.
        little_weight: weight of the little network's loss where the losses of both are added up.
        big_share: share of the images from which the big network of a prefix pair learns where it
            learns first, in (0, 1); the exit's head learns from the rest.
        fresh_rate: factor of the learning rate for an exit head that starts from random weights.
    """

    distillation: float = 0.5
    temperature: float = 4.0
    escalation_rate: float = 0.3
    gate_temperature: float = 0.1
    gate_weight: float = 0.5
    big_floor: float = 0.5
    little_weight: float = 1.0
    big_share: float = 2 / 3
    fresh_rate: float = 5.0

    def __post_init__(self) -> None:
        for name in ("distillation", "gate_weight", "big_floor"):
            _within(f"pair.{name}", getattr(self, name), 0.0, 1.0)
        _within("pair.escalation_rate", self.escalation_rate, 0.01, 0.99)
        _within("pair.big_share", self.big_share, 0.01, 0.99)
        for name in ("temperature", "gate_temperature", "little_weight", "fresh_rate"):
            _within(f"pair.{name}", getattr(self, name), 1e-3, math.inf)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run but the networks, the images and the seed.

    Attributes:
        space: search space of the networks.
        dataset: name of the data set.
        images: training images seen in all; whole batches are taken, the rest is dropped.
        batch: number of images in a step.
        peak_lr: learning rate after warm-up; a cosine takes it to ``end_lr``.
        end_lr: learning rate of the last step.
        warmup_share: share of the steps with a linear warm-up, in [0, 1).
        momentum: momentum of the optimiser.
        weight_decay: weight decay, of convolution and classifier weights only.
        label_smoothing: smoothing of labels in the cross-entropy.
        clip_norm: largest gradient norm of one network.
        resolutions: rows (and columns) of the images and the share of the steps at them, in
            order; the shares add up to 1.
        ema_decay: decay of the average over steps that replaces the weights at the end; None: no
            average.
        pair: settings that only the training of a pair asks for.
        teacher: share of a dense teacher's answers in what a network learns, in [0, 1]; the rest
            are the labels. Networks that are trained alone take it.
        zero_residuals: whether the last batch norm of every block with a shortcut begins at scale 0
            where weights are random, so that a deep network begins as a shallow one (Goyal et al.
            2017, section 5.1).
        optimizer: ``sgd``, Nesterov's stochastic gradient descent, or ``muon``, which moves 1x1
            convolutions by Muon and what is left by AdamW; its learning rates are about those of
            AdamW.
        precision: number format of forward and backward passes, ``fp32`` or ``bf16``, or
            ``fastest``: that of the two which a trial of seconds finds faster on this processor.

    Raises:
        BigLittleError: a value out of its range.
    """

    space: str
    dataset: str
    images: int
    batch: int
    peak_lr: float
    end_lr: float
    warmup_share: float
    momentum: float
    weight_decay: float
    label_smoothing: float
    clip_norm: float
    resolutions: tuple[tuple[int, float], ...]
    ema_decay: float | None = None
    pair: PairSettings = field(default_factory=PairSettings)
    precision: str = "fp32"
    teacher: float = 0.0
    zero_residuals: bool = False
    optimizer: str = "sgd"

    def __post_init__(self) -> None:
        if self.batch < 2 or self.images < self.batch:
            raise BigLittleError(
                f"the recipe asks for {self.images} images in batches of {self.batch}; expected at "
                "least one whole batch, of at least two images."
            )
        _within("peak_lr", self.peak_lr, 1e-9, math.inf)
        _within("end_lr", self.end_lr, 0.0, self.peak_lr)
        _within("clip_norm", self.clip_norm, 1e-9, math.inf)
        _within("warmup_share", self.warmup_share, 0.0, 0.99)
        _within("label_smoothing", self.label_smoothing, 0.0, 0.99)
        _within("teacher", self.teacher, 0.0, 1.0)
        if self.ema_decay is not None:
            _within("ema_decay", self.ema_decay, 0.0, 1.0)
        for name, usable in (("precision", PRECISIONS), ("optimizer", OPTIMIZERS)):
            if getattr(self, name) not in usable:
                raise BigLittleError(
                    f"the recipe's {name} is {getattr(self, name)!r}; expected one of "
                    f"{', '.join(usable)}."
                )
        shares = [share for _, share in self.resolutions]
        sound = all(rows >= 1 and share > 0 for rows, share in self.resolutions)
        if not shares or not sound or abs(sum(shares) - 1.0) > 1e-6:
            raise BigLittleError(
                f"resolutions are {list(self.resolutions)}; expected pairs of rows and share of "
                "the steps whose shares add up to 1, for example [[16, 0.4], [32, 0.6]]."
            )

    @property
    def n_steps(self) -> int:
        """Steps in all."""
        return self.images // self.batch

    def resolution(self, step: int) -> int:
        """Rows of the images at ``step``."""
        done, share = (step + 0.5) / self.n_steps, 0.0
        for rows, part in self.resolutions:
            share += part
            if done < share:
                return rows
        return self.resolutions[-1][0]

    def cost(self, step: int) -> float:
        """Rows times columns of the images of all steps before ``step``, added up."""
        return sum(
            max(0, min(step, end) - begin) * rows**2 for rows, begin, end in self._stretches()
        )

    def costliest_resolution(self, step: int) -> int:
        """Rows of the images that take the most time of all steps from ``step`` on."""
        cost = Counter[int]()
        for rows, begin, end in self._stretches():
            cost[rows] += max(0, end - max(begin, step)) * rows**2
        return cost.most_common(1)[0][0] if cost.total() else self.resolutions[-1][0]

    def _stretches(self) -> Iterator[tuple[int, int, int]]:
        """Rows of the images, first step and step behind the last one of each resolution."""
        share, begin = 0.0, 0
        for number, (rows, part) in enumerate(self.resolutions, start=1):
            share += part
            last = number == len(self.resolutions)
            end = self.n_steps if last else math.ceil(share * self.n_steps - 0.5)
            yield rows, begin, max(begin, end)
            begin = max(begin, end)

    def learning_rate(self, step: int) -> float:
        """Learning rate at ``step``."""
        warmup = round(self.warmup_share * self.n_steps)
        if step < warmup:
            return self.peak_lr * (step + 1) / warmup
        done = (step - warmup) / max(1, self.n_steps - warmup)
        return self.end_lr + (self.peak_lr - self.end_lr) * 0.5 * (1 + math.cos(math.pi * done))

    def for_images(self, dataset: Dataset, space: str | None = None) -> Recipe:
        """The recipe for images of another data set, at the same shares of their size.

        Args:
            dataset: facts of the images, such as their rows.
            space: search space of the networks; None: that of the recipe.
        """
        rows = get_dataset(self.dataset).height
        scaled = tuple((max(1, r * dataset.height // rows), share) for r, share in self.resolutions)
        return dataclasses.replace(
            self, space=space or self.space, dataset=dataset.name, resolutions=scaled
        )

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON; without what older versions had not, where it is not used."""
        new = {"teacher": 0.0, "zero_residuals": False, "optimizer": "sgd"}
        values = dataclasses.asdict(self)
        return {k: v for k, v in values.items() if k not in new or v != new[k]}


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise BigLittleError(
            f"the recipe's {name} is {value}; expected a number from {low:g} to {high:g}."
        )


def recipe_from(values: dict[str, Any], where: str) -> Recipe:
    """The recipe in plain values, as TOML or JSON holds them.

    Args:
        values: the keys of ``Recipe``; ``pair`` as a dictionary.
        where: name by which an error calls it.

    Raises:
        BigLittleError: an unknown or missing key, or a value out of its range.
    """
    try:
        return settings(values, Recipe, where)
    except DocumentError as error:
        raise BigLittleError(f"{error}.") from error


def is_among(values: Mapping[str, Any], some: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a recipe is one of some; all as plain values, perhaps kept by an older version.

    Args:
        values: the recipe in question, as of ``Recipe.as_dict``.
        some: the recipes that it may be one of.
    """
    return _comparable(values) in map(_comparable, some)


def _comparable(values: Mapping[str, Any]) -> Recipe | dict[str, Any]:
    """A recipe with all that an older version left out; values of no recipe as they are."""
    try:
        return recipe_from(dict(values), "a kept recipe")
    except BigLittleError:
        return dict(values)


def load_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file.

    Raises:
        BigLittleError: not readable, with an unknown or missing key, or a value out of its range.
    """
    try:
        values = read_toml(path, dict[str, Any])
    except (OSError, ValueError) as error:
        why = why_unreadable(error, f"{error}.")
        raise BigLittleError(f"recipe {path} cannot be read: {why}") from error
    return recipe_from(values, path.name)


MOST_IMAGES = 2**31  # in one training: ImageNet 1,600 times


def sized(recipe: Recipe, n_train: int, epochs: float | None, images: int | None) -> Recipe:
    """The recipe with another number of training images.

    Args:
        recipe: the recipe that is changed; it stays as it is.
        n_train: images of one epoch.
        epochs: passes over the training images.
        images: training images seen in all, in place of ``epochs``.

    Raises:
        BigLittleError: both are given, fewer than a batch, or more than anybody can train on.
    """
    if epochs is not None and images is not None:
        raise BigLittleError("both epochs and images are given; give one of them.")
    if epochs is not None:
        images = round(epochs * n_train) if 0 <= epochs <= MOST_IMAGES else MOST_IMAGES + 1
    if images is not None and images > MOST_IMAGES:
        amount = f"{images} images" if epochs is None else f"{epochs:g} epochs"
        raise BigLittleError(f"{amount} are not usable; expected at most {MOST_IMAGES} images.")
    return recipe if images is None else dataclasses.replace(recipe, images=images)
