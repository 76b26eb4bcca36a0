"""A prediction of what one network takes on one device, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Prediction:
    """What one network is predicted to take on one device.

    Attributes:
        network: name of the network, or of its file.
        device: name of the device's profile.
        latency_ms: predicted latency of one image, in milliseconds.
        latency_low_ms: lower end of the interval; None where too few networks give one.
        latency_high_ms: upper end of the interval; None where the lower end is.
        coverage: nominal share of networks inside such intervals; None without an interval.
        energy_mj: latency times the profile's power, in millijoule; None where no power is known.
        macs: multiply-accumulates that were read.
        params: parameters that the file holds, each once.
        provenance: how the figures came about, by field.
        fitted_to: what the model rests on, in words; empty where no model was asked.
        notes: what a reader must know.
        branches: where a model has an ``If``, the way through each of its branches; the figures
            above are then the mean by ``rate``, or those of the slowest way where that is None.
        rate: share of inputs that take the slower of two ways.
    """

    network: str
    device: str
    latency_ms: float
    latency_low_ms: float | None
    latency_high_ms: float | None
    coverage: float | None
    energy_mj: float | None
    macs: int
    params: int
    provenance: Mapping[str, str]
    fitted_to: str
    notes: tuple[str, ...]
    branches: tuple[Prediction, ...] = ()
    rate: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        branches = [branch.as_dict() for branch in self.branches]
        return {**asdict(self), "notes": list(self.notes), "branches": branches}

    def text(self) -> str:
        """The prediction, as lines for a reader."""
        word = self.provenance.get("latency_ms", "predicted")
        line = f"{self.network} on {self.device}: {self.latency_ms:.4g} ms {word}"
        if self.latency_low_ms is not None and self.coverage is not None:
            line += (
                f", {self.latency_low_ms:.4g} to {self.latency_high_ms:.4g} ms "
                f"({self.coverage:.0%} interval)"
            )
        elif word == "predicted":
            line += ", no interval"
        if self.energy_mj is not None:
            line += f"; {self.energy_mj:.4g} mJ {self.provenance.get('energy_mj', 'modelled')}"
        fitted = f"; fitted to {self.fitted_to}" if self.fitted_to else ""
        counts = f"{self.macs / 1e6:.1f} M MACs, {self.params / 1e6:.2f} M parameters"
        lines = [line, f"  {counts}{fitted}."]
        for branch in self.branches:
            lines.append(
                f"  {branch.network}: {branch.latency_ms:.4g} ms predicted, "
                f"{branch.macs / 1e6:.1f} M MACs"
            )
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


@dataclass(frozen=True)
class Refusal:
    """A network or file that got no figure.

    Attributes:
        network: name of the network, or of its file.
        reason: why there is no figure, and what to do.
    """

    network: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        """Plain JSON."""
        return asdict(self)
