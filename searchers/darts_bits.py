"""Bits per stage, relaxed: what a differentiable search chooses beside the operators of layers.

Every stage of both networks, and each head, has a softmax over 4, 6 and 8 bits for its weights and
another for what its layers read. In a step the bits are drawn with Gumbel noise, and a value that
is rounded is the sum of its roundings, weighted by what was drawn: the gradient passes the rounding
as if it were not there, and each weight of that sum gets the error of its own rounding. Noise and
softmax sharpen as those of the operators do, so that what is searched becomes what is derived.

What is rounded is the input of every layer and the weights of its convolutions. Activations inside
a layer, and the folding of batch norms, are left to the simulation that the derived pair is run by
(`cotrain.fake_quantised`). Ranges of what is read are those of the batch.

Source: Wu et al. 2018, "Mixed Precision Quantization of ConvNets via Differentiable Neural
Architecture Search" (sections 4 and 5, bits drawn by Gumbel softmax, block by block); Cai and
Vasconcelos 2020, "Rethinking Differentiable Search for Mixed-Precision Neural Networks", EdMIPS
(section 3.3, one set of weights rounded in several ways, expected BitOps). We differ: stages, two
networks and the gate between them in one loss.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call

from ..bench.bits import BITS, StageBits
from ..bench.cost import mean_cost
from ..bench.mixed_network import FIXED_BITS, stages_of
from ..bench.spaces import SearchSpace
from ..cotrain.fake_quantised import TINIEST, to_steps, weight_steps
from ..cotrain.supernet import Supernet
from .darts_relaxation import gumbel_noise

SIDES = 2  # weights, and what is read
GIGA = 1e9


class SoftBits(nn.Module):
    """Weights of the choice of bits of both networks.

    Args:
        n_entries: number of stages and the head.
        seed: seed of where they begin and of the noise of every step.
    """

    def __init__(self, n_entries: int, seed: int) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)
        shape = (2, n_entries, SIDES, len(BITS))
        self.beta = nn.Parameter(1e-3 * torch.randn(shape, generator=self.generator))

    def drawn(self, sharpness: float) -> torch.Tensor:
        """Gumbel softmax of the weights at a temperature of 1 / sharpness, of their shape."""
        noise = gumbel_noise(self.beta.shape, self.generator)
        return ((self.beta + noise) * sharpness).softmax(dim=-1)

    def derived(self) -> tuple[StageBits, StageBits]:
        """Bits of the largest weight, of the little and of the big network."""
        bits = np.array(BITS)[self.beta.detach().argmax(dim=-1).numpy()]
        little, big = (tuple((int(w), int(a)) for w, a in network) for network in bits)
        return little, big


def mixed(x: torch.Tensor, chances: torch.Tensor, errors: list[torch.Tensor]) -> torch.Tensor:
    """A tensor with the expected error of its roundings; gradients pass to it as they are.

    Args:
        x: values of any shape.
        chances: weight of each number of bits, (n_bits,), adding up to 1.
        errors: rounded values less the values, at each number of bits.
    """
    return x + torch.stack([c * error for c, error in zip(chances, errors, strict=True)]).sum(dim=0)


def read_errors(x: torch.Tensor) -> list[torch.Tensor]:
    """Rounded values less the values at each number of bits, between the extremes of a batch."""
    with torch.no_grad():
        low, high = torch.aminmax(x)
        errors = []
        for bits in BITS:
            step = ((high - low) / (2**bits - 1)).clamp_min(TINIEST)
            errors.append(((x - low) / step).round_().mul_(step).add_(low).sub_(x))
    return errors


def weight_errors(weight: torch.Tensor) -> list[torch.Tensor]:
    """Rounded weights less the weights at each number of bits, a scale for each output channel."""
    with torch.no_grad():
        plain = weight.detach()
        return [to_steps(plain, weight_steps(plain, bits)) - plain for bits in BITS]


def _quantised(
    module: nn.Module, chances: torch.Tensor, x: torch.Tensor, *rest: Any
) -> torch.Tensor:
    """What a layer or head gives with the expected bits of its weights and of what it reads."""
    weights = {
        name: mixed(weight, chances[0], weight_errors(weight))
        for name, weight in module.named_parameters()
        if weight.ndim == 4
    }
    shown = mixed(x, chances[1], read_errors(x))
    out: torch.Tensor = functional_call(module, weights, (shown, *rest))
    return out


class SoftlyQuantised:
    """A supernet whose layers and head compute with the expected bits of their stages.

    Args:
        net: the supernet; its stem and classifier have 8 bits always, and are left as they are.
        chances: weight of each number of bits of one network, (n_entries, 2, n_bits).
    """

    def __init__(self, net: Supernet, chances: torch.Tensor) -> None:
        stages = stages_of(net.space)
        entry = {layer: k for k, stage in enumerate(stages) for layer in stage}
        self.stem: Callable[[torch.Tensor], torch.Tensor] = net.stem
        self.layers = [
            partial(_quantised, layer, chances[entry[i]]) for i, layer in enumerate(net.layers)
        ]
        self.head = partial(_quantised, net.head, chances[-1])
        self.classifier: Callable[[torch.Tensor], torch.Tensor] = net.classifier


class ExpectedBitOps:
    """BitOps of soft networks with soft bits, in billions.

    Args:
        space: search space of both networks, a chain of stages.
        n_classes: number of classes of their classifiers.
        choices: indices of the choices that layers are searched among.

    Raises:
        ArchitectureError: networks of the space have no stages that follow one another.
    """

    def __init__(self, space: SearchSpace, n_classes: int, choices: list[int]) -> None:
        stages = stages_of(space)
        self.n_entries = len(stages) + 1
        self.entries = torch.tensor([k for k, stage in enumerate(stages) for _ in stage])
        macs = np.array([[_macs(space, i, c) for c in choices] for i in range(space.n_layers)])
        row = np.zeros(space.n_layers, np.uint8)
        *head, classifier = space.head_of(row, n_classes, None)
        fixed = (*space.stem_of(row), *space.between, classifier)
        self.macs = torch.tensor(macs / GIGA, dtype=torch.float32)
        self.head_macs = sum(op.macs for op in head) / GIGA
        self.fixed = sum(op.macs for op in fixed) * FIXED_BITS**2 / GIGA
        self.most = float(self.macs.max(dim=1).values.sum() + self.head_macs) * BITS[-1] ** 2

    def of(self, chances: torch.Tensor, bits: torch.Tensor) -> torch.Tensor:
        """Expected BitOps of n soft networks in billions, shape (n,).

        Choices and bits are drawn apart, so that the expectation is that of each, multiplied.

        Args:
            chances: weight of every choice in every layer, (n, n_layers, n_choices).
            bits: weight of each number of bits, (n, n_entries, 2, n_bits).
        """
        expected = (bits * torch.tensor(BITS, dtype=bits.dtype)).sum(dim=-1)
        products = expected[..., 0] * expected[..., 1]
        layers = (chances * self.macs).sum(dim=-1) * products[:, self.entries]
        return layers.sum(dim=-1) + self.head_macs * products[:, -1] + self.fixed

    def priced(
        self,
        chances: torch.Tensor,
        bits: torch.Tensor,
        escalation_rate: torch.Tensor,
        aim: float | None,
    ) -> tuple[torch.Tensor, float]:
        """Price of the expected mean BitOps of a soft pair, and these BitOps in billions.

        The price is their share of the most that a network could have, or their relative distance
        from what is aimed at.

        Args:
            chances: weights of the choices of little and big, as for `of`.
            bits: weights of the bits of little and big, as for `of`.
            escalation_rate: share of the images that the big network is asked about.
            aim: mean BitOps in billions that the pair is to have; None: the fewer the better.
        """
        each = self.of(chances, bits)
        billions: torch.Tensor = mean_cost(each[0], each[1], escalation_rate)
        price = billions / self.most if aim is None else abs(billions / aim - 1)
        return price, float(billions.detach())


def _macs(space: SearchSpace, layer: int, choice: int) -> int:
    row: NDArray[np.uint8] = np.zeros(space.n_layers, np.uint8)
    row[layer] = choice
    return sum(op.macs for op in space.layer_of(space.layers[layer], row))
