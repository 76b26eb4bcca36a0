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

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

import torch
from torch import nn

from . import of_images, of_loss, of_maps, of_network
from .forwards import FEW_IMAGES, Forwards
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
        network: network to read; it is never changed, every pass runs on copies.
        images: batch of floating point, shape (n, ...).
        labels: integers of shape (n,), or None.
        needs: names of passes that will be read, so that one forward pass serves them all.
        seed: seeds everything random in a pass.
        device: device to compute on; None: the CPU.
        dtype: type of floating point to compute in.
        few_images: size of the mini-batch that stands for the batch where that would cost too
            much.
        clock: gives seconds, of which differences are taken.

    Attributes:
        forwards: the forward passes behind them.
        durations_s: time by step, without the steps that it asks for: the passes, what they share
            (``forward`` and ``loss`` over the batch, ``few_forward`` and ``few_loss`` over the
            mini-batch), and what equations share.

    Raises:
        PassError: no proxy can be computed for the network or batch.
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

    def __init__(
        self,
        network: nn.Module,
        images: torch.Tensor,
        labels: torch.Tensor | None,
        needs: Sequence[str],
        seed: int = 0,
        device: torch.device | None = None,
        dtype: torch.dtype = torch.float32,
        few_images: int = FEW_IMAGES,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        unknown = sorted(set(needs) - set(PASSES))
        assert not unknown, f"no such pass: {unknown}"
        self.forwards = Forwards(
            network, images, labels, needs, seed, device, dtype, few_images, clock
        )
        self.durations_s = self.forwards.durations_s

    @property
    def n_images(self) -> int:
        """Number of images in the batch."""
        return self.forwards.n_images

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

    def asking(self, name: str) -> AbstractContextManager[None]:
        """Within it, every step that runs counts as one behind ``name``."""
        return self.forwards.asking(name)

    def behind_s(self, name: str) -> float:
        """Time in s of every step behind ``name``, directly or through others."""
        return self.forwards.behind_s(name)


#: What a proxy can need, and whether it takes labels.
PASSES: dict[str, bool] = {
    name: value.labels for name, value in vars(Passes).items() if isinstance(value, shared_pass)
}
