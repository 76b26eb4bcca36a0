"""Forward and backward passes that proxies share: each runs at most once for a network.

A proxy names what it needs; ``Passes`` finds it when it is first asked for. Most of it comes from
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

Found = TypeVar("Found")


class shared_pass(Generic[Found]):  # noqa: N801 (it is read as a decorator is)
    """An attribute that is computed once, by a function over the forward passes.

    Each starts from a seed of its own, so that what ran before does not matter.

    Args:
        find: computes it.
        labels: whether it takes labels.
    """

    def __init__(self, find: Callable[[Forwards], Found], labels: bool = False) -> None:
        self.find, self.labels = find, labels
        self.__doc__ = find.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, passes: Passes, owner: type) -> Found:
        forwards = passes.forwards
        assert self.name in forwards.needs, f"pass {self.name!r} was not declared as needed"

        def started() -> Found:
            place = list(PASSES).index(self.name)
            with seeded(forwards.seed * 1000 + place, forwards.device):
                return self.find(forwards)

        return forwards.once(self.name, started)


class Passes:
    """What proxies read of one network and batch; each is computed once.

    Args:
        network: never changed; every pass runs on copies.
        images: (n, ...) floating point.
        labels: (n,) integers, or None.
        needs: names of passes that will be asked for, so that one forward pass serves them all.
        seed: of everything random.
        device: where to compute.
        dtype: to compute in.
        few_images: of the mini-batch that stands for the batch where that would cost too much.
        clock: seconds, of which differences are taken.

    Attributes:
        forwards: the forward passes behind them.
        durations_s: time by step, without the steps that it asks for: the passes, what they share
            (``forward`` and ``loss`` over the batch, ``few_forward`` and ``few_loss`` over the
            mini-batch), and what equations share.

    Raises:
        PassError: a network or batch that no proxy can be computed for.
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
        """Images of the batch."""
        return self.forwards.n_images

    @property
    def labels(self) -> torch.Tensor:
        """Labels (n,), in the order in which the passes give images.

        Raises:
            PassError: there are none.
        """
        return self.forwards.labels

    def once(self, name: str, find: Callable[[], Found]) -> Found:
        """What ``find`` returns, kept under ``name`` and timed (``Forwards.once``).

        Raises:
            PassError: it did.
        """
        return self.forwards.once(name, find)

    def asking(self, name: str) -> AbstractContextManager[None]:
        """Within it, ``name`` is who asks for steps."""
        return self.forwards.asking(name)

    def behind_s(self, name: str) -> float:
        """Time of every step behind one who asked, directly or through others."""
        return self.forwards.behind_s(name)


#: What a proxy can need, and whether it takes labels.
PASSES: dict[str, bool] = {
    name: value.labels for name, value in vars(Passes).items() if isinstance(value, shared_pass)
}
