"""Forward and backward passes that proxies share: each runs at most once for a network.

A proxy names what it needs; ``Passes`` finds it when it is first asked for. Most of it comes from
one forward pass over the batch: the gradient of the labelled loss, the gradient of the loss along
itself, gradients with respect to the images, ReLU patterns, maps of layers and blocks.

Images are put into an order that depends on their content alone before anything is computed, so
that no score depends on the order in which a batch was given.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from .convolution import TwiceDifferentiable
from .network import (
    BATCH_NORMS,
    NORMS,
    POOLS,
    WEIGHTED,
    PassError,
    blocks,
    copied,
    weighted_layers,
    without_norms,
)

#: What a proxy can need, and whether it takes labels.
PASSES: dict[str, bool] = {
    "counts": False,
    "weights": False,
    "gradients": True,
    "channel_saliency": True,
    "hessian_gradient": True,
    "half_gradients": True,
    "image_gradient": False,
    "image_jacobian": False,
    "relu_patterns": False,
    "layer_maps": False,
    "block_maps": False,
    "block_gradients": False,
    "synaptic_flow": False,
    "gaussian_response": False,
    "sample_gradients": False,
}
#: Those that come from the one forward pass over the batch.
OF_THE_BATCH = (
    "gradients",
    "channel_saliency",
    "hessian_gradient",
    "image_gradient",
    "image_jacobian",
    "relu_patterns",
    "layer_maps",
    "block_maps",
    "block_gradients",
)
PERTURBATION = 0.01  # of the images, relative to their scale: Lin et al. 2021, algorithm 1
KERNEL_IMAGES = 8  # of which per-image gradients are taken: each costs a backward pass


@dataclass(frozen=True)
class Counts:
    """What one image costs: multiply-accumulates and the parameters it meets."""

    macs: int
    params: int


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


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A mode that looks at operations without the compiler, whose import takes seconds."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


class _ReluPatterns(_Watch):  # type: ignore[no-untyped-call]
    """Notes which outputs of ReLUs are positive, also of functional ones; one tensor a call."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        aten = torch.ops.aten
        self.positive: list[torch.Tensor] = []
        self._watched = {aten.relu.default, aten.relu_.default, aten.leaky_relu.default}
        self._watched |= {aten.leaky_relu_.default, aten.hardtanh.default, aten.hardtanh_.default}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in self._watched:
            clipped = "hardtanh" in str(func)
            if not clipped or (len(args) > 1 and args[1] == 0):  # hardtanh from 0 on is ReLU6
                self.positive.append((out.detach() > 0).flatten(1))
        return out


class _Macs(_Watch):  # type: ignore[no-untyped-call]
    """Adds up the multiply-accumulates of convolutions and matrix products, functional ones too."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=out) // 2
        return out


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

    Attributes:
        durations_s: wall time by pass; ``forward`` is the forward pass over the batch.

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
    ) -> None:
        unknown = sorted(set(needs) - set(PASSES))
        assert not unknown, f"no such pass: {unknown}"
        self._check_batch(images, labels)
        self.needs = frozenset(needs)
        self.durations_s: dict[str, float] = {}
        self._original, self._seed = network, seed
        self._device, self._dtype = device or torch.device("cpu"), dtype
        self._network = copied(network, self._device, dtype)
        order = _canonical_order(images, labels)
        x = images.detach()[order].to(self._device, dtype)
        self._images = x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
        self._labels = None if labels is None else labels[order].to(self._device, torch.int64)
        self._found: dict[str, Any] = {}
        self._relu: list[torch.Tensor] = []
        self._layer_maps: list[tuple[str, torch.Tensor]] = []
        self._block_maps: list[tuple[str, torch.Tensor]] = []
        self._saliency: list[tuple[str, torch.Tensor]] = []
        self._note_saliency = False
        self._x, self._label_error = self._images, ""

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
        if labels is not None and (
            labels.shape != (len(images),) or labels.is_floating_point() or labels.min() < 0
        ):
            raise PassError(
                f"labels have shape {tuple(labels.shape)} and type {labels.dtype}; expected "
                f"({len(images)},) classes from 0 on, one for each image."
            )

    def _get(self, name: str, find: Callable[[], Any]) -> Any:
        assert name in self.needs, f"pass {name!r} was not declared as needed"
        if name in self._found:
            found = self._found[name]
        else:
            began, before = time.perf_counter(), sum(self.durations_s.values())
            try:
                # Each pass starts from its own seed: what runs before it does not matter.
                with _seeded(self._seed * 1000 + list(PASSES).index(name), self._device):
                    found = find()
            except PassError as error:
                found = error
            inner = sum(self.durations_s.values()) - before
            self.durations_s[name] = time.perf_counter() - began - inner
            self._found[name] = found
        if isinstance(found, PassError):
            raise PassError(str(found))
        return found

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
        if "forward" not in self._found:
            began = time.perf_counter()
            try:
                cloned, changed = frozenset[str](), frozenset[str]()
                while True:  # at most twice: what is overwritten after we saw it is then copied
                    with _seeded(self._seed, self._device):
                        self._found["forward"], changed = self._forward_noting(cloned)
                    if changed <= cloned:
                        break
                    cloned |= changed
            except PassError as error:
                self._found["forward"] = error
            self.durations_s["forward"] = time.perf_counter() - began
        found = self._found["forward"]
        if isinstance(found, PassError):
            raise PassError(str(found))
        assert isinstance(found, torch.Tensor)
        return found

    def _forward_noting(self, cloned: frozenset[str]) -> tuple[torch.Tensor, frozenset[str]]:
        """Logits, and layers whose output was overwritten later; copies are made in ``cloned``."""
        self._relu, self._layer_maps, self._block_maps = [], [], []
        self._saliency = []
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
                out.register_hook(self._saliency_hook(name, out))  # type: ignore[no-untyped-call]

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
        wants_images = bool(self.needs & {"image_gradient", "image_jacobian", "block_gradients"})
        wants_graph = wants_images or bool(self.needs & _GRAPH)
        watch = _ReluPatterns()
        x = self._images.detach().requires_grad_(wants_images)
        self._x = x
        try:
            with ExitStack() as modes:
                modes.enter_context(torch.set_grad_enabled(wants_graph))
                if "relu_patterns" in self.needs:
                    modes.enter_context(watch)
                if "hessian_gradient" in self.needs:
                    modes.enter_context(TwiceDifferentiable())
                logits = run(network, x)
        finally:
            for handle in handles:
                handle.remove()
        changed = frozenset(name for name, out, version in versions if out._version != version)
        self._relu = watch.positive
        if self._labels is not None and int(self._labels.max()) >= logits.shape[1]:
            self._label_error = (
                f"a label is {int(self._labels.max())} and the network has {logits.shape[1]} "
                f"classes; expected labels from 0 to {logits.shape[1] - 1}."
            )
        else:
            self._label_error = ""
        return logits, changed

    def _saliency_hook(self, name: str, out: torch.Tensor) -> Callable[[torch.Tensor], None]:
        def hook(gradient: torch.Tensor) -> None:
            if self._note_saliency:
                product = out.detach() * gradient.detach()
                summed = product.flatten(2).sum(2) if out.ndim > 2 else product
                self._saliency.append((name, summed))

        return hook

    def _differentiable(self) -> torch.Tensor:
        logits = self._forward()
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
        layers = weighted_layers(self._network)
        if not layers:
            raise PassError("the network has no convolution and no linear layer.")
        return [Weight(n, _weight(m).detach(), _weight(m).detach()) for n, m in layers]

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
        if "loss" in self._found:
            found = self._found["loss"]
            if isinstance(found, PassError):
                raise PassError(str(found))
            return found  # type: ignore[no-any-return]
        try:
            found = self._backward_loss()
        except PassError as error:
            self._found["loss"] = error
            raise
        self._found["loss"] = found
        return found

    def _backward_loss(self) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        labels, logits = self.labels, self._differentiable()
        if self._label_error:
            raise PassError(self._label_error)
        second = "hessian_gradient" in self.needs
        layers = weighted_layers(self._network)
        if not layers:
            raise PassError("the network has no convolution and no linear layer.")
        self._note_saliency = True
        found = torch.autograd.grad(
            F.cross_entropy(logits, labels),
            [_weight(m) for _, m in layers],
            create_graph=second,
            retain_graph=True,
            allow_unused=True,
        )
        self._note_saliency = False
        used = [
            (name, _weight(m), g)
            for (name, m), g in zip(layers, found, strict=True)
            if g is not None
        ]
        if not used:
            raise PassError("the loss depends on no convolution and no linear layer.")
        for name, _, gradient in used:
            _check_finite(gradient, f"the loss's gradient in layer {name!r}")
        return used

    @property
    def channel_saliency(self) -> list[tuple[str, torch.Tensor]]:
        """Per layer call, activation times its gradient summed over positions, (n, channels)."""
        return self._get("channel_saliency", self._channel_saliency)  # type: ignore[no-any-return]

    def _channel_saliency(self) -> list[tuple[str, torch.Tensor]]:
        self._loss_gradients()
        return self._saliency

    @property
    def hessian_gradient(self) -> list[tuple[Weight, torch.Tensor]]:
        """Per layer in use, its weight and gradient, and the Hessian of the loss times gradient."""
        return self._get("hessian_gradient", self._hessian_gradient)  # type: ignore[no-any-return]

    def _hessian_gradient(self) -> list[tuple[Weight, torch.Tensor]]:
        used = self._loss_gradients()
        along = torch.stack([(g.detach() * g).sum() for _, _, g in used]).sum()
        if not along.requires_grad:
            raise PassError("the gradient of the loss does not depend on the weights.")
        products = torch.autograd.grad(
            along, [value for _, value, _ in used], retain_graph=True, allow_unused=True
        )
        out = []
        for (name, value, gradient), product in zip(used, products, strict=True):
            h = torch.zeros_like(value) if product is None else product
            _check_finite(h, f"the Hessian times the gradient in layer {name!r}")
            out.append((Weight(name, value.detach(), gradient.detach()), h.detach()))
        return out

    @property
    def half_gradients(self) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        """Per layer, gradients of the loss of two halves of the batch, each as a mini-batch."""
        return self._get("half_gradients", self._half_gradients)  # type: ignore[no-any-return]

    def _half_gradients(self) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
        half = self.n_images // 2
        labels = self.labels
        layers = weighted_layers(self._network)
        found = []
        for part in (slice(0, half), slice(half, 2 * half)):
            with torch.enable_grad():
                logits = run(self._network, self._images[part])
            if int(labels.max()) >= logits.shape[1]:
                raise PassError(f"a label is {int(labels.max())} of {logits.shape[1]} classes.")
            if not logits.requires_grad:
                raise PassError("the network's output has no gradient; expected logits.")
            loss = F.cross_entropy(logits, labels[part])
            weights = [_weight(m) for _, m in layers]
            found.append(torch.autograd.grad(loss, weights, allow_unused=True))
        out = [
            (name, a, b)
            for (name, _), a, b in zip(layers, *found, strict=True)
            if a is not None and b is not None
        ]
        if not out:
            raise PassError("the loss depends on no convolution and no linear layer.")
        for name, a, b in out:
            _check_finite(a + b, f"the loss's gradient in layer {name!r}")
        return out

    # ---- with respect to the images -----------------------------------------------------------
    @property
    def image_gradient(self) -> torch.Tensor:
        """Per image, the gradient of the sum of all logits, (n, pixels)."""
        return self._get("image_gradient", lambda: self._image_gradient(None))  # type: ignore[no-any-return]

    @property
    def image_jacobian(self) -> torch.Tensor:
        """Per image, random signs times the Jacobian of its logits, (n, pixels)."""

        def find() -> torch.Tensor:
            logits = self._differentiable()
            signs = torch.randint(2, logits.shape, generator=_generator(self._seed)) * 2 - 1
            return self._image_gradient(signs.to(logits))

        return self._get("image_jacobian", find)  # type: ignore[no-any-return]

    def _image_gradient(self, weight: torch.Tensor | None) -> torch.Tensor:
        logits = self._differentiable()
        outer = torch.ones_like(logits) if weight is None else weight
        (found,) = torch.autograd.grad(logits, self._x, outer, retain_graph=True, allow_unused=True)
        if found is None:
            raise PassError("the network's output does not depend on its input.")
        _check_finite(found, "the gradient with respect to the images")
        return found.flatten(1)

    # ---- what is seen on the way --------------------------------------------------------------
    @property
    def relu_patterns(self) -> list[torch.Tensor]:
        """Per ReLU call, which outputs are positive: bool (n, neurons)."""

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
        self._differentiable()
        generator, out = _generator(self._seed), []
        for (_, before), (name, after) in zip(
            self._block_maps[:-1], self._block_maps[1:], strict=True
        ):
            signs = torch.randint(2, after.shape, generator=generator) * 2 - 1
            g_out = signs.to(after)
            g_in = None
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
        network, called = self._network.eval(), set()
        handles = [
            m.register_forward_hook(lambda module, args, out: called.add(module))
            for m in network.modules()
        ]
        try:
            with torch.enable_grad(), _Macs() as counter:
                logits = run(network, self._images[:1])
        finally:
            network.train()
            for handle in handles:
                handle.remove()
        met = {id(p): p for m in called for p in m.parameters(recurse=False)}
        met |= {id(p): p for p in _leaves(logits.grad_fn)}
        total = sum(p.numel() for p in met.values() if isinstance(p, nn.Parameter))
        return Counts(macs=counter.total, params=total)

    @property
    def synaptic_flow(self) -> list[Weight]:
        """|weights| in float64 without normalisation, and the gradient of the flow through them.

        The flow is the sum of the outputs for one image of ones, all parameters being replaced by
        their absolute values. Layers that the output does not depend on are left out.
        """
        return self._get("synaptic_flow", self._synaptic_flow)  # type: ignore[no-any-return]

    def _synaptic_flow(self) -> list[Weight]:
        network = copied(self._original, self._device, torch.float64)
        without_norms(network)
        with torch.no_grad():
            for tensor in (*network.parameters(), *network.buffers()):
                if tensor.is_floating_point():
                    tensor.abs_()
        with torch.enable_grad():
            # No statistics are left in the network, so one image of ones is enough.
            flow = run(network, torch.ones_like(self._images[:1], dtype=torch.float64)).sum()
        if not flow.requires_grad:
            raise PassError("the network's output has no gradient; expected logits.")
        layers = weighted_layers(network)
        found = torch.autograd.grad(flow, [_weight(m) for _, m in layers], allow_unused=True)
        out = []
        for (name, module), gradient in zip(layers, found, strict=True):
            if gradient is None:
                continue
            if not bool(torch.isfinite(gradient).all()):
                raise PassError(f"the flow leaves the range of float64 (1e308) in layer {name!r}.")
            out.append(Weight(name, _weight(module).detach(), gradient))
        return out

    @property
    def gaussian_response(self) -> GaussianResponse:
        """How the last maps answer to a small change of N(0, 1) images, weights being N(0, 1)."""
        return self._get("gaussian_response", self._gaussian_response)  # type: ignore[no-any-return]

    def _gaussian_response(self) -> GaussianResponse:
        network = copied(self._original, self._device, self._dtype)
        generator = _generator(self._seed)
        with torch.no_grad():
            for _, module in weighted_layers(network):
                weight = _weight(module)
                weight.copy_(torch.randn(weight.shape, generator=generator))
                if module.bias is not None:
                    module.bias.zero_()  # type: ignore[operator]
            for module in network.modules():
                if isinstance(module, NORMS) and module.weight is not None:
                    nn.init.ones_(module.weight)
                    nn.init.zeros_(module.bias)
                if isinstance(module, BATCH_NORMS) and module.track_running_stats:
                    module.momentum = 1.0  # the variance it keeps is that of the batch
        maps: list[torch.Tensor] = []
        normed: list[nn.Module] = []
        handles = []
        for module in network.modules():
            if isinstance(module, POOLS) and _is_global(module):
                handles.append(
                    module.register_forward_pre_hook(lambda m, args: maps.append(args[0].clone()))
                )
            elif isinstance(module, BATCH_NORMS):
                handles.append(module.register_forward_hook(lambda m, args, o: normed.append(m)))
        last = [m for m in network.modules() if isinstance(m, nn.Linear)]
        into: list[torch.Tensor] = []
        if last:
            handles.append(
                last[-1].register_forward_pre_hook(lambda m, args: into.append(args[0].clone()))
            )
        shape = self._images.shape
        first = torch.randn(shape, generator=generator).to(self._images)
        noise = torch.randn(shape, generator=generator).to(self._images)
        features: list[torch.Tensor] = []
        deviations: list[float] = []
        try:
            with torch.no_grad():
                for x in (first, first + PERTURBATION * noise):
                    maps.clear()
                    into.clear()
                    normed.clear()
                    logits = run(network, x)
                    seen = maps[-1] if maps else into[-1] if into else logits
                    features.append(seen.flatten(1))
                    if not deviations:
                        deviations = [
                            0.5 * math.log(float(m.running_var.mean()))  # type: ignore[operator]
                            for m in normed
                            if getattr(m, "running_var", None) is not None
                            and float(m.running_var.mean()) > 0  # type: ignore[operator]
                        ]
        finally:
            for handle in handles:
                handle.remove()
        change = (features[0] - features[1]).abs().sum(1).mean()
        _check_finite(change, "the change of the features")
        return GaussianResponse(float(change), tuple(deviations))

    @property
    def sample_gradients(self) -> torch.Tensor:
        """Gram matrix of the first images' gradients of the sum of logits, by all parameters."""
        return self._get("sample_gradients", self._sample_gradients)  # type: ignore[no-any-return]

    def _sample_gradients(self) -> torch.Tensor:
        n = min(KERNEL_IMAGES, self.n_images)
        with torch.enable_grad():
            logits = run(self._network, self._images[:n])
        if not logits.requires_grad:
            raise PassError("the network's output has no gradient; expected logits.")
        parameters = [p for p in self._network.parameters() if p.requires_grad]
        rows = []
        for i in range(n):
            found = torch.autograd.grad(
                logits[i].sum(), parameters, retain_graph=i + 1 < n, allow_unused=True
            )
            rows.append(torch.cat([g.flatten() for g in found if g is not None]))
        stacked = torch.stack(rows).double()
        _check_finite(stacked, "an image's gradient of the logits")
        return stacked @ stacked.T


_GRAPH = {"gradients", "channel_saliency", "hessian_gradient"}


def run(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Logits (n, classes) of a network.

    Raises:
        PassError: it failed, naming the layer, or gives something else.
    """
    entered: list[str] = []
    names = {module: name for name, module in network.named_modules()}
    handles = []
    for module in names:
        handles.append(module.register_forward_pre_hook(lambda m, args: _enter(entered, names[m])))
        handles.append(module.register_forward_hook(lambda m, args, out: _leave(entered)))
    try:
        logits = network(images)
    except PassError:
        raise
    except Exception as error:
        where = entered[-1] if entered else ""
        raise PassError(
            f"the forward pass of a batch of shape {tuple(images.shape)} failed in layer "
            f"{where or '(root)'!r}: {error}"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != len(images):
        got = (
            f"shape {tuple(logits.shape)}"
            if isinstance(logits, torch.Tensor)
            else type(logits).__name__
        )
        raise PassError(
            f"the network gives {got} for {len(images)} images; expected logits of shape "
            f"({len(images)}, classes)."
        )
    return logits


def _enter(entered: list[str], name: str) -> None:
    entered.append(name)


def _leave(entered: list[str]) -> None:
    entered.pop()


def _weight(module: nn.Module) -> torch.Tensor:
    weight = module.weight
    assert isinstance(weight, torch.Tensor)
    return weight


def _check_finite(tensor: torch.Tensor, what: str) -> None:
    if not bool(torch.isfinite(tensor).all()):
        raise PassError(f"{what} is not finite.")


def _is_global(pool: nn.Module) -> bool:
    size = getattr(pool, "output_size", None)
    return size in (1, (1, 1))


def _leaves(node: Any) -> Iterator[torch.Tensor]:
    """Leaf tensors that a node of the graph depends on."""
    seen, waiting = set(), [node] if node is not None else []
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        if hasattr(at, "variable"):
            yield at.variable
        waiting += [after for after, _ in at.next_functions if after is not None]


def _canonical_order(images: torch.Tensor, labels: torch.Tensor | None) -> list[int]:
    """An order of the images that their content alone decides, without pattern."""
    flat = images.detach().cpu().float().flatten(1).contiguous().numpy()
    tags = [0] * len(flat) if labels is None else labels.cpu().tolist()
    return sorted(range(len(flat)), key=lambda i: (flat[i].tobytes(), tags[i]))


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's global generator started from ``seed``; left as it was afterwards."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
