"""What a table's file has to hold: its layout, its columns, and the values that they may have.

Layout (schema versions 2 to 6)::

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
                     about (provenance), from where, and what the gate takes. With exits trunk_ms,
                     what is run before them; where networks differ in how a figure came about,
                     latency_ms_provenance, energy_mj_provenance: uint8, places in PROVENANCES

Schema 3 is what a table is written in that schema 2 cannot hold. It has, beyond that, one or more
of these:

- labels and top1 of uint16 or uint32, for more than 256 classes;
- ``max_prob`` alone of the metrics, where answers came as top-1 and confidence;
- ``log_sum_exp`` of the logits, float32, shape (n_networks, n_images), where they came as these;
- the space ``given``: architecture is a free text, UTF-8, and the space the list of these; macs
  and params are 0 where nobody said them, and a device has weights_mib and activation_mib where
  somebody did.

Schema 4 is that of tables with many networks for their classes, or with networks in fp32 and in
another precision too. It has one or both of these:

- ``/packing/val_classes``, ``/packing/test_classes``: the classes of each image in the order of
  how many networks gave them, uint8, shape (n_classes, n_images): top1 has places in it;
- ``/packing/beside``: of each network the row from which its distance is stored, or -1.

Schema 5 is that of tables with networks that are no architecture of their space: their training
is ``external`` and their architecture a name. Of macs and params 0 is what nobody said.

Schema 6 is that of tables whose images are stored in another order than they are numbered in:

- ``/packing/val_images``, ``/packing/test_images``: the image whose answers stand at each place,
  uint32, shape (n_images,). Labels, ``log_sum_exp`` and the classes of each image stand as ever.

Every other table is written in schema 2. Schema 1, without images, partner, role and held_out
and with predictions as they are, is read as well: all its networks are inherited ones.

``hdf5.py`` checks places, kinds and sizes while it walks the file; what the values mean is checked
here, once, before anything is answered from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .class_numbers import MAX_CLASSES, Classes, class_dtype
from .device_columns import FIGURE_COLUMNS, MAY_BE_ZERO, WORD_COLUMNS
from .documents import DocumentError, Line, NonNegative, json_of, typed
from .external_networks import check_names, genomes_of
from .gates import VALUES, stored_metrics
from .hdf5 import CheckedFile, Column, Hdf5Error
from .packing import Packing
from .provenance import PROVENANCES, Word
from .rows import NUMBER_COLUMNS, TEXT_COLUMNS, check_rows
from .spaces import GIVEN, SearchSpace, get_space, listed_space

FORMAT = "biglittle-table"
READABLE = (1, 2, 3, 4, 5, 6)
SPLITS = ("val", "test")
_SINCE_SCHEMA_2 = ("images", "partner", "role", "held_out", "coupling", "exit")
MAX_NAME = 200
_WIDE = 3  # first version with more than 256 classes, few metrics, and networks of no space
_FURTHER = 4  # first version with answers packed by other networks
_OUTSIDE = 5  # first version with networks that are no architecture of the space
_SORTED = 6  # first version with images in an order of their own
#: Where the rows stand that others are stored beside.
BESIDE = "beside"
ALWAYS = "max_prob"  # the one metric that every table has


def order_place(split: str) -> str:
    """Name of the data set with the order of the classes of each image of a split."""
    return f"{split}_classes"


def images_place(split: str) -> str:
    """Name of the data set with the image whose answers stand at each place of a split."""
    return f"{split}_images"


def schema_needed(
    space: str,
    n_classes: int,
    metrics: Sequence[str],
    values: Sequence[str] = (),
    further: bool = False,
    outside: bool = False,
    ordered: bool = False,
) -> int:
    """The lowest schema version that holds a table, so that older code reads what it can.

    Args:
        space: name of the search space.
        n_classes: number of classes of the classifier.
        metrics: gate metrics that the table stores.
        values: further values of answers that it stores, of ``gates.VALUES``.
        further: whether its answers are packed by what other networks answer.
        outside: whether it has networks that are no architecture of the space.
        ordered: whether its images are stored in an order of their own.
    """
    if ordered:
        return _SORTED
    if outside:
        return _OUTSIDE
    if further:
        return _FURTHER
    narrow = class_dtype(n_classes).itemsize == 1
    plain = narrow and space != GIVEN and set(metrics) == set(stored_metrics()) and not values
    return _WIDE - 1 if plain else _WIDE


def space_of(name: str, networks: Mapping[str, NDArray[Any]]) -> SearchSpace:
    """The space of a table's networks: one that is registered, or the list of those given.

    Raises:
        UnknownNameError: no space has this name.
        ArchitectureError: a name that is there twice or cannot be one, of networks that were given.
    """
    if name != GIVEN:
        return get_space(name)
    return listed_space([str(architecture) for architecture in networks["architecture"]])


def declared_columns() -> dict[str, Column]:
    """What is expected of every data set of a table, by its path."""
    out = {
        f"networks/{name}": Column(kinds, ("networks",), name not in _SINCE_SCHEMA_2)
        for kinds, names in (("S", TEXT_COLUMNS), ("iu", NUMBER_COLUMNS), ("b", ("held_out",)))
        for name in names
    }
    out["splits/val_index"] = Column("iu", ("val",))
    for split in SPLITS:
        out[f"splits/{split}_labels"] = Column("u", (split,))
        out[f"predictions/{split}/top1"] = Column("u", ("networks", split))
        for name in stored_metrics():
            needed = name == ALWAYS
            column = Column("u", ("networks", split), required=needed, itemsize=1)
            out[f"predictions/{split}/{name}"] = column
        for name in VALUES:
            column = Column("f", ("networks", split), required=False, itemsize=4)
            out[f"predictions/{split}/{name}"] = column
        out[f"packing/{order_place(split)}"] = Column("u", ("classes", split), False, itemsize=1)
        out[f"packing/{images_place(split)}"] = Column("u", (split,), False, itemsize=4)
    out[f"packing/{BESIDE}"] = Column("i", ("networks",), required=False, itemsize=8)
    out["packing/*"] = Column("u", None, required=False, itemsize=1)
    for name in WORD_COLUMNS:
        out[f"devices/*/{name}"] = Column("u", ("networks",), required=False, itemsize=1)
    out["devices/*/*"] = Column("f", ("networks",), required=False)
    return out


def name_in(attributes: Mapping[str, Any], key: str) -> str:
    """A short printable text among attributes.

    Raises:
        Hdf5Error: it is missing, too long or not printable.
    """
    value = attributes.get(key)
    if not isinstance(value, str) or len(value) > MAX_NAME or not value.isprintable():
        raise Hdf5Error(f"attribute {key!r} is missing or is not one line of text")
    return value


def number_in(attributes: Mapping[str, Any], key: str) -> int:
    """A whole number among attributes.

    Raises:
        Hdf5Error: it is missing or no whole number.
    """
    value = attributes.get(key)
    if type(value) is not int:
        raise Hdf5Error(f"attribute {key!r} is missing or is not a whole number")
    return value


def classes_in(attributes: Mapping[str, Any]) -> int:
    """The number of classes of a table.

    Raises:
        Hdf5Error: it is not one that fits answers of the schema's width.
    """
    n_classes = number_in(attributes, "n_classes")
    most = MAX_CLASSES if number_in(attributes, "schema_version") >= _WIDE else 256
    if not 1 <= n_classes <= most:
        raise Hdf5Error(f"attribute 'n_classes' is {n_classes}, expected 1 to {most}")
    return n_classes


def columns_of(file: CheckedFile, version: int) -> tuple[str, ...]:
    """The gate metrics and values that a table stores of answers, the same of both splits.

    Raises:
        Hdf5Error: one is missing that the schema asks for, or is there of one split alone.
    """
    places = {
        name: [f"predictions/{s}/{name}" for s in SPLITS] for name in (*stored_metrics(), *VALUES)
    }
    missing = {name: [at for at in where if at not in file] for name, where in places.items()}
    for name, gaps in missing.items():
        if gaps and (len(gaps) < len(SPLITS) or (version < _WIDE and name not in VALUES)):
            raise Hdf5Error(f"{gaps[0]!r} is missing")
    return tuple(name for name, gaps in missing.items() if not gaps)


def json_in(attributes: Mapping[str, Any], key: str, kind: Any, default: Any = None) -> Any:
    """What the JSON text of an attribute holds.

    Args:
        attributes: attributes of a group or a data set.
        key: name of one of them.
        kind: type that it has to have.
        default: where there is no such attribute; None where there has to be one.

    Raises:
        Hdf5Error: it is missing, no JSON, or of another type.
    """
    if key not in attributes and default is not None:
        return default
    try:
        return json_of(attributes.get(key), kind, f"attribute {key!r}")
    except ValueError as error:
        raise Hdf5Error(str(error)) from error


class _DeviceFacts(Struct):
    """The facts of a device of a table that are read."""

    gate_ms: NonNegative
    provenance: dict[Line, Word]
    description: str = ""
    runtime: str = ""
    source: str = ""
    power_source: str = ""


def facts_of(attributes: Mapping[str, Any], device: str) -> dict[str, Any]:
    """The facts of a device of a table.

    Raises:
        Hdf5Error: a fact that is missing or of another type.
    """
    facts = {key: json_in(attributes, key, Any) for key in attributes}
    try:
        typed(facts, _DeviceFacts, f"device {device}")
    except DocumentError as error:
        raise Hdf5Error(str(error)) from error
    return facts


def check_networks(
    networks: Mapping[str, NDArray[Any]], space: SearchSpace, choices: tuple[str, ...]
) -> None:
    """Nothing, if the rows are of the space, unique, and their numbers possible.

    Raises:
        Hdf5Error: a column is impossible; the message names it.
        TableError: a row is there twice or lacks its partner; the message names it.
        ArchitectureError: an id is not of the space; the message names it.
    """
    if not all(isinstance(choice, str) for choice in choices) or set(choices) - set(space.choices):
        raise Hdf5Error(f"its choices are not all of space {space.name!r}")
    for name in NUMBER_COLUMNS:
        if networks[name].size and networks[name].min() < 0:
            raise Hdf5Error(f"networks/{name} has {networks[name].min()}, expected at least 0")
    genomes_of(space, networks)
    check_names(space, networks)
    space.exit_numbers([str(name) for name in networks["exit"]])
    check_rows(networks)


def check_splits(file: CheckedFile, n_classes: int) -> None:
    """Nothing, if labels are of the classes and no image is held out twice.

    Raises:
        Hdf5Error: names the data set.
    """
    for split in SPLITS:
        check_classes(f"splits/{split}_labels", file.read(f"splits/{split}_labels"), n_classes)
    index = file.read("splits/val_index")
    if index.size and (index.min() < 0 or len(np.unique(index)) != len(index)):
        raise Hdf5Error("'splits/val_index' has an image twice or a negative number")


def check_classes(place: str, values: Classes, n_classes: int) -> None:
    """Nothing, if all values are numbers of classes, in as many bytes as these need.

    Raises:
        Hdf5Error: names the place and the type or the largest value.
    """
    if values.dtype != class_dtype(n_classes):
        raise Hdf5Error(
            f"{place!r} is of type {values.dtype}, expected {class_dtype(n_classes)} for "
            f"{n_classes} classes"
        )
    if values.size and values.max() >= n_classes:
        raise Hdf5Error(f"{place!r} has class {values.max()}, expected less than {n_classes}")


def check_values(place: str, values: Mapping[str, NDArray[Any]]) -> None:
    """Nothing, if all values of answers are finite.

    Raises:
        Hdf5Error: names the place of a value that is not.
    """
    for name, array in values.items():
        if not np.isfinite(array).all():
            raise Hdf5Error(f"'{place}/{name}' has NaN or infinity, expected finite numbers")


def check_devices(file: CheckedFile) -> None:
    """Nothing, if every device has its columns and facts, and its figures are possible.

    A figure that was not measured is NaN.

    Raises:
        Hdf5Error: names the device and the column.
    """
    for device in file.names("devices"):
        if len(device) > MAX_NAME or not device.isprintable():
            raise Hdf5Error("a device has a name that is not one short line of text")
        facts_of(file.attributes[f"devices/{device}"], device)
        missing = [name for name in FIGURE_COLUMNS if f"devices/{device}/{name}" not in file]
        if missing:
            raise Hdf5Error(f"device {device} has no column {missing[0]}")
        for name in file.names(f"devices/{device}"):
            values = file.read(f"devices/{device}/{name}")
            if name in WORD_COLUMNS:
                if values.max(initial=0) >= len(PROVENANCES):
                    raise Hdf5Error(
                        f"'devices/{device}/{name}' has {values.max()}, expected less than "
                        f"{len(PROVENANCES)}: {', '.join(PROVENANCES)}"
                    )
                continue
            measured = values[~np.isnan(values)]
            low = measured >= 0 if name in MAY_BE_ZERO else measured > 0
            impossible = measured[~(low & np.isfinite(measured))]
            if impossible.size:
                least = "of at least 0" if name in MAY_BE_ZERO else "above 0"
                raise Hdf5Error(
                    f"'devices/{device}/{name}' has {impossible[0]}, expected finite numbers "
                    f"{least}, or NaN where nothing was measured"
                )


def packing_of(file: CheckedFile, n_classes: int) -> Packing:
    """How the answers of a table are packed.

    Args:
        file: the table's file, of schema 2 or later.
        n_classes: number of classes of the classifier.

    Raises:
        Hdf5Error: a table of another size, of no metric, or metrics that wait for one another; an
            order that lacks a class or an image; a row beside one that is not stored as it is.
    """
    orders = {s: _order_of(file, s, n_classes) for s in SPLITS if _packed(order_place(s)) in file}
    images = {s: _images_of(file, s) for s in SPLITS if _packed(images_place(s)) in file}
    others = {BESIDE, *(place(split) for split in SPLITS for place in (order_place, images_place))}
    names, given = [name for name in file.names("packing") if name not in others], {}
    ready = [name for name in stored_metrics() if name not in names]
    for name in names:
        place = _packed(name)
        given[name] = json_in(file.attributes[place], "given", list[str])
        if name not in stored_metrics() or not given[name]:
            raise Hdf5Error(f"{place!r} is not about a metric of the table")
        if file.shape(place) != (256,) * len(given[name]):
            raise Hdf5Error(
                f"{place!r} has shape {file.shape(place)}, expected 256 for each metric"
            )
    waiting = list(names)
    while waiting:
        following = [n for n in waiting if all(g in ready for g in given[n])]
        if not following:
            raise Hdf5Error(f"'packing/{waiting[0]}' is given by metrics that are not there")
        ready += following
        waiting = [n for n in waiting if n not in following]
    tables = {name: file.read(_packed(name)) for name in names}
    return Packing(n_classes, tables, given, orders, _beside_of(file), images)


def _packed(name: str) -> str:
    return f"packing/{name}"


def _order_of(file: CheckedFile, split: str, n_classes: int) -> NDArray[np.uint8]:
    place = _packed(order_place(split))
    order: NDArray[np.uint8] = file.read(place)
    if len(order) != n_classes or (np.sort(order, axis=0) != np.arange(len(order))[:, None]).any():
        raise Hdf5Error(f"{place!r} does not name each of the {n_classes} classes once an image")
    return order


def _images_of(file: CheckedFile, split: str) -> NDArray[np.uint32]:
    place = _packed(images_place(split))
    images: NDArray[np.uint32] = file.read(place)
    if (np.sort(images) != np.arange(len(images))).any():
        raise Hdf5Error(f"{place!r} does not name each of the {len(images)} images once")
    return images


def _beside_of(file: CheckedFile) -> NDArray[np.int64] | None:
    place = _packed(BESIDE)
    if place not in file:
        return None
    rows: NDArray[np.int64] = file.read(place)
    there = rows[rows != -1]
    if ((there < 0) | (there >= len(rows))).any() or (rows[there] != -1).any():
        raise Hdf5Error(f"{place!r} names a row that is not there or stands beside another itself")
    return rows
