"""The copy of a network that is scored, and which of its parts count as layers and as blocks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import torch
from torch import nn

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
        PassError: a parameter or buffer that is not finite, or a network that cannot be copied.
    """
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            where, _, what = name.rpartition(".")
            n = int((~torch.isfinite(tensor)).sum())
            raise PassError(
                f"layer {where or '(root)'!r} has {n} values in {what!r} that are not finite; "
                "expected finite weights. Initialise or load the network again."
            )
    try:
        out = copy.deepcopy(network)
    except Exception as error:
        raise PassError(
            f"the network cannot be copied ({error}); expected a torch.nn.Module that "
            "copy.deepcopy takes, without tensors of a graph among its attributes."
        ) from error
    out = out.to(device=device, dtype=dtype).train()
    for module in out.modules():
        if getattr(module, "inplace", False) is True:
            module.inplace = False  # type: ignore[assignment]
    for parameter in out.parameters():
        parameter.grad = None
        if parameter.is_floating_point():
            parameter.requires_grad_(True)
    return out


def weighted_layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Convolutions and linear layers with their names; a shared one comes once."""
    return [(name, m) for name, m in network.named_modules() if isinstance(m, WEIGHTED)]


def weights_of_layers(network: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Weights of those layers; one that several layers share comes once, under the first's name."""
    found: dict[int, tuple[str, torch.Tensor]] = {}
    for name, module in weighted_layers(network):
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        found.setdefault(id(weight), (name, weight))
    return list(found.values())


@contextmanager
def replaced(
    network: nn.Module,
    make: Callable[[nn.Module, str, torch.Tensor], torch.Tensor],
    norms: bool = True,
) -> Iterator[nn.Module]:
    """Within it the network has other parameters and buffers, and no normalisation if so wished.

    The tensors it had are put aside, not written to: a graph that was built with them stays good.

    Args:
        network: changed within, and restored.
        make: from a module, and name and value of a tensor of its own, one to put in its place. A
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
            for key, child in children.items():
                if not norms and isinstance(child, NORMS):
                    module._modules[key] = nn.Identity()
        yield network
    finally:
        for module, parameters, buffers, children in before:
            module._parameters.update(parameters)
            module._buffers.update(buffers)
            module._modules.update(children)


def blocks(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The modules after which all of the signal is in one tensor, in order of definition.

    Children of a module list ``blocks`` where the network has one, else the network's children;
    lists are opened. A child that is itself a graph of nodes (``nodes`` and ``inputs``, as the body
    of a space of cells) counts by those of its nodes that leave a single tensor alive.
    """
    found: list[tuple[str, nn.Module]] = []

    def add(name: str, module: nn.Module) -> None:
        if isinstance(module, nn.ModuleList):
            for key, child in module.named_children():
                add(f"{name}.{key}", child)
        elif isinstance(getattr(module, "nodes", None), nn.ModuleList):
            nodes = cast(nn.ModuleList, module.nodes)
            inputs = cast(Sequence[tuple[int, ...]], module.inputs)
            found.extend((f"{name}.nodes.{k}", nodes[k]) for k in _cuts(nodes, inputs))
        else:
            found.append((name, module))

    for name, child in network.named_children():
        add(name, child)
    return found


def _cuts(nodes: nn.ModuleList, inputs: Sequence[tuple[int, ...]]) -> Iterator[int]:
    """Nodes after which only their own output is needed, but not inside a ReLU-conv-norm."""
    last = {i: k for k, sources in enumerate(inputs) for i in sources}
    for k, node in enumerate(nodes):
        alive = any(last.get(i, -1) > k for i in range(-1, k))
        if not alive and not isinstance(node, (nn.ReLU, *WEIGHTED)):
            yield k
