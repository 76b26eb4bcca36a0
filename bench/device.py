"""Device profiles: which there are, and how one is read from its file."""

from __future__ import annotations

import os
import re
from collections import Counter
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .device_profile import DeviceProfile
from .documents import DocumentError, read_json, typed
from .errors import DeviceError, NoHomeError, UnknownNameError
from .files import why_unreadable
from .home import home_folder
from .latency_energies import BlockEnergies
from .latency_scaled import Factor
from .precision import FP32, split_precision
from .provenance import least_founded
from .spaces import SPACES, get_space

if TYPE_CHECKING:  # elsewhere late: making their types takes 10 ms, which no import shall cost
    from .device_document import BlockEnergies as _Energies
    from .device_document import FirstProfile, Profile
    from .device_entries import Network

#: Where the profiles that ship lie.
SHIPPED = Path(__file__).parent.parent / "data_tables" / "devices"
#: What to do where a device has no profile yet.
HOW_TO_ADD = (
    "A board of your own: measure it with 'biglittle profile --out my-board.json', then 'biglittle "
    "device add my-board.json'; or give the .json file in place of a name."
)
#: Of every question that names none.
DEFAULT_DEVICE = "raspberry-pi-4"
#: Parts of a document that are no facts for reports.
_LISTS = ("networks", "block_table", "pairs", "blocks")
#: What a device may be called; it is also the name of its file.
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")


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
    raise UnknownNameError("device", str(name), {*shipped_devices(), *user_devices()}, HOW_TO_ADD)


def load_device(name: str | Path) -> DeviceProfile:
    """A device profile by name, or from a JSON file.

    Raises:
        UnknownNameError: no profile of that name ships or is the user's, and it is not a file.
        DeviceError: the file is not a usable profile.
    """
    path = find_device(name)
    if path.parent == SHIPPED:
        status = path.stat()
        return _shipped(path, status.st_mtime_ns, status.st_size)
    return parse_profile(read_document(path), path.name)


@lru_cache(maxsize=64)
def _shipped(path: Path, changed_ns: int, n_bytes: int) -> DeviceProfile:
    """A profile that ships, which is read and fitted once for all that ask for it."""
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
    own = str(raw.get("precision") or FP32)
    measured = [n for n in document.networks if n.latency_ms is not None]
    networks = [n for n in measured if ":" not in n.architecture]
    others: dict[str, dict[str, float]] = {}
    for network in measured:
        name, precision = split_precision(network.architecture)
        if ":" in network.architecture and network.latency_ms is not None:
            others.setdefault(precision, {})[name] = network.latency_ms
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
        block_energies=None if block is None else _energies(block.energies, label),
        block_word="block-sum" if block is None else block.provenance,
        measured_ms=_column(networks, "latency_ms"),
        measured_p90_ms=_column(networks, "latency_p90_ms"),
        latency_low_ms=_column(networks, "latency_ms_low"),
        latency_high_ms=_column(networks, "latency_ms_high"),
        listed_energy_mj=energies,
        listed_memory_mib=_column(networks, "peak_memory_mib"),
        latency_provenance=_least(networks, "latency_ms", "measured"),
        energy_provenance=_least(networks, "energy_mj", "modelled"),
        pairs=tuple(raw.get("pairs") or ()),
        precision=own,
        others_ms=others,
        factors={
            other.precision: Factor(
                other.latency_factor,
                other.latency_factor_low,
                other.latency_factor_high,
                other.coverage,
                other.source,
            )
            for other in document.other_precisions
        },
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


def _energies(of_blocks: _Energies | None, label: str) -> BlockEnergies | None:
    """The energies of a block table, as arrays."""
    if of_blocks is None:
        return None
    table = _table(of_blocks.energy_mj, label)
    return BlockEnergies(of_blocks.constant_mj, table, of_blocks.start_mj, of_blocks.heads_mj)


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
    table = document.block_table
    if document.load_power is not None and table is not None and table.energies is not None:
        raise DeviceError(
            f"{label} has energies of blocks and a load power too; expected one of them, since a "
            "reader must know which a figure is."
        )
    if not listed and table is None:
        raise DeviceError(f"{label} has no latencies; expected networks, or a block table.")
