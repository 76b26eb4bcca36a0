"""Forward and backward passes that proxies share: each runs at most once for a network.

A proxy names what it needs; ``Passes`` computes it when it is first read. Most of it comes from
one forward pass over the batch: the gradient of the labelled loss and its growth, gradients with
respect to the images, ReLU patterns, maps of layers and blocks. Other second derivatives, and what
takes several backward passes or further images, are taken over the first ``FEW_IMAGES`` images, a
mini-batch with a forward pass of its own.

What each pass is stands with its function: of the labelled loss (``of_loss.py``), of single images
(``of_images.py``), of what is seen on the way (``of_maps.py``) and of the network alone
(``of_network.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import torch

from . import of_images, of_loss, of_maps, of_network
from .forwards import Forwards
from .tensors import seeded

Result = TypeVar("Result")


class shared_pass(Generic[Result]):  # noqa: N801 (it is read as a decorator is)
    """An attribute that is computed once, by a function over the forward passes.

    Each starts from a seed of its own, so that what ran before does not matter.

    Args:
        compute: gives the attribute's value from the forward passes.
        labels: whether it needs the batch's labels.
    """

    def __init__(self, compute: Callable[[Forwards], Result], labels: bool = False) -> None:
        self.compute, self.labels = compute, labels
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, passes: Passes, owner: type) -> Result:
        forwards = passes.forwards
        assert self.name in forwards.needs, f"pass {self.name!r} was not declared as needed"

        def started() -> Result:
            place = list(PASSES).index(self.name)
            with seeded(forwards.seed * 1000 + place, forwards.device):
                return self.compute(forwards)

        return forwards.once(self.name, started)


class Passes:
    """What proxies read of one network and batch; each is computed once.

    Args:
        forwards: forward passes over the batch, with the names of the passes that will be read.
    """

    # The place of a pass decides its seed: new ones go to the end.
    counts = shared_pass(of_network.counts)
    weights = shared_pass(of_loss.weights)
    gradients = shared_pass(of_loss.gradients, labels=True)
    channel_saliency = shared_pass(of_loss.channel_saliency, labels=True)
    hessian_gradient = shared_pass(of_loss.hessian_gradient, labels=True)
    mini_batch_gradients = shared_pass(of_loss.mini_batch_gradients, labels=True)
    image_gradient = shared_pass(of_images.image_gradient)
    image_jacobian = shared_pass(of_images.image_jacobian)
    relu_patterns = shared_pass(of_maps.relu_patterns)
    layer_maps = shared_pass(of_maps.layer_maps)
    block_maps = shared_pass(of_maps.block_maps)
    block_gradients = shared_pass(of_maps.block_gradients)
    synaptic_flow = shared_pass(of_network.synaptic_flow)
    gaussian_response = shared_pass(of_network.gaussian_response)
    sample_gradients = shared_pass(of_images.sample_gradients)
    gradient_growth = shared_pass(of_loss.gradient_growth, labels=True)

    def __init__(self, forwards: Forwards) -> None:
        unknown = sorted(set(forwards.needs) - set(PASSES))
        assert not unknown, f"no such pass: {unknown}"
        self.forwards = forwards

    @property
    def labels(self) -> torch.Tensor:
        """Labels (n,), in the order in which the passes give images.

        Raises:
            PassError: the batch has no labels.
        """
        return self.forwards.labels

    def once(self, name: str, compute: Callable[[], Result]) -> Result:
        """What ``compute`` returned when it ran first, timed under ``name`` (``Forwards.once``).

        Raises:
            PassError: ``compute`` raised one, or torch failed.
        """
        return self.forwards.once(name, compute)


#: What a proxy can need, and whether it takes labels.
PASSES: dict[str, bool] = {
    name: value.labels for name, value in vars(Passes).items() if isinstance(value, shared_pass)
}
