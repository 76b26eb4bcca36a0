"""What a front was searched for: its devices and its table, so that no later verb asks again.

A profile or a table that was given as a file is remembered by its path, everything else by its
name. A front without them, of an older version, is answered with what to add.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..bench import Benchmark, DeviceProfile, Points, load_device
from ..bench.device import shipped_devices, user_devices
from ..bench.errors import ArchitectureError, BigLittleError
from ..bench.precision import FP32
from ..bench.shipped_tables import shipped_tables
from ..bench.spaces import GIVEN, UNBUILT
from ..bench.table_archive import is_address

OF_FRONT = "as the front says"  # where the number of classes of its networks is from
TOGETHER = "+"  # between the devices of a front that holds on the worst of several


def question_sources(devices: Sequence[str], bench: Benchmark, table: str) -> dict[str, Any]:
    """The part of a config that says what was searched, for `FrontQuestion.of`.

    Args:
        devices: names, or paths of profiles, as they were asked for.
        bench: the table that was asked.
        table: its name or path, as it was asked for.
    """
    there = {*bench.devices, *shipped_devices(), *user_devices()}
    profiles = {d: load_device(d).name for d in devices if d not in there}
    sources: dict[str, Any] = {
        **({"space": GIVEN} if bench.table.given else {}),
        "table": bench.table.name,
        "table_sha256": bench.table.sha256,
        "n_classes": bench.table.n_classes,
        "device": TOGETHER.join(profiles.get(d, d) for d in devices),
        **({} if bench.table.precisions == (FP32,) else {"precisions": [*bench.table.precisions]}),
    }
    if note := latency_note({d: bench.promise(d) for d in devices}):
        sources["latency"] = note
    if warning := latency_note({d: bench.warning(d) for d in devices}):
        sources["latency_warning"] = warning
    if table not in shipped_tables():
        sources["table_file"] = table if is_address(table) else str(Path(table).resolve())
    if profiles:
        sources["device_files"] = {n: str(Path(d).resolve()) for d, n in profiles.items()}
    return sources


def with_exits(
    sources: Mapping[str, Any], bench: Benchmark, devices: Mapping[str, str], points: Points
) -> dict[str, Any]:
    """What a front rests on, with how good latencies of exits are where they are predicted.

    Args:
        sources: what is known before there is a front, as from `question_sources`.
        bench: the table that was asked.
        devices: what a benchmark takes for each device of the front, by its name.
        points: points of the front.
    """
    networks = np.unique(np.concatenate([points.little, points.big])).tolist()
    note = latency_note({n: bench.exit_promise(d, networks) for n, d in devices.items()})
    both = " ".join(filter(None, [sources.get("latency"), note]))
    return {**sources, "latency": both} if both else dict(sources)


def latency_warning(config: Mapping[str, Any]) -> str:
    """What a reader of a recommendation must beware of, by the config of a front; mostly empty."""
    sources = {**config, **dict(config.get("sources") or {})}
    warning = str(sources.get("latency_warning") or "")
    if not warning:
        return ""
    device = str(sources.get("device") or "")
    alone = device and TOGETHER not in device
    return f"Warning: on {device} {warning}" if alone else f"Warning: {warning}"


def latency_note(promises: Mapping[str, str]) -> str:
    """How good latencies are that nobody measured, for a reader; empty where all were.

    Args:
        promises: what ``LatencyModel.promise`` says, by device.
    """
    return " ".join(f"{d}: {p}" if len(promises) > 1 else p for d, p in promises.items() if p)


def question_cells(config: Mapping[str, Any]) -> dict[str, str]:
    """The columns ``device`` and ``table`` of a front's CSV: what the options of that name take."""
    question = FrontQuestion.of(config, "")
    return {"device": TOGETHER.join(question.devices.values()), "table": question.table or ""}


def config_of_cells(device: str, table: str) -> dict[str, Any]:
    """The config that `question_cells` came from, as far as the cells say."""
    sources: dict[str, Any] = {}
    if table:
        shipped = table in shipped_tables()
        sources |= {"table": table} if shipped else {"table_file": table}
    files, names = {}, []
    for given in device.split(TOGETHER) if device else ():
        names.append(given)
        if given.endswith(".json"):
            try:
                names[-1] = load_device(given).name
            except BigLittleError:  # said when it is needed, not where the front is only read
                names[-1] = Path(given).stem
            files[names[-1]] = given
    if names:
        sources["device"] = TOGETHER.join(names)
    if files:
        sources["device_files"] = files
    return {"sources": sources} if sources else {}


@dataclass(frozen=True)
class FrontQuestion:
    """What a front was searched for.

    Attributes:
        label: file name of the front, for messages.
        devices: what ``--device`` takes, by name; empty where the front does not say.
        table: what ``--table`` takes; None where the front does not say.
        table_name: name of the table; None where the front does not say.
        table_sha256: hash of the table; None where the front does not say.
        given: whether its networks are known by their answers alone.
        precisions: precisions of the networks that were looked at.
        n_classes: classes of its networks' classifiers; None where the front does not say.
    """

    label: str
    devices: Mapping[str, str]
    table: str | None = None
    table_name: str | None = None
    table_sha256: str | None = None
    given: bool = False
    precisions: tuple[str, ...] = (FP32,)
    n_classes: int | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any], label: str) -> FrontQuestion:
        """The question in the config of a front, or in the ``sources`` of a report.

        Args:
            config: config of a ``front.json``; what it does not say is left open.
            label: file name of the front, for messages.
        """
        sources = {**config, **dict(config.get("sources") or {})}
        names = str(sources.get("device") or "")
        files = dict(sources.get("device_files") or {})
        name, file = sources.get("table"), sources.get("table_file")
        return cls(
            label=label,
            devices={n: str(files.get(n, n)) for n in names.split(TOGETHER) if n},
            table=file or name,
            table_name=name,
            table_sha256=sources.get("table_sha256"),
            given=sources.get("space") == GIVEN,
            precisions=tuple(map(str, sources.get("precisions") or (FP32,))),
            n_classes=sources.get("n_classes"),
        )

    def device_names(self, device: str | None = None) -> tuple[str, ...]:
        """What ``--device`` takes for every device of the front.

        Args:
            device: what a user gave; None: what the front says.

        Raises:
            BigLittleError: the front does not say, or it says another one than ``device``.
        """
        if device is None:
            if not self.devices:
                raise BigLittleError(
                    f"{self.label} does not say which device it was searched for; add --device "
                    "NAME, that of the search ('biglittle device list' has them)."
                )
            return tuple(self.devices.values())
        if self.devices and device not in {*self.devices, *self.devices.values()}:
            name = load_device(device).name
            if name not in self.devices:
                raise BigLittleError(
                    f"{self.label} was searched for {' and '.join(self.devices)}, but --device is "
                    f"{device}. Leave --device out, or search again for {name}."
                )
        return (device,)

    def profiles(self, device: str | None = None) -> tuple[DeviceProfile, ...]:
        """The profiles of the front's devices.

        Args:
            device: what a user gave; None: what the front says.

        Raises:
            BigLittleError: as of `device_names`, or a profile that is no longer there.
        """
        if self.given:
            raise ArchitectureError(f"{self.label}: {UNBUILT}")
        try:
            return tuple(load_device(name) for name in self.device_names(device))
        except BigLittleError as error:
            if device is not None or not self.devices:
                raise
            raise BigLittleError(
                f"{self.label} was searched for {' and '.join(self.devices)}, which cannot be "
                f"loaded: {error} Add --device with the profile's file."
            ) from error

    def profile(self, device: str | None = None) -> DeviceProfile:
        """The profile of the front's only device.

        Args:
            device: what a user gave; None: what the front says.

        Raises:
            BigLittleError: as of `profiles`, or the front has several devices and none is given.
        """
        profiles = self.profiles(device)
        if len(profiles) > 1:
            raise BigLittleError(
                f"{self.label} holds on the worst of {' and '.join(self.devices)}; say which one "
                f"this is about, for example --device {profiles[0].name}."
            )
        return profiles[0]

    def bench(self, table: str | None, default: str) -> Benchmark:
        """The table that the front was searched with.

        Args:
            table: what a user gave; None: what the front says.
            default: table of a front that does not say.

        Raises:
            BigLittleError: the front says another table than ``table``, or one that is no longer
                there.
        """
        if table is not None:
            bench = Benchmark.load(table, precisions=self.precisions)
            if self.table_name not in (None, bench.table.name):
                raise BigLittleError(
                    f"{self.label} was searched with table {self.table_name}, but --table is "
                    f"{bench.table.name}. Leave --table out, or search again with it."
                )
            return bench
        try:
            return Benchmark.load(self.table or default, precisions=self.precisions)
        except BigLittleError as error:
            if self.table is None:
                raise
            raise BigLittleError(
                f"{self.label} was searched with table {self.table}, which cannot be loaded: "
                f"{error} Add --table with its file."
            ) from error

    def classes(self, profile: DeviceProfile, table: str | None, default: str) -> tuple[int, str]:
        """How many classes the front's networks tell apart, and what says so, for a reader.

        The data set of the front decides, by its config or its table. How many classes a device
        profile names is what its own figures were made with, and counts where neither is there.

        Args:
            profile: profile of a device of the front.
            table: what a user gave; None: what the front says.
            default: table of a front that does not say.

        Raises:
            BigLittleError: the front says another table than ``table``, or that cannot be loaded.
        """
        if self.n_classes is not None and table is None:
            return self.n_classes, OF_FRONT
        try:
            own = self.bench(table, default).table
        except BigLittleError:
            if table is not None:
                raise
            own = None
        if own is not None and own.space.hash == profile.space_hash:
            return own.n_classes, f"those of table {own.name}"
        return profile.n_classes, f"as the profile of {profile.name}, for want of the front's table"

    def changed(self, bench: Benchmark) -> str | None:
        """A sentence where the table is not the very one that was searched; else None."""
        sha256 = self.table_sha256
        if sha256 is None or bench.table.unchanged_since(sha256, self.precisions):
            return None
        return f"table {bench.table.name} has changed since {self.label} was searched with it."
