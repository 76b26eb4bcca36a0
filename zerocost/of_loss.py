"""What proxies read of the labelled loss: gradients by weights and channels, and its curvature."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .forwards import Forwards
from .network import PassError, weights_of_layers
from .run_network import check_in_graph, run
from .tensors import check_finite, nodes

_ONCE = ("::Error", "::NotImplemented")  # nodes that stand for a derivative which is not there


@dataclass(frozen=True)
class Weight:
    """One layer's weight and a gradient with respect to it, of the same shape.

    Attributes:
        layer: name of the layer.
        value: weight of the layer.
        gradient: gradient that the pass says it gives.
    """

    layer: str
    value: torch.Tensor
    gradient: torch.Tensor


def weights(forwards: Forwards) -> list[Weight]:
    """Weights of convolutions and linear layers; the gradient is the weight itself."""
    layers = weights_of_layers(forwards.network)
    if not layers:
        raise PassError("the network has no convolution and no linear layer.")
    return [Weight(name, weight.detach(), weight.detach()) for name, weight in layers]


def gradients(forwards: Forwards) -> list[Weight]:
    """Weights and the gradient of the mean cross-entropy of the batch, layers in use only."""
    return [
        Weight(name, value.detach(), gradient.detach())
        for name, value, gradient in _loss_gradients(forwards)
    ]


def channel_saliency(forwards: Forwards) -> list[tuple[str, torch.Tensor]]:
    """Per layer call, activation times its gradient summed over positions, (n, channels)."""
    _loss_gradients(forwards)
    return forwards.saliency.products


def hessian_gradient(forwards: Forwards) -> list[tuple[Weight, torch.Tensor]]:
    """Of the mini-batch's loss, by layer: weight and gradient, and Hessian times gradient."""
    return _times_hessian(_few_loss_gradients(forwards))


def gradient_growth(forwards: Forwards) -> float:
    """Weights times Hessian times gradient of the whole batch's loss, over layers in use.

    A second derivative: a difference of gradients will not do. Where layers before norms and
    the classifier cancel, what is left is smaller than what ReLUs that flip add to it.
    """
    products = _times_hessian(_loss_gradients(forwards))
    return sum(float((w.value * h).double().sum()) for w, h in products)


def mini_batch_gradients(forwards: Forwards) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
    """Per layer, gradients of the losses of the first two mini-batches, which share no image.

    A mini-batch has ``few_images`` images, or half of the batch where that is less.
    """
    size = min(forwards.few, forwards.n_images // 2)
    parts = []
    for part in (slice(0, size), slice(size, 2 * size)):
        if part == slice(0, forwards.few):
            gradients = _few_loss_gradients(forwards)
        else:
            labels = forwards.labels[part]
            with torch.enable_grad():
                logits = forwards.differentiable(run(forwards.network, forwards.images[part]))
            gradients = _backward_loss(forwards, logits, labels)
        parts.append({name: gradient.detach() for name, _, gradient in gradients})
    return [(name, a, parts[1][name]) for name, a in parts[0].items() if name in parts[1]]


def _loss_gradients(forwards: Forwards) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
    def compute() -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        labels, logits = forwards.labels, forwards.differentiable(forwards.forward())
        forwards.saliency.wanted = True
        try:
            return _backward_loss(forwards, logits, labels, "gradient_growth" in forwards.needs)
        finally:
            forwards.saliency.wanted = False

    return forwards.once("loss", compute)


def _few_loss_gradients(forwards: Forwards) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
    def compute() -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        labels, logits = forwards.labels[: forwards.few], forwards.few_forward()
        return _backward_loss(forwards, logits, labels, "hessian_gradient" in forwards.needs)

    return forwards.once("few_loss", compute)


def _backward_loss(
    forwards: Forwards, logits: torch.Tensor, labels: torch.Tensor, second: bool = False
) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
    """Layers in use with their weight and the gradient of the mean cross-entropy.

    Args:
        forwards: forward passes of the network, with all labels.
        logits: logits of some images, shape (n, classes).
        labels: labels of these images, shape (n,).
        second: whether the gradient will be differentiated once more.
    """
    highest = int(forwards.labels.max())
    if highest >= logits.shape[1]:
        raise PassError(
            f"a label is {highest} and the network has {logits.shape[1]} classes; expected "
            f"labels from 0 to {logits.shape[1] - 1}."
        )
    layers = weights_of_layers(forwards.network)
    if not layers:
        raise PassError("the network has no convolution and no linear layer.")
    gradients = torch.autograd.grad(
        F.cross_entropy(logits, labels),
        [weight for _, weight in layers],
        create_graph=second,
        retain_graph=True,
        allow_unused=True,
    )
    for (name, _), gradient in zip(layers, gradients, strict=True):
        if gradient is None:
            check_in_graph(name, forwards.cut)
    used = [(n, w, g) for (n, w), g in zip(layers, gradients, strict=True) if g is not None]
    if not used:
        raise PassError("the loss depends on no convolution and no linear layer.")
    for name, _, gradient in used:
        check_finite(gradient, f"the loss's gradient in layer {name!r}")
    return used


def _times_hessian(
    used: list[tuple[str, torch.Tensor, torch.Tensor]],
) -> list[tuple[Weight, torch.Tensor]]:
    """By layer: weight and gradient, and Hessian times gradient (a second derivative)."""
    along = torch.stack([(g.detach() * g).sum() for _, _, g in used]).sum()
    if not along.requires_grad:
        raise PassError("the gradient of the loss does not depend on the weights.")
    # torch leaves such a function out of the derivative without a word.
    if any(node.name().endswith(_ONCE) for node in nodes(along.grad_fn)):
        raise PassError(
            "a function of the network has no second derivative, as one that is marked as "
            "once_differentiable. Write its backward in differentiable operations."
        )
    products = torch.autograd.grad(
        along, [value for _, value, _ in used], retain_graph=True, allow_unused=True
    )
    out = []
    for (name, value, gradient), product in zip(used, products, strict=True):
        h = torch.zeros_like(value) if product is None else product
        check_finite(h, f"the Hessian times the gradient in layer {name!r}")
        out.append((Weight(name, value.detach(), gradient.detach()), h.detach()))
    return out
