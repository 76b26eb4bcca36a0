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
from .packing import EXPECTED_FROM, expectations, pack_answers, pack_codes
from .rows import NUMBER_COLUMNS, TEXT_COLUMNS, check_rows, completed
from .table_contents import Predictions, TableContents, quantisation
from .table_manifest import write_manifest
from .table_schema import FORMAT, SPLITS, schema_needed, space_of

_SAMPLED = 200  # networks of a large table whose codes say what to expect
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
    new = streamed_hdf5 if large else new_hdf5
    with new(path, replaces, libver="v110") as file:
        make_groups(file, "networks", "packing", "splits", *(f"predictions/{s}" for s in SPLITS))
        make_groups(file, *(f"devices/{name}" for name in contents.devices))
        file.attrs.update(
            format=FORMAT,
            schema_version=schema_needed(space.name, contents.n_classes, metrics, values),
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
        tables = expectations([_sample(contents.predictions[s]) for s in SPLITS])
        for name, table in tables.items():
            file.create_dataset(f"packing/{name}", data=table, compression="gzip")
            file[f"packing/{name}"].attrs["given"] = json.dumps(EXPECTED_FROM[name])
        for split in SPLITS:
            stored = contents.predictions[split]
            file[f"splits/{split}_labels"] = stored.labels
            if large:
                _write_rows(file[f"predictions/{split}"], stored, tables, contents.n_classes)
                continue
            answers = pack_answers(stored.top1, stored.labels, contents.n_classes)
            packed = {"top1": answers, **pack_codes(stored.codes, tables)}
            packed |= {name: np.asarray(v, np.float32) for name, v in stored.values.items()}
            for name, array in packed.items():
                file.create_dataset(
                    f"predictions/{split}/{name}",
                    data=array,
                    chunks=(1, array.shape[1]),
                    compression="gzip",
                    compression_opts=9,
                )
        for name, columns in sorted(contents.devices.items()):
            group = file[f"devices/{name}"]
            for key, value in sorted(columns.items()):
                if isinstance(value, np.ndarray):
                    group[key] = value
                else:
                    group.attrs[key] = json.dumps(value)
    write_manifest(path, facts, None)
    return facts["sha256"]


def _sample(stored: Predictions) -> Mapping[str, NDArray[np.uint8]]:
    """The codes that say what is expected of one another: of all networks, or of some of many."""
    if not isinstance(stored, LazyPredictions):
        return stored.codes
    rows = np.unique(np.linspace(0, len(stored.top1) - 1, _SAMPLED).astype(np.intp))
    return {name: codes[rows] for name, codes in stored.codes.items()}


def _write_rows(
    group: Any, stored: Predictions, tables: Mapping[str, NDArray[np.uint8]], n_classes: int
) -> None:
    """Writes the answers of one network after the other."""
    shape, options = stored.top1.shape, {"compression": "gzip", "compression_opts": _QUICK}
    columns: dict[str, Any] = {"top1": stored.top1.dtype}
    columns |= dict.fromkeys(stored.codes, np.dtype(np.uint8))
    columns |= dict.fromkeys(stored.values, np.dtype(np.float32))
    for name, dtype in columns.items():
        group.create_dataset(name, shape, dtype, chunks=(1, shape[1]), **options)
    for row in range(shape[0]):
        codes = {name: values[row] for name, values in stored.codes.items()}
        packed = {
            "top1": pack_answers(stored.top1[row], stored.labels, n_classes),
            **pack_codes(codes, tables),
            **{name: values[row] for name, values in stored.values.items()},
        }
        for name, values in packed.items():
            group[name][row] = values
