"""What proxies read of gradients of single images: by the images and by the weights."""

from __future__ import annotations

import numpy as np
import torch

from .forwards import Forwards
from .network import PassError, check_readable
from .run_network import run
from .tensors import by_images, check_finite, random_signs

KERNEL_IMAGES = 8  # images whose gradients are taken: each costs a backward pass


def image_gradient(forwards: Forwards) -> torch.Tensor:
    """Per image, the gradient of the sum of all logits, (n, pixels)."""
    logits = forwards.differentiable(forwards.forward())
    return by_images(logits, torch.ones_like(logits), forwards.x)


def image_jacobian(forwards: Forwards) -> torch.Tensor:
    """By image of the mini-batch, random signs times the Jacobian of logits, (n, pixels)."""
    logits = forwards.few_forward()
    signs = random_signs(logits, np.random.default_rng(forwards.seed))
    return by_images(logits, signs, forwards.few_x)


def sample_gradients(forwards: Forwards) -> torch.Tensor:
    """Gram matrix of the first images' gradients of the sum of logits, by all parameters."""
    check_readable(forwards.network)
    n = min(KERNEL_IMAGES, forwards.n_images)
    with torch.enable_grad():
        logits = run(forwards.network, forwards.images[:n])
    if not logits.requires_grad:
        raise PassError("the network's output has no gradient; expected logits.")
    parameters = [p for p in forwards.network.parameters() if p.requires_grad]
    kernel = torch.zeros(n, n, dtype=torch.float64, device=logits.device)
    by_image = [
        torch.autograd.grad(logits[i].sum(), parameters, retain_graph=i + 1 < n, allow_unused=True)
        for i in range(n)
    ]
    for gradients in zip(*by_image, strict=True):
        if gradients[0] is not None:
            rows = torch.stack([g.flatten() for g in gradients]).double()
            kernel += rows @ rows.T
    check_finite(kernel, "an image's gradient of the logits")
    return kernel
