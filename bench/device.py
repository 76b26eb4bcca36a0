"""Device profiles: what is known about networks on one device, runtime and precision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DeviceError, UnknownNameError
from .points import PROVENANCES
from .spaces import SearchSpace
from .spaces._space import Genomes

FORMAT = "biglittle-device-profile-1"
#: Where the profiles that ship lie.
SHIPPED = Path(__file__).parent.parent / "data_tables" / "devices"


@dataclass(frozen=True)
class DeviceProfile:
    """One device, runtime and precision, for the networks of one space.

    A profile knows latencies in one of two ways: a block table, whose sum is the latency of any
    network of the space (provenance ``block-sum``), or a list of networks that were measured.

    Attributes:
        name: key of the device.
        description: one sentence for a reader.
        space: name of the search space.
        space_hash: of that space when the profile was made.
        n_classes: of the classifier the networks had.
        runtime: what ran them.
        source: where the figures come from.
        gate_ms: latency of the gate itself, 0 where nobody measured it.
        load_power_mw: power under load; energy is latency times this. None: no energy.
        power_source: where that figure comes from.
        block_ms: latency of every choice at every layer, shape (n_layers, n_choices), or None.
        constant_ms: what is added to the sum of blocks.
        measured_ms: median latency by architecture, for what was measured.
        measured_p90_ms: 90th percentile by architecture.
        facts: everything else in the file, for reports.
    """

    name: str
    description: str
    space: str
    space_hash: str
    n_classes: int
    runtime: str
    source: str
    gate_ms: float = 0.0
    load_power_mw: float | None = None
    power_source: str = ""
    block_ms: NDArray[np.float64] | None = None
    constant_ms: float = 0.0
    measured_ms: Mapping[str, float] = field(default_factory=dict)
    measured_p90_ms: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def provenance(self) -> dict[str, str]:
        """Of a single network's latency and energy."""
        latency = "block-sum" if self.block_ms is not None else "measured"
        return {"latency_ms": latency, "energy_mj": "modelled"}

    def latency_ms(self, space: SearchSpace, genomes: Genomes) -> NDArray[np.float64]:
        """Latency of single networks, shape (n,); NaN for those the profile does not cover.

        Raises:
            DeviceError: the profile is of another space.
        """
        if space.hash != self.space_hash:
            raise DeviceError(
                f"device profile {self.name!r} is of space {self.space!r} "
                f"({self.space_hash[:8]}), the networks are of {space.name!r} ({space.hash[:8]})."
            )
        if self.block_ms is not None:
            picked = self.block_ms[np.arange(space.n_layers), np.atleast_2d(genomes)]
            return np.asarray(picked.sum(axis=1) + self.constant_ms)
        ids = space.format(genomes)
        return np.array([self.measured_ms.get(a, np.nan) for a in ids], np.float64)

    def energy_mj(self, latency_ms: NDArray[np.float64]) -> NDArray[np.float64]:
        """Energy modelled as latency times load power, shape (n,); NaN without a power."""
        power = np.nan if self.load_power_mw is None else self.load_power_mw
        return np.asarray(latency_ms * power / 1000.0)


def shipped_devices() -> tuple[str, ...]:
    """Names of the profiles that ship with the package."""
    return tuple(sorted(p.stem for p in SHIPPED.glob("*.json")))


def load_device(name: str | Path) -> DeviceProfile:
    """A device profile by name, or from a JSON file.

    Raises:
        UnknownNameError: no profile of that name ships, and it is no file.
        DeviceError: the file is no usable profile.
    """
    path = Path(name)
    if path.suffix != ".json":
        path = SHIPPED / f"{name}.json"
        if not path.is_file():
            raise UnknownNameError("device", str(name), shipped_devices())
    try:
        raw = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DeviceError(f"device profile {path} cannot be read: {error}") from error
    return _parse(raw, path)


def _parse(raw: Any, path: Path) -> DeviceProfile:
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        got = raw.get("format") if isinstance(raw, dict) else type(raw).__name__
        raise DeviceError(f"{path.name} has format {got!r}, expected {FORMAT!r}.")
    try:
        networks = [n for n in raw.get("networks", []) if n["latency_ms"] is not None]
        block = raw.get("block_table")
        power = raw.get("load_power") or {}
        profile = DeviceProfile(
            name=raw["device"],
            description=raw["description"],
            space=raw["space"],
            space_hash=raw["space_hash"],
            n_classes=int(raw["n_classes"]),
            runtime=raw["runtime"],
            source=raw["source"],
            gate_ms=float(raw.get("gate_latency_ms") or 0.0),
            load_power_mw=power.get("power_mw"),
            power_source=power.get("source", ""),
            block_ms=None if block is None else np.array(block["latency_ms"], np.float64),
            constant_ms=0.0 if block is None else float(block["constant_ms"]),
            measured_ms={n["architecture"]: float(n["latency_ms"]) for n in networks},
            measured_p90_ms={n["architecture"]: float(n["latency_p90_ms"]) for n in networks},
            facts={k: v for k, v in raw.items() if k not in ("networks", "block_table")},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DeviceError(f"{path.name} is no complete device profile: {error!r}.") from error
    latencies = list(profile.measured_ms.values())
    if profile.block_ms is not None:
        latencies += profile.block_ms.ravel().tolist()
    if not latencies or not np.isfinite(latencies).all() or min(latencies) < 0:
        raise DeviceError(
            f"{path.name} has no latencies, or some that are negative or not finite; expected "
            "milliseconds of at least 0."
        )
    foreign = [n["provenance"] for n in networks if n.get("provenance") not in PROVENANCES]
    if foreign:
        raise DeviceError(
            f"{path.name} has provenance {foreign[0]!r}; expected one of {', '.join(PROVENANCES)}."
        )
    return profile
