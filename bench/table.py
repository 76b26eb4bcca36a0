"""The benchmark table: networks, what each of them answered for every image, and devices.

The file is HDF5, laid out as ``table_schema.py`` says; ``table_writer.py`` writes it, and a
manifest beside it carries its SHA-256 (``table_manifest.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .codes import Codes, Fitted
from .cost import NetworkCosts, network_costs
from .coupling import Couplings, table_couplings
from .device import HOW_TO_ADD, load_device, shipped_devices, user_devices
from .device_columns import column_words, device_columns, given_costs
from .errors import ArchitectureError, BigLittleError, TableError, UnknownNameError
from .external_networks import (
    came_as_given,
    check_architecture,
    genomes_of,
    names_of,
    outside,
    placed_columns,
    with_external,
)
from .files import why_unreadable
from .gates import VALUES
from .growth import unchanged_since
from .hdf5 import CheckedFile, Hdf5Error
from .lazy_rows import LazyPredictions, is_large
from .packing import Packing
from .pair import Pair
from .precision import FP32, PRECISIONS, checked_precisions
from .rows import (
    EXTERNAL,
    PAIR_TRAININGS,
    TEXT_COLUMNS,
    NetworkKey,
    RowIndex,
    RowKey,
    completed,
    key_of,
)
from .spaces import GIVEN, UNBUILT, Exits, Genomes, SearchSpace, get_space
from .table_contents import Predictions, TableContents
from .table_manifest import checked_hash
from .table_schema import (
    FORMAT,
    READABLE,
    SPLITS,
    check_classes,
    check_devices,
    check_networks,
    check_splits,
    check_values,
    classes_in,
    columns_of,
    declared_columns,
    facts_of,
    json_in,
    name_in,
    number_in,
    packing_of,
    space_of,
)
from .table_text import instead_of


class Table:
    """A benchmark table, opened read-only; predictions are read when first asked for.

    Args:
        path: path of the ``.h5`` file.
        check: compare the file's SHA-256 with its manifest.
        precisions: precisions of the networks that are meant where none is named, as ``rows`` does;
            None: fp32. A network that is named may have any.

    Raises:
        UnknownNameError: no precision has this name.
        TableError: missing, truncated, foreign, edited, or of another schema or space.
    """

    def __init__(
        self, path: str | Path, check: bool = True, precisions: Sequence[str] | str | None = None
    ) -> None:
        self.path, self.precisions = Path(path), checked_precisions(precisions)
        self.sha256 = checked_hash(self.path) if check else None
        self._rows: dict[tuple[str, bool, tuple[str, ...]], NDArray[np.intp]] = {}
        self._predictions: dict[str, Predictions] = {}
        self._fitted: Fitted = ({}, {}, {})
        try:
            self._file = CheckedFile(self.path, declared_columns(), self._read_head)
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

    def _read_head(self, attrs: Mapping[str, Any]) -> None:
        if attrs.get("format") != FORMAT:
            raise TableError(f"{self.path} is an HDF5 file but not a {FORMAT}; give another file.")
        version = number_in(attrs, "schema_version")
        if version not in READABLE:
            raise TableError(
                f"{self.path} has schema version {version}, this code reads "
                f"{' and '.join(map(str, READABLE))}; install a newer biglittle."
            )
        self.schema_version = version
        self.name, self.dataset = name_in(attrs, "name"), name_in(attrs, "dataset")
        self.n_classes = classes_in(attrs)
        self.given = name_in(attrs, "space") == GIVEN
        self._space_hash = name_in(attrs, "space_hash")
        if not self.given:
            self.space = self._checked(get_space(name_in(attrs, "space")))
        self.choices: tuple[str, ...] = tuple(json_in(attrs, "choices", list[str]))
        self.training: dict[str, Any] = json_in(attrs, "training", dict[str, Any])
        self.quantisation: dict[str, Any] = json_in(attrs, "quantisation", dict[str, Any])
        self.code_version = name_in(attrs, "code_version")
        self.created = name_in(attrs, "created")
        self.reference_points: dict[str, Any] = json_in(
            attrs, "reference_points", dict[str, Any], {}
        )

    def _checked(self, space: SearchSpace) -> SearchSpace:
        if self._space_hash != space.hash:
            raise TableError(
                f"{self.path} was made for another version of space {space.name!r} "
                f"({self._space_hash[:8]}, here {space.hash[:8]})."
            )
        return space

    def _read_networks(self) -> None:
        stored = {
            name: self._file.read(f"networks/{name}") for name in self._file.names("networks")
        }
        self.networks: dict[str, NDArray[Any]] = completed(
            {n: np.char.decode(c, "utf-8") if n in TEXT_COLUMNS else c for n, c in stored.items()}
        )
        try:
            if self.given:
                self.space = self._checked(space_of(GIVEN, self.networks))
            check_networks(self.networks, self.space, self.choices)
        except BigLittleError as error:
            raise TableError(f"{self.path} cannot be read as a benchmark table: {error}") from error
        check_splits(self._file, self.n_classes)
        check_devices(self._file)
        stored_columns = columns_of(self._file, self.schema_version)
        self.metrics = tuple(name for name in stored_columns if name not in VALUES)
        self.values = tuple(name for name in stored_columns if name in VALUES)
        self._packing = (
            packing_of(self._file, self.n_classes)
            if self.schema_version > 1
            else Packing(self.n_classes)
        )
        self._index = RowIndex(self.networks)
        if self.precisions != (FP32,):
            self._check_precisions()

    def _check_precisions(self) -> None:
        there = set(self.networks["precision"].tolist())
        if missing := [name for name in self.precisions if name not in there]:
            has = ", ".join(name for name in PRECISIONS if name in there) or "none"
            raise TableError(
                f"table {self.name!r} has no networks in {missing[0]}, only in {has}. Add them: "
                f"biglittle table extend --stage {missing[0]} --out mine.h5 (needs the images)."
            )

    def __len__(self) -> int:
        return len(self.networks["architecture"])

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of the devices the table has columns for."""
        return self._file.names("devices")

    @property
    def answers_word(self) -> str:
        """How the answers came about: ``measured``, or ``given`` by somebody with their names."""
        return "given" if self.given else "measured"

    def answers_word_of(self, rows: ArrayLike) -> str:
        """How the answers of some rows came about: as the least founded of them."""
        given = came_as_given(self.networks)[np.asarray(rows)]
        return "given" if given.any() else self.answers_word

    @property
    def macs(self) -> NDArray[np.float64]:
        """MACs of every network, shape (n_networks,); NaN where nobody said them."""
        macs = self.networks["macs"].astype(np.float64)
        return np.where((macs == 0) & (self.given | self.outside), np.nan, macs)

    @property
    def n_images(self) -> dict[str, int]:
        """Number of images by split."""
        return {split: self._file.lengths[split] for split in SPLITS}

    # ---- which network is where ------------------------------------------------------------
    def _own(self, training: str) -> str:
        """The training that is meant where a user names none: of given networks nobody knows it."""
        return "given" if self.given and training == "inherited" else training

    @property
    def row(self) -> Mapping[RowKey, int]:
        """Rows by network and name of its partner ("" outside of co-trained pairs)."""
        return self._index.row

    @cached_property
    def exits(self) -> Exits:
        """Numbers of the exits at which the networks are cut, shape (n_networks,); 0: whole."""
        return self.space.exit_numbers([str(name) for name in self.networks["exit"]])

    @cached_property
    def outside(self) -> NDArray[np.bool_]:
        """Which rows are no architecture of the space, shape (n_networks,)."""
        return outside(self.networks)

    @cached_property
    def genomes(self) -> Genomes:
        """Choices of the networks, shape (n_networks, n_layers); 0 where a row has none."""
        return genomes_of(self.space, self.networks)

    @cached_property
    def couplings(self) -> Couplings:
        """What any two of the networks share."""
        return table_couplings(self.space, self.n_classes, self.networks, self.genomes, self.exits)

    @cached_property
    def names(self) -> NDArray[np.str_]:
        """Every row's network as a user writes it, shape (n_networks,)."""
        return np.array([key_of(self.networks, row)[0].name for row in range(len(self))], np.str_)

    def rows(
        self,
        training: str = "inherited",
        exits: bool = False,
        precisions: tuple[str, ...] | None = None,
    ) -> NDArray[np.intp]:
        """Rows of all networks of one training, shape (n,).

        Args:
            training: how the networks were trained.
            exits: whether those that are cut at exits are among them.
            precisions: precisions of the networks; None: those the table was opened for, fp32
                unless others were named.
        """
        training = self._own(training)
        key = training, exits, precisions or self.precisions
        if key not in self._rows:
            of = self.networks
            usable = np.isin(of["precision"], key[2]) & ((of["exit"] == "") | exits)
            self._rows[key] = np.flatnonzero((of["training"] == training) & usable)
            self._rows[key].flags.writeable = False
        return self._rows[key]

    def comparable(self, rows: Sequence[int]) -> NDArray[np.intp]:
        """Rows of the inherited networks, cut ones too, to compare some with: in their precisions.

        Args:
            rows: rows of networks, whose precisions are added to those of the table.
        """
        own = {str(self.networks["precision"][row]) for row in rows}
        if own <= {*self.precisions}:
            return self.rows(exits=True)
        return self.rows(exits=True, precisions=checked_precisions((*self.precisions, *own)))

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
        training = self._own(training)
        if self.given:  # a free text, in which nothing stands for an exit or a precision
            key = NetworkKey(network, training=training, seed=seed)
        else:
            key = NetworkKey.parse(network, training, seed)
        row = self._row_of(key)
        if row is not None:
            return row
        check_architecture(self.space, key.architecture, self.networks)
        self.space.get_exit(key.exit)
        seeds = self._index.seeds(key.name, training)
        if seeds:
            listed = ", ".join(map(str, seeds))
            raise TableError(
                f"network {network} ({training}) has no seed {seed} in table {self.name!r}; "
                f"it has {listed}."
            )
        raise TableError(
            f"network {network} ({training}) is not in table {self.name!r}, which has "
            f"{len(self.rows(training))} {training} networks among its {len(self)}"
            f"{instead_of(key, self.networks)}"
        )

    def _row_of(self, key: NetworkKey) -> int | None:
        """The row of a network outside of pairs; an external one needs no training to be found."""
        row = self.row.get((key, ""))
        if row is None and key.training == "inherited":
            row = self.row.get((replace(key, training=EXTERNAL), ""))
        return row

    def check_built(self, names: Sequence[str]) -> None:
        """Nothing, if all of these networks are built of the table's space.

        Raises:
            ArchitectureError: one is known by its answers alone.
        """
        if self.given or not {*names}.isdisjoint(names_of(self.networks)):
            raise ArchitectureError(UNBUILT)

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

    def unchanged_since(self, sha256: str | None, kinds: Sequence[str] = (FP32,)) -> bool:
        """Whether its rows are those of the table with a hash: that one, or grown from it.

        Args:
            sha256: hash of a table, as a front, a surrogate or a figure names it.
            kinds: precisions whose rows are meant, and trainings; others may have been added.

        Raises:
            TableError: the table does not say in a known way how it grew.
        """
        try:
            return unchanged_since(self.training, self.sha256, sha256, kinds)
        except ValueError as error:
            raise self._unreadable(error) from error

    # ---- what is stored --------------------------------------------------------------------
    def predictions(self, split: str) -> Predictions:
        """What every network said about every image of ``split`` ("val" or "test").

        Raises:
            UnknownNameError: no split has this name.
        """
        if split not in SPLITS:
            raise UnknownNameError("split", split, SPLITS)
        if split not in self._predictions:
            self._predictions[split] = self._read_predictions(split)
        return self._predictions[split]

    def _read_predictions(self, split: str) -> Predictions:
        places = {name: f"predictions/{split}/{name}" for name in ("top1", *self.metrics)}
        n_bytes = sum(self._file.itemsize(place) for place in places.values())
        n_bytes += sum(self._file.itemsize(f"predictions/{split}/{name}") for name in self.values)
        if is_large(len(self), self.n_images[split], n_bytes):
            return self._lazy_predictions(split)
        labels, top1 = self._read(f"splits/{split}_labels"), self._read(f"predictions/{split}/top1")
        codes = {name: self._read(f"predictions/{split}/{name}") for name in self.metrics}
        values = {name: self._read(f"predictions/{split}/{name}") for name in self.values}
        try:
            check_classes(f"predictions/{split}/top1", top1, self.n_classes)
            check_values(f"predictions/{split}", values)
        except Hdf5Error as error:
            raise self._unreadable(error) from error
        if self.schema_version == 1:
            return Predictions(labels, top1, codes)
        top1, codes = self._packing.unpack(split, labels, {"top1": top1, **codes})
        return Predictions(labels, top1, codes, values)

    def _lazy_predictions(self, split: str) -> Predictions:
        """The same, of which one network's rows are read at a time."""
        labels, at = self._read(f"splits/{split}_labels"), f"predictions/{split}"
        names = ("top1", *self.metrics, *self.values)
        types = {name: self._file.dtype(f"{at}/{name}") for name in names}

        def stored(row: int) -> dict[str, NDArray[Any]]:
            try:
                parts = {name: self._file.read_row(f"{at}/{name}", row) for name in names}
                check_classes(f"{at}/top1", parts["top1"], self.n_classes)
                check_values(at, {name: parts[name] for name in self.values})
            except (OSError, ValueError) as error:
                raise self._unreadable(error) from error
            return parts

        def read(row: int) -> dict[str, NDArray[Any]]:
            parts = stored(row)
            if self.schema_version == 1:
                return parts
            values = {name: parts.pop(name) for name in self.values}
            beside = -1 if self._packing.beside is None else int(self._packing.beside[row])
            base = None if beside < 0 else stored(beside)
            top1, codes = self._packing.unpack(split, labels, parts, base)
            return {"top1": top1, **codes, **values}

        return LazyPredictions(labels, len(self), types, self.values, read)

    @property
    def gate_codes(self) -> Codes:
        """Codes of stored and derived gates; derived ones are fitted on val when asked for.

        What is fitted is kept here. The codes themselves know the table, so that keeping them too
        would hold all of it in memory until Python looks for circles.
        """
        return Codes(self.predictions, self.n_classes, *self._fitted)

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

    def device_columns(self, name: str) -> dict[str, Any]:
        """Columns and facts of a device of the table."""
        place = f"devices/{name}"
        columns = {key: self._read(f"{place}/{key}") for key in self._file.names(place)}
        return self.device_facts(name) | columns

    def incomplete(self, device: str) -> bool:
        """Whether the table's own column of a device leaves networks out that its profile predicts.

        It was stored when networks that nobody measured had no figure; the profile is asked then.
        """
        stored = self._read(f"devices/{device}/latency_ms")[~self.outside]
        return bool(np.isnan(stored).any()) and device in shipped_devices()

    def costs(self, device: str) -> NetworkCosts:
        """Costs of all networks on a device of the table, or of any profile by name or as file.

        What was measured stands as it is; of the others the profile's latency model predicts what
        it can, and the provenance is then that of the least founded figure.

        Raises:
            UnknownNameError: neither a device of the table nor a profile.
            DeviceError: the profile covers none of the networks.
        """
        if self.given and device not in self.devices:
            raise UnknownNameError("device of the table", device, self.devices)
        if device in self.devices:
            columns = self.device_columns(device)
            if self.given:
                return given_costs(columns, self.macs, self.networks["params"])
            if self.incomplete(device):
                columns = self.profile_columns(device)
        else:
            columns = self.profile_columns(device)
        costs = network_costs(
            self.space,
            self.genomes,
            self.n_classes,
            latency_ms=columns["latency_ms"],
            energy_mj=columns["energy_mj"],
            gate_ms=float(columns["gate_ms"]),
            provenance=column_words(columns),
            macs=self.networks["macs"],
            exits=self.exits,
            trunk_ms=columns.get("trunk_ms"),
            precisions=self.networks["precision"],
        )
        return with_external(costs, self.networks)

    def profile_columns(self, device: str) -> dict[str, Any]:
        """Columns and facts of a device from its profile; of external networks from the table.

        Raises:
            UnknownNameError: neither a device of the table nor a profile.
            DeviceError: the profile covers none of the networks.
        """
        names, inside = {*self.devices, *shipped_devices(), *user_devices()}, ~self.outside
        if device not in names and not device.endswith(".json"):
            raise UnknownNameError("device", device, names, HOW_TO_ADD)
        columns = device_columns(
            load_device(device),
            self.space,
            [str(a) for a in self.networks["architecture"][inside]],
            self.exits[inside],
            self.networks["precision"][inside],
        )
        if inside.all():
            return columns
        stored = self.device_columns(device) if device in self.devices else None
        return placed_columns(columns, self.outside, stored)

    def contents(self) -> TableContents:
        """The whole table in memory, to write another one from."""
        return TableContents(
            name=self.name,
            space=self.space.name,
            dataset=self.dataset,
            n_classes=self.n_classes,
            choices=self.choices,
            networks=self.networks,
            val_index=self.val_index,
            predictions={split: self.predictions(split) for split in SPLITS},
            devices={name: self.device_columns(name) for name in self.devices},
            training=self.training,
            reference_points=self.reference_points,
        )
