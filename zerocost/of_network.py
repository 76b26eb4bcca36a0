"""What proxies read of a network alone: what it costs, and passes with other weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from .forwards import Forwards
from .network import (
    NORMS,
    WEIGHTED,
    WITH_MATRICES,
    PassError,
    check_readable,
    matrices,
    replaced,
    weights_of_layers,
)
from .of_loss import Weight
from .run_network import check_in_graph, response, run
from .tensors import channels_last, check_finite, leaves
from .watching import Macs

PERTURBATION = 0.01  # of the images, relative to their scale: Lin et al. 2021, algorithm 1


@dataclass(frozen=True)
class Counts:
    """Multiply-accumulates and parameters of one image.

    Attributes:
        macs: multiply-accumulates of every operation that has a formula.
        params: number of parameters that it meets.
        uncounted: names of operations that may multiply and have no formula.
    """

    macs: int
    params: int
    uncounted: tuple[str, ...] = ()


@dataclass(frozen=True)
class GaussianResponse:
    """How features answer to a small change of the input, weights being N(0, 1).

    Attributes:
        change: mean over images of the sum of absolute changes of the features.
        log_deviations: log of the root of the mean variance of the input, per batch norm.
    """

    change: float
    log_deviations: tuple[float, ...]


def counts(forwards: Forwards) -> Counts:
    """Multiply-accumulates and parameters of one image."""
    check_readable(forwards.network)
    network, called = forwards.network.eval(), set()
    handles = [
        m.register_forward_hook(lambda module, args, out: called.add(module))
        for m in network.modules()
    ]
    try:
        with torch.enable_grad(), Macs.counting() as counter:
            logits = run(network, forwards.images[:1])
    finally:
        network.train()
        for handle in handles:
            handle.remove()
    met = {id(p): p for m in called for p in m.parameters(recurse=False)}
    met |= {id(p): p for p in leaves(logits.grad_fn)}
    total = sum(p.numel() for p in met.values() if isinstance(p, nn.Parameter))
    return Counts(counter.total, total, tuple(sorted(counter.uncounted)))


def synaptic_flow(forwards: Forwards) -> list[Weight]:
    """|weights| in float64 without normalisation, and the gradient of the flow through them.

    The flow is the sum of the outputs for one image of ones, all parameters being replaced by
    their absolute values. Layers that the output does not depend on are left out.
    """

    def absolute(_: nn.Module, name: str, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.double().abs() if tensor.is_floating_point() else tensor

    check_readable(forwards.network)
    image = torch.ones_like(forwards.images[:1], dtype=torch.float64)
    with torch.enable_grad(), replaced(forwards.network, absolute, norms=False) as network:
        # No statistics are left in the network, so one image of ones is enough.
        flow = run(network, image).sum()
        if not flow.requires_grad:
            raise PassError("the network's output has no gradient; expected logits.")
        layers = weights_of_layers(network)
    gradients = torch.autograd.grad(flow, [weight for _, weight in layers], allow_unused=True)
    out = []
    for (name, weight), gradient in zip(layers, gradients, strict=True):
        if gradient is None:
            check_in_graph(name, forwards.cut)
            continue
        if not bool(torch.isfinite(gradient).all()):
            raise PassError(f"the flow leaves the range of float64 (1e308) in layer {name!r}.")
        out.append(Weight(name, weight.detach(), gradient))
    return out


def gaussian_response(forwards: Forwards) -> GaussianResponse:
    """How the last maps answer to a small change of N(0, 1) images, weights being N(0, 1)."""
    generator = torch.Generator().manual_seed(forwards.seed)

    def gaussian(module: nn.Module, name: str, tensor: torch.Tensor) -> torch.Tensor:
        if name in matrices(module):
            return torch.randn(tensor.shape, generator=generator).to(tensor)
        if isinstance(module, NORMS) and name == "weight":
            return torch.ones_like(tensor)
        if isinstance(module, (*WEIGHTED, *NORMS, *WITH_MATRICES)) and "bias" in name:
            return torch.zeros_like(tensor)
        return tensor.clone()

    check_readable(forwards.network)
    shape = (forwards.few, *forwards.images.shape[1:])
    first, noise = (
        channels_last(torch.randn(shape, generator=generator).to(forwards.images)) for _ in range(2)
    )
    with torch.no_grad(), replaced(forwards.network, gaussian) as network:
        features, deviations = response(network, first)
        moved, _ = response(network, first + PERTURBATION * noise, False)
    change = (features - moved).abs().sum(1).mean()
    check_finite(change, "the change of the features")
    return GaussianResponse(float(change), deviations)
