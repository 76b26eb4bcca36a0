"""A network under training: its optimiser, one step, and its part of a checkpoint."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from .average import WeightAverage
from .recipe import Recipe

States = dict[str, dict[str, torch.Tensor]]
Net = TypeVar("Net", bound=nn.Module)


def parameter_groups(
    net: nn.Module, weight_decay: float, fresh: tuple[str, ...] = (), fresh_rate: float = 1.0
) -> list[dict[str, Any]]:
    """Groups for an optimiser: weight decay on weights, none on batch norms and biases.

    Args:
        net: module whose parameters are grouped.
        weight_decay: weight decay of convolution and classifier weights.
        fresh: beginnings of the names of parameters that start from random weights.
        fresh_rate: factor of their learning rate, kept in their groups as ``rate``.
    """
    groups = []
    for rate, new in ((1.0, False), (fresh_rate, True)):
        own = [p for n, p in net.named_parameters() if n.startswith(fresh) == new]
        decayed, plain = [p for p in own if p.ndim > 1], [p for p in own if p.ndim <= 1]
        if own or not new:
            groups += [
                {"params": decayed, "weight_decay": weight_decay, "rate": rate},
                {"params": plain, "weight_decay": 0.0, "rate": rate},
            ]
    return groups


class Learner(Generic[Net]):
    """One network and what trains it.

    Args:
        name: beginning of its groups in a checkpoint, for example ``little``.
        start: its first weights; copied, never changed.
        recipe: rates, weight decay and average of the training.
        device: torch device that the network trains on.
        fresh: beginnings of the names of parameters that start from random weights among inherited
            ones; they learn faster by the recipe's ``fresh_rate``.
    """

    def __init__(
        self,
        name: str,
        start: Net,
        recipe: Recipe,
        device: torch.device,
        fresh: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.network: Net = copy.deepcopy(start).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network.train()
        self.clip_norm = recipe.clip_norm
        self.optimizer = torch.optim.SGD(
            parameter_groups(self.network, recipe.weight_decay, fresh, recipe.pair.fresh_rate),
            lr=0.0,
            momentum=recipe.momentum,
            nesterov=recipe.momentum > 0,
        )
        self.average: WeightAverage | None = None
        if recipe.ema_decay is not None:
            self.average = WeightAverage(self.network, recipe.ema_decay)

    def update(self, loss: torch.Tensor, learning_rate: float) -> bool:
        """One step down ``loss``; False, and no step, where the gradient is not finite."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.clip_norm)
        if not bool(torch.isfinite(norm)):
            return False
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate * group["rate"]
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.network)
        return True

    def states(self) -> States:
        """Named tensors for a checkpoint, in groups that begin with the learner's name."""
        momentum = {
            name: self.optimizer.state[p]["momentum_buffer"]
            for name, p in self.network.named_parameters()
            if self.optimizer.state.get(p, {}).get("momentum_buffer") is not None
        }
        groups = {"weights": dict(self.network.state_dict()), "momentum": momentum}
        if self.average is not None:
            groups["average"] = self.average.values
        return {f"{self.name}_{group}": tensors for group, tensors in groups.items()}

    def restore(self, states: Mapping[str, Mapping[str, torch.Tensor]], steps: int) -> None:
        """Goes back to the ``states`` of a checkpoint that was written after ``steps`` steps."""
        self.network.load_state_dict(dict(states[f"{self.name}_weights"]))
        for name, p in self.network.named_parameters():
            momentum = states.get(f"{self.name}_momentum", {}).get(name)
            if momentum is not None:
                restored = torch.empty_like(p)  # in the parameter's own memory format
                self.optimizer.state[p]["momentum_buffer"] = restored.copy_(momentum)
            if self.average is not None:
                self.average.values[name].copy_(states[f"{self.name}_average"][name])
        if self.average is not None:
            self.average.steps = steps

    def result(self) -> Net:
        """The trained network on the CPU, with averaged weights where the recipe asks for them."""
        network = copy.deepcopy(self.network)
        if self.average is not None:
            self.average.copy_to(network)
        return network.cpu()
