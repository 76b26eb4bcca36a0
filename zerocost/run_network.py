"""One forward pass of a network, and the layer that it fails in."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import nn

from .network import BATCH_NORMS, POOLS, PassError, weighted_layers


def run(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Logits (n, classes) of a network.

    Raises:
        PassError: the pass failed, which names the layer, or gives something else than logits.
    """
    try:
        logits = network(images)
    except PassError:
        raise
    except Exception as error:
        raise PassError(
            f"the forward pass of a batch of shape {tuple(images.shape)} failed in layer "
            f"{_failing_layer(network, images)!r}: {error}"
        ) from error
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


def _failing_layer(network: nn.Module, images: torch.Tensor) -> str:
    """The layer that a forward pass is in when it fails; one more pass runs, with hooks."""
    entered: list[str] = []
    handles = []
    for name, module in network.named_modules():
        note = partial(_enter, entered, name)
        handles.append(module.register_forward_pre_hook(note))
        handles.append(module.register_forward_hook(lambda m, args, out: _leave(entered)))
    try:
        network(images)
    except Exception:  # the one we know of
        return (entered and entered[-1]) or "(root)"
    finally:
        for handle in handles:
            handle.remove()
    return "(root)"


def _enter(entered: list[str], name: str, module: nn.Module, args: Any) -> None:
    entered.append(name)


def _leave(entered: list[str]) -> None:
    entered.pop()


def cut_off(network: nn.Module) -> set[str]:
    """A set that layers enter which run without a graph in a forward pass that builds one.

    Args:
        network: network that gets hooks, which hold the set alone.
    """
    names: set[str] = set()
    wanted = [False]

    def begin(module: nn.Module, args: Any) -> None:
        wanted[0] = torch.is_grad_enabled()

    def note(name: str, module: nn.Module, args: Any, out: Any) -> None:
        if wanted[0] and not torch.is_grad_enabled():
            names.add(name)

    network.register_forward_pre_hook(begin)
    for name, module in weighted_layers(network):
        module.register_forward_hook(partial(note, name))
    return names


def check_in_graph(name: str, cut: set[str]) -> None:
    """Raises PassError for a layer without a gradient that is not unused (see ``cut_off``)."""
    if name in cut:
        raise PassError(
            f"layer {name!r} runs under torch.no_grad: its weights are used and have no gradient. "
            "Score a network without torch.no_grad in its forward."
        )


def response(
    network: nn.Module, x: torch.Tensor, deviate: bool = True
) -> tuple[torch.Tensor, tuple[float, ...]]:
    """Maps before global pooling, (n, ...) flattened, and log deviations of norms' inputs."""
    maps: list[torch.Tensor] = []
    into: list[torch.Tensor] = []
    deviations: list[float] = []

    def note_norm(module: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        others = [d for d in range(args[0].ndim) if d != 1]
        variance = args[0].var(others, correction=0).mean()
        if float(variance) > 0:
            deviations.append(0.5 * math.log(float(variance)))

    handles = []
    last = [m for m in network.modules() if isinstance(m, nn.Linear)][-1:]
    for module in network.modules():
        if isinstance(module, POOLS) and _is_global(module):
            handles.append(module.register_forward_pre_hook(lambda m, a: maps.append(a[0].clone())))
        elif isinstance(module, BATCH_NORMS) and deviate:
            handles.append(module.register_forward_pre_hook(note_norm))
        elif module in last:
            handles.append(module.register_forward_pre_hook(lambda m, a: into.append(a[0].clone())))
    try:
        logits = run(network, x)
    finally:
        for handle in handles:
            handle.remove()
    seen = maps[-1] if maps else into[-1] if into else logits
    return seen.flatten(1), tuple(deviations)


def _is_global(pool: nn.Module) -> bool:
    size = getattr(pool, "output_size", None)
    return size in (1, (1, 1))
