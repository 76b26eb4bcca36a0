"""A network under training: its optimiser, one step, and its part of a checkpoint."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Generic, TypeVar

import torch
from torch import nn

from .average import WeightAverage
from .optimizers import ModuleOptimizer, OptimizerSettings
from .recipe import Recipe

States = dict[str, dict[str, torch.Tensor]]
Net = TypeVar("Net", bound=nn.Module)


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
        self.optimizer = ModuleOptimizer(
            self.network,
            OptimizerSettings(
                recipe.optimizer,
                recipe.momentum,
                recipe.weight_decay,
                fresh,
                recipe.pair.fresh_rate,
            ),
        )
        self.average: WeightAverage | None = None
        if recipe.ema_decay is not None:
            self.average = WeightAverage(self.network, recipe.ema_decay)

    def update(self, loss: torch.Tensor, learning_rate: float) -> bool:
        """One step down ``loss``; False, and no step, where the gradient is not finite."""
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.clip_norm)
        if not bool(torch.isfinite(norm)):
            return False
        self.optimizer.step(learning_rate)
        if self.average is not None:
            self.average.update(self.network)
        return True

    def states(self) -> States:
        """Named tensors for a checkpoint, in groups that begin with the learner's name."""
        groups = {"weights": dict(self.network.state_dict()), **self.optimizer.states()}
        if self.average is not None:
            groups["average"] = self.average.values
        return {f"{self.name}_{group}": tensors for group, tensors in groups.items()}

    def restore(self, states: Mapping[str, Mapping[str, torch.Tensor]], steps: int) -> None:
        """Goes back to the ``states`` of a checkpoint that was written after ``steps`` steps."""
        self.network.load_state_dict(dict(states[f"{self.name}_weights"]))
        own = {kind.removeprefix(f"{self.name}_"): group for kind, group in states.items()}
        self.optimizer.restore(own)
        if self.average is not None:
            for name, value in self.average.values.items():
                value.copy_(own["average"][name])
            self.average.steps = steps

    def result(self) -> Net:
        """The trained network on the CPU, with averaged weights where the recipe asks for them."""
        network = copy.deepcopy(self.network)
        if self.average is not None:
            self.average.copy_to(network)
        return network.cpu()
