"""Forward and backward passes that proxies share: each runs at most once for a network.

A proxy names what it needs; ``Passes`` finds it when it is first asked for. Most of it comes from
one forward pass over the batch: the gradient of the labelled loss and its growth, gradients with
respect to the images, ReLU patterns, maps of layers and blocks. Other second derivatives, and what
takes several backward passes or further images, are taken over the first ``FEW_IMAGES`` images, a
mini-batch with a forward pass of its own.

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
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .forward import check_in_graph, cut_off, response, run
from .network import (
    NORMS,
    WEIGHTED,
    WITH_MATRICES,
    PassError,
    blocks,
    check_readable,
    copied,
    matrices,
    replaced,
    weighted_layers,
    weights_of_layers,
)
from .tensors import (
    by_images,
    canonical_order,
    channels_last,
    check_finite,
    leaves,
    nodes,
    random_signs,
    seeded,
)
from .twice_differentiable import TwiceDifferentiable
from .watching import Macs, ReluPatterns

#: What a proxy can need, and whether it takes labels.
PASSES: dict[str, bool] = {
    "counts": False,
    "weights": False,
    "gradients": True,
    "channel_saliency": True,
    "hessian_gradient": True,
    "mini_batch_gradients": True,
    "image_gradient": False,
    "image_jacobian": False,
    "relu_patterns": False,
    "layer_maps": False,
    "block_maps": False,
    "block_gradients": False,
    "synaptic_flow": False,
    "gaussian_response": False,
    "sample_gradients": False,
    "gradient_growth": True,
}
PERTURBATION = 0.01  # of the images, relative to their scale: Lin et al. 2021, algorithm 1
FEW_IMAGES = 16  # of a mini-batch; ``zerocost_evidence few`` compares it with the whole batch
KERNEL_IMAGES = 8  # of which per-image gradients are taken: each costs a backward pass


@dataclass(frozen=True)
class Counts:
    """What one image costs.

    Attributes:
        macs: multiply-accumulates of every operation that has a formula.
        params: parameters that it meets.
        uncounted: names of operations that may multiply and have no formula.
    """

    macs: int
    params: int
    uncounted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Weight:
    """One layer's weight and a gradient with respect to it, of the same shape.

    Attributes:
        layer: its name.
        value: the weight.
        gradient: see the pass that gives it.
    """

    layer: str
    value: torch.Tensor
    gradient: torch.Tensor


@dataclass(frozen=True)
class GaussianResponse:
    """How features answer to a small change of the input, weights being N(0, 1).

    Attributes:
        change: mean over images of the sum of absolute changes of the features.
        log_deviations: per batch norm, the log of the root of the mean variance of its input.
    """

    change: float
    log_deviations: tuple[float, ...]


@dataclass
class _Saliency:
    """What hooks of the graph note.

    They hold this and nothing else: a graph whose hooks hold the graph, or who has it, is never
    freed, because Python's collector does not see through it.
    """

    found: list[tuple[str, torch.Tensor]]
    wanted: bool = False


def _salient(
    saliency: _Saliency, name: str, out: torch.Tensor, gradient: torch.Tensor
) -> torch.Tensor | None:
    if saliency.wanted:
        product = out * gradient.detach()
        saliency.found.append((name, product.flatten(2).sum(2) if out.ndim > 2 else product))
    return None


class Passes:
    """What proxies read of one network and batch; each property is computed once.

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
        durations_s: time by step, without the steps that it asks for: the passes, what they share
            (``forward`` and ``loss`` over the batch, ``few_forward`` and ``few_loss`` over the
            mini-batch), and what equations share.

    Raises:
        PassError: a network or batch that no proxy can be computed for.
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
        unknown = sorted(set(needs) - set(PASSES))
        assert not unknown, f"no such pass: {unknown}"
        self._check_batch(images, labels)
        self.needs = frozenset(needs)
        self.durations_s: dict[str, float] = {}
        self._seed, self._clock = seed, clock
        self._device, self._dtype = device or torch.device("cpu"), dtype
        self._network = copied(network, self._device, dtype)
        order = canonical_order(images, labels)
        self._images = channels_last(images.detach()[order].to(self._device, dtype))
        self._labels = None if labels is None else labels[order].to(self._device, torch.int64)
        self._few = min(few_images, len(images))
        self._found: dict[str, Any] = {}
        self._asked: dict[str, set[str]] = {}
        self._open: list[str] = []
        self._relu: list[torch.Tensor] = []
        self._layer_maps: list[tuple[str, torch.Tensor]] = []
        self._block_maps: list[tuple[str, torch.Tensor]] = []
        self._saliency = _Saliency([])
        self._cut = cut_off(self._network)
        self._x = self._few_x = self._images

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

    def _get(self, name: str, find: Callable[[], Any]) -> Any:
        """What a pass finds; each starts from its own seed, so what runs before does not matter."""
        assert name in self.needs, f"pass {name!r} was not declared as needed"

        def started() -> Any:
            with seeded(self._seed * 1000 + list(PASSES).index(name), self._device):
                return find()

        return self.once(name, started)

    def once(self, name: str, find: Callable[[], Any]) -> Any:
        """What ``find`` returns, or the error it raises, kept under ``name`` and timed.

        Raises:
            PassError: it did.
        """
        if self._open:
            self._asked[self._open[-1]].add(name)
        if name not in self._found:
            began, before = self._clock(), sum(self.durations_s.values())
            try:
                with self.asking(name):
                    found = find()
            except PassError as error:
                found = error
            except RuntimeError as error:  # of torch: no memory, no second derivative, no solution
                found = PassError(f"torch could not compute {name!r}: {error}")
            inner = sum(self.durations_s.values()) - before
            self.durations_s[name] = self._clock() - began - inner
            self._found[name] = found
        found = self._found[name]
        if isinstance(found, PassError):
            raise PassError(str(found))
        return found

    @contextmanager
    def asking(self, name: str) -> Iterator[None]:
        """Within it, ``name`` is who asks for steps."""
        self._asked.setdefault(name, set())
        self._open.append(name)
        try:
            yield
        finally:
            self._open.pop()

    def behind_s(self, name: str) -> float:
        """Time of every step behind one who asked, directly or through others."""
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
        """Images of the batch."""
        return len(self._images)

    @property
    def labels(self) -> torch.Tensor:
        """Labels (n,), in the order in which the passes give images.

        Raises:
            PassError: there are none.
        """
        if self._labels is None:
            raise PassError("it needs labels and the batch has none; give labels of shape (n,).")
        return self._labels

    def _forward(self) -> torch.Tensor:
        """Logits of the batch, with everything noted that was declared as needed."""

        def find() -> torch.Tensor:
            cloned = frozenset[str]()
            while True:  # at most twice: what is overwritten after we saw it is then copied
                with seeded(self._seed, self._device):
                    logits, changed = self._forward_noting(cloned)
                if changed <= cloned:
                    return logits
                cloned |= changed

        return self.once("forward", find)  # type: ignore[no-any-return]

    def _forward_noting(self, cloned: frozenset[str]) -> tuple[torch.Tensor, frozenset[str]]:
        """Logits, and layers whose output was overwritten later; copies are made in ``cloned``."""
        self._relu, self._layer_maps, self._block_maps = [], [], []
        saliency = self._saliency = _Saliency([])
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
                self._layer_maps.append((name, out.detach()[0]))

        def note_block(name: str, out: torch.Tensor) -> None:
            if out.ndim == 4 and all(out is not kept for _, kept in self._block_maps):
                self._block_maps.append((name, out))

        network = self._network
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
        x = self._images.detach().requires_grad_(wants_images)
        self._x = x
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
        self._relu = watch.positive
        return logits, changed

    def _few_forward(self) -> torch.Tensor:
        """Logits of the mini-batch, differentiable with respect to weights and images."""

        def find() -> torch.Tensor:
            self._few_x = self._images[: self._few].detach().requires_grad_()
            with ExitStack() as modes:
                modes.enter_context(seeded(self._seed, self._device))
                modes.enter_context(torch.enable_grad())
                if "hessian_gradient" in self.needs:
                    modes.enter_context(TwiceDifferentiable())
                return run(self._network, self._few_x)

        return self._differentiable(self.once("few_forward", find))

    def _differentiable(self, logits: torch.Tensor) -> torch.Tensor:
        check_readable(self._network)
        if not logits.requires_grad:
            raise PassError(
                "the network's output has no gradient: it does not depend on weights or images "
                "in a way that torch can differentiate (a rounding, an argmax, a detach or "
                "torch.no_grad in its forward). Expected logits."
            )
        return logits

    # ---- of the labelled loss -----------------------------------------------------------------
    @property
    def weights(self) -> list[Weight]:
        """Weights of convolutions and linear layers; the gradient is the weight itself."""
        return self._get("weights", self._weights)  # type: ignore[no-any-return]

    def _weights(self) -> list[Weight]:
        layers = weights_of_layers(self._network)
        if not layers:
            raise PassError("the network has no convolution and no linear layer.")
        return [Weight(name, weight.detach(), weight.detach()) for name, weight in layers]

    @property
    def gradients(self) -> list[Weight]:
        """Weights and the gradient of the mean cross-entropy of the batch, layers in use only."""
        return self._get("gradients", self._gradients)  # type: ignore[no-any-return]

    def _gradients(self) -> list[Weight]:
        return [
            Weight(name, value.detach(), gradient.detach())
            for name, value, gradient in self._loss_gradients()
        ]

    def _loss_gradients(self) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        def find() -> list[tuple[str, torch.Tensor, torch.Tensor]]:
            labels, logits = self.labels, self._differentiable(self._forward())
            self._saliency.wanted = True
            try:
                return self._backward_loss(logits, labels, "gradient_growth" in self.needs)
            finally:
                self._saliency.wanted = False

        return self.once("loss", find)  # type: ignore[no-any-return]

    def _few_loss_gradients(self) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        def find() -> list[tuple[str, torch.Tensor, torch.Tensor]]:
            labels, logits = self.labels[: self._few], self._few_forward()
            return self._backward_loss(logits, labels, "hessian_gradient" in self.needs)

        return self.once("few_loss", find)  # type: ignore[no-any-return]

    def _backward_loss(
        self, logits: torch.Tensor, labels: torch.Tensor, second: bool = False
    ) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        """Layers in use with their weight and the gradient of the mean cross-entropy.

        Args:
            logits: (n, classes), of some images.
            labels: (n,), theirs.
            second: whether the gradient will be differentiated once more.
        """
        highest = int(self.labels.max())
        if highest >= logits.shape[1]:
            raise PassError(
                f"a label is {highest} and the network has {logits.shape[1]} classes; expected "
                f"labels from 0 to {logits.shape[1] - 1}."
            )
        layers = weights_of_layers(self._network)
        if not layers:
            raise PassError("the network has no convolution and no linear layer.")
        found = torch.autograd.grad(
            F.cross_entropy(logits, labels),
            [weight for _, weight in layers],
            create_graph=second,
            retain_graph=True,
            allow_unused=True,
        )
        for (name, _), gradient in zip(layers, found, strict=True):
            if gradient is None:
                check_in_graph(name, self._cut)
        used = [(n, w, g) for (n, w), g in zip(layers, found, strict=True) if g is not None]
        if not used:
            raise PassError("the loss depends on no convolution and no linear layer.")
        for name, _, gradient in used:
            check_finite(gradient, f"the loss's gradient in layer {name!r}")
        return used

    @property
    def channel_saliency(self) -> list[tuple[str, torch.Tensor]]:
        """Per layer call, activation times its gradient summed over positions, (n, channels)."""
        return self._get("channel_saliency", self._channel_saliency)  # type: ignore[no-any-return]

    def _channel_saliency(self) -> list[tuple[str, torch.Tensor]]:
        self._loss_gradients()
        return self._saliency.found

    @property
    def hessian_gradient(self) -> list[tuple[Weight, torch.Tensor]]:
        """Of the mini-batch's loss, by layer: weight and gradient, and Hessian times gradient."""
        return self._get("hessian_gradient", self._hessian_gradient)  # type: ignore[no-any-return]

    def _hessian_gradient(self) -> list[tuple[Weight, torch.Tensor]]:
        return self._times_hessian(self._few_loss_gradients())

    def _times_hessian(
        self, used: list[tuple[str, torch.Tensor, torch.Tensor]]
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

    @property
    def gradient_growth(self) -> float:
        """Weights times Hessian times gradient of the whole batch's loss, over layers in use.

        A second derivative: a difference of gradients will not do. Where layers before norms and
        the classifier cancel, what is left is smaller than what ReLUs that flip add to it.
        """
        return self._get("gradient_growth", self._gradient_growth)  # type: ignore[no-any-return]

    def _gradient_growth(self) -> float:
        products = self._times_hessian(self._loss_gradients())
        return sum(float((w.value * h).double().sum()) for w, h in products)

    @property
    def mini_batch_gradients(self) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        """Per layer, gradients of the losses of the first two mini-batches, which share no image.

        A mini-batch has ``few_images`` images, or half of the batch where that is less.
        """
        return self._get("mini_batch_gradients", self._mini_batch_gradients)  # type: ignore[no-any-return]

    def _mini_batch_gradients(self) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        size = min(self._few, self.n_images // 2)
        found = []
        for part in (slice(0, size), slice(size, 2 * size)):
            if part == slice(0, self._few):
                gradients = self._few_loss_gradients()
            else:
                labels = self.labels[part]
                with torch.enable_grad():
                    logits = self._differentiable(run(self._network, self._images[part]))
                gradients = self._backward_loss(logits, labels)
            found.append({name: gradient.detach() for name, _, gradient in gradients})
        return [(name, a, found[1][name]) for name, a in found[0].items() if name in found[1]]

    # ---- with respect to the images -----------------------------------------------------------
    @property
    def image_gradient(self) -> torch.Tensor:
        """Per image, the gradient of the sum of all logits, (n, pixels)."""

        def find() -> torch.Tensor:
            logits = self._differentiable(self._forward())
            return by_images(logits, torch.ones_like(logits), self._x)

        return self._get("image_gradient", find)  # type: ignore[no-any-return]

    @property
    def image_jacobian(self) -> torch.Tensor:
        """By image of the mini-batch, random signs times the Jacobian of logits, (n, pixels)."""

        def find() -> torch.Tensor:
            logits = self._few_forward()
            signs = random_signs(logits, np.random.default_rng(self._seed))
            return by_images(logits, signs, self._few_x)

        return self._get("image_jacobian", find)  # type: ignore[no-any-return]

    # ---- what is seen on the way --------------------------------------------------------------
    @property
    def relu_patterns(self) -> list[torch.Tensor]:
        """Per ReLU call, which outputs are positive: bool (n, neurons), neurons in any order."""

        def find() -> list[torch.Tensor]:
            self._forward()
            if not self._relu:
                last = [n for n, m in self._network.named_modules() if isinstance(m, WEIGHTED)]
                raise PassError(
                    "the network has no ReLU (nn.ReLU, nn.ReLU6, nn.LeakyReLU or their functions "
                    f"were never called between its first and last layer {(last or ['?'])[-1]!r}); "
                    "its activations have no pattern."
                )
            return self._relu

        return self._get("relu_patterns", find)  # type: ignore[no-any-return]

    @property
    def layer_maps(self) -> list[tuple[str, torch.Tensor]]:
        """Maps (channels, height, width) of the first image after every layer without parts."""

        def find() -> list[tuple[str, torch.Tensor]]:
            self._forward()
            if not self._layer_maps:
                raise PassError("no layer gives maps of shape (n, channels, height, width).")
            return self._layer_maps

        return self._get("layer_maps", find)  # type: ignore[no-any-return]

    @property
    def block_maps(self) -> list[tuple[str, torch.Tensor]]:
        """Maps (n, channels, height, width) after every block (``network.blocks``)."""

        def find() -> list[tuple[str, torch.Tensor]]:
            self._forward()
            if len(self._block_maps) < 2:
                raise PassError(
                    f"{len(self._block_maps)} of the network's blocks "
                    f"({', '.join(n for n, _ in blocks(self._network)) or 'none'}) give maps of "
                    "shape (n, channels, height, width); expected at least 2."
                )
            return [(name, maps.detach()) for name, maps in self._block_maps]

        return self._get("block_maps", find)  # type: ignore[no-any-return]

    @property
    def block_gradients(self) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        """Per block but the first: random signs at its output, and their gradient at its input."""
        return self._get("block_gradients", self._block_gradients)  # type: ignore[no-any-return]

    def _block_gradients(self) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        self._differentiable(self._forward())
        rng, out = np.random.default_rng(self._seed), []
        for (_, before), (name, after) in zip(
            self._block_maps[:-1], self._block_maps[1:], strict=True
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

    # ---- passes of their own ------------------------------------------------------------------
    @property
    def counts(self) -> Counts:
        """Multiply-accumulates and parameters of one image."""
        return self._get("counts", self._counts)  # type: ignore[no-any-return]

    def _counts(self) -> Counts:
        check_readable(self._network)
        network, called = self._network.eval(), set()
        handles = [
            m.register_forward_hook(lambda module, args, out: called.add(module))
            for m in network.modules()
        ]
        try:
            with torch.enable_grad(), Macs.counting() as counter:
                logits = run(network, self._images[:1])
        finally:
            network.train()
            for handle in handles:
                handle.remove()
        met = {id(p): p for m in called for p in m.parameters(recurse=False)}
        met |= {id(p): p for p in leaves(logits.grad_fn)}
        total = sum(p.numel() for p in met.values() if isinstance(p, nn.Parameter))
        return Counts(counter.total, total, tuple(sorted(counter.uncounted)))

    @property
    def synaptic_flow(self) -> list[Weight]:
        """|weights| in float64 without normalisation, and the gradient of the flow through them.

        The flow is the sum of the outputs for one image of ones, all parameters being replaced by
        their absolute values. Layers that the output does not depend on are left out.
        """
        return self._get("synaptic_flow", self._synaptic_flow)  # type: ignore[no-any-return]

    def _synaptic_flow(self) -> list[Weight]:
        def absolute(_: nn.Module, name: str, tensor: torch.Tensor) -> torch.Tensor:
            return tensor.double().abs() if tensor.is_floating_point() else tensor

        check_readable(self._network)
        image = torch.ones_like(self._images[:1], dtype=torch.float64)
        with torch.enable_grad(), replaced(self._network, absolute, norms=False) as network:
            # No statistics are left in the network, so one image of ones is enough.
            flow = run(network, image).sum()
            if not flow.requires_grad:
                raise PassError("the network's output has no gradient; expected logits.")
            layers = weights_of_layers(network)
        found = torch.autograd.grad(flow, [weight for _, weight in layers], allow_unused=True)
        out = []
        for (name, weight), gradient in zip(layers, found, strict=True):
            if gradient is None:
                check_in_graph(name, self._cut)
                continue
            if not bool(torch.isfinite(gradient).all()):
                raise PassError(f"the flow leaves the range of float64 (1e308) in layer {name!r}.")
            out.append(Weight(name, weight.detach(), gradient))
        return out

    @property
    def gaussian_response(self) -> GaussianResponse:
        """How the last maps answer to a small change of N(0, 1) images, weights being N(0, 1)."""
        return self._get("gaussian_response", self._gaussian_response)  # type: ignore[no-any-return]

    def _gaussian_response(self) -> GaussianResponse:
        generator = torch.Generator().manual_seed(self._seed)

        def gaussian(module: nn.Module, name: str, tensor: torch.Tensor) -> torch.Tensor:
            if name in matrices(module):
                return torch.randn(tensor.shape, generator=generator).to(tensor)
            if isinstance(module, NORMS) and name == "weight":
                return torch.ones_like(tensor)
            if isinstance(module, (*WEIGHTED, *NORMS, *WITH_MATRICES)) and "bias" in name:
                return torch.zeros_like(tensor)
            return tensor.clone()

        check_readable(self._network)
        shape = (self._few, *self._images.shape[1:])
        first, noise = (
            channels_last(torch.randn(shape, generator=generator).to(self._images))
            for _ in range(2)
        )
        with torch.no_grad(), replaced(self._network, gaussian) as network:
            features, deviations = response(network, first)
            moved, _ = response(network, first + PERTURBATION * noise, False)
        change = (features - moved).abs().sum(1).mean()
        check_finite(change, "the change of the features")
        return GaussianResponse(float(change), deviations)

    @property
    def sample_gradients(self) -> torch.Tensor:
        """Gram matrix of the first images' gradients of the sum of logits, by all parameters."""
        return self._get("sample_gradients", self._sample_gradients)  # type: ignore[no-any-return]

    def _sample_gradients(self) -> torch.Tensor:
        check_readable(self._network)
        n = min(KERNEL_IMAGES, self.n_images)
        with torch.enable_grad():
            logits = run(self._network, self._images[:n])
        if not logits.requires_grad:
            raise PassError("the network's output has no gradient; expected logits.")
        parameters = [p for p in self._network.parameters() if p.requires_grad]
        kernel = torch.zeros(n, n, dtype=torch.float64, device=logits.device)
        found = [
            torch.autograd.grad(
                logits[i].sum(), parameters, retain_graph=i + 1 < n, allow_unused=True
            )
            for i in range(n)
        ]
        for gradients in zip(*found, strict=True):
            if gradients[0] is not None:
                rows = torch.stack([g.flatten() for g in gradients]).double()
                kernel += rows @ rows.T
        check_finite(kernel, "an image's gradient of the logits")
        return kernel


_GRAPH = {"gradients", "channel_saliency", "gradient_growth"}
_ONCE = ("::Error", "::NotImplemented")  # nodes that stand for a derivative which is not there
