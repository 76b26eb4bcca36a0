"""What a differentiable search relaxes: choices of layers, the gate and the expected latency.

Source: Liu, Simonyan and Yang 2019, DARTS (sections 2.2 and 2.3); Wu et al. 2019, FBNet (section
3.3, the latency of a layer as an expectation, softmaxes that sharpen); Cai, Zhu and Han 2019,
ProxylessNAS (section 3.2.1, two paths a step); Bender et al. 2020, TuNAS (section 3.2, the absolute
distance from a latency).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import torch
from torch import nn

from .darts_settings import DartsSettings


class Layered(Protocol):
    """A network whose layers each compute the choice that they are told: a supernet, or a view."""

    @property
    def stem(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """Maps images to what the first layer reads."""

    @property
    def layers(self) -> Iterable[Callable[..., Any]]:
        """Maps features and the number of a choice to features, layer by layer."""

    @property
    def head(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """Maps what the last layer gives to features, (batch, n_features)."""

    @property
    def classifier(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """Maps those to logits, (batch, n_classes)."""


def soft_forward(
    net: Layered, images: torch.Tensor, chances: torch.Tensor, choices: Sequence[int]
) -> torch.Tensor:
    """Logits (batch, n_classes) of the weighted sum of all choices in every layer.

    Args:
        net: the supernet, or what stands for it, whose layers compute every choice.
        images: normalised, (batch, channels, height, width).
        chances: weight of every choice in every layer, (n_layers, n_choices); rows sum to 1.
        choices: indices of those choices in the space.
    """
    x = net.stem(images)
    for layer, row in zip(net.layers, chances, strict=True):
        x = sum(chance * layer(x, choice) for chance, choice in zip(row, choices, strict=True))
    return net.classifier(net.head(x))


def sampled_forward(
    net: Layered,
    images: torch.Tensor,
    chances: torch.Tensor,
    choices: Sequence[int],
    generator: torch.Generator,
) -> torch.Tensor:
    """Logits (batch, n_classes) of one path drawn by its chances, differentiable in these.

    In each layer a second choice is drawn. Of the chances of the two, scaled to sum to 1, the
    gradient is that of their weighted sum at the output of the first.

    Args:
        net: the supernet, or what stands for it, whose layers compute every choice.
        images: normalised, (batch, channels, height, width).
        chances: weight of every choice in every layer, (n_layers, n_choices); rows sum to 1.
        choices: indices of those choices in the space.
        generator: source of the random draws of paths.
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
    return net.classifier(net.head(x))


class SoftPair(nn.Module):
    """Architecture weights of both networks, and the threshold."""

    def __init__(self, n_layers: int, n_choices: int, settings: DartsSettings) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(settings.seed)
        start = 1e-3 * torch.randn(2, n_layers, n_choices, generator=generator)
        self.alpha = nn.Parameter(start)
        self.threshold = nn.Parameter(torch.logit(torch.tensor(settings.threshold)))

    def chances(self, sharpness: float) -> torch.Tensor:
        """Softmax of the sharpened architecture weights, (2, n_layers, n_choices)."""
        return (self.alpha * sharpness).softmax(dim=-1)


def gumbel_noise(shape: Sequence[int], generator: torch.Generator) -> torch.Tensor:
    """Standard Gumbel noise of a shape: logits with it, in a softmax, draw softly by their chances.

    Source: Jang, Gu and Poole 2017, "Categorical Reparameterization with Gumbel-Softmax" (section
    2.1). torch's ``gumbel_softmax`` takes no generator.
    """
    uniform = torch.rand(tuple(shape), generator=generator)
    return -(-uniform.clamp_min(1e-20).log()).clamp_min(1e-20).log()


def expected_latency_ms(
    chances: torch.Tensor, block_ms: torch.Tensor, constant_ms: torch.Tensor | float
) -> torch.Tensor:
    """Latency of both soft networks, (2,): the mean of each layer's blocks, summed."""
    return (chances * block_ms).sum(dim=(1, 2)) + constant_ms


def relaxed_pair(
    little: torch.Tensor, big: torch.Tensor, threshold: torch.Tensor, temperature: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log probabilities (batch, n_classes) of the pair and its escalation rate, differentiable.

    Args:
        little: logits of the little network, (batch, n_classes).
        big: logits of the big network, (batch, n_classes).
        threshold: value of max_prob below which an input is escalated.
        temperature: width of the relaxed gate; 0 would be the real one.
    """
    first, second = little.softmax(dim=1), big.softmax(dim=1)
    confident = torch.sigmoid((first.max(dim=1).values - threshold) / temperature)[:, None]
    mixed = confident * first + (1 - confident) * second
    return mixed.clamp_min(1e-12).log(), 1 - confident.mean()
