"""How weights are rounded where they are kept: to float16, or to int8 with a scale a channel.

In int8 every tensor of two dimensions or more (convolutions, classifiers) is stored as whole
numbers from -127 to 127 and one scale for each of its first dimension, the outputs, in bfloat16
under its name and ``.scale``; what is left, biases and batch norms, as float16. Half the size of
float16, at a loss of accuracy that whoever builds a table measures: a table's networks are those of
the rounded weights. Rounding what was rounded changes nothing.

Source: Krishnamoorthi 2018, "Quantizing deep convolutional networks for efficient inference"
(symmetric weights, per channel).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch

Storage = Literal["float16", "int8"]
Tensors = Mapping[str, torch.Tensor]

SCALE = ".scale"
_MOST = 127


def packed(tensors: Tensors, storage: Storage) -> dict[str, torch.Tensor]:
    """Tensors as they are stored.

    Args:
        tensors: floating-point tensors by name.
        storage: precision that they are kept in.

    Returns:
        The tensors by name, and the scales of those that are whole numbers.
    """
    out: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if storage == "int8" and tensor.ndim > 1:
            values = tensor.detach().float()
            largest = values.abs().flatten(1).amax(1)
            scale = (largest / _MOST).bfloat16()
            steps = values / _over_channels(torch.where(scale > 0, scale.float(), 1.0), values.ndim)
            out[name] = steps.round().clamp(-_MOST, _MOST).to(torch.int8)
            out[name + SCALE] = scale
        else:
            out[name] = tensor.half()
    return out


def unpacked(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Stored tensors with those of whole numbers multiplied by their scales, as float32.

    Raises:
        ValueError: a tensor of whole numbers without a scale for each of its outputs.
    """
    out: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.dtype == torch.int8:
            scale = tensors.get(name + SCALE)
            if scale is None or not tensor.ndim or scale.shape != tensor.shape[:1]:
                raise ValueError(f"tensor {name!r} is of whole numbers without a scale a channel")
            out[name] = tensor.float() * _over_channels(scale.float(), tensor.ndim)
        elif not (name.endswith(SCALE) and _is_scaled(tensors, name)):
            out[name] = tensor
    return out


def rounded(tensors: Tensors, storage: Storage) -> dict[str, torch.Tensor]:
    """What a reader gets of tensors that are kept: float32; whole-number ones stay as they are."""
    floats = {name: t for name, t in tensors.items() if t.is_floating_point()}
    values = {name: t.float() for name, t in unpacked(packed(floats, storage)).items()}
    return {name: values.get(name, tensor) for name, tensor in tensors.items()}


def _is_scaled(tensors: Tensors, name: str) -> bool:
    of = tensors.get(name.removesuffix(SCALE))
    return of is not None and of.dtype == torch.int8


def _over_channels(scale: torch.Tensor, ndim: int) -> torch.Tensor:
    return scale.reshape(-1, *[1] * (ndim - 1))
