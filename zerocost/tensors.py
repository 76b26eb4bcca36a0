"""Order, chance and gradients of tensors, and the graph behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from .network import PassError


def by_images(logits: torch.Tensor, outer: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """The gradient of ``(outer * logits).sum()`` with respect to the images, (n, pixels)."""
    (gradient,) = torch.autograd.grad(logits, images, outer, retain_graph=True, allow_unused=True)
    if gradient is None:
        raise PassError("the network's output does not depend on its input.")
    check_finite(gradient, "the gradient with respect to the images")
    return gradient.flatten(1)


def channels_last(images: torch.Tensor) -> torch.Tensor:
    """The same images in the order in memory that convolutions are fastest in."""
    return images.contiguous(memory_format=torch.channels_last) if images.ndim == 4 else images


def random_signs(like: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Random signs, in the shape, type and order in memory of a tensor whose channels come last."""
    n = like.numel()
    bits = np.unpackbits(np.frombuffer(rng.bytes(-(-n // 8)), np.uint8))[:n]
    signs = torch.from_numpy(bits).to(like.device, like.dtype).mul_(2).sub_(1)
    if like.ndim != 4:
        return signs.view(like.shape)
    images, channels, height, width = like.shape
    return signs.view(images, height, width, channels).permute(0, 3, 1, 2)


def check_finite(tensor: torch.Tensor, what: str) -> None:
    """Raises PassError, naming ``what``, where a number is not finite."""
    if not bool(torch.isfinite(tensor).all()):
        raise PassError(f"{what} is not finite.")


def canonical_order(images: torch.Tensor, labels: torch.Tensor | None) -> list[int]:
    """An order of the images that their content alone decides, without pattern."""
    flat = images.detach().cpu().float().flatten(1).contiguous().numpy()
    tags = [0] * len(flat) if labels is None else labels.cpu().tolist()
    return sorted(range(len(flat)), key=lambda i: (flat[i].tobytes(), tags[i]))


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's global generator started from ``seed``; left as it was afterwards."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def leaves(node: Any) -> Iterator[torch.Tensor]:
    """Leaf tensors that a node of the graph depends on."""
    return (at.variable for at in nodes(node) if hasattr(at, "variable"))


def nodes(node: Any) -> Iterator[Any]:
    """A node of the graph and all it depends on."""
    seen, waiting = set(), [node] if node is not None else []
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        yield at
        waiting += [after for after, _ in at.next_functions if after is not None]
