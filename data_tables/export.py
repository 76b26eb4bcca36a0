"""A table for other tools: Parquet or CSV files of networks, images and answers; or newer HDF5.

Parquet and CSV become a folder: ``networks`` (one row a network, every figure with its provenance),
``images`` (split and true class), and what every network answered to every image. In Parquet that
is one row a network, in ``val.parquet`` and ``test.parquet``, with lists over the images. In CSV it
is one matrix a column, such as ``val_top1.csv``, with a line for each network.
"""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..bench import Benchmark
from ..bench.errors import EXTRA_OF, BigLittleError, MissingExtraError
from ..bench.files import check_writable, replacing
from ..bench.growth import grown
from ..bench.table_contents import quantisation
from ..bench.table_schema import SPLITS
from ..bench.table_writer import write_table
from ..bench.tabular import csv_text
from ..bench.text_files import plain_cell

FORMATS = ("parquet", "csv", "h5")
_GROUP = 64  # networks whose answers are in memory together

Progress = Callable[[int, int], object]


def export_table(
    name: str, out: Path, form: str, on_progress: Progress = lambda done, total: None
) -> list[Path]:
    """Writes a table in another form; returns the paths of the files.

    Args:
        name: name of a table, or path of its file.
        out: folder to write into; of "h5" a file.
        form: "parquet", "csv", or "h5", which is a table of the newest schema that it needs.
        on_progress: is told how many networks of how many are written.

    Raises:
        BigLittleError: another form, or the place cannot be written to.
        MissingExtraError: pyarrow is not installed.
    """
    if form not in FORMATS:
        raise BigLittleError(f"--format {form} is not one of {', '.join(FORMATS)}.")
    bench = Benchmark.load(name)
    if form == "h5":
        return _as_table(bench, out)
    check_writable(out)
    with contextlib.ExitStack() as stack:
        written: list[Path] = []

        def new(file: str) -> Path:
            written.append(out / file)
            return stack.enter_context(replacing(out / file))

        facts = {**bench.info(), "quantisation": quantisation(bench.table.n_classes)}
        new("table.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        (_parquet if form == "parquet" else _csv)(bench, new, on_progress)
    return written


def _as_table(bench: Benchmark, out: Path) -> list[Path]:
    """A copy in the lowest schema version of today that holds the table, with its manifest.

    It says which table it is a copy of, so that what was found with that one holds for it.
    """
    if out.suffix not in (".h5", ".hdf5"):
        raise BigLittleError(f"--out {out} does not end in .h5; name the file of the new table.")
    if out.exists() and out.samefile(bench.table.path):
        raise BigLittleError(f"--out {out} is the table itself; name another file.")
    check_writable(out.parent, out.name)
    table = bench.table
    contents = replace(table.contents(), training=grown(table.training, table.sha256, ()))
    write_table(out, contents, __version__, datetime.now(UTC).isoformat(timespec="seconds"))
    return [out, out.with_suffix(".json")]


def _images(bench: Benchmark) -> dict[str, NDArray[Any]]:
    """Split, place in it and true class of every image."""
    labels = {split: bench.table.predictions(split).labels for split in SPLITS}
    return {
        "split": np.concatenate([np.full(len(y), split) for split, y in labels.items()]),
        "image": np.concatenate([np.arange(len(y)) for y in labels.values()]),
        "label": np.concatenate(list(labels.values())).astype(np.int64),
    }


def _rows(bench: Benchmark, split: str) -> Iterator[tuple[int, dict[str, NDArray[Any]]]]:
    """First row and columns of some networks at a time, all of a split."""
    stored = bench.table.predictions(split)
    columns = {"top1": stored.top1, **stored.codes, **stored.values}
    for start in range(0, len(stored.top1), _GROUP):
        part = slice(start, start + _GROUP)
        yield start, {name: np.asarray(values[part]) for name, values in columns.items()}


def _parquet(bench: Benchmark, new: Callable[[str], Path], on_progress: Progress) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", EXTRA_OF["pyarrow"], "writing Parquet") from error

    for file, columns in (("networks", bench.networks().columns()), ("images", _images(bench))):
        parquet.write_table(pyarrow.table(dict(columns)), new(f"{file}.parquet"))
    names, total = bench.table.names, len(SPLITS) * len(bench.table)
    for number, split in enumerate(SPLITS):
        path, writer = new(f"{split}.parquet"), None
        with contextlib.ExitStack() as stack:
            for start, columns in _rows(bench, split):
                n, n_images = columns["top1"].shape
                arrays = {
                    name: pyarrow.FixedSizeListArray.from_arrays(values.ravel(), n_images)
                    for name, values in columns.items()
                }
                chunk = pyarrow.table({"network": names[start : start + n], **arrays})
                writer = writer or stack.enter_context(parquet.ParquetWriter(path, chunk.schema))
                writer.write_table(chunk)
                on_progress(number * len(bench.table) + start + n, total)


def _csv(bench: Benchmark, new: Callable[[str], Path], on_progress: Progress) -> None:
    for file, columns in (("networks", bench.networks().columns()), ("images", _images(bench))):
        new(f"{file}.csv").write_text(csv_text(columns), encoding="utf-8", newline="")
    names, total = [plain_cell(str(name)) for name in bench.table.names], 2 * len(bench.table)
    for number, split in enumerate(SPLITS):
        with contextlib.ExitStack() as stack:
            files: dict[str, Any] = {}
            for start, columns in _rows(bench, split):
                for name, values in columns.items():
                    if name not in files:
                        path = new(f"{split}_{name}.csv")
                        text = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
                        files[name] = csv.writer(text, lineterminator="\n")
                        files[name].writerow(["network", *range(values.shape[1])])
                    for i, row in enumerate(values.tolist()):
                        files[name].writerow([names[start + i], *row])
                on_progress(number * len(names) + start + len(values), total)
