"""What is known about networks on one device, runtime and number of threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DeviceError
from .latency import LatencyModel, latency_model
from .latency_energies import BlockEnergies
from .latency_exits import Ends
from .latency_listed import Figures, Listed
from .latency_scaled import Factor, Scaled, fitted_factor
from .latency_terms import Blocks
from .operator_model import MIN_ROWS
from .precision import FP32, PRECISIONS, split_precision, with_precision
from .spaces import Exits, Genomes, SearchSpace, get_space, parse_networks


@dataclass(frozen=True)
class DeviceProfile:
    """One device, runtime and precision, for the networks of one space.

    What it knows of single networks is asked of its ``latency``, one of three models: a block
    table, whose sum is the latency of any network of the space (provenance ``block-sum``); a list
    of networks; or a list with a model that predicts all others.

    Attributes:
        name: key of the device.
        description: one sentence for a reader.
        space: name of the search space.
        space_hash: hash of that space when the profile was made.
        n_classes: number of classes of the networks' classifier.
        runtime: program that ran the networks.
        source: where the figures come from.
        gate_ms: latency of the gate itself, 0 where nobody measured it.
        load_power_mw: power under load; energy is latency times this. None: no energy.
        power_source: where that figure comes from.
        block_ms: latency of every choice at every layer, shape (n_layers, n_choices), or None.
        constant_ms: latency that is added to the sum of blocks.
        start_ms: part of the constant that stands before the first layer; None: nobody measured it.
        heads_ms: latency of the heads of exits by name, where they were measured like the blocks.
        block_energies: energies of the blocks, where every block has one of its own.
        block_word: how the latencies of the blocks came about.
        measured_ms: median latency by architecture, for what is listed.
        measured_p90_ms: 90th percentile by architecture, where there is one.
        latency_low_ms: lower end of the interval by architecture, where there is one.
        latency_high_ms: upper end of that interval by architecture.
        listed_energy_mj: energy by architecture, idle power included. Never beside a load power.
        listed_memory_mib: peak memory by architecture.
        latency_provenance: how the listed latencies came about; the least founded word, if they
            differ.
        energy_provenance: how the listed energies came about; the least founded word.
        pairs: pairs that were measured end to end, as they stand in the file.
        precision: number format of the networks that are named without one.
        others_ms: measured latency by name without precision, by every other precision.
        factors: how much longer or shorter networks take in other precisions.
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
    start_ms: float | None = None
    heads_ms: Mapping[str, float | None] = field(default_factory=dict)
    block_energies: BlockEnergies | None = None
    block_word: str = "block-sum"
    measured_ms: Mapping[str, float] = field(default_factory=dict)
    measured_p90_ms: Mapping[str, float] = field(default_factory=dict)
    latency_low_ms: Mapping[str, float] = field(default_factory=dict)
    latency_high_ms: Mapping[str, float] = field(default_factory=dict)
    listed_energy_mj: Mapping[str, float] = field(default_factory=dict)
    listed_memory_mib: Mapping[str, float] = field(default_factory=dict)
    latency_provenance: str = "measured"
    energy_provenance: str = "modelled"
    pairs: tuple[Mapping[str, Any], ...] = ()
    precision: str = FP32
    others_ms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    factors: Mapping[str, Factor] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def provenance(self) -> dict[str, str]:
        """Of what the file itself holds; that of any network is ``latency.provenance()``.

        A figure that no network has is left out.
        """
        latency = self.block_word if self.block_ms is not None else self.latency_provenance
        power = (self.facts.get("model") or {}).get("power_mw", self.load_power_mw)
        energy = {"energy_mj": self.energy_provenance}
        none = power is None and not self.listed_energy_mj and self.block_energies is None
        return {"latency_ms": latency, **({} if none else energy)}

    @property
    def summary(self) -> str:
        """What it holds and how that came about, in a line for a reader."""
        words = [f"{k} {v}" for k, v in self.provenance.items()]
        if self.block_ms is None:
            others = "others predicted" if self.latency.complete else "no others"
            words[0] += f" of {len(self.measured_ms)} networks, {others}"
        if forced := self.facts.get("forced"):
            codes = ", ".join(forced["codes"])
            words.append(f"added by force although it did not pass for {codes}: {forced['reason']}")
        return "; ".join(words)

    @cached_property
    def latency(self) -> LatencyModel:
        """What gives figures of single networks.

        Raises:
            UnknownNameError: no space of that name is registered.
            DeviceError: the profile is of another definition of its space, or holds a model that
                cannot be used.
        """
        space = get_space(self.space)
        self.check_space(space)
        blocks = self.block_ms
        figures = Figures(
            latency_ms=self.measured_ms,
            low_ms=self.latency_low_ms,
            high_ms=self.latency_high_ms,
            energy_mj=self.listed_energy_mj,
            latency_word=self.latency_provenance,
            energy_word=self.energy_provenance,
            power_mw=self.load_power_mw,
            coverage=(self.facts.get("interval") or {}).get("coverage"),
        )
        table = None if blocks is None else Blocks(self.constant_ms, blocks)
        ends = None if self.start_ms is None else Ends(self.start_ms, self.heads_ms)
        model = self.facts.get("model")
        of_blocks = ends, self.block_energies, self.block_word
        return latency_model(self.name, space, self.n_classes, figures, table, model, *of_blocks)

    def latency_in(self, precision: str) -> LatencyModel:
        """What gives figures of single networks in a precision, perhaps another than its own.

        Raises:
            UnknownNameError: no space of that name is registered.
            DeviceError: a profile or a model that cannot be used, as of ``latency``.
        """
        if precision == self.precision:
            return self.latency
        if precision not in self._scaled:
            own = self.latency
            listed = self.others_ms.get(precision, {})
            figures = Figures(listed, {}, {}, {}, "measured", "modelled", None, None)
            power = (self.facts.get("model") or {}).get("power_mw", self.load_power_mw)
            space, factor = get_space(self.space), self.factors.get(precision)
            factor = factor or fitted_factor(self.measured_ms, listed)
            self._scaled[precision] = Scaled(
                precision, Listed(space, self.n_classes, figures), own, factor, power
            )
        return self._scaled[precision]

    @cached_property
    def listed_ms(self) -> dict[str, float]:
        """Median latency of all that is listed, by the name that a user writes."""
        others = {
            with_precision(name, precision): ms
            for precision, listed in self.others_ms.items()
            for name, ms in listed.items()
        }
        return {**self.measured_ms, **others}

    def named_ms(self, space: SearchSpace, names: Sequence[str]) -> NDArray[np.float64]:
        """Latency of networks by their names, and both ends of its interval, shape (3, n).

        NaN where there is no figure.

        Raises:
            ArchitectureError: a name that is not one of a network of the space.
            DeviceError: the profile is of another space.
        """
        self.check_space(space)
        out = np.full((3, len(names)), np.nan)
        for i, name in enumerate(names):
            genomes, exits = parse_networks(space, name, PRECISIONS)
            cuts = exits if exits.any() else None
            model = self.latency_in(split_precision(name)[1])
            ends = model.interval_ms(genomes, cuts)
            out[:, i] = [float(v[0]) for v in (model.latency_ms(genomes, cuts), *ends)]
        return out

    @cached_property
    def _scaled(self) -> dict[str, LatencyModel]:
        return {}

    def check_complete(self) -> None:
        """Refuses a profile that cannot say what any network of its space takes.

        Raises:
            DeviceError: it only lists networks, and too few to predict others from.
        """
        if not self.latency.complete:
            raise DeviceError(
                f"device profile {self.name!r} lists {len(self.measured_ms)} networks, too few to "
                f"predict others from; expected at least {MIN_ROWS}, all above 0 ms. Measure the "
                "ten most telling ones into the same file: biglittle profile --networks anchors:10."
            )

    def latency_ms(
        self, space: SearchSpace, genomes: Genomes, exits: Exits | None = None
    ) -> NDArray[np.float64]:
        """Latency of single networks, shape (n,); NaN for those the profile does not cover.

        Args:
            space: search space of the networks.
            genomes: choices of the networks, shape (n, n_layers).
            exits: numbers of the exits at which they are cut, shape (n,); None: they are whole.

        Raises:
            DeviceError: the profile is of another space.
        """
        self.check_space(space)
        return self.latency.latency_ms(genomes, exits)

    def trunk_ms(self, space: SearchSpace, genomes: Genomes, exits: Exits) -> NDArray[np.float64]:
        """Latency of what is run before each exit, shape (n,); arguments as of `latency_ms`.

        Raises:
            DeviceError: the profile is of another space.
        """
        self.check_space(space)
        return self.latency.trunk_ms(genomes, exits)

    def latency_interval_ms(
        self, space: SearchSpace, genomes: Genomes, exits: Exits | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper end of the stated interval, each (n,); NaN where none is stated.

        Raises:
            DeviceError: the profile is of another space.
        """
        self.check_space(space)
        return self.latency.interval_ms(genomes, exits)

    def network_energy_mj(
        self, space: SearchSpace, genomes: Genomes, exits: Exits | None = None
    ) -> NDArray[np.float64]:
        """Energy of single networks, shape (n,): as listed, else modelled from latency.

        NaN where there is no figure.

        Raises:
            DeviceError: the profile is of another space.
        """
        self.check_space(space)
        return self.latency.energy_mj(genomes, exits)

    def check_space(self, space: SearchSpace) -> None:
        """Refuses networks of another space.

        Raises:
            DeviceError: the profile is of another space, or of another version of it.
        """
        if space.hash != self.space_hash:
            raise DeviceError(
                f"device profile {self.name!r} is of space {self.space!r} "
                f"({self.space_hash[:8]}), the networks are of {space.name!r} ({space.hash[:8]}); "
                f"measure this space: biglittle profile --space {space.name}."
            )
