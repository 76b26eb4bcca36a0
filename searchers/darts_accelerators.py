"""The costs of a differentiable search: of one device, or of accelerators that are chosen with it.

Every number of an accelerator has weights for its values. A step draws each number by its weights
with Gumbel noise, softly, and the product of what was drawn is the share of every accelerator;
those beyond the limit of area have none. Blocks then cost their expectation over these shares. The
noise lets every value be tried, and it sharpens from step to step, so that what is searched becomes
what is derived: the accelerator with the largest share without noise.

Where it departs from the source: shares are soft in both directions, where the source draws one
value and has gradients alone pass softly; costs come from a table of blocks, and not from a cost
model that is asked at each step.

Source: Fu et al. 2021, "Auto-NBA: Efficient and Effective Search Over the Joint Space of Networks,
Bitwidths, and Accelerators" (section 3, Gumbel softmax over the choices of an accelerator);
Jang, Gu and Poole 2017, "Categorical Reparameterization with Gumbel-Softmax" (equation 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..bench import DeviceProfile, SearchSpace
from ..bench.errors import AcceleratorError, DeviceError
from ..edge_profiler.accelerators.grid import CostGrid, checked_places
from ..edge_profiler.accelerators.space import AcceleratorSpace
from .darts_relaxation import gumbel_noise

#: Temperature of the Gumbel softmax in the first step and in the last one.
TEMPERATURES = (3.0, 0.3)


@dataclass(frozen=True)
class Prices:
    """What blocks cost in one step.

    Attributes:
        block_ms: latency of each choice at each layer, (n_layers, n_choices).
        constant_ms: latency of what all networks have in common, a scalar.
    """

    block_ms: torch.Tensor
    constant_ms: torch.Tensor


class DevicePrices(nn.Module):
    """The blocks of one device, the same in every step.

    Args:
        profile: the device; its latency must be a sum over layers, measured or predicted.
        space: search space of the networks.
        choices: indices of the choices that may be used.

    Raises:
        DeviceError: the profile is of another space, or lacks one of these blocks.
    """

    def __init__(self, profile: DeviceProfile, space: SearchSpace, choices: Sequence[int]) -> None:
        super().__init__()
        if profile.space_hash != space.hash:
            raise DeviceError(
                f"device profile {profile.name!r} is of space {profile.space!r}, the supernet of "
                f"{space.name!r}; give a profile of that, for example raspberry-pi-4."
            )
        summed = profile.latency.blocks()
        if np.isnan(summed.blocks_ms[:, choices]).any():
            lacking = summed.lacking(space)
            raise DeviceError(
                f"device {profile.name!r} has no figure for {len(lacking)} blocks (layer.choice "
                f"{lacking[0]} ...), which its runtime could not run; search among the other "
                "choices."
            )
        block_ms = torch.tensor(summed.blocks_ms[:, choices], dtype=torch.float32)
        self.gate_ms = profile.gate_ms
        self.prices = Prices(block_ms, torch.tensor(summed.constant_ms, dtype=torch.float32))

    def forward(self, progress: float) -> Prices:
        """The same prices, however far the search is."""
        return self.prices

    @property
    def scale_ms(self) -> float:
        """Latency of the slowest network."""
        slowest = self.prices.block_ms.max(dim=1).values.sum() + self.prices.constant_ms
        return float(slowest)

    @property
    def place(self) -> int | None:
        """There is no accelerator to choose."""
        return None


class AcceleratorPrices(nn.Module):
    """The blocks of accelerators that are chosen with the networks; their weights are learned.

    Args:
        grid: costs of blocks on every accelerator of a space of them.
        places: accelerators that may be chosen, by their place in that space.
        choices: indices of the choices of a layer that may be used.
        seed: seed of the noise.

    Raises:
        AcceleratorError: none of them runs every block of these choices.
    """

    gate_ms = 0.0

    def __init__(
        self, grid: CostGrid, places: NDArray[np.intp], choices: Sequence[int], seed: int
    ) -> None:
        super().__init__()
        blocks, ends = grid.blocks(places)
        blocks = blocks[:, :, choices, 0]
        fits = np.isfinite(blocks).all(axis=(1, 2))
        if not fits.any():
            raise AcceleratorError(
                f"none of the {len(places)} accelerators of {grid.accelerators.name} runs every "
                "block; allow more area or larger buffers, or search among fewer choices."
            )
        self.places = places[fits]
        genes = grid.accelerators.genes(self.places)
        self.genes = torch.tensor(genes)
        self.block_ms = torch.tensor(blocks[fits], dtype=torch.float32)
        self.constant_ms = torch.tensor(ends[fits, :2, 0].sum(axis=1), dtype=torch.float32)
        self.numbers = nn.ParameterList(torch.zeros(n) for n in grid.accelerators.sizes)
        self.generator = torch.Generator().manual_seed(seed)

    def shares(self, temperature: float | None) -> torch.Tensor:
        """Share of every accelerator, (n,), at least 0 and 1 together.

        Args:
            temperature: that of the Gumbel softmax; None: the softmax without noise.
        """
        logs = []
        for column, weights in zip(self.genes.T, self.numbers, strict=True):
            logits = weights
            if temperature is not None:
                logits = (weights + gumbel_noise(weights.shape, self.generator)) / temperature
            logs.append(logits.log_softmax(dim=0)[column])
        return torch.stack(logs).sum(dim=0).softmax(dim=0)  # again over those that are allowed

    def forward(self, progress: float) -> Prices:
        """Expected prices of a draw.

        Args:
            progress: share of the search's steps that are done.
        """
        first, last = TEMPERATURES
        shares = self.shares(first * (last / first) ** progress)
        block_ms = torch.tensordot(shares, self.block_ms, dims=1)
        return Prices(block_ms, shares @ self.constant_ms)

    @property
    def scale_ms(self) -> float:
        """Latency of the slowest network on the middling accelerator."""
        slowest = self.block_ms.max(dim=2).values.sum(dim=1) + self.constant_ms
        return float(slowest.median())

    @property
    def place(self) -> int:
        """The accelerator with the largest share, by its place in the space."""
        with torch.no_grad():
            return int(self.places[int(self.shares(None).argmax())])


def accelerator_prices(
    accelerators: AcceleratorSpace,
    space: SearchSpace,
    n_classes: int,
    choices: Sequence[int],
    area_mm2: float | None,
    clock_mhz: float,
    seed: int,
) -> AcceleratorPrices:
    """The blocks of the accelerators within a limit of area.

    Args:
        accelerators: accelerators to choose from.
        space: search space of the networks.
        n_classes: number of classes of their classifiers.
        choices: indices of the choices of a layer that may be used.
        area_mm2: most area of an accelerator; None: any.
        clock_mhz: clock by which cycles are milliseconds.
        seed: seed of the noise.

    Raises:
        ConstraintError: none has so little area; the message says the least.
        AcceleratorError: none of them runs every block of these choices.
    """
    grid = CostGrid(accelerators, space, n_classes, clock_mhz)
    places = checked_places(grid, accelerators.within(area_mm2))
    return AcceleratorPrices(grid, places, choices, seed)
