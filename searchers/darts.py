"""A differentiable search for little and big together.

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

With ``bits`` the bits of every stage of both networks are relaxed, too (`darts_bits.py`), and the
expected mean BitOps of the pair, E[little] + r E[big], stand beside the latency in the loss.

With ``paths="two"`` a layer computes two choices, drawn by their weights: the first is its output,
the second only tells how the loss would change if it were. That takes a fifth of the time, and what
runs is always a network and not a blend, which is what a supernet trained path by path knows.

Where accelerators are given instead of a device, blocks cost their expectation over these, whose
weights are learned with the rest (``darts_accelerators.py``).

Where it departs from the sources: first order only; one set of elastic weights for all choices and
both networks; the gate and the latency are in the loss.

Source: Liu, Simonyan and Yang 2019, DARTS (sections 2.2 and 2.3); Wu et al. 2019, FBNet (section
3.3, the latency of a layer as an expectation, softmaxes that sharpen); Cai, Zhu and Han 2019,
ProxylessNAS (section 3.2.1, two paths a step); Bender et al. 2020, TuNAS (section 3.2, the absolute
distance from a latency).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from ..bench import DeviceProfile, Pair
from ..bench.bits import StageBits
from ..bench.cost import answered_ms, mean_cost
from ..bench.datasets import Dataset, Images
from ..bench.errors import ConstraintError, TrainingError
from ..bench.mixed_network import MixedNetwork
from ..cotrain.images import augmented_batch
from ..cotrain.supernet import Supernet
from .darts_accelerators import AcceleratorPrices, DevicePrices
from .darts_bits import ExpectedBitOps, SoftBits, SoftlyQuantised
from .darts_relaxation import (
    SoftPair,
    expected_latency_ms,
    relaxed_pair,
    sampled_forward,
    soft_forward,
)
from .darts_settings import DartsSettings
from .derived_pairs import derived_pairs
from .given_pairs import judged

OnStep = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Derived:
    """What a differentiable search ended with.

    Attributes:
        little: architecture id of the little network.
        big: architecture id of the big network.
        threshold: value of max_prob as it was learned; the one to use is chosen on val.
        expected_latency_ms: mean latency of the last step's soft pair at its escalation rate.
        chances: softmax of the architecture weights, little and big, (2, n_layers, n_choices).
        history: loss, expected latency, escalation rate and entropy at every step.
        net: the supernet with the weights that the search left; None: made by hand.
        bits: bits of the stages of little and big; None: none were searched for.
        accelerator: place of the accelerator that was derived; None: there was a device.
    """

    little: str
    big: str
    threshold: float
    expected_latency_ms: float
    chances: NDArray[np.float64]
    history: tuple[dict[str, float], ...]
    net: Supernet | None = None
    bits: tuple[StageBits, StageBits] | None = None
    accelerator: int | None = None

    def mixed(self, space: str) -> tuple[MixedNetwork, MixedNetwork] | None:
        """Little and big with their bits; None where none were searched for."""
        if self.bits is None:
            return None
        little, big = (
            MixedNetwork.of(network, bits, space)
            for network, bits in zip((self.little, self.big), self.bits, strict=True)
        )
        return little, big


def search(
    net: Supernet,
    train: Images,
    dataset: Dataset,
    device: DeviceProfile | AcceleratorPrices,
    settings: DartsSettings,
    on_step: OnStep | None = None,
) -> Derived:
    """The pair that a differentiable search derives; the supernet given is left as it is.

    Args:
        net: trained, for a warm start, or fresh.
        train: training images; val is for whoever evaluates what is derived.
        dataset: facts of the images.
        device: its latency must be a sum over layers, measured or predicted; or accelerators, of
            which one is derived with the pair.
        settings: how the search is run.
        on_step: called after every step with its number and its figures.

    Raises:
        ArchitectureError: bits are searched for, and networks of the space have no stages.
        DeviceError: the profile is of another space, or lists too few networks to predict others.
        TrainingError: a loss that is not finite.
        ConstraintError: too few images for two halves.
    """
    space = net.space
    choices = [int(c) for c in space.allowed(settings.choices)]
    priced = DevicePrices(device, space, choices) if isinstance(device, DeviceProfile) else device
    if len(train) < 2 * settings.batch:
        raise ConstraintError(f"{len(train)} images do not make two halves of {settings.batch}.")
    if settings.paths == "two" and len(choices) < 2:
        raise ConstraintError("with one choice there is nothing to search.")
    net = copy.deepcopy(net).train().requires_grad_(settings.weights_rate > 0)
    pair = SoftPair(space.n_layers, len(choices), settings)
    scale = priced.scale_ms
    weights_steps = torch.optim.SGD(
        net.parameters(), lr=settings.weights_rate, momentum=0.9, weight_decay=5e-4
    )
    relaxed = [*pair.parameters(), *priced.parameters()]
    soft_bits = None
    if settings.bits:
        bitops = ExpectedBitOps(space, dataset.n_classes, choices)
        soft_bits = SoftBits(bitops.n_entries, settings.seed)
        relaxed += soft_bits.parameters()
    steps = torch.optim.Adam(relaxed, lr=settings.architecture_rate, betas=(0.5, 0.999))
    rng = np.random.default_rng(settings.seed)
    halves = np.array_split(rng.permutation(len(train)), 2)
    generator = torch.Generator().manual_seed(settings.seed)
    history = []

    def run(
        images: torch.Tensor, chances: torch.Tensor, bits: torch.Tensor | None = None
    ) -> torch.Tensor:
        view = net if bits is None else SoftlyQuantised(net, bits)
        if settings.paths == "two":
            return sampled_forward(view, images, chances, choices, generator)
        return soft_forward(view, images, chances, choices)

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
        bits = None if soft_bits is None else soft_bits.drawn(sharpness)
        little, big = (run(images, chances[k], None if bits is None else bits[k]) for k in (0, 1))
        log_chance, rate = relaxed_pair(
            little, big, torch.sigmoid(pair.threshold), settings.temperature
        )
        prices = priced(step / settings.steps)
        ms = expected_latency_ms(chances, prices.block_ms, prices.constant_ms)
        latency = mean_cost(answered_ms(ms[0], priced.gate_ms), ms[1], rate)
        entropy = -(chances * chances.clamp_min(1e-12).log()).sum(dim=-1).mean()
        bonus = settings.entropy_weight * (1 - step / settings.steps)
        error = F.nll_loss(log_chance, labels)
        price = latency / scale
        if settings.latency_ms is not None:
            price = abs(latency / settings.latency_ms - 1)
        objective = error + settings.latency_weight * price - bonus * entropy
        figures = {"latency_ms": float(latency.detach())}
        if bits is not None:
            price, figures["gbitops"] = bitops.priced(chances, bits, rate, settings.gbitops)
            objective = objective + settings.bitops_weight * price
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
                **figures,
                "escalation_rate": float(rate.detach()),
                "entropy": float(entropy.detach()),
            }
        )
        if on_step is not None:
            on_step(step, history[-1])
    chances_left = pair.chances(settings.sharpness).detach().double().numpy()
    genomes = np.array(choices, np.uint8)[chances_left.argmax(axis=2)]
    ids = space.format(genomes)
    return Derived(
        little=ids[0],
        big=ids[1],
        threshold=float(torch.sigmoid(pair.threshold.detach())),
        expected_latency_ms=history[-1]["latency_ms"],
        chances=chances_left,
        history=tuple(history),
        net=net.eval(),
        bits=None if soft_bits is None else soft_bits.derived(),
        accelerator=priced.place,
    )


def evaluated(
    derived: Derived,
    evaluator: Any,
    settings: DartsSettings,
    couplings: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The derived pair with all its non-dominated operating points, plain JSON.

    Args:
        derived: the pair, as `search` returns it.
        evaluator: whatever evaluates pairs, as for any other searcher.
        settings: settings of the search, for the record.
        couplings: the only ones that pairs may have, of the derived one and of its exits; None:
            the derived one, whatever it shares.

    Raises:
        ConstraintError: ``prefix`` without exit heads, or no pair with such a coupling.

    Returns:
        The record; ``best`` is the most accurate point within the latency aimed at, None where
        there is none.
    """
    limits = {} if settings.latency_ms is None else {"latency_ms": settings.latency_ms}
    pairs = [Pair(derived.little, derived.big)]
    if couplings is not None:
        pairs = derived_pairs(evaluator, pairs, couplings)
    outcome = judged(evaluator, pairs)
    try:
        within = judged(evaluator, pairs, limits).best
    except ConstraintError:  # its little network alone is slower than what was aimed at
        within = None
    return {
        "searcher": "darts",
        "settings": asdict(settings),
        "little": derived.little,
        "big": derived.big,
        "couplings": None if couplings is None else list(couplings),
        "pairs": len(pairs),
        "learned_threshold": derived.threshold,
        "expected_latency_ms": derived.expected_latency_ms,
        "best": None if within is None else within[0].as_dict(),
        "front": outcome.front.records(),
    }
