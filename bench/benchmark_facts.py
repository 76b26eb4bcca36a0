"""What a benchmark says of its table: which networks, on which devices, at what cost."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .cost import NetworkCosts
from .device import DEFAULT_DEVICE, load_device
from .errors import BigLittleError, UnknownNameError
from .exact_points import ExactPoints
from .measured_pairs import MeasuredPairs
from .pair import Pair
from .precision import PRECISIONS, split_precision
from .shipped_tables import companion
from .spaces import parse_networks
from .table import Table
from .table_info import table_info

if TYPE_CHECKING:
    from .device_profile import DeviceProfile
    from .network_table import NetworkTable


class BenchmarkFacts:
    """The networks of a table and what they cost, one by one; a ``Benchmark`` evaluates pairs.

    Args:
        table: table whose networks are asked about.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._exact = ExactPoints(table)

    def __repr__(self) -> str:
        devices = ", ".join(self.devices) or "none"
        kind = "given networks"
        if not self.table.given:
            kind = f"inherited networks of {self.table.space.name}"
        what = f"{len(self):,} {kind} on {self.table.dataset}"
        return f"Benchmark({self.table.name!r}: {what}, devices: {devices})"

    def __len__(self) -> int:
        return len(self.architectures)

    def __iter__(self) -> Iterator[str]:
        return iter(self.architectures)

    def __contains__(self, item: object) -> bool:
        if not isinstance(item, Pair):
            return isinstance(item, str) and item in self.architectures
        try:
            self.table.pair_rows(item)
        except BigLittleError:
            return False
        return True

    @cached_property
    def architectures(self) -> list[str]:
        """Ids of the inherited networks, in the order of the table's rows."""
        return [str(a) for a in self.table.networks["architecture"][self.table.rows()]]

    @property
    def devices(self) -> tuple[str, ...]:
        """Devices with columns in the table."""
        return self.table.devices

    def device(self, name: str | None = None) -> str:
        """The device that is meant: the one named, else the Pi 4, or the table's first.

        The first of networks that were given, and of a space that the Pi 4's profile is not of.
        """
        if name:
            return name
        pi = load_device(DEFAULT_DEVICE).space_hash
        foreign = self.table.given or pi != self.table.space.hash
        return self.devices[0] if foreign and self.devices else DEFAULT_DEVICE

    def beside(self, name: str) -> Path:
        """What lies beside the table, or beside the shipped one that it grew from: `companion`.

        Args:
            name: name of the file or folder, such as "surrogate".
        """
        return companion(self.table, name)

    def info(self) -> dict[str, Any]:
        """The table's facts as plain JSON."""
        return table_info(self.table)

    def costs(self, device: str) -> NetworkCosts:
        """Costs of all networks, in the order of the table's rows.

        Raises:
            UnknownNameError: no device has this name; the message gives the nearest.
        """
        return self._exact.costs(device)

    def assume(self, device: str, costs: NetworkCosts) -> None:
        """Puts costs under the name of a device that neither the table nor a profile has.

        Args:
            device: the name, which every method takes from then on.
            costs: costs of all rows of the table, in their order.

        Raises:
            TableError: the name is taken, or the costs are of another number of networks.
        """
        self._exact.assume(device, costs)

    def networks(self, devices: Sequence[str] | None = None) -> NetworkTable:
        """Every network of the table in one frame: ``bench.networks().to_pandas()``.

        Args:
            devices: devices of the table, or profiles by name or path; None: those of the table.

        Raises:
            UnknownNameError: no device has this name; the message gives the nearest.
        """
        from .network_table import network_table  # what a query has no time to import

        names = self.devices if devices is None else devices
        return network_table(self.table, {name: self.costs(name) for name in names})

    def measured_pairs(self, device: str) -> MeasuredPairs:
        """The pairs that a device's profile measured end to end; none of a device of a table alone.

        Args:
            device: name of a device, or the path of a profile.
        """
        return self._exact.measured_pairs(device)

    def promise(self, device: str, networks: Sequence[str] = ()) -> str:
        """How good predicted latencies on a device are, in a sentence; empty where none is.

        Args:
            device: name of a device, or the path of a profile.
            networks: names of the networks that are asked about, each in its own precision; none:
                the precisions of the table's fronts.

        Raises:
            UnknownNameError: no device has this name.
        """
        return self._promised(device, networks) or self.exit_promise(device, networks)

    def _promised(self, device: str, networks: Sequence[str]) -> str:
        """What the latency models say that predict networks on a device."""
        named = () if self.table.given else tuple(split_precision(name)[1] for name in networks)
        models = self._exact.predicting(device, tuple(dict.fromkeys(named)))
        return " ".join(m.promise for m in models if m.promise)

    def exit_promise(self, device: str, networks: Sequence[str]) -> str:
        """Where to read how good predictions are that a device has of exits alone; or "".

        Args:
            device: name of a device, or the path of a profile.
            networks: names of the networks that are asked about.

        Raises:
            UnknownNameError: no device has this name.
        """
        cut = [name for name in dict.fromkeys(networks) if "@" in name]
        if not cut or self._promised(device, networks):
            return ""
        try:
            profile = load_device(device)
        except UnknownNameError:  # a device that only this table has
            return ""
        if profile.space_hash != self.table.space.hash:
            return ""
        first = next((name for name in cut if self._predicts(device, profile, name)), None)
        if first is None:
            return ""
        return (
            "Latencies of networks that are cut at an exit are predicted there; within which "
            f"interval: biglittle device predict {shlex.quote(device)} {first}."
        )

    def _predicts(self, device: str, profile: DeviceProfile, network: str) -> bool:
        """Whether what a network takes is predicted: by the table's word, else the profile's."""
        with contextlib.suppress(BigLittleError):  # it is not in the table
            costs = self.costs(device).one(self.row(network))
            return costs.provenance["latency_ms"] == "predicted"
        try:
            genomes, exits = parse_networks(self.table.space, network, PRECISIONS)
            model = profile.latency_in(split_precision(network)[1])
            return model.provenance(genomes, exits)["latency_ms"] == "predicted"
        except BigLittleError:  # a network of no space
            return False

    def warning(self, device: str) -> str:
        """What to beware of where latencies on a device are too uncertain to choose by, or "".

        Raises:
            UnknownNameError: no device has this name.
        """
        return " ".join(m.warning for m in self._exact.predicting(device) if m.warning)

    def row(self, architecture: str, training: str = "inherited", seed: int = 0) -> int:
        """The row of a network that is not part of a co-trained pair.

        Raises:
            ArchitectureError: not an architecture of the space.
            TableError: a network that is not in the table.
        """
        return self.table.network_row(architecture, training, seed)

    def accuracy(self, split: str = "test") -> NDArray[np.float64]:
        """Accuracy of every network alone, shape (n_networks,)."""
        counts = self._exact.counts(split)
        return np.asarray(counts.tally.right / counts.n_images)

    def provenance(self, device: str) -> dict[str, str]:
        """How the figures of pairs on a device come about, by field."""
        return self._exact.provenance(device)
