"""The benchmark table in HDF5: networks, what each said about every image, and devices.

Layout (schema version 2)::

    attrs            format, name, space, space_hash, dataset, n_classes, choices, code_version,
                     created, training (JSON), quantisation (JSON), reference_points (JSON)
    /networks/       architecture, training, precision, seed, epochs, images, partner, role,
                     held_out, macs, params, weights_sha256
    /splits/         val_index, val_labels, test_labels
    /predictions/val, /predictions/test
                     top1, max_prob, margin, entropy: uint8, shape (n_networks, n_images), packed
                     (``packing.py``)
    /packing/        margin, entropy: what is expected of a code given others; attrs say which
    /devices/NAME/   latency_ms, energy_mj: float64, shape (n_networks,); attrs say how they came
                     about (provenance), from where, and what the gate takes

Schema 1, without images, partner, role and held_out and with predictions as they are, is read as
well: all its networks are inherited ones.

A file ``table.json`` beside it carries its SHA-256, which a reader checks by default.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bounded import LimitError, check_regular, read_bounded
from .codes import Codes
from .cost import NetworkCosts, network_costs
from .device import DeviceProfile, load_device, shipped_devices, user_devices
from .errors import BigLittleError, TableError, UnknownNameError
from .files import replacing, why_unreadable
from .gates import get_metric, stored_metrics
from .hdf5 import MAX_FILE_BYTES, CheckedFile, Hdf5Error, why_closed
from .packing import (
    EXPECTED_FROM,
    expectations,
    pack_answers,
    pack_codes,
    unpack_answers,
    unpack_codes,
)
from .pair import Pair
from .rows import (
    NUMBER_COLUMNS,
    PAIR_TRAININGS,
    TEXT_COLUMNS,
    NetworkKey,
    RowIndex,
    RowKey,
    check_rows,
    completed,
    key_of,
)
from .spaces import SearchSpace, get_space
from .table_schema import (
    DEVICE_COLUMNS,
    check_classes,
    check_devices,
    check_networks,
    check_splits,
    classes_in,
    declared_columns,
    facts_of,
    json_in,
    name_in,
    number_in,
    packing_of,
)

FORMAT = "biglittle-table"
SCHEMA_VERSION = 2
READABLE = (1, 2)
SHIPPED = Path(__file__).parent.parent / "data_tables"
REPORTED = ("val", "test")
MAX_MANIFEST = 2**16  # bytes


@dataclass(frozen=True)
class Predictions:
    """What every network said about every image of one split.

    Attributes:
        labels: the truth, uint8, shape (n_images,).
        top1: answers, uint8, shape (n_networks, n_images).
        codes: confidence codes by gate metric, uint8, shape (n_networks, n_images) each.
    """

    labels: NDArray[np.uint8]
    top1: NDArray[np.uint8]
    codes: Mapping[str, NDArray[np.uint8]]

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each answer is right, shape (n_networks, n_images)."""
        return np.asarray(self.top1 == self.labels)


@dataclass(frozen=True)
class TableContents:
    """A whole table in memory: what ``write_table`` takes and ``Table`` gives.

    Attributes:
        name: name of the table.
        space: name of the search space.
        dataset: name of the data set.
        n_classes: number of classes of the classifier.
        choices: the space's choices whose weights were trained, hence those in the table.
        networks: columns of shape (n_networks,) by name (``rows.COLUMNS``). ``epochs`` are those
            of the training that made the weights (for inherited networks the supernet's) and
            ``images`` the training images a network saw by itself since its start, 0 when
            inherited. ``partner`` and ``role`` are "" outside of co-trained pairs.
        val_index: which training images were held out for validation.
        predictions: stored answers, by name of the split.
        devices: columns and facts by device.
        training: how the networks came about, any JSON.
        reference_points: fixed ends of the objectives (utopian and nadir) by device and set of
            objectives, so that hypervolumes can be compared; any JSON.
    """

    name: str
    space: str
    dataset: str
    n_classes: int
    choices: tuple[str, ...]
    networks: Mapping[str, NDArray[Any]]
    val_index: NDArray[np.int64]
    predictions: Mapping[str, Predictions]
    devices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    reference_points: Mapping[str, Any] = field(default_factory=dict)


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def encode_predictions(
    probabilities: NDArray[np.float64], labels: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.uint8]]]:
    """One network's row: answers and confidence codes, each of shape (n_images,).

    Args:
        probabilities: of each class for each image, shape (n_images, n_classes).
        labels: true classes, shape (n_images,); only their number is used, as a check.
    """
    if probabilities.shape[0] != len(labels):
        raise TableError(f"{probabilities.shape[0]} answers for {len(labels)} images.")
    n_classes = probabilities.shape[1]
    codes = {}
    for name in stored_metrics():
        metric = get_metric(name)
        codes[name] = metric.encode(metric.compute(probabilities), n_classes)
    return probabilities.argmax(axis=1).astype(np.uint8), codes


def quantisation(n_classes: int) -> dict[str, dict[str, Any]]:
    """How confidences are stored: scale and worst-case rounding error of each metric."""
    return {
        name: {
            "scale": "code = floor(256 * (1 - sqrt(u))), u = uncertainty in [0, 1]",
            "maximum": get_metric(name).maximum(n_classes),
            "worst_rounding_error": get_metric(name).rounding_error(n_classes),
            "unit": get_metric(name).unit,
        }
        for name in stored_metrics()
    }


def device_columns(
    profile: DeviceProfile, space: SearchSpace, architectures: Sequence[str]
) -> dict[str, Any]:
    """The columns and facts a table keeps of one device."""
    genomes = space.parse(list(architectures))
    return {
        "latency_ms": profile.latency_ms(space, genomes),
        "energy_mj": profile.network_energy_mj(space, genomes),
        "provenance": profile.latency.provenance(genomes),
        "gate_ms": profile.gate_ms,
        "description": profile.description,
        "runtime": profile.runtime,
        "source": profile.source,
        "power_source": profile.power_source,
    }


def write_table(path: Path, contents: TableContents, code_version: str, created: str) -> str:
    """Writes a table and the manifest beside it, whole or not at all; returns its SHA-256.

    Args:
        path: path of the ``.h5`` file.
        contents: the whole table to write.
        code_version: version of the code that made it.
        created: date and time, as in ISO 8601.

    Raises:
        TableError: rows that are there twice, pairs of which one half is missing, columns of
            different lengths.
    """
    space, networks = get_space(contents.space), completed(contents.networks)
    check_rows(networks)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        with h5py.File(partial, "w", libver="v110") as file:
            file.attrs.update(
                format=FORMAT,
                schema_version=SCHEMA_VERSION,
                name=contents.name,
                space=space.name,
                space_hash=space.hash,
                dataset=contents.dataset,
                n_classes=contents.n_classes,
                choices=json.dumps(contents.choices),
                code_version=code_version,
                created=created,
                training=json.dumps(contents.training),
                quantisation=json.dumps(quantisation(contents.n_classes)),
                reference_points=json.dumps(contents.reference_points),
            )
            for name in TEXT_COLUMNS:
                file[f"networks/{name}"] = np.asarray(networks[name], "S")
            for name in NUMBER_COLUMNS:
                file[f"networks/{name}"] = np.asarray(networks[name], np.int64)
            file["networks/held_out"] = np.asarray(networks["held_out"], bool)
            file["splits/val_index"] = contents.val_index
            tables = expectations([contents.predictions[s].codes for s in REPORTED])
            for name, table in tables.items():
                file.create_dataset(f"packing/{name}", data=table, compression="gzip")
                file[f"packing/{name}"].attrs["given"] = json.dumps(EXPECTED_FROM[name])
            for split in REPORTED:
                stored = contents.predictions[split]
                file[f"splits/{split}_labels"] = stored.labels
                answers = pack_answers(stored.top1, stored.labels, contents.n_classes)
                packed = {"top1": answers, **pack_codes(stored.codes, tables)}
                for name, array in packed.items():
                    file.create_dataset(
                        f"predictions/{split}/{name}",
                        data=array,
                        chunks=(1, array.shape[1]),
                        compression="gzip",
                        compression_opts=9,
                    )
            for name, columns in sorted(contents.devices.items()):
                group = file.create_group(f"devices/{name}")
                for key, value in sorted(columns.items()):
                    if isinstance(value, np.ndarray):
                        group[key] = value
                    else:
                        group.attrs[key] = json.dumps(value)
        digest = file_hash(partial)
        facts = {"file": path.name, "name": contents.name, "sha256": digest}
        # Two files cannot be replaced at once: until the table is, the manifest fits both.
        _write_manifest(path, facts, file_hash(path) if path.exists() else None)
    _write_manifest(path, facts, None)
    return digest


def _write_manifest(path: Path, facts: Mapping[str, Any], replaced: str | None) -> None:
    document = dict(facts) if replaced is None else {**facts, "replaces_sha256": replaced}
    with replacing(path.with_suffix(".json")) as partial:
        partial.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def shipped_tables() -> dict[str, Path]:
    """The tables that ship with the package, by name."""
    return {p.parent.name.replace("_", "-"): p for p in SHIPPED.glob("*/table.h5")}


def find_table(name: str | Path) -> Path:
    """The file of a table given by name or by path.

    Raises:
        UnknownNameError: neither a shipped table nor a file.
    """
    if str(name) in shipped_tables():
        return shipped_tables()[str(name)]
    path = Path(name)
    if path.suffix in (".h5", ".hdf5") or path.exists():
        if not path.is_file():
            raise TableError(f"no table file {path}; give the path of a .h5 file.")
        return path
    raise UnknownNameError("table", str(name), shipped_tables())


class Table:
    """A benchmark table, opened read-only; predictions are read when first asked for.

    Args:
        path: path of the ``.h5`` file.
        check: compare the file's SHA-256 with its manifest.

    Raises:
        TableError: missing, truncated, foreign, edited, or of another schema or space.
    """

    def __init__(self, path: Path, check: bool = True) -> None:
        self.path = path
        self.sha256 = self._check_hash() if check else None
        self._predictions: dict[str, Predictions] = {}
        try:
            self._file = CheckedFile(path, declared_columns(), self._read_head)
            self._read_networks()
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> TableError:
        damaged = f"it is damaged, altered or not an HDF5 file: {error}. Fetch it again."
        return TableError(
            f"{self.path} cannot be read as a benchmark table: {why_unreadable(error, damaged)}"
        )

    def _read(self, place: str) -> NDArray[Any]:
        try:
            return self._file.read(place)
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error

    def _check_hash(self) -> str:
        manifest = self.path.with_suffix(".json")
        try:
            facts = json.loads(read_bounded(manifest, MAX_MANIFEST))
            expected = facts["sha256"]
            if not isinstance(facts, dict) or not isinstance(expected, str):
                raise ValueError("no text 'sha256'")
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise TableError(
                f"{self.path} has no manifest {manifest.name} with its SHA-256 beside it: "
                + why_unreadable(error, f"what it holds is not one ({error!r}).")
                + " Copy both files, or open the table with check=False if you trust it."
            ) from error
        try:
            check_regular(self.path, MAX_FILE_BYTES)
            got = file_hash(self.path)
        except (OSError, LimitError) as error:
            why = why_unreadable(error, f"{error}.")
            raise TableError(f"{self.path} cannot be read as a benchmark table: {why}") from error
        if got not in (expected, facts.get("replaces_sha256")):
            self._refuse_if_in_use()
            raise TableError(
                f"{self.path} has SHA-256 {got[:12]}..., its manifest says {expected[:12]}...: it "
                "was edited or is truncated. Fetch it again, or open it with check=False."
            )
        return got

    def _refuse_if_in_use(self) -> None:
        """Whoever opens an HDF5 file for writing marks it, and its hash is another until then."""
        if why := why_closed(self.path):
            raise TableError(f"{self.path} cannot be read as a benchmark table: {why}")

    def _read_head(self, attrs: Mapping[str, Any]) -> None:
        if attrs.get("format") != FORMAT:
            raise TableError(f"{self.path} is an HDF5 file but no {FORMAT}; give another file.")
        version = number_in(attrs, "schema_version")
        if version not in READABLE:
            raise TableError(
                f"{self.path} has schema version {version}, this code reads "
                f"{' and '.join(map(str, READABLE))}; install a newer biglittle."
            )
        self.schema_version = version
        self.name, self.dataset = name_in(attrs, "name"), name_in(attrs, "dataset")
        self.n_classes = classes_in(attrs)
        self.space = get_space(name_in(attrs, "space"))
        if (digest := name_in(attrs, "space_hash")) != self.space.hash:
            raise TableError(
                f"{self.path} was made for another version of space {self.space.name!r} "
                f"({digest[:8]}, here {self.space.hash[:8]})."
            )
        self.choices: tuple[str, ...] = tuple(json_in(attrs, "choices", list))
        self.training: dict[str, Any] = json_in(attrs, "training", dict)
        self.quantisation: dict[str, Any] = json_in(attrs, "quantisation", dict)
        self.code_version = name_in(attrs, "code_version")
        self.created = name_in(attrs, "created")
        self.reference_points: dict[str, Any] = json_in(attrs, "reference_points", dict, {})

    def _read_networks(self) -> None:
        stored = {
            name: self._file.read(f"networks/{name}") for name in self._file.names("networks")
        }
        self.networks: dict[str, NDArray[Any]] = completed(
            {n: c.astype("U") if n in TEXT_COLUMNS else c for n, c in stored.items()}
        )
        try:
            check_networks(self.networks, self.space, self.choices)
        except BigLittleError as error:
            raise TableError(f"{self.path} cannot be read as a benchmark table: {error}") from error
        check_splits(self._file, self.n_classes)
        check_devices(self._file)
        self._packing = packing_of(self._file) if self.schema_version > 1 else ({}, {})
        self._index = RowIndex(self.networks)

    def __len__(self) -> int:
        return len(self.networks["architecture"])

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of the devices the table has columns for."""
        return self._file.names("devices")

    # ---- which network is where ------------------------------------------------------------
    @property
    def row(self) -> Mapping[RowKey, int]:
        """Rows by network and name of its partner ("" outside of co-trained pairs)."""
        return self._index.row

    @cached_property
    def names(self) -> NDArray[np.str_]:
        """Every row's network as a user writes it, shape (n_networks,)."""
        return np.array([key_of(self.networks, row)[0].name for row in range(len(self))], np.str_)

    def rows(self, training: str = "inherited") -> NDArray[np.intp]:
        """Rows of all whole fp32 networks of one training, in the order of the table, (n,)."""
        columns = self.networks
        whole = (columns["exit"] == 0) & (columns["precision"] == "fp32")
        return np.flatnonzero((columns["training"] == training) & whole)

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """Which rows no surrogate may be fitted on, shape (n_networks,); split by architecture."""
        return np.asarray(self.networks["held_out"], bool)

    def cotrained(self) -> list[Pair]:
        """The co-trained pairs of the table, in the order of their little networks' rows."""
        by_row = sorted(self._index.pair.items(), key=lambda item: item[1])
        return [Pair(little, big, training, seed) for (little, big, training, seed), _ in by_row]

    def network_row(self, network: str, training: str = "inherited", seed: int = 0) -> int:
        """The row of a network that is not part of a co-trained pair.

        Args:
            network: name of the network, ``ARCHITECTURE[@EXIT][:PRECISION]``.
            training: how the network was trained.
            seed: seed of that training run.

        Raises:
            ArchitectureError: not the name of a network, or not an architecture of the space.
            TableError: a network that is not in the table.
        """
        key = NetworkKey.parse(network, training, seed)
        row = self.row.get((key, ""))
        if row is not None:
            return row
        self.space.parse(key.architecture)
        seeds = self._index.seeds(key.name, training)
        if seeds:
            listed = ", ".join(map(str, seeds))
            raise TableError(
                f"network {network} ({training}) has no seed {seed} in table {self.name!r}; "
                f"it has {listed}."
            )
        raise TableError(
            f"network {network} ({training}) is not in table {self.name!r}, which has "
            f"{len(self.rows(training))} {training} networks among its {len(self)}. "
            "Benchmark.architectures lists the inherited ones; for others use a surrogate: "
            "biglittle search."
        )

    def pair_rows(self, pair: Pair) -> tuple[int, int]:
        """The rows of a pair's little and big network.

        Raises:
            ArchitectureError: an architecture that is not of the space.
            TableError: a network or a co-trained pair that is not in the table.
        """
        if pair.training not in PAIR_TRAININGS:
            little, big = (
                self.network_row(a, pair.training, pair.seed) for a in (pair.little, pair.big)
            )
            return little, big
        rows = self._index.pair.get((pair.little, pair.big, pair.training, pair.seed))
        if rows is None:
            named = (NetworkKey.parse(name) for name in (pair.little, pair.big))
            self.space.parse([key.architecture for key in named])
            count = sum(training == pair.training for _, _, training, _ in self._index.pair)
            raise TableError(
                f"pair {pair.little} -> {pair.big} ({pair.training}, seed {pair.seed}) is not in "
                f"table {self.name!r}, which has {count} {pair.training} pairs. Table.cotrained() "
                "lists the co-trained ones; with training='inherited' any two networks are a pair."
            )
        return rows

    # ---- what is stored --------------------------------------------------------------------
    def predictions(self, split: str) -> Predictions:
        """What every network said about every image of ``split`` ("val" or "test").

        Raises:
            UnknownNameError: no split has this name.
        """
        if split not in REPORTED:
            raise UnknownNameError("split", split, REPORTED)
        if split not in self._predictions:
            self._predictions[split] = self._read_predictions(split)
        return self._predictions[split]

    def _read_predictions(self, split: str) -> Predictions:
        labels, top1 = self._read(f"splits/{split}_labels"), self._read(f"predictions/{split}/top1")
        codes = {name: self._read(f"predictions/{split}/{name}") for name in stored_metrics()}
        try:
            check_classes(f"predictions/{split}/top1", top1, self.n_classes)
        except Hdf5Error as error:
            raise self._unreadable(error) from error
        if self.schema_version == 1:
            return Predictions(labels, top1, codes)
        return Predictions(
            labels=labels,
            top1=unpack_answers(top1, labels, self.n_classes),
            codes=unpack_codes(codes, *self._packing),
        )

    @cached_property
    def gate_codes(self) -> Codes:
        """Codes of stored and derived gates; derived ones are fitted on val when asked for."""
        return Codes(self.predictions, self.n_classes)

    def codes_of(self, gate: str, split: str, rows: ArrayLike) -> NDArray[np.uint8]:
        """Confidence codes of some networks under a gate, uint8, shape (len(rows), n_images).

        Answers with a code below a gate's cut are escalated. A derived gate is fitted to each
        network on val, whichever split is asked for, and kept.

        Args:
            gate: name of a stored or derived gate.
            split: whose images, "val" or "test".
            rows: indices of networks in the table.

        Raises:
            UnknownNameError: no gate or no split has this name.
            GateError: a pairwise gate, which has no codes without a big network.
        """
        return self.gate_codes.of(gate, split, rows)

    def codes(self, gate: str, split: str) -> NDArray[np.uint8]:
        """As ``codes_of``, of all networks: uint8, shape (n_networks, n_images)."""
        return self.codes_of(gate, split, np.arange(len(self)))

    @property
    def val_index(self) -> NDArray[np.int64]:
        """Which training images were held out for validation, shape (n_val,)."""
        return self._read("splits/val_index")

    def device_facts(self, name: str) -> dict[str, Any]:
        """What the table says about a device, without the columns.

        Raises:
            UnknownNameError: the table has no such device.
        """
        if name not in self.devices:
            raise UnknownNameError("device", name, self.devices)
        return facts_of(self._file.attributes[f"devices/{name}"], name)

    def incomplete(self, device: str) -> bool:
        """Whether the table's own column of a device leaves networks out that its profile predicts.

        It was stored when networks that nobody measured had no figure; the profile is asked then.
        """
        stored = self._read(f"devices/{device}/latency_ms")
        return bool(np.isnan(stored).any()) and device in shipped_devices()

    def costs(self, device: str) -> NetworkCosts:
        """Costs of all networks on a device of the table, or of any profile by name or as file.

        What was measured stands as it is; of the others the profile's latency model predicts what
        it can, and the provenance is then that of the least founded figure.

        Raises:
            UnknownNameError: neither a device of the table nor a profile.
            DeviceError: the profile covers none of the networks.
        """
        ids = [str(a) for a in self.networks["architecture"]]
        genomes = self.space.parse(ids)
        if device in self.devices:
            columns = self.device_facts(device) | {
                key: self._read(f"devices/{device}/{key}") for key in DEVICE_COLUMNS
            }
            if self.incomplete(device):
                columns = device_columns(load_device(device), self.space, ids)
        else:
            names = {*self.devices, *shipped_devices(), *user_devices()}
            if device not in names and not device.endswith(".json"):
                raise UnknownNameError("device", device, names)
            columns = device_columns(load_device(device), self.space, ids)
        return network_costs(
            self.space,
            genomes,
            self.n_classes,
            latency_ms=columns["latency_ms"],
            energy_mj=columns["energy_mj"],
            gate_ms=float(columns["gate_ms"]),
            provenance=columns["provenance"],
            macs=self.networks["macs"],
        )

    def contents(self) -> TableContents:
        """The whole table in memory, to write another one from."""
        devices = {}
        for name in self.devices:
            devices[name] = self.device_facts(name) | {
                key: self._read(f"devices/{name}/{key}")
                for key in self._file.names(f"devices/{name}")
            }
        return TableContents(
            name=self.name,
            space=self.space.name,
            dataset=self.dataset,
            n_classes=self.n_classes,
            choices=self.choices,
            networks=self.networks,
            val_index=self.val_index,
            predictions={split: self.predictions(split) for split in REPORTED},
            devices=devices,
            training=self.training,
            reference_points=self.reference_points,
        )

    def info(self) -> dict[str, Any]:
        """The table's facts as plain JSON."""
        trainings, counts = np.unique(self.networks["training"], return_counts=True)
        devices: dict[str, Any] = {}
        for name in self.devices:
            latency = self._read(f"devices/{name}/latency_ms")
            devices[name] = {
                **self.device_facts(name),
                "networks": int(np.isfinite(latency).sum()),
                "latency_ms_min": float(np.nanmin(latency)),
                "latency_ms_max": float(np.nanmax(latency)),
            }
        sizes = {split: self._file.lengths[split] for split in REPORTED}
        return {
            "name": self.name,
            "space": self.space.name,
            "dataset": self.dataset,
            "choices": list(self.choices),
            "training": {str(t): int(c) for t, c in zip(trainings, counts, strict=True)},
            "devices": devices,
            "splits": {"train": int(self.training.get("n_train", 0)), **sizes},
            "cotrained_pairs": len(self._index.pair),
            "held_out_architectures": len(
                set(self.networks["architecture"][self.held_out].tolist())
            ),
            "schema_version": self.schema_version,
            "code_version": self.code_version,
            "created": self.created,
            "quantisation": self.quantisation,
            "sha256": self.sha256,
        }
