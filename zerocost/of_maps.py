"""What proxies see on the way of a forward pass: ReLU patterns, maps of layers and of blocks."""

from __future__ import annotations

import numpy as np
import torch

from .forwards import Forwards
from .network import WEIGHTED, PassError, blocks
from .tensors import random_signs


def relu_patterns(forwards: Forwards) -> list[torch.Tensor]:
    """Per ReLU call, which outputs are positive: bool (n, neurons), neurons in any order."""
    forwards.forward()
    if not forwards.relu:
        last = [n for n, m in forwards.network.named_modules() if isinstance(m, WEIGHTED)]
        raise PassError(
            "the network has no ReLU (nn.ReLU, nn.ReLU6, nn.LeakyReLU or their functions "
            f"were never called between its first and last layer {(last or ['?'])[-1]!r}); "
            "its activations have no pattern."
        )
    return forwards.relu


def layer_maps(forwards: Forwards) -> list[tuple[str, torch.Tensor]]:
    """Maps (channels, height, width) of the first image after every layer without parts."""
    forwards.forward()
    if not forwards.layer_maps:
        raise PassError("no layer gives maps of shape (n, channels, height, width).")
    return forwards.layer_maps


def block_maps(forwards: Forwards) -> list[tuple[str, torch.Tensor]]:
    """Maps (n, channels, height, width) after every block (``network.blocks``)."""
    forwards.forward()
    if len(forwards.block_maps) < 2:
        raise PassError(
            f"{len(forwards.block_maps)} of the network's blocks "
            f"({', '.join(n for n, _ in blocks(forwards.network)) or 'none'}) give maps of "
            "shape (n, channels, height, width); expected at least 2."
        )
    return [(name, maps.detach()) for name, maps in forwards.block_maps]


def block_gradients(forwards: Forwards) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
    """Per block but the first: random signs at its output, and their gradient at its input."""
    forwards.differentiable(forwards.forward())
    rng, out = np.random.default_rng(forwards.seed), []
    for (_, before), (name, after) in zip(
        forwards.block_maps[:-1], forwards.block_maps[1:], strict=True
    ):
        g_out, g_in = random_signs(after, rng), None
        if after.requires_grad and before.requires_grad:
            (g_in,) = torch.autograd.grad(
                after, before, g_out, retain_graph=True, allow_unused=True
            )
        if g_in is None:
            raise PassError(f"block {name!r} does not depend on the block before it.")
        out.append((name, g_out, g_in))
    if not out:
        raise PassError("fewer than 2 blocks give maps of shape (n, channels, height, width).")
    return out
