"""The optimisers that a recipe or a phase of a schedule may ask for, by name.

``sgd`` is Nesterov's stochastic gradient descent. ``muon`` moves every 1x1 convolution by Muon,
which makes the singular values of its update alike, and what is left by AdamW, at one learning
rate for both. Sources: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural
networks"; Liu et al. 2025, "Muon is scalable for LLM training" (the scale of its updates).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..bench.errors import TrainingError

#: What the values of an optimiser are called in a checkpoint, where not as torch does.
NAMES = {"momentum_buffer": "momentum"}
#: AdamW's second average. Runs are short: 0.999 is slower than the learning rate changes.
BETA_2 = 0.99

Parts = Iterable[tuple[str, nn.Parameter]]
Groups = list[dict[str, Any]]


def parameter_groups(
    parts: Parts, weight_decay: float, fresh: tuple[str, ...] = (), fresh_rate: float = 1.0
) -> Groups:
    """Groups for an optimiser: weight decay on weights, none on batch norms and biases.

    Args:
        parts: the parameters with their names.
        weight_decay: weight decay of convolution and classifier weights.
        fresh: beginnings of the names of parameters that start from random weights.
        fresh_rate: factor of their learning rate, kept in their groups as ``rate``.
    """
    groups, parts = [], list(parts)
    for rate, new in ((1.0, False), (fresh_rate, True)):
        own = [p for n, p in parts if n.startswith(fresh) == new]
        decayed, plain = [p for p in own if p.ndim > 1], [p for p in own if p.ndim <= 1]
        if own or not new:
            groups += [
                {"params": decayed, "weight_decay": weight_decay, "rate": rate},
                {"params": plain, "weight_decay": 0.0, "rate": rate},
            ]
    return groups


@dataclass(frozen=True)
class OptimizerSettings:
    """What decides how parameters are moved, but the learning rate.

    Attributes:
        name: which optimiser, one of ``recipe.OPTIMIZERS``.
        momentum: momentum of the gradients.
        weight_decay: weight decay of convolution and classifier weights.
        fresh: beginnings of the names of parameters that start from random weights.
        fresh_rate: factor of their learning rate.
    """

    name: str
    momentum: float
    weight_decay: float
    fresh: tuple[str, ...] = ()
    fresh_rate: float = 1.0


class ModuleOptimizer:
    """What moves all parameters of a module, and its part of a checkpoint.

    Args:
        net: module whose parameters are moved.
        settings: the optimiser and its numbers.

    Raises:
        TrainingError: this version of torch has no such optimiser.
    """

    def __init__(self, net: nn.Module, settings: OptimizerSettings) -> None:
        self.net, self.settings = net, settings
        self.matrices: dict[str, torch.Tensor] = {}
        momentum, decay = settings.momentum, settings.weight_decay
        fresh, rate = settings.fresh, settings.fresh_rate
        if settings.name == "sgd":
            groups = parameter_groups(net.named_parameters(), decay, fresh, rate)
            sgd = torch.optim.SGD(groups, lr=0.0, momentum=momentum, nesterov=momentum > 0)
            self.optimizers: list[torch.optim.Optimizer] = [sgd]
            return
        if not hasattr(torch.optim, "Muon"):
            raise TrainingError(
                f"the optimizer is to be 'muon', which torch {torch.__version__} does not have; "
                'expected torch 2.9 or newer. Install one, or take optimizer = "sgd".'
            )
        parts = list(net.named_parameters())
        square = {n for n, p in parts if p.ndim == 4 and p.shape[1] > 1 and p.shape[2:] == (1, 1)}
        self.matrices = {n: p.detach().flatten(1) for n, p in parts if n in square}
        muon = torch.optim.Muon(
            [
                {"params": [m for n, m in self.matrices.items() if n.startswith(fresh) == new]}
                | {"rate": rate if new else 1.0}
                for new in (False, True)
            ],
            lr=0.0,
            weight_decay=decay,
            momentum=momentum,
            adjust_lr_fn="match_rms_adamw",  # so that one learning rate fits both
        )
        rest = [(n, p) for n, p in parts if n not in square]
        others = parameter_groups(rest, decay, fresh, rate)
        adamw = torch.optim.AdamW(others, lr=0.0, betas=(momentum, BETA_2))
        self.optimizers = [muon, adamw]

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        self.net.zero_grad(set_to_none=True)

    def step(self, learning_rate: float) -> None:
        """One step down the gradients, at a learning rate that fresh parameters multiply."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * group["rate"]
        for name, matrix in self.matrices.items():
            parameter = self.net.get_parameter(name)
            matrix.data = parameter.data.flatten(1)  # the same memory
            matrix.grad = None if parameter.grad is None else parameter.grad.flatten(1)
        for optimizer in self.optimizers:
            optimizer.step()

    def states(self) -> dict[str, dict[str, torch.Tensor]]:
        """What it remembers of the steps so far, by kind and by name of the parameter."""
        states: dict[str, dict[str, torch.Tensor]] = {"momentum": {}}
        for name, remembered in self._remembered():
            for key, value in remembered.items():
                if value is not None:
                    states.setdefault(NAMES.get(key, key), {})[name] = torch.as_tensor(value)
        return states

    def restore(self, states: Mapping[str, Mapping[str, torch.Tensor]]) -> None:
        """Goes back to what `states` gave; kinds that it does not know are left alone."""
        kinds = {key: NAMES.get(key, key) for key in ("momentum_buffer", "exp_avg", "exp_avg_sq")}
        for name, remembered in self._remembered():
            parameter = self.matrices.get(name, self.net.get_parameter(name))
            for key, kind in kinds.items():
                value = states.get(kind, {}).get(name)
                if value is not None:
                    # in the parameter's own memory format
                    remembered[key] = torch.empty_like(parameter).copy_(value)
            if name in states.get("step", {}):
                remembered["step"] = states["step"][name].clone()

    def forget(self) -> None:
        """Forgets all steps so far, as where weights changed otherwise."""
        for optimizer in self.optimizers:
            optimizer.state.clear()

    def _remembered(self) -> Iterable[tuple[str, dict[str, Any]]]:
        for name, parameter in self.net.named_parameters():
            key, own = self.matrices.get(name, parameter), self.optimizers[-1]
            yield name, (self.optimizers[0] if name in self.matrices else own).state[key]
