"""Writes a benchmark table, laid out as ``table_schema.py`` says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import file_hash
from .hdf5_writer import make_groups, new_hdf5, streamed_hdf5
from .lazy_rows import LazyPredictions
from .packing import EXPECTED_FROM, Packing, class_order, expectations, image_order
from .rows import EXTERNAL, NUMBER_COLUMNS, TEXT_COLUMNS, check_rows, completed, fp32_twins
from .table_contents import Predictions, TableContents, quantisation
from .table_manifest import write_manifest
from .table_schema import (
    ALWAYS,
    BESIDE,
    FORMAT,
    SPLITS,
    images_place,
    order_place,
    schema_needed,
    space_of,
)

_SAMPLED = 200  # networks of a large table whose codes say what to expect
#: Networks that share a chunk of ordered images: of each the bytes of images that are alike.
_TOGETHER = 8
_QUICK = 4  # level of gzip of a large table; 9 takes four times as long for some per cent


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
    networks = completed(contents.networks)
    space = space_of(contents.space, networks)
    check_rows(networks)
    first = contents.predictions[SPLITS[0]]
    metrics, values = tuple(first.codes), tuple(first.values)
    facts = {"file": path.name, "name": contents.name}

    def replaces(sha256: str) -> None:
        # Two files cannot be replaced at once: until the table is, the manifest fits both.
        facts["sha256"] = sha256
        write_manifest(path, facts, file_hash(path) if path.exists() else None)

    large = any(isinstance(part, LazyPredictions) for part in contents.predictions.values())
    packing = _packing_for(contents, networks, large)
    new = streamed_hdf5 if large else new_hdf5
    with new(path, replaces, libver="v110") as file:
        make_groups(file, "networks", "packing", "splits", *(f"predictions/{s}" for s in SPLITS))
        make_groups(file, *(f"devices/{name}" for name in contents.devices))
        file.attrs.update(
            format=FORMAT,
            schema_version=schema_needed(
                space.name,
                contents.n_classes,
                metrics,
                values,
                packing.further,
                bool((networks["training"] == EXTERNAL).any()),
                bool(packing.images),
            ),
            name=contents.name,
            space=space.name,
            space_hash=space.hash,
            dataset=contents.dataset,
            n_classes=contents.n_classes,
            choices=json.dumps(contents.choices),
            code_version=code_version,
            created=created,
            training=json.dumps(contents.training),
            quantisation=json.dumps(quantisation(contents.n_classes, metrics)),
            reference_points=json.dumps(contents.reference_points),
        )
        for name in TEXT_COLUMNS:
            file[f"networks/{name}"] = np.char.encode(networks[name].astype("U"), "utf-8")
        for name in NUMBER_COLUMNS:
            file[f"networks/{name}"] = np.asarray(networks[name], np.int64)
        file["networks/held_out"] = np.asarray(networks["held_out"], bool)
        file["splits/val_index"] = contents.val_index
        _write_packing(file["packing"], packing)
        for split in SPLITS:
            stored = contents.predictions[split]
            file[f"splits/{split}_labels"] = stored.labels
            if large:
                _write_rows(file[f"predictions/{split}"], split, stored, packing)
                continue
            columns = packing.pack(split, stored.labels, stored.top1, stored.codes)
            columns |= {name: np.asarray(v, np.float32) for name, v in stored.values.items()}
            for name, array in columns.items():
                file.create_dataset(
                    f"predictions/{split}/{name}",
                    data=array,
                    chunks=_chunks(array.shape, split in packing.images and name not in values),
                    compression="gzip",
                    compression_opts=9,
                )
        for name, facts_of in sorted(contents.devices.items()):
            group = file[f"devices/{name}"]
            for key, value in sorted(facts_of.items()):
                if isinstance(value, np.ndarray):
                    group[key] = value
                else:
                    group.attrs[key] = json.dumps(value)
    write_manifest(path, facts, None)
    return facts["sha256"]


def _chunks(shape: tuple[int, ...], ordered: bool) -> tuple[int, int]:
    """Networks and images that are compressed together."""
    return (_TOGETHER, -(-shape[1] // _TOGETHER)) if ordered else (1, shape[1])


def _sample(stored: Predictions) -> Mapping[str, NDArray[np.uint8]]:
    """The codes that say what is expected of one another: of all networks, or of some of many."""
    if not isinstance(stored, LazyPredictions):
        return stored.codes
    rows = np.unique(np.linspace(0, len(stored.top1) - 1, _SAMPLED).astype(np.intp))
    return {name: codes[rows] for name, codes in stored.codes.items()}


def _packing_for(
    contents: TableContents, networks: Mapping[str, NDArray[Any]], large: bool
) -> Packing:
    """What is expected of a table's answers; of a large one no more than some networks say."""
    stored, n_classes = contents.predictions, contents.n_classes
    tables = expectations([_sample(stored[split]) for split in SPLITS])
    if large:
        return Packing(n_classes, tables)
    orders = {s: class_order(stored[s].top1, stored[s].labels, n_classes) for s in SPLITS}
    beside = fp32_twins(networks)
    images = {split: image_order(stored[split].codes[ALWAYS]) for split in SPLITS}
    return Packing(
        n_classes,
        tables,
        orders={split: order for split, order in orders.items() if order is not None},
        beside=beside if (beside >= 0).any() else None,
        images={split: order for split, order in images.items() if order is not None},
    )


def _write_packing(group: Any, packing: Packing) -> None:
    """Writes what is expected of answers."""
    for name, table in packing.tables.items():
        group.create_dataset(name, data=table, compression="gzip")
        group[name].attrs["given"] = json.dumps(EXPECTED_FROM[name])
    for split, order in packing.orders.items():
        name = order_place(split)
        group.create_dataset(name, data=order, compression="gzip", compression_opts=9)
    for split, images in packing.images.items():
        group.create_dataset(
            images_place(split), data=images, compression="gzip", compression_opts=9
        )
    if packing.beside is not None:
        group[BESIDE] = packing.beside


def _write_rows(group: Any, split: str, stored: Predictions, packing: Packing) -> None:
    """Writes the answers of one network after the other."""
    shape, options = stored.top1.shape, {"compression": "gzip", "compression_opts": _QUICK}
    columns: dict[str, Any] = {"top1": stored.top1.dtype}
    columns |= dict.fromkeys(stored.codes, np.dtype(np.uint8))
    columns |= dict.fromkeys(stored.values, np.dtype(np.float32))
    for name, dtype in columns.items():
        group.create_dataset(name, shape, dtype, chunks=(1, shape[1]), **options)
    for row in range(shape[0]):
        codes = {name: values[row] for name, values in stored.codes.items()}
        packed = packing.pack(split, stored.labels, stored.top1[row], codes)
        packed |= {name: values[row] for name, values in stored.values.items()}
        for name, values in packed.items():
            group[name][row] = values
