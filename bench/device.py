"""Device profiles: what is known about networks on one device, runtime and precision."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .documents import DocumentError, read_json, typed
from .errors import DeviceError, NoHomeError, UnknownNameError
from .files import why_unreadable
from .home import home_folder
from .latency import LatencyModel, latency_model
from .latency_exits import Ends
from .latency_listed import Figures
from .latency_terms import Blocks
from .operator_model import MIN_ROWS
from .provenance import least_founded
from .spaces import SPACES, Exits, Genomes, SearchSpace, get_space

if TYPE_CHECKING:  # elsewhere late: making their types takes 10 ms, which no import shall cost
    from .device_document import FirstProfile, Profile
    from .device_entries import Network

#: Where the profiles that ship lie.
SHIPPED = Path(__file__).parent.parent / "data_tables" / "devices"
#: Of every question that names none.
DEFAULT_DEVICE = "raspberry-pi-4"
#: Parts of a document that are no facts for reports.
_LISTS = ("networks", "block_table", "pairs", "blocks")
#: What a device may be called; it is also the name of its file.
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")


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
    measured_ms: Mapping[str, float] = field(default_factory=dict)
    measured_p90_ms: Mapping[str, float] = field(default_factory=dict)
    latency_low_ms: Mapping[str, float] = field(default_factory=dict)
    latency_high_ms: Mapping[str, float] = field(default_factory=dict)
    listed_energy_mj: Mapping[str, float] = field(default_factory=dict)
    listed_memory_mib: Mapping[str, float] = field(default_factory=dict)
    latency_provenance: str = "measured"
    energy_provenance: str = "modelled"
    pairs: tuple[Mapping[str, Any], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def provenance(self) -> dict[str, str]:
        """Of what the file itself holds; that of any network is ``latency.provenance()``.

        A figure that no network has is left out.
        """
        latency = "block-sum" if self.block_ms is not None else self.latency_provenance
        power = (self.facts.get("model") or {}).get("power_mw", self.load_power_mw)
        energy = {"energy_mj": self.energy_provenance}
        none = power is None and not self.listed_energy_mj
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
        self._check_space(space)
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
        return latency_model(self.name, space, self.n_classes, figures, table, model, ends)

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
        self._check_space(space)
        return self.latency.latency_ms(genomes, exits)

    def trunk_ms(self, space: SearchSpace, genomes: Genomes, exits: Exits) -> NDArray[np.float64]:
        """Latency of what is run before each exit, shape (n,); arguments as of `latency_ms`.

        Raises:
            DeviceError: the profile is of another space.
        """
        self._check_space(space)
        return self.latency.trunk_ms(genomes, exits)

    def latency_interval_ms(
        self, space: SearchSpace, genomes: Genomes, exits: Exits | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper end of the stated interval, each (n,); NaN where none is stated.

        Raises:
            DeviceError: the profile is of another space.
        """
        self._check_space(space)
        return self.latency.interval_ms(genomes, exits)

    def network_energy_mj(
        self, space: SearchSpace, genomes: Genomes, exits: Exits | None = None
    ) -> NDArray[np.float64]:
        """Energy of single networks, shape (n,): as listed, else modelled from latency.

        NaN where there is no figure.

        Raises:
            DeviceError: the profile is of another space.
        """
        self._check_space(space)
        return self.latency.energy_mj(genomes, exits)

    def _check_space(self, space: SearchSpace) -> None:
        if space.hash != self.space_hash:
            raise DeviceError(
                f"device profile {self.name!r} is of space {self.space!r} "
                f"({self.space_hash[:8]}), the networks are of {space.name!r} ({space.hash[:8]}); "
                f"measure this space: biglittle profile --space {space.name}."
            )


def shipped_devices() -> tuple[str, ...]:
    """Names of the profiles that ship with the package."""
    return tuple(sorted(p.stem for p in SHIPPED.glob("*.json")))


def user_folder() -> Path:
    """Where a user's own profiles are kept: ``$BIGLITTLE_DATA/devices``, else in the data folder.

    That is the system's folder for what a user would miss, and not one that a cleaner may empty.

    Raises:
        NoHomeError: the user has no home, and the variable is not set.
    """
    from .datasets import DATA_FOLDER_VARIABLE  # late: it brings what downloads need

    if given := os.environ.get(DATA_FOLDER_VARIABLE):
        return Path(given) / "devices"
    from platformdirs import user_data_path  # late: boards that measure do without

    of = partial(user_data_path, "biglittle", appauthor=False)
    return home_folder(of, DATA_FOLDER_VARIABLE) / "devices"


def _user_folders() -> tuple[Path, ...]:
    """Where a user's own profiles are looked for: there, and where they were kept before."""
    from .datasets import data_folder  # late, as above

    try:
        return tuple(dict.fromkeys((user_folder(), data_folder() / "devices")))
    except NoHomeError:
        return ()


def user_devices() -> tuple[str, ...]:
    """Names of the user's own profiles."""
    files = (p for folder in _user_folders() for p in folder.glob("*.json"))
    return tuple(sorted({p.stem for p in files if NAME.fullmatch(p.stem)}))


def find_device(name: str | Path) -> Path:
    """The file of a profile: one that ships, one of the user's, or a path that ends in .json.

    Raises:
        UnknownNameError: no profile of that name.
        DeviceError: the path of something else than a profile.
    """
    if Path(name).suffix == ".json":
        return Path(name)
    if NAME.fullmatch(str(name)):
        for folder in (SHIPPED, *_user_folders()):
            if (path := folder / f"{name}.json").is_file():
                return path
    if str(name) and Path(name).is_file():
        raise DeviceError(
            f"{name} is not a device profile; expected a file whose name ends in .json, as "
            "'biglittle profile --out my-board.json' writes it, or a name that 'biglittle device "
            "list' gives."
        )
    raise UnknownNameError("device", str(name), {*shipped_devices(), *user_devices()})


def load_device(name: str | Path) -> DeviceProfile:
    """A device profile by name, or from a JSON file.

    Raises:
        UnknownNameError: no profile of that name ships or is the user's, and it is not a file.
        DeviceError: the file is not a usable profile.
    """
    path = find_device(name)
    return parse_profile(read_document(path), path.name)


def read_document(path: Path) -> Any:
    """The JSON document in a file that may come from anyone.

    Raises:
        DeviceError: it cannot be read, is too large, or is no JSON; NaN is none.
    """
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        why = why_unreadable(error, str(error))
        raise DeviceError(f"device profile {path} cannot be read: {why}") from error


def parse_profile(raw: Any, label: str) -> DeviceProfile:
    """The profile that a JSON document holds.

    Args:
        raw: the document, as from `read_document`.
        label: name of the profile in messages.

    Raises:
        DeviceError: no usable profile; the message says what is wrong.
    """
    from .device_document import FORMAT, FORMAT_2

    kind = profile_kind(raw)
    if kind is None:
        got = raw.get("format") if isinstance(raw, dict) else type(raw).__name__
        raise DeviceError(
            f"{label} has format {str(got)[:60]!r}, expected {FORMAT!r} or {FORMAT_2!r}."
        )
    try:
        document: FirstProfile | Profile = typed(raw, kind)
    except DocumentError as error:
        raise DeviceError(f"{label} is not a complete device profile: {error}.") from error
    networks = [n for n in document.networks if n.latency_ms is not None]
    energies = _column(networks, "energy_mj")
    _check_relations(document, label)
    block, power = document.block_table, document.load_power
    profile = DeviceProfile(
        name=document.device,
        description=document.description,
        space=document.space,
        space_hash=document.space_hash,
        n_classes=document.n_classes,
        runtime=document.runtime,
        source=document.source,
        gate_ms=document.gate_latency_ms or 0.0,
        load_power_mw=None if power is None else power.power_mw,
        power_source="" if power is None else power.source,
        block_ms=None if block is None else _table(block.latency_ms, label),
        constant_ms=0.0 if block is None else block.constant_ms,
        start_ms=None if block is None else block.start_ms,
        heads_ms={} if block is None else block.heads_ms,
        measured_ms=_column(networks, "latency_ms"),
        measured_p90_ms=_column(networks, "latency_p90_ms"),
        latency_low_ms=_column(networks, "latency_ms_low"),
        latency_high_ms=_column(networks, "latency_ms_high"),
        listed_energy_mj=energies,
        listed_memory_mib=_column(networks, "peak_memory_mib"),
        latency_provenance=_least(networks, "latency_ms", "measured"),
        energy_provenance=_least(networks, "energy_mj", "modelled"),
        pairs=tuple(raw.get("pairs") or ()),
        facts={k: v for k, v in raw.items() if k not in _LISTS},
    )
    if profile.space in SPACES.names() and get_space(profile.space).hash == profile.space_hash:
        _ = profile.latency  # a model that cannot be used is refused here
    return profile


def profile_kind(raw: Any) -> type[FirstProfile] | type[Profile] | None:
    """The type that a document says it is of; None where it is not a device profile."""
    from .device_document import FORMAT, FORMAT_2, FirstProfile, Profile

    got = raw.get("format") if isinstance(raw, dict) else None
    return FirstProfile if got == FORMAT else Profile if got == FORMAT_2 else None


def _column(networks: list[Network], name: str) -> dict[str, float]:
    values = ((n.architecture, getattr(n, name)) for n in networks)
    return {architecture: value for architecture, value in values if value is not None}


def _least(networks: list[Network], name: str, default: str) -> str:
    """The least founded of the words that the figures of a column have."""
    there = (n.words[name] for n in networks if getattr(n, name) is not None)
    return least_founded(there, default)


def _table(rows: list[list[float | None]], label: str) -> NDArray[np.float64]:
    if len({len(row) for row in rows}) > 1:
        raise DeviceError(f"the block table of {label} has rows of different lengths.")
    return np.array(rows, np.float64)


def _check_relations(document: FirstProfile | Profile, label: str) -> None:
    """Nothing, if the parts of a profile that are right alone also agree with one another."""
    names = [n.architecture for n in document.networks]
    if len(set(names)) < len(names):
        twice = next(name for name, n in Counter(names).items() if n > 1)
        raise DeviceError(f"{label} has two claims for network {twice}; keep one of them.")
    listed = [n for n in document.networks if n.latency_ms is not None]
    if document.load_power is not None and any(n.energy_mj is not None for n in listed):
        raise DeviceError(
            f"{label} has energies of networks and a load power too; expected one of them, "
            "since a reader must know which a figure is."
        )
    if not listed and document.block_table is None:
        raise DeviceError(f"{label} has no latencies; expected networks, or a block table.")
