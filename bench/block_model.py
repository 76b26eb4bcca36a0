"""The model in a predicted device profile: what gives figures for networks that are not listed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .device import DeviceProfile
from .errors import DeviceError
from .spaces import SearchSpace
from .spaces._space import Genomes

Array = NDArray[np.float64]
KIND = "blocks"


@dataclass(frozen=True)
class BlockModel:
    """Predicted latency of any network of a space: a constant and a term per layer and choice.

    The terms are no measured blocks: they come from a model of operators, so that figures are
    ``predicted``, never ``block-sum``.

    Attributes:
        constant_ms: what stem, head and classifier cost.
        blocks_ms: shape (n_layers, n_choices).
        low: what a prediction is multiplied by for the lower end of its interval.
        high: the same for the upper end.
        power_mw: energy is modelled as latency times this; None: no energy.
    """

    constant_ms: float
    blocks_ms: Array
    low: float
    high: float
    power_mw: float | None

    def latency_ms(self, genomes: Genomes) -> Array:
        """Predicted latency, shape (n,), of genomes of shape (n, n_layers)."""
        rows = np.atleast_2d(genomes)
        picked = self.blocks_ms[np.arange(self.blocks_ms.shape[0]), rows]
        return np.asarray(picked.sum(axis=1) + self.constant_ms)

    def latency_interval_ms(self, genomes: Genomes) -> tuple[Array, Array]:
        """Lower and upper end of the interval, each of shape (n,)."""
        predicted = self.latency_ms(genomes)
        return predicted * self.low, predicted * self.high

    def energy_mj(self, latency_ms: Array) -> Array:
        """Energy modelled from latency, shape (n,); NaN without a power."""
        power = np.nan if self.power_mw is None else self.power_mw
        return np.asarray(latency_ms * power / 1000.0)


def block_model(profile: DeviceProfile, space: SearchSpace) -> BlockModel | None:
    """The model of a profile, or None where it has none.

    Raises:
        DeviceError: a model of another kind or space, or with impossible figures.
    """
    raw = profile.facts.get("model")
    if not isinstance(raw, dict) or raw.get("kind") != KIND:
        return None
    if profile.space_hash != space.hash:
        raise DeviceError(
            f"device profile {profile.name!r} is of space {profile.space!r} "
            f"({profile.space_hash[:8]}), the networks are of {space.name!r} ({space.hash[:8]})."
        )
    try:
        power = raw.get("power_mw")
        found = BlockModel(
            constant_ms=float(raw["latency_ms"]["constant"]),
            blocks_ms=np.array(raw["latency_ms"]["blocks"], np.float64),
            low=float(raw["latency_low_factor"]),
            high=float(raw["latency_high_factor"]),
            power_mw=None if power is None else float(power),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DeviceError(f"the model of {profile.name!r} is incomplete: {error!r}.") from error
    shape, expected = found.blocks_ms.shape, (space.n_layers, len(space.choices))
    figures = [*found.blocks_ms.ravel(), found.constant_ms, found.low]
    if (
        shape != expected
        or not np.isfinite([*figures, found.high]).all()
        or min(figures) < 0
        or not found.low <= 1 <= found.high
    ):
        raise DeviceError(
            f"the model of {profile.name!r} has blocks of shape {shape}, factors {found.low:g} and "
            f"{found.high:g}; expected {expected}, milliseconds of at least 0, and factors around "
            "1."
        )
    return found
