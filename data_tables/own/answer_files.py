"""Files of answers, labels and ids: arrays by NumPy, CSV and Parquet by Arrow.

A ``.npy`` file stays on disk and is read as it is looked at; of an ``.npz`` or a table one network
at a time is in memory. Nothing of a file is run: one that holds Python objects is refused.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.bounded import LimitError, check_regular
from ...bench.errors import AnswersError, MissingExtraError
from ...bench.files import why_unreadable
from ...bench.npz import ArrayFileError, Wanted, map_npy, npz_names, read_npy, read_npz
from ...bench.own.answers import KINDS
from .onnx_answers import ONNX

ARRAYS, TABLES = (".npy", ".npz"), (".csv", ".parquet")
ENDINGS = (*ARRAYS, *TABLES)
MAX_TABLE_BYTES = 2**34
#: Columns that are not classes.
_IDS = ("id", "ids", "image", "image_id", "filename", "file", "", "Unnamed: 0", "__index_level_0__")
_LABELS = ("label", "labels", "target", "y", "class")
_TOP1, _CONFIDENCE = "top1", "confidence"


@dataclass(frozen=True)
class FileAnswers:
    """What one network of a file answered.

    Attributes:
        given: what ``Benchmark.from_answers`` takes: an array, or the pair (top1, confidence).
        ids: what tells its rows apart, shape (n_images,); None where the file does not say.
        kind: what an array holds, as its name in the file says; None where it does not.
    """

    given: Any
    ids: NDArray[Any] | None = None
    kind: str | None = None


def networks_in(path: Path, runs: bool = False) -> tuple[str, ...]:
    """Names of the arrays that are networks of one file; "" alone where the file is one network.

    Args:
        path: path of a file of answers, or of a network.
        runs: whether inputs were given, on which networks in ONNX files are run.

    Raises:
        AnswersError: a file of another form, or one that cannot be read.
    """
    if not path.exists():
        raise _unreadable(path, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
    if path.suffix == ONNX and not runs:
        raise AnswersError(
            f"{path} is a network and not what it answered. Add --inputs X.npy, an input for each "
            "label as the network takes them, shape (images, channels, height, width): it is run "
            f"on them here. Or run it yourself, np.save('{path.stem}.npy', answers), and give that "
            "file."
        )
    if path.suffix not in (ENDINGS, (*ENDINGS, ONNX))[runs]:
        raise AnswersError(
            f"{path} is not one of {', '.join(ENDINGS)}; give answers in such a file."
        )
    if path.suffix != ".npz":
        return ("",)
    names = [n for n in _names(path) if n not in (*_IDS, *_LABELS)]
    one = len(names) == 1 or {_TOP1, _CONFIDENCE} <= set(names)
    return ("",) if one else tuple(names)


def read_answers(path: Path, name: str = "") -> FileAnswers:
    """What one network of a file answered.

    Args:
        path: path of a file of arrays or of a table.
        name: name of the network's array in an ``.npz`` file, as of `networks_in`.

    Raises:
        AnswersError: it cannot be read, or holds no answers; says what it holds.
    """
    if path.suffix == ".npy":
        return FileAnswers(_array(path))
    if path.suffix == ".npz":
        return _from_npz(path, name)
    return _from_columns(path, _columns(path))


def read_labels(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Labels in a file, and what tells the images apart where it says so.

    Raises:
        AnswersError: it cannot be read, or holds several columns of which none is called label.
    """
    columns = _arrays(path)
    ids = _first(columns, _IDS)
    labels = _first(columns, _LABELS)
    if labels is None:
        others = [name for name in columns if name not in _IDS]
        if len(others) != 1:
            raise AnswersError(
                f"{path} holds {_listed(columns)}; expected labels alone, or called 'label'."
            )
        labels = columns[others[0]]
    return labels, ids


def read_inputs(path: Path) -> NDArray[Any]:
    """Inputs of networks in a ``.npy`` file, shape (n_images, ...); they stay on disk.

    Raises:
        AnswersError: another form of file, or one that cannot be read.
    """
    if path.suffix != ".npy":
        raise AnswersError(f"--inputs {path} is not a .npy file; write one: np.save(file, x).")
    return _array(path)


def read_ids(path: Path) -> NDArray[Any]:
    """Ids of images, or images, in a file.

    Raises:
        AnswersError: it cannot be read, or holds several arrays of which none is called id.
    """
    columns = _arrays(path, "biufUS")
    ids = _first(columns, _IDS)
    if ids is None:
        if len(columns) != 1:
            raise AnswersError(
                f"{path} holds {_listed(columns)}; expected ids or images alone, or called 'id'."
            )
        ids = next(iter(columns.values()))
    return ids


# ---- arrays --------------------------------------------------------------------------------
def _array(path: Path, kinds: str = "iuf") -> NDArray[Any]:
    try:
        return map_npy(path, kinds) if set(kinds) <= set("iuf") else read_npy(path, kinds)
    except (ArrayFileError, OSError) as error:
        raise _unreadable(path, error) from error


def _names(path: Path) -> tuple[str, ...]:
    try:
        return npz_names(path)
    except (ArrayFileError, OSError) as error:
        raise _unreadable(path, error) from error


def _members(path: Path, names: Mapping[str, str], only: list[str]) -> dict[str, NDArray[Any]]:
    wanted = {name: Wanted(kinds, None, required=False) for name, kinds in names.items()}
    try:
        return read_npz(path, wanted, only)
    except (ArrayFileError, OSError) as error:
        raise _unreadable(path, error) from error


def _from_npz(path: Path, name: str) -> FileAnswers:
    names = _names(path)
    every = {n: "biufUS" if n in _IDS else "biuf" for n in names}
    keys = next((n for n in names if n in _IDS), None)
    if {_TOP1, _CONFIDENCE} <= set(names) and not name:
        chosen = [_TOP1, _CONFIDENCE]
    else:
        chosen = [name or next((n for n in names if n not in (*_IDS, *_LABELS)), "")]
    if chosen[0] not in names:
        raise AnswersError(f"{path} holds {', '.join(names) or 'nothing'}; expected answers.")
    arrays = _members(path, every, [*chosen, *([keys] if keys else [])])
    given = arrays[chosen[0]] if len(chosen) == 1 else tuple(arrays[n] for n in chosen)
    kind = chosen[0] if chosen[0] in KINDS else None
    return FileAnswers(given, arrays[keys] if keys else None, kind)


def _arrays(path: Path, kinds: str = "biuf") -> dict[str, NDArray[Any]]:
    """Every array or column of a file, by name."""
    if path.suffix == ".npy":
        return {"values": _array(path, kinds)}
    if path.suffix == ".npz":
        every = {n: "biufUS" if n in _IDS else kinds for n in _names(path)}
        return _members(path, every, list(every))
    if path.suffix in TABLES:
        return _columns(path)
    raise AnswersError(f"{path} is not one of {', '.join(ENDINGS)}; give such a file.")


# ---- tables --------------------------------------------------------------------------------
def _columns(path: Path) -> dict[str, NDArray[Any]]:
    """The columns of a CSV or Parquet file, by name."""
    try:
        import pyarrow
        from pyarrow import csv, parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "frames", f"reading {path.suffix} files") from error
    try:
        check_regular(path, MAX_TABLE_BYTES)
        table = parquet.read_table(path) if path.suffix == ".parquet" else csv.read_csv(path)
        if path.suffix == ".csv" and _headless(table.column_names):
            options = csv.ReadOptions(autogenerate_column_names=True)
            table = csv.read_csv(path, read_options=options)
        columns = {n: table[n].to_numpy() for n in table.column_names}
    except (OSError, LimitError, pyarrow.ArrowException, ValueError) as error:
        raise _unreadable(path, error) from error
    if len(columns) != len(table.column_names):
        raise AnswersError(f"{path} has two columns of one name; expected each class once.")
    return {
        n: c.astype(np.str_) if c.dtype.kind == "O" and _texts(c) else c for n, c in columns.items()
    }


def _headless(names: list[str]) -> bool:
    """Whether what stands for the names of columns is the first row of numbers."""
    if names == [str(i) for i in range(len(names))]:
        return False  # classes, or whatever a frame without names is called
    try:
        return bool(names) and all(np.isfinite(float(name)) for name in names)
    except ValueError:
        return False


def _texts(column: NDArray[Any]) -> bool:
    return all(isinstance(entry, str) for entry in column.tolist())


def _from_columns(path: Path, columns: Mapping[str, NDArray[Any]]) -> FileAnswers:
    ids = _first(columns, _IDS)
    if {_TOP1, _CONFIDENCE} <= set(columns):
        return FileAnswers((columns[_TOP1], columns[_CONFIDENCE]), ids)
    classes = {n: c for n, c in columns.items() if n not in (*_IDS, *_LABELS)}
    odd = next((n for n, c in classes.items() if c.dtype.kind not in "biuf"), None)
    if odd is not None or not classes:
        got = f"column {odd!r} of {classes[odd].dtype}" if odd is not None else _listed(columns)
        raise AnswersError(
            f"{path} has {got}; expected a column of numbers for each class, or the columns top1 "
            "and confidence; beside them at most 'id' and 'label'."
        )
    return FileAnswers(np.stack(list(classes.values()), axis=1), ids)


def _first(columns: Mapping[str, NDArray[Any]], names: tuple[str, ...]) -> NDArray[Any] | None:
    return next((columns[name] for name in names if name in columns), None)


def _listed(columns: Mapping[str, Any]) -> str:
    named = ", ".join(list(columns)[:6]) or "nothing"
    return f"{named} and {len(columns) - 6} more" if len(columns) > 6 else named


def _unreadable(path: Path, error: Exception) -> AnswersError:
    reason = why_unreadable(error, f"{' '.join(str(error).split())[:300]}.")
    if "holds object" in str(error):
        reason = (
            "it holds Python objects (a pickle), which could run anything; save numbers: "
            "np.save(file, np.asarray(probabilities, np.float32))."
        )
    return AnswersError(f"{path} cannot be read: {reason}")
