"""The copy of a network that is scored, and which of its parts count as layers and as blocks.

A weight that is computed from other tensors whenever it is read (``parametrizations.weight_norm``,
``spectral_norm``, pruning masks) is in the copy the plain weight that it is now. Thus a network has
the scores of the plain network with the same weights. What cannot be made plain is an error: a
gradient that was not taken is not told apart from one that is not there.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.prune import remove as remove_pruning
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from ..bench.errors import BigLittleError

#: Layers whose weights proxies of parameters look at, as in Abdelfattah et al. 2021.
WEIGHTED = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Linear,
)
#: Modules with matrices under other names than ``weight``, which count as layers of their own.
WITH_MATRICES = (nn.MultiheadAttention, nn.RNNBase, nn.RNNCellBase, nn.Bilinear)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
NORMS = (*BATCH_NORMS, nn.GroupNorm, nn.LayerNorm)
POOLS = (nn.AdaptiveAvgPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d)


class PassError(BigLittleError):
    """A network for which a pass, or an equation over it, has no answer; says in which layer."""


def copied(network: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """An independent copy in training mode, whose activations overwrite nothing.

    Training mode because batch norm at initialisation has no statistics of its own yet. Gradients
    are not copied, and every floating-point parameter is trainable in the copy.

    Raises:
        PassError: a parameter or buffer is not finite or not there yet, or the network cannot be
            copied.
    """
    if not isinstance(network, nn.Module):
        raise PassError(
            f"the network is of type {type(network).__name__}; expected a torch.nn.Module, or the "
            "id of an architecture."
        )
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        if is_lazy(tensor):
            raise PassError(
                f"layer {name.rpartition('.')[0] or '(root)'!r} is lazy: it has no weights before "
                "its first batch. Run one batch through the network, network(images), then score."
            )
        if tensor.is_meta:
            raise PassError(
                f"{name!r} is on the meta device, which holds shapes and no values. Load or "
                "initialise the network on the CPU (network.to_empty, then its initialisation)."
            )
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            where, _, what = name.rpartition(".")
            n = int((~torch.isfinite(tensor)).sum())
            raise PassError(
                f"layer {where or '(root)'!r} has {n} values in {what!r} that are not finite; "
                "expected finite weights. Initialise or load the network again."
            )
    try:
        out = copy.deepcopy(network, _computed(network))
    except Exception as error:
        raise PassError(
            f"the network cannot be copied ({error}); expected a torch.nn.Module that "
            "copy.deepcopy takes, without tensors of a graph among its attributes."
        ) from error
    _make_plain(out.eval())  # in training mode some change with every reading
    out = out.to(device=device, dtype=dtype).train()
    for module in out.modules():
        if getattr(module, "inplace", False) is True:
            module.inplace = False  # type: ignore[assignment]
    for parameter in out.parameters():
        parameter.grad = None
        if parameter.is_floating_point():
            parameter.requires_grad_(True)
    return out


def _computed(network: nn.Module) -> dict[int, torch.Tensor]:
    """What ``deepcopy`` takes as copied: weights that hooks compute, which belong to a graph."""
    return {
        id(weight): weight.detach().clone()
        for module in network.modules()
        for hook in module._forward_pre_hooks.values()
        if (key := _hooked(hook)) and isinstance(weight := getattr(module, key, None), torch.Tensor)
    }


def _hooked(hook: Callable[..., object]) -> str | None:
    """The name of the weight that one of torch's older hooks computes before every pass."""
    if isinstance(hook, (WeightNorm, SpectralNorm)):
        return hook.name
    return hook._tensor_name if isinstance(hook, BasePruningMethod) else None


def _make_plain(network: nn.Module) -> None:
    """Puts the weights as they are now in the place of those that are computed from others."""
    shared: dict[tuple[int, ...], torch.Tensor] = {}
    plain: list[tuple[str, nn.Module, str, torch.Tensor, bool]] = []
    with torch.no_grad():
        for where, module in network.named_modules():
            for hook in list(module._forward_pre_hooks.values()):
                if isinstance(hook, WeightNorm):
                    nn.utils.remove_weight_norm(module, hook.name)
                elif isinstance(hook, SpectralNorm):
                    nn.utils.remove_spectral_norm(module, hook.name)
                elif isinstance(hook, BasePruningMethod):
                    remove_pruning(module, hook._tensor_name)  # type: ignore[no-untyped-call]
            for key, parts in getattr(module, "parametrizations", {}).items():
                if not is_parametrized(module, key):
                    continue
                # Layers that compute one weight from the same tensors go on sharing it.
                sources = tuple(id(t) for t in (*parts.parameters(), *parts.buffers()))
                value = getattr(module, key)
                if sources not in shared or not torch.equal(shared[sources], value):
                    shared[sources] = value.detach().clone(memory_format=torch.contiguous_format)
                trained = any(True for _ in parts.parameters())
                plain.append((where, module, key, shared[sources], trained))
    parameters = {id(value): nn.Parameter(value) for *_, value, trained in plain if trained}
    for where, module, key, value, trained in plain:  # all were read before one is written to
        try:
            remove_parametrizations(module, key)
        except Exception as error:
            raise PassError(
                f"the parametrization of {key!r} in layer {where!r} cannot be taken off "
                f"({error}). Take it off with torch.nn.utils.parametrize."
                "remove_parametrizations, or build the layer plainly, and score that."
            ) from error
        delattr(module, key)
        if trained:
            module.register_parameter(key, parameters[id(value)])
        else:
            module.register_buffer(key, value)


def matrices(module: nn.Module) -> list[str]:
    """Names of a module's own parameters that images are multiplied by."""
    if isinstance(module, WEIGHTED):
        return ["weight"]
    if isinstance(module, WITH_MATRICES):
        own = module._parameters.items()
        return [key for key, p in own if p is not None and "weight" in key and p.ndim > 1]
    return []


def check_readable(network: nn.Module) -> None:
    """Raises PassError where weights are packed, as those of int8 modules are."""
    for name, module in network.named_modules():
        if any(isinstance(value, torch.ScriptObject) for value in vars(module).values()):
            raise PassError(
                f"layer {name.removesuffix('._packed_params')!r} has weights that torch has "
                "packed, as int8 modules do: they can be neither read nor differentiated. Score "
                "the network in floating point, as it was before."
            )


def weighted_layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Convolutions and linear layers with their names; a shared one comes once."""
    return [(name, m) for name, m in network.named_modules() if isinstance(m, WEIGHTED)]


def weights_of_layers(network: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Weights of those layers; one that several layers share comes once, under the first's name.

    The matrices of attention and recurrent layers are there under their own names.

    Raises:
        PassError: a weight is packed, is not of floating point, or is computed from others.
    """
    check_readable(network)
    weights: dict[int, tuple[str, torch.Tensor]] = {}
    for name, module in network.named_modules():
        for key in matrices(module):
            weight = module._parameters.get(key)
            if weight is None or not weight.is_floating_point():
                got = "computed from other tensors" if weight is None else str(weight.dtype)
                raise PassError(
                    f"the weight of layer {name!r} is {got}, and there is no gradient with respect "
                    "to it; expected a floating-point parameter. Put the weight as it is now into "
                    "a plain layer, and score that."
                )
            label = name if isinstance(module, WEIGHTED) else f"{name}.{key}"
            weights.setdefault(id(weight), (label, weight))
    return list(weights.values())


@contextmanager
def replaced(
    network: nn.Module,
    make: Callable[[nn.Module, str, torch.Tensor], torch.Tensor],
    norms: bool = True,
) -> Iterator[nn.Module]:
    """Within it the network has other parameters and buffers, and no normalisation if so wished.

    The tensors it had are put aside, not written to: a graph that was built with them stays good.

    Args:
        network: network that is changed within, and restored.
        make: gives the tensor to put in the place of another, from its module, name and value. A
            tensor that several modules share is made once.
        norms: whether normalisations stay; else they are the identity.
    """
    before = [
        (module, dict(module._parameters), dict(module._buffers), dict(module._modules))
        for module in network.modules()
    ]
    made: dict[int, torch.Tensor] = {}

    def once(module: nn.Module, name: str, tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in made:
            new = make(module, name, tensor.detach())
            if isinstance(tensor, nn.Parameter):
                wanted = new.is_floating_point() and torch.is_grad_enabled()
                new = nn.Parameter(new, requires_grad=wanted)
            made[id(tensor)] = new
        return made[id(tensor)]

    try:
        for module, parameters, buffers, children in before:
            for tensors, into in ((parameters, module._parameters), (buffers, module._buffers)):
                new = {k: once(module, k, t) for k, t in tensors.items() if t is not None}
                into.update(new)  # type: ignore[arg-type]
            if isinstance(module, nn.RNNBase):
                module._flat_weights = [getattr(module, n) for n in module._flat_weights_names]
            for key, child in children.items():
                if not norms and isinstance(child, NORMS):
                    module._modules[key] = nn.Identity()
        yield network
    finally:
        for module, parameters, buffers, children in before:
            module._parameters.update(parameters)
            module._buffers.update(buffers)
            module._modules.update(children)
            if isinstance(module, nn.RNNBase):
                module._flat_weights = [getattr(module, n) for n in module._flat_weights_names]


def blocks(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The modules after which all of the signal is in one tensor, in order of definition.

    Children of a module list ``blocks`` where the network has one, else the network's children;
    lists are opened. A child that is itself a graph of nodes (``nodes`` and ``inputs``, as the body
    of a space of cells) counts by those of its nodes that leave a single tensor alive.
    """
    listed: list[tuple[str, nn.Module]] = []

    def add(name: str, module: nn.Module) -> None:
        if isinstance(module, nn.ModuleList):
            for key, child in module.named_children():
                add(f"{name}.{key}", child)
        elif isinstance(getattr(module, "nodes", None), nn.ModuleList):
            nodes = cast(nn.ModuleList, module.nodes)
            inputs = cast(Sequence[tuple[int, ...]], module.inputs)
            listed.extend((f"{name}.nodes.{k}", nodes[k]) for k in _cuts(nodes, inputs))
        else:
            listed.append((name, module))

    for name, child in network.named_children():
        add(name, child)
    return listed


def _cuts(nodes: nn.ModuleList, inputs: Sequence[tuple[int, ...]]) -> Iterator[int]:
    """Nodes after which only their own output is needed, but not inside a ReLU-conv-norm."""
    last = {i: k for k, sources in enumerate(inputs) for i in sources}
    for k, node in enumerate(nodes):
        alive = any(last.get(i, -1) > k for i in range(-1, k))
        if not alive and not isinstance(node, (nn.ReLU, *WEIGHTED)):
            yield k
