"""Networks with bits per stage, simulated: values are rounded as integers would be, in float32.

Batch norms are folded in float64. Weights get a scale for each output channel and no zero point.
What layers read has one scale and zero point for each tensor, from the smallest and largest value
that calibration images give rise to: the rule of the int8 networks (`edge_profiler.quantised`),
with as many levels as there are bits. What reads a tensor decides on its bits. Biases are whole
multiples of the product of both scales, as integers of 32 bits would be; sums are float32.

Rounding is skipped by gradients, and values beyond the range get none (straight-through), so that a
network can be trained on with its bits. Ranges stay as they were calibrated.

Rounding is written here in four passes over a tensor: torch's ``fake_quantize_per_tensor_affine``
takes four times as long on the processors this was tried on. ``torch.ao``'s observers would divide
the range of weights by 127.5 where ONNX Runtime divides it by 127.

Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference" (section 3, simulated quantisation with folded batch norms);
Bengio et al. 2013, "Estimating or Propagating Gradients Through Stochastic Neurons"
(straight-through); Krishnamoorthi 2018 (scales per channel).
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ..bench.bits import StageBits, parse_bits, whole_text
from ..bench.errors import DatasetError
from ..bench.mixed_network import FIXED_BITS, stages_of
from ..bench.networks import Block, Network
from ..bench.spaces import get_space

BATCH = 64  # images a pass of calibration
FIXED = (FIXED_BITS, FIXED_BITS)  # of image, stem and classifier
TINIEST = 1e-12  # a range or a channel of zeros has a scale all the same


class _Straight(torch.autograd.Function):
    """Rounds to levels; the gradient passes where the value lies within them."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, scale: float, low: int, high: int) -> torch.Tensor:
        """Values of ``x`` rounded to whole multiples of ``scale`` from ``low`` to ``high``."""
        levels = (x * (1.0 / scale)).round_()
        ctx.save_for_backward((levels >= low) & (levels <= high))
        return levels.clamp_(low, high).mul_(scale)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        """The gradient within the range, and 0 beyond it."""
        (within,) = ctx.saved_tensors
        return gradients[0] * within, None, None, None


def rounded(x: torch.Tensor, scale: float, low: int, high: int) -> torch.Tensor:
    """A tensor rounded to whole multiples of ``scale`` from ``low`` to ``high`` times it.

    Args:
        x: values of any shape.
        scale: distance of two levels.
        low: number of the lowest level, 0 or less.
        high: number of the highest level.
    """
    if torch.is_grad_enabled() and x.requires_grad:
        return cast(torch.Tensor, _Straight.apply(x, scale, low, high))  # type: ignore[no-untyped-call]
    levels: torch.Tensor = (x * (1.0 / scale)).round_()
    return levels.clamp_(low, high).mul_(scale)


def weight_steps(weight: torch.Tensor, bits: int) -> torch.Tensor:
    """Distance of two levels of each output channel, the first axis, shape (n, 1, ...).

    Args:
        weight: weights of a convolution or a linear layer.
        bits: number of bits, the sign among them; levels are as many below 0 as above.
    """
    extremes = weight.detach().abs().amax(dim=tuple(range(1, weight.ndim)), keepdim=True)
    steps: torch.Tensor = extremes / (2 ** (bits - 1) - 1)
    return steps.clamp_min_(TINIEST)


def to_steps(values: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """Values rounded to whole multiples of some steps; gradients pass as they are.

    Args:
        values: weights or biases of a layer.
        steps: distance of two levels, which broadcasts against ``values``.
    """
    with torch.no_grad():
        levels = (values / steps).round_().mul_(steps)
    return values + (levels - values).detach() if values.requires_grad else levels


class Quantiser(nn.Module):
    """Rounds what a layer reads to levels between the extremes that were observed.

    Attributes:
        bits: number of bits; 0: values stay as they are and widen the range.
    """

    low: torch.Tensor
    high: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.bits = 0
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The tensor with rounded values, of the same shape."""
        if not self.bits:
            self.low.copy_(torch.minimum(self.low, x.detach().amin()))
            self.high.copy_(torch.maximum(self.high, x.detach().amax()))
            return x
        zero = round(-self.low.item() / self.step)
        return rounded(x, self.step, -zero, 2**self.bits - 1 - zero)

    @property
    def step(self) -> float:
        """Distance of two levels; 0 where values stay as they are."""
        if not self.bits:
            return 0.0
        extent = float(self.high.item() - self.low.item())
        return max(extent / ((1 << self.bits) - 1), TINIEST)


class Weighted(nn.Module):
    """A convolution or linear layer with its batch norm folded, and the ReLU behind it.

    Args:
        layer: the layer; its weights are copied.
        norm: batch norm behind it, with the statistics it is to have; None: there is none.
        relu: whether a ReLU follows.
        last: whether what it gives is rounded by whoever reads it.
    """

    def __init__(
        self, layer: nn.Conv2d | nn.Linear, norm: nn.BatchNorm2d | None, relu: bool, last: bool
    ) -> None:
        super().__init__()
        self.bits = 0
        weight: torch.Tensor = layer.weight
        bias: torch.Tensor | None = layer.bias
        if norm is not None:
            mean, var = norm.running_mean, norm.running_var
            assert mean is not None
            assert var is not None
            weight, bias = fuse_conv_bn_weights(
                weight.double(),
                None,
                mean.double(),
                var.double(),
                norm.eps,
                norm.weight.double(),
                norm.bias.double(),
            )
        assert bias is not None
        self.weight = nn.Parameter(weight.detach().float().clone())
        self.bias = nn.Parameter(bias.detach().float().clone())
        self.relu, self.out = relu, None if last else Quantiser()
        self.conv = (
            None
            if isinstance(layer, nn.Linear)
            else (layer.stride, layer.padding, layer.dilation, layer.groups)
        )

    def forward(self, x: torch.Tensor, step: float) -> torch.Tensor:
        """What the layer gives, rounded for the next layer of the same part.

        Args:
            x: what the layer reads.
            step: distance of the levels of ``x``; a bias has that times the step of its weights.
        """
        weight: torch.Tensor = self.weight
        bias: torch.Tensor = self.bias
        if self.bits:
            steps = weight_steps(weight, self.bits)
            weight, bias = to_steps(weight, steps), to_steps(bias, steps.flatten() * step)
        if self.conv is None:
            x = F.linear(x, weight, bias)
        else:
            x = F.conv2d(x, weight, bias, *self.conv)  # type: ignore[arg-type]
        if self.relu and (self.out is None or not self.out.bits or torch.is_grad_enabled()):
            x = F.relu_(x)  # else the lowest level is 0 already
        return x if self.out is None else cast(torch.Tensor, self.out(x))


class Part(nn.Module):
    """Stem, one layer of the space, head or classifier: rounds what it reads.

    Args:
        body: modules in order, batch norms behind their convolutions.
        residual: whether what it reads is added at its end.
        stage: entry of the bits it has; None: always 8.
    """

    def __init__(self, body: list[nn.Module], residual: bool, stage: int | None) -> None:
        super().__init__()
        self.entry, self.residual, self.stage = Quantiser(), residual, stage
        units: list[nn.Module] = []
        for i, module in enumerate(body):
            if isinstance(module, nn.Conv2d | nn.Linear):
                norm = body[i + 1] if i + 1 < len(body) else None
                behind = body[i + 2 :] if isinstance(norm, nn.BatchNorm2d) else body[i + 1 :]
                relu = bool(behind) and isinstance(behind[0], nn.ReLU)
                last = len(behind) == relu and not residual
                norm = norm if isinstance(norm, nn.BatchNorm2d) else None
                units.append(Weighted(module, norm, relu, last))
            elif not isinstance(module, nn.BatchNorm2d | nn.ReLU):
                units.append(module)
        self.units = nn.ModuleList(units)

    def set_bits(self, weights: int, activations: int) -> None:
        """Gives all layers of the part so many bits; 0 of both: none, and ranges are observed."""
        self.entry.bits = activations
        for unit in self.units:
            if isinstance(unit, Weighted):
                unit.bits = weights
                if unit.out is not None:
                    unit.out.bits = activations

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What the part gives, which whoever reads it rounds."""
        x = out = cast(torch.Tensor, self.entry(x))
        step = self.entry.step
        for unit in self.units:
            if isinstance(unit, Weighted):
                out = unit(out, step)
                step = 0.0 if unit.out is None else unit.out.step
            else:
                out = unit(out)
        return out + x if self.residual else out


class FakeQuantised(nn.Module):
    """A network whose stages have bits; logits of shape (batch, n_classes), as of `Network`.

    Args:
        network: the network with its batch-norm statistics; its weights are copied.

    Raises:
        ArchitectureError: its space has no stages.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        stages = stages_of(get_space(network.space), network.exit)
        by_layer = {layer: k for k, stage in enumerate(stages) for layer in stage}
        self.space, self.name, self.n_entries = network.space, network.name, len(stages) + 1
        parts = [Part(list(network.stem), False, None)]
        for layer, module in enumerate(network.blocks):
            block = cast(Block, module)
            if len(block.body):
                parts.append(Part(list(block.body), block.residual, by_layer[layer]))
        parts += [
            Part(list(network.head), False, len(stages)),
            Part([network.classifier], False, None),
        ]
        self.parts = nn.ModuleList(parts)
        self.bits: StageBits | None = None

    def starts(self) -> list[int]:
        """The first part of each entry, which is that of the next one where a stage is idle."""
        entries = [cast(Part, part).stage for part in self.parts]
        return [
            next(i for i, stage in enumerate(entries) if stage is not None and stage >= k)
            for k in range(self.n_entries)
        ]

    def set_bits(self, bits: StageBits | None) -> None:
        """Gives each stage other bits; the ranges that were observed stay.

        Args:
            bits: bits of weights and of what is read by stage; None: float32 everywhere, and
                ranges are widened to what is run.

        Raises:
            ArchitectureError: bits outside of the list, or of another number of stages.
        """
        self.bits = None if bits is None else parse_bits(whole_text(bits), self.n_entries)
        for module in self.parts:
            part = cast(Part, module)
            if self.bits is None:
                part.set_bits(0, 0)
            else:
                part.set_bits(*(FIXED if part.stage is None else self.bits[part.stage]))

    @torch.no_grad()
    def observe(self, images: torch.Tensor) -> None:
        """Takes the ranges of all tensors from what float32 gives on some images.

        Args:
            images: normalised calibration images, shape (n, channels, height, width).
        """
        bits = self.bits
        self.set_bits(None)
        for module in self.modules():
            if isinstance(module, Quantiser):
                module.low.zero_()
                module.high.zero_()
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            self.run(batch.contiguous(memory_format=torch.channels_last))
        self.set_bits(bits)

    def run(self, x: torch.Tensor, first: int = 0, last: int | None = None) -> torch.Tensor:
        """What the parts from ``first`` to before ``last`` make of what the first one reads."""
        for part in list(self.parts)[first:last]:
            x = part(x)
        return x

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of images (batch, 3, height, width), normalised float32."""
        return self.run(images)


def fake_quantised(
    network: Network, bits: StageBits | None, calibration: NDArray[np.float32]
) -> FakeQuantised:
    """A network with bits per stage, calibrated, in evaluation mode.

    Args:
        network: the network with its batch-norm statistics; it is not changed.
        bits: bits of weights and of what is read, a pair for each stage and one for the head; None:
            8 everywhere.
        calibration: normalised training images, as `calibration_images` gives them, shape
            (n, channels, height, width).

    Raises:
        ArchitectureError: bits outside of the list, of another number of stages, or a space
            without stages.
        DatasetError: there is no calibration image.
    """
    if not len(calibration):
        raise DatasetError("0 calibration images; expected at least 1.")
    out = FakeQuantised(network)
    out.set_bits((FIXED,) * out.n_entries if bits is None else bits)
    out.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    out.observe(torch.from_numpy(calibration))
    out.eval()
    return out
