"""Writes a benchmark table, laid out as ``table_schema.py`` says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .files import file_hash
from .hdf5_writer import make_groups, new_hdf5
from .packing import EXPECTED_FROM, expectations, pack_answers, pack_codes
from .rows import NUMBER_COLUMNS, TEXT_COLUMNS, check_rows, completed
from .table_contents import TableContents, quantisation
from .table_manifest import write_manifest
from .table_schema import FORMAT, SPLITS, schema_needed, space_of


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

    with new_hdf5(path, replaces, libver="v110") as file:
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
        tables = expectations([contents.predictions[s].codes for s in SPLITS])
        for name, table in tables.items():
            file.create_dataset(f"packing/{name}", data=table, compression="gzip")
            file[f"packing/{name}"].attrs["given"] = json.dumps(EXPECTED_FROM[name])
        for split in SPLITS:
            stored = contents.predictions[split]
            file[f"splits/{split}_labels"] = stored.labels
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
