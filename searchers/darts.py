"""``python -m biglittle.searchers.darts``: a differentiable search for little and big together.

With ``paths="all"`` every layer of either network is the softmax-weighted sum of the outputs of all
its choices. What is minimised on one half of the training images, over the architecture weights of
both networks and the threshold, is

    - log(k p_little + (1 - k) p_big)[label] + w E[latency] / scale - b H(weights),

where k = sigmoid((max p_little - threshold) / temperature) is the relaxed gate, the mean of 1 - k
the relaxed escalation rate r, and E[latency] = E[t_little] + t_gate + r E[t_big] with expectations
over the softmax of block latencies. H is the entropy of the architecture weights, a bonus that
fades to nothing: it keeps the search from settling on ``skip``, which learns fastest, in the first
steps. Where a latency is aimed at, its relative distance from it takes the place of E[latency] /
scale, so that the search neither misses what is affordable nor leaves it unused. Between these
steps the weights of the supernet are trained on the other half of the images, unless their rate is
0. What is derived is the choice of the largest weight in each layer, and it is evaluated like the
pair of any other searcher.

With ``paths="two"`` a layer computes two choices, drawn by their weights: the first is its output,
the second only tells how the loss would change if it were. That takes a fifth of the time, and what
runs is always a network and not a blend, which is what a supernet trained path by path knows.

Where it departs from the sources: first order only; one set of elastic weights for all choices and
both networks; the gate and the latency are in the loss.

Source: Liu, Simonyan and Yang 2019, DARTS (sections 2.2 and 2.3); Wu et al. 2019, FBNet (section
3.3, the latency of a layer as an expectation, softmaxes that sharpen); Cai, Zhu and Han 2019,
ProxylessNAS (section 3.2.1, two paths a step); Bender et al. 2020, TuNAS (section 3.2, the absolute
distance from a latency).
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from ..bench import Benchmark, DeviceProfile, load_device
from ..bench.cost import mean_cost
from ..bench.datasets import Dataset, Images
from ..bench.errors import (
    BigLittleError,
    CheckpointError,
    ConstraintError,
    DeviceError,
    TrainingError,
    UnknownNameError,
)
from ..cotrain.images import augmented_batch
from ..cotrain.supernet import Supernet

Told = Callable[[int, dict[str, float]], None]
PATHS = ("two", "all")


@dataclass(frozen=True)
class DartsSettings:
    """How a differentiable search is run.

    Attributes:
        choices: of every layer; None: all of the space's.
        paths: ``two``: of each layer two choices are computed a step; ``all``: every one.
        steps: of the architecture; the weights take as many.
        batch: images of each step.
        resolution: rows of the images; a lower one is cheaper and rougher.
        latency_weight: of the expected latency in the loss, in units of the scale.
        latency_ms: mean latency that the pair is to have; None: the less the better.
        entropy_weight: of the entropy bonus in the first step; it fades linearly to 0.
        sharpness: by which architecture weights are multiplied in the end before their softmax;
            it rises from 1, so that what is searched becomes what is derived.
        temperature: of the relaxed gate.
        threshold: of max_prob, where the search begins; it is learned with the rest.
        architecture_rate: of Adam, for architecture weights and threshold.
        weights_rate: of SGD, for the supernet; small, because it is trained already. 0: the
            weights stay, and no time is spent on them.
        seed: of images, augmentation and where the architecture weights begin.

    Raises:
        ConstraintError: a number that cannot be searched with.
        UnknownNameError: another kind of paths.
    """

    choices: tuple[str, ...] | None = None
    paths: str = "two"
    steps: int = 400
    batch: int = 64
    resolution: int = 32
    latency_weight: float = 0.3
    latency_ms: float | None = None
    entropy_weight: float = 0.05
    sharpness: float = 10.0
    temperature: float = 0.1
    threshold: float = 0.7
    architecture_rate: float = 0.03
    weights_rate: float = 0.005
    seed: int = 0

    def __post_init__(self) -> None:
        whole = {"steps": self.steps, "batch": self.batch, "resolution": self.resolution}
        target = 1.0 if self.latency_ms is None else self.latency_ms
        rates = (self.temperature, self.architecture_rate, self.sharpness, target)
        signless = (self.latency_weight, self.entropy_weight, self.weights_rate)
        if self.paths not in PATHS:
            raise UnknownNameError("kind of paths", self.paths, PATHS)
        if (
            min(whole.values()) < 1
            or self.batch < 2
            or min(rates) <= 0
            or min(signless) < 0
            or not 0 < self.threshold < 1
        ):
            raise ConstraintError(
                f"settings {asdict(self)} cannot be searched with; expected at least 1 step, 2 "
                "images a batch, a positive temperature, sharpness, latency and rate of the "
                "architecture, weights of at least 0 and a threshold between 0 and 1."
            )


#: For a trained supernet and a latency to aim at. Of the weights nothing changes, as they are what
#: is searched; 24 pixels cost half of 32.
WARM = DartsSettings(
    steps=120, resolution=24, latency_weight=1.0, architecture_rate=0.05, weights_rate=0.0
)


@dataclass(frozen=True)
class Derived:
    """What a differentiable search ended with.

    Attributes:
        little: architecture id.
        big: architecture id.
        threshold: of max_prob, as it was learned; the one to use is chosen on val.
        expected_latency_ms: of the last step's soft pair, at its relaxed escalation rate.
        chances: softmax of the architecture weights, little and big, (2, n_layers, n_choices).
        history: loss, expected latency, escalation rate and entropy at every step.
        net: the supernet with the weights that the search left; None: made by hand.
    """

    little: str
    big: str
    threshold: float
    expected_latency_ms: float
    chances: NDArray[np.float64]
    history: tuple[dict[str, float], ...]
    net: Supernet | None = None


def soft_forward(
    net: Supernet, images: torch.Tensor, chances: torch.Tensor, choices: Sequence[int]
) -> torch.Tensor:
    """Logits (batch, n_classes) of the weighted sum of all choices in every layer.

    Args:
        net: the supernet.
        images: normalised, (batch, channels, height, width).
        chances: of every choice in every layer, (n_layers, n_choices), rows that sum to 1.
        choices: indices of those choices in the space.
    """
    x = net.stem(images)
    for layer, row in zip(net.layers, chances, strict=True):
        x = sum(chance * layer(x, choice) for chance, choice in zip(row, choices, strict=True))
    return cast(torch.Tensor, net.classifier(net.head(x)))


def sampled_forward(
    net: Supernet,
    images: torch.Tensor,
    chances: torch.Tensor,
    choices: Sequence[int],
    generator: torch.Generator,
) -> torch.Tensor:
    """Logits (batch, n_classes) of one path drawn by its chances, differentiable in these.

    In each layer a second choice is drawn. Of the chances of the two, scaled to sum to 1, the
    gradient is that of their weighted sum at the output of the first.

    Args:
        net: the supernet.
        images: normalised, (batch, channels, height, width).
        chances: of every choice in every layer, (n_layers, n_choices), rows that sum to 1.
        choices: indices of those choices in the space.
        generator: of the draws.
    """
    x = net.stem(images)
    drawn = torch.multinomial(chances.detach(), 2, generator=generator)
    for layer, row, two in zip(net.layers, chances, drawn, strict=True):
        taken, other = (choices[i] for i in two.tolist())
        weight = row[two] / row[two].sum()
        nothing = weight - weight.detach()  # 0, with a gradient
        out = layer(x, taken)
        with torch.no_grad():
            second = layer(x, other)
        x = out + nothing[0] * out.detach() + nothing[1] * second
    return cast(torch.Tensor, net.classifier(net.head(x)))


class _SoftPair(nn.Module):
    """Architecture weights of both networks, and the threshold."""

    def __init__(self, n_layers: int, n_choices: int, settings: DartsSettings) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(settings.seed)
        start = 1e-3 * torch.randn(2, n_layers, n_choices, generator=generator)
        self.alpha = nn.Parameter(start)
        self.threshold = nn.Parameter(torch.logit(torch.tensor(settings.threshold)))

    def chances(self, sharpness: float) -> torch.Tensor:
        return (self.alpha * sharpness).softmax(dim=-1)


def expected_latency_ms(
    chances: torch.Tensor, block_ms: torch.Tensor, constant_ms: float
) -> torch.Tensor:
    """Latency of both soft networks, (2,): the mean of each layer's blocks, summed."""
    return (chances * block_ms).sum(dim=(1, 2)) + constant_ms


def relaxed_pair(
    little: torch.Tensor, big: torch.Tensor, threshold: torch.Tensor, temperature: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log probabilities (batch, n_classes) of the pair and its escalation rate, differentiable.

    Args:
        little: logits of the little network.
        big: logits of the big network.
        threshold: of max_prob.
        temperature: 0 would be the real gate.
    """
    first, second = little.softmax(dim=1), big.softmax(dim=1)
    kept = torch.sigmoid((first.max(dim=1).values - threshold) / temperature)[:, None]
    mixed = kept * first + (1 - kept) * second
    return mixed.clamp_min(1e-12).log(), 1 - kept.mean()


def search(
    net: Supernet,
    train: Images,
    dataset: Dataset,
    profile: DeviceProfile,
    settings: DartsSettings,
    on_step: Told | None = None,
) -> Derived:
    """The pair that a differentiable search derives; the supernet given is left as it is.

    Args:
        net: trained, for a warm start, or fresh.
        train: training images; val is for whoever evaluates what is derived.
        dataset: facts of the images.
        profile: of the device; its latency must be a sum over layers, measured or predicted.
        settings: of the search.
        on_step: told after every step.

    Raises:
        DeviceError: the profile is of another space, or lists too few networks to predict others.
        TrainingError: a loss that is not finite.
        ConstraintError: too few images for two halves.
    """
    space = net.space
    if profile.space_hash != space.hash:
        raise DeviceError(
            f"device profile {profile.name!r} is of space {profile.space!r}, the supernet of "
            f"{space.name!r}; give a profile of that, for example raspberry-pi-4."
        )
    summed = profile.latency.blocks()
    if len(train) < 2 * settings.batch:
        raise ConstraintError(f"{len(train)} images do not make two halves of {settings.batch}.")
    choices = [int(c) for c in space.allowed(settings.choices)]
    if settings.paths == "two" and len(choices) < 2:
        raise ConstraintError("with one choice there is nothing to search.")
    net = copy.deepcopy(net).train().requires_grad_(settings.weights_rate > 0)
    pair = _SoftPair(space.n_layers, len(choices), settings)
    block_ms = torch.tensor(summed.blocks_ms[:, choices], dtype=torch.float32)
    scale = float(block_ms.max(dim=1).values.sum() + summed.constant_ms)
    weights_steps = torch.optim.SGD(
        net.parameters(), lr=settings.weights_rate, momentum=0.9, weight_decay=5e-4
    )
    steps = torch.optim.Adam(pair.parameters(), lr=settings.architecture_rate, betas=(0.5, 0.999))
    rng = np.random.default_rng(settings.seed)
    halves = np.array_split(rng.permutation(len(train)), 2)
    generator = torch.Generator().manual_seed(settings.seed)
    history = []

    def run(images: torch.Tensor, chances: torch.Tensor) -> torch.Tensor:
        if settings.paths == "two":
            return sampled_forward(net, images, chances, choices, generator)
        return soft_forward(net, images, chances, choices)

    def batch_of(half: NDArray[np.intp]) -> tuple[torch.Tensor, torch.Tensor]:
        index = rng.choice(half, settings.batch, replace=False)
        return augmented_batch(train, dataset, index, settings.resolution, rng)

    for step in range(settings.steps):
        sharpness = settings.sharpness ** (step / settings.steps)
        # weights: each network by itself, so that both stay networks and not parts of a mixture
        if settings.weights_rate > 0:
            images, labels = batch_of(halves[0])
            chances = pair.chances(sharpness).detach()
            weights_steps.zero_grad()
            loss = sum(F.cross_entropy(run(images, c), labels) for c in chances)
            cast(torch.Tensor, loss).backward()  # type: ignore[no-untyped-call]
            weights_steps.step()
        # architecture and threshold
        images, labels = batch_of(halves[1])
        steps.zero_grad()
        chances = pair.chances(sharpness)
        little, big = (run(images, c) for c in chances)
        log_chance, rate = relaxed_pair(
            little, big, torch.sigmoid(pair.threshold), settings.temperature
        )
        ms = expected_latency_ms(chances, block_ms, summed.constant_ms)
        latency = mean_cost(ms[0] + profile.gate_ms, ms[1], rate)
        entropy = -(chances * chances.clamp_min(1e-12).log()).sum(dim=-1).mean()
        bonus = settings.entropy_weight * (1 - step / settings.steps)
        error = F.nll_loss(log_chance, labels)
        price = latency / scale
        if settings.latency_ms is not None:
            price = abs(latency / settings.latency_ms - 1)
        objective = error + settings.latency_weight * price - bonus * entropy
        if not torch.isfinite(objective):
            raise TrainingError(
                f"the loss is {float(objective.detach())} at step {step}; lower weights_rate or "
                "architecture_rate."
            )
        objective.backward()
        steps.step()
        history.append(
            {
                "loss": float(error.detach()),
                "latency_ms": float(latency.detach()),
                "escalation_rate": float(rate.detach()),
                "entropy": float(entropy.detach()),
            }
        )
        if on_step is not None:
            on_step(step, history[-1])
    found = pair.chances(settings.sharpness).detach().double().numpy()
    genomes = np.array(choices, np.uint8)[found.argmax(axis=2)]
    ids = space.format(genomes)
    return Derived(
        little=ids[0],
        big=ids[1],
        threshold=float(torch.sigmoid(pair.threshold.detach())),
        expected_latency_ms=history[-1]["latency_ms"],
        chances=found,
        history=tuple(history),
        net=net.eval(),
    )


def _start(asked: argparse.Namespace, bench: Benchmark) -> tuple[Supernet, tuple[str, ...] | None]:
    """The supernet to search in, and the choices its weights were trained for."""
    from ..cotrain.progressive import trained_choices
    from ..cotrain.weights import load_weights

    space = bench.table.space
    if asked.start == "scratch":
        torch.manual_seed(asked.seed)
        return Supernet(space, bench.table.n_classes), None
    shipped = bench.table.path.parent / "supernet.safetensors"
    weights = shipped if asked.start == "inherited" else Path(asked.start)
    if not weights.is_file():
        raise CheckpointError(
            f"there are no weights {weights}; expected inherited, scratch or a .safetensors file."
        )
    known = bench.table.choices if weights.resolve() == shipped.resolve() else None
    net = load_weights(weights)
    if net.space.hash != space.hash:
        raise CheckpointError(f"{weights} is of space {net.space.name!r}, not {space.name!r}.")
    return net, trained_choices(weights, known)


def _run(asked: argparse.Namespace) -> dict[str, Any]:
    from ..bench.datasets import get_dataset
    from .evaluators.live import LiveEvaluator, supernet_answers

    bench, profile = Benchmark.load(asked.table), load_device(asked.device)
    dataset = get_dataset(bench.table.dataset)
    names = [f.name for f in fields(DartsSettings) if hasattr(asked, f.name)]
    given = {name: getattr(asked, name) for name in names}
    _ = DartsSettings(**given)  # a bad number is said before anything is read
    net, known = _start(asked, bench)
    splits = dataset.load(asked.data)
    if asked.images is not None:
        if asked.images < 1:
            raise ConstraintError(f"{asked.images} images; expected at least 1.")
        few = np.arange(min(asked.images, len(splits["train"])))
        splits = {**splits, "train": splits["train"].subset(few)}
    settings = DartsSettings(choices=known, **given)

    def told(step: int, figures: dict[str, float]) -> None:
        shown = ", ".join(f"{k} {v:.3f}" for k, v in figures.items())
        sys.stderr.write(f"step {step + 1}/{settings.steps}: {shown}\n")

    found = search(net, splits["train"], dataset, profile, settings, told)
    sys.stderr.write(f"derived: {found.little} -> {found.big}\n")
    # a network that began at random is worth what the search has made of it
    weights = found.net if asked.start == "scratch" else net
    live = LiveEvaluator(
        bench.table.space,
        settings.choices or bench.table.space.choices,
        supernet_answers(weights, splits, dataset),
        splits["val"].labels,
        profile,
        dataset.n_classes,
    )
    return {"start": asked.start, **evaluated(found, live, settings)}


def main(arguments: list[str] | None = None) -> None:
    """Searches and evaluates the derived pair on val; JSON on stdout, progress on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m biglittle.searchers.darts", description="Differentiable search for a pair."
    )
    parser.add_argument("--device", default="raspberry-pi-4", help="name or profile")
    parser.add_argument("--table", default="fbnet-cifar10")
    parser.add_argument("--data", type=Path, default=None, help="folder of the images")
    parser.add_argument(
        "--from",
        dest="start",
        default="inherited",
        help="inherited (the supernet of the table), scratch, or a .safetensors file",
    )
    parser.add_argument("--images", type=int, help="training images to use; default: all")
    parser.add_argument("--paths", default=DartsSettings.paths, help="two or all")
    parser.add_argument("--latency-ms", type=float, help="mean latency that the pair is to have")
    whole, real = (
        ("steps", "batch", "resolution", "seed"),
        (
            "latency_weight",
            "entropy_weight",
            "architecture_rate",
            "weights_rate",
            "threshold",
        ),
    )
    for name in (*whole, *real):
        option = f"--{name.replace('_', '-')}"
        kind = int if name in whole else float
        parser.add_argument(option, type=kind, default=getattr(DartsSettings, name))
    asked = parser.parse_args(arguments)
    try:
        report = _run(asked)
    except BigLittleError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from error
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


def evaluated(found: Derived, evaluator: Any, settings: DartsSettings) -> dict[str, Any]:
    """The derived pair with all its non-dominated operating points, plain JSON.

    Args:
        found: as from `search`.
        evaluator: whatever evaluates pairs, as for any other searcher.
        settings: of the search, for the record.

    Returns:
        The record; ``best`` is the most accurate point within the latency aimed at, None where
        there is none.
    """
    from ..bench import Pair
    from .given_pairs import judged

    limits = {} if settings.latency_ms is None else {"latency_ms": settings.latency_ms}
    pair = [Pair(found.little, found.big)]
    outcome = judged(evaluator, pair)
    try:
        within = judged(evaluator, pair, limits).best
    except ConstraintError:  # its little network alone is slower than what was aimed at
        within = None
    return {
        "searcher": "darts",
        "settings": asdict(settings),
        "little": found.little,
        "big": found.big,
        "learned_threshold": found.threshold,
        "expected_latency_ms": found.expected_latency_ms,
        "best": None if within is None else within[0].as_dict(),
        "front": outcome.front.records(),
    }


if __name__ == "__main__":
    main()
