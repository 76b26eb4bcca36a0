"""Forward passes that proxies share: one over the batch, one over its first images.

Images are put into an order that depends on their content alone before anything is computed, so
that no score depends on the order in which a batch was given, and the first images are as good a
sample of the batch as any.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
from torch import nn

from .network import PassError, blocks, check_readable, copied, weighted_layers
from .run_network import cut_off, run
from .tensors import canonical_order, channels_last, seeded
from .twice_differentiable import TwiceDifferentiable
from .watching import ReluPatterns

#: Images of a mini-batch; the step ``zerocost/few`` compares it with the whole batch.
FEW_IMAGES = 16
_GRAPH = {"gradients", "channel_saliency", "gradient_growth"}
Result = TypeVar("Result")


@dataclass
class _Saliency:
    """Activations times gradients, noted by hooks of the graph.

    They hold this and nothing else: a graph whose hooks hold the graph, or who has it, is never
    freed, because Python's collector does not see through it.
    """

    products: list[tuple[str, torch.Tensor]]
    wanted: bool = False


def _salient(
    saliency: _Saliency, name: str, out: torch.Tensor, gradient: torch.Tensor
) -> torch.Tensor | None:
    if saliency.wanted:
        product = out * gradient.detach()
        saliency.products.append((name, product.flatten(2).sum(2) if out.ndim > 2 else product))
    return None


class Forwards:
    """Forward passes over a batch, what is noted on the way, and steps that are computed once.

    Args:
        network: network to read; it is never changed, every pass runs on copies.
        images: batch of floating point, shape (n, ...).
        labels: integers of shape (n,), or None.
        needs: names of passes that will be asked for, so that one forward pass serves them all.
        seed: seeds everything random in a pass.
        device: device to compute on; None: the CPU.
        dtype: type of floating point to compute in.
        few_images: size of the mini-batch that stands for the batch where that would cost too
            much.
        clock: gives seconds, of which differences are taken.

    Attributes:
        needs: names of passes that may be asked for.
        seed: seed of everything random in a pass.
        device: device that computes the passes.
        network: the copy that every pass runs on.
        images: the batch in its canonical order.
        x: the images that ``forward`` was computed from, with a gradient where one is needed.
        few: number of images in the mini-batch.
        few_x: the images that ``few_forward`` was computed from, with a gradient.
        relu: whether each output of each ReLU is positive.
        layer_maps: the first image's maps after each layer.
        block_maps: all images' maps after each block.
        saliency: activations times gradients, which the backward pass fills in.
        cut: names of layers that run under ``torch.no_grad``.
        durations_s: time by step, without the steps that it asks for: the passes, what they share
            (``forward`` and ``loss`` over the batch, ``few_forward`` and ``few_loss`` over the
            mini-batch), and what equations share.

    Raises:
        PassError: no proxy can be computed for the network or batch.
    """

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
        self._check_batch(images, labels)
        self.needs = frozenset(needs)
        self.durations_s: dict[str, float] = {}
        self.seed, self._clock = seed, clock
        self.device, self._dtype = device or torch.device("cpu"), dtype
        self.network = copied(network, self.device, dtype)
        order = canonical_order(images, labels)
        self.images = channels_last(images.detach()[order].to(self.device, dtype))
        self._labels = None if labels is None else labels[order].to(self.device, torch.int64)
        self.few = min(few_images, len(images))
        self._outcomes: dict[str, Any] = {}
        self._asked: dict[str, set[str]] = {}
        self._open: list[str] = []
        self.relu: list[torch.Tensor] = []
        self.layer_maps: list[tuple[str, torch.Tensor]] = []
        self.block_maps: list[tuple[str, torch.Tensor]] = []
        self.saliency = _Saliency([])
        self.cut = cut_off(self.network)
        self.x = self.few_x = self.images

    @staticmethod
    def _check_batch(images: torch.Tensor, labels: torch.Tensor | None) -> None:
        if not isinstance(images, torch.Tensor) or images.ndim < 2 or len(images) < 2:
            got = (
                f"shape {tuple(images.shape)}"
                if isinstance(images, torch.Tensor)
                else f"images of type {type(images).__name__}"
            )
            raise PassError(f"the batch has {got}; expected at least 2 images in one tensor.")
        if not images.is_floating_point() or not bool(torch.isfinite(images).all()):
            raise PassError(
                f"the batch's images are {images.dtype} or not all finite; expected finite "
                "floating-point numbers."
            )
        if labels is not None and not isinstance(labels, torch.Tensor):
            raise PassError(
                f"labels are of type {type(labels).__name__}; expected a tensor of shape "
                f"({len(images)},), for example torch.tensor(labels)."
            )
        if labels is not None and (
            labels.shape != (len(images),) or labels.is_floating_point() or labels.min() < 0
        ):
            raise PassError(
                f"labels have shape {tuple(labels.shape)} and type {labels.dtype}; expected "
                f"({len(images)},) classes from 0 on, one for each image."
            )

    def once(self, name: str, compute: Callable[[], Result]) -> Result:
        """What ``compute`` returned or raised when it ran first, timed under ``name``.

        Raises:
            PassError: ``compute`` raised one, or torch failed.
        """
        if self._open:
            self._asked[self._open[-1]].add(name)
        if name not in self._outcomes:
            began, before = self._clock(), sum(self.durations_s.values())
            try:
                with self.asking(name):
                    outcome: Result | PassError = compute()
            except PassError as error:
                outcome = error
            except RuntimeError as error:  # of torch: no memory, no second derivative, no solution
                outcome = PassError(f"torch could not compute {name!r}: {error}")
            inner = sum(self.durations_s.values()) - before
            self.durations_s[name] = self._clock() - began - inner
            self._outcomes[name] = outcome
        outcome = self._outcomes[name]
        if isinstance(outcome, PassError):
            raise PassError(str(outcome))
        return outcome

    @contextmanager
    def asking(self, name: str) -> Iterator[None]:
        """Within it, every step that runs counts as one behind ``name``."""
        self._asked.setdefault(name, set())
        self._open.append(name)
        try:
            yield
        finally:
            self._open.pop()

    def behind_s(self, name: str) -> float:
        """Time in s of every step behind ``name``, directly or through others."""
        steps, waiting = set[str](), list(self._asked.get(name, ()))
        while waiting:
            step = waiting.pop()
            if step not in steps:
                steps.add(step)
                waiting += self._asked[step]
        return sum(self.durations_s[step] for step in steps)

    # ---- the forward pass over the batch ------------------------------------------------------
    @property
    def n_images(self) -> int:
        """Number of images in the batch."""
        return len(self.images)

    @property
    def labels(self) -> torch.Tensor:
        """Labels (n,), in the order in which the passes give images.

        Raises:
            PassError: the batch has no labels.
        """
        if self._labels is None:
            raise PassError("it needs labels and the batch has none; give labels of shape (n,).")
        return self._labels

    def forward(self) -> torch.Tensor:
        """Logits of the batch, with everything noted that was declared as needed."""

        def compute() -> torch.Tensor:
            cloned = frozenset[str]()
            while True:  # at most twice: what is overwritten after we saw it is then copied
                with seeded(self.seed, self.device):
                    logits, changed = self._forward_noting(cloned)
                if changed <= cloned:
                    return logits
                cloned |= changed

        return self.once("forward", compute)

    def _forward_noting(self, cloned: frozenset[str]) -> tuple[torch.Tensor, frozenset[str]]:
        """Logits, and layers whose output was overwritten later; copies are made in ``cloned``."""
        self.relu, self.layer_maps, self.block_maps = [], [], []
        saliency = self.saliency = _Saliency([])
        versions: list[tuple[str, torch.Tensor, int]] = []
        handles = []

        def noting(name: str, note: Callable[[str, torch.Tensor], None]) -> Any:
            def hook(module: nn.Module, args: Any, out: Any) -> Any:
                if not isinstance(out, torch.Tensor):
                    return None
                if name in cloned:
                    note(name, out)
                    return out.clone()
                versions.append((name, out, out._version))
                note(name, out)
                return None

            return hook

        def note_saliency(name: str, out: torch.Tensor) -> None:
            if out.requires_grad:
                hook = partial(_salient, saliency, name, out.detach())
                out.register_hook(hook)  # type: ignore[no-untyped-call]

        def note_layer(name: str, out: torch.Tensor) -> None:
            if out.ndim == 4:
                self.layer_maps.append((name, out.detach()[0]))

        def note_block(name: str, out: torch.Tensor) -> None:
            if out.ndim == 4 and all(out is not maps for _, maps in self.block_maps):
                self.block_maps.append((name, out))

        network = self.network
        if "channel_saliency" in self.needs:
            for name, module in weighted_layers(network):
                handles.append(module.register_forward_hook(noting(name, note_saliency)))
        if "layer_maps" in self.needs:
            for name, module in network.named_modules():
                if not any(True for _ in module.children()) and not isinstance(module, nn.Identity):
                    handles.append(module.register_forward_hook(noting(name, note_layer)))
        if self.needs & {"block_maps", "block_gradients"}:
            for name, module in blocks(network):
                handles.append(module.register_forward_hook(noting(name, note_block)))
        wants_images = bool(self.needs & {"image_gradient", "block_gradients"})
        wants_graph = wants_images or bool(self.needs & _GRAPH)
        watch = ReluPatterns()
        x = self.images.detach().requires_grad_(wants_images)
        self.x = x
        try:
            with ExitStack() as modes:
                modes.enter_context(torch.set_grad_enabled(wants_graph))
                if "relu_patterns" in self.needs:
                    modes.enter_context(watch)
                if "gradient_growth" in self.needs:
                    modes.enter_context(TwiceDifferentiable())
                logits = run(network, x)
        finally:
            for handle in handles:
                handle.remove()
        changed = frozenset(name for name, out, version in versions if out._version != version)
        self.relu = watch.positive
        return logits, changed

    def few_forward(self) -> torch.Tensor:
        """Logits of the mini-batch, differentiable with respect to weights and images."""

        def compute() -> torch.Tensor:
            self.few_x = self.images[: self.few].detach().requires_grad_()
            with ExitStack() as modes:
                modes.enter_context(seeded(self.seed, self.device))
                modes.enter_context(torch.enable_grad())
                if "hessian_gradient" in self.needs:
                    modes.enter_context(TwiceDifferentiable())
                return run(self.network, self.few_x)

        return self.differentiable(self.once("few_forward", compute))

    def differentiable(self, logits: torch.Tensor) -> torch.Tensor:
        """The given logits, after a check that they have a gradient.

        Raises:
            PassError: the logits have no gradient.
        """
        check_readable(self.network)
        if not logits.requires_grad:
            raise PassError(
                "the network's output has no gradient: it does not depend on weights or images "
                "in a way that torch can differentiate (a rounding, an argmax, a detach or "
                "torch.no_grad in its forward). Expected logits."
            )
        return logits
