"""An exponential moving average of weights over training steps.

Source: Tarvainen and Valpola 2017, "Mean teachers are better role models" (section 2); the decay
rises at first, so that the first, random weights are soon forgotten.
"""

from __future__ import annotations

import torch
from torch import nn


class WeightAverage:
    """Averages of a network's parameters; batch-norm statistics are not averaged.

    Args:
        network: network whose parameters are averaged.
        decay: share of the old average that one step keeps, in [0, 1].
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.values = {n: p.detach().clone() for n, p in network.named_parameters()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Takes in the parameters after one more step."""
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 9.0))
        for name, parameter in network.named_parameters():
            self.values[name].lerp_(parameter.detach(), 1.0 - decay)

    @torch.no_grad()
    def copy_to(self, network: nn.Module) -> None:
        """Puts the averages in the place of the network's parameters."""
        for name, parameter in network.named_parameters():
            parameter.copy_(self.values[name])
