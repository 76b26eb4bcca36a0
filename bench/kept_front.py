"""Exact fronts that were worked out before, in a folder of their own.

A front follows from the table, what its networks cost on the device, the objectives, limits, gates
and thresholds, and the code; its file is named by the hash of all of these, so that a front is
never taken for that of another question. A file that cannot be read, or says anything impossible,
is as if it were not there: the front is worked out anew and takes its place.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from .cost import NetworkCosts
from .errors import NoHomeError
from .exact_front import FrontRows
from .files import replacing
from .home import home_folder
from .npz import ArrayFileError, Wanted, read_npz

CACHE_FOLDER_VARIABLE = "BIGLITTLE_CACHE"
#: A front that takes less is not worth a file.
WORTH_S = 1.0
MOST_FILES = 64  # the oldest go
FORMAT = "biglittle-front-1"
_COLUMNS = ("little", "big", "gate", "cut", "hits")
_COUNTS = ("n_points", "n_counted", "n_littles")
_WANTED = {name: Wanted("iu", ("n",)) for name in _COLUMNS} | {"counts": Wanted("iu", (3,))}


class StaleFrontError(Exception):
    """A front that was kept is not what its points say: it has to be worked out anew."""


def folder() -> Path:
    """Where fronts are kept: ``$BIGLITTLE_CACHE/fronts``, else in the system's cache folder.

    Raises:
        NoHomeError: the user has no home, and the variable is not set.
    """
    if given := os.environ.get(CACHE_FOLDER_VARIABLE):
        return Path(given) / "fronts"
    from platformdirs import user_cache_path  # late: boards that measure do without

    of = partial(user_cache_path, "biglittle", appauthor=False)
    return home_folder(of, CACHE_FOLDER_VARIABLE) / "fronts"


@cache
def code_hash() -> str:
    """SHA-256 of this folder's code, on which a front depends."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted(
        p for part in ("*.py", "gates/*.py", "spaces/*.py") for p in here.glob(part)
    ):
        digest.update(path.relative_to(here).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def front_key(
    table_sha256: str,
    costs: NetworkCosts,
    objectives: Sequence[str],
    limits: Mapping[str, float],
    gates: Sequence[str],
    n_thresholds: int,
    measured: Sequence[Sequence[str | float]] = (),
    couplings: Sequence[str] = (),
) -> str:
    """SHA-256 of a question: the same for the same question alone.

    Args:
        table_sha256: hash of the table's contents.
        costs: costs of the networks looked at, on the device.
        objectives: names of the objectives, in order.
        limits: limits on figures, by name.
        gates: names of the gates, in order.
        n_thresholds: number of thresholds of each gate.
        measured: pairs that the device measured end to end, as in ``MeasuredPairs.entries``.
        couplings: the only couplings that are looked at; none: all.
    """
    question: list[Any] = [FORMAT, code_hash(), table_sha256, list(objectives), list(gates)]
    question += [sorted(limits.items()), n_thresholds, float(costs.gate_ms)]
    question += [[list(entry) for entry in measured], list(couplings)]
    digest = hashlib.sha256(json.dumps(question).encode())
    columns = dict(vars(costs))
    for part in ("trunk", "footprint"):
        of_part = vars(getattr(costs, part) or costs)
        columns |= {f"{part}.{name}": column for name, column in of_part.items()}
    for name, column in sorted(columns.items()):
        if isinstance(column, np.ndarray):
            text = f"{name} {column.dtype.str} {column.shape}"
            digest.update(text.encode() + np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def load(key: str, n_networks: int, n_gates: int, n_codes: int, n_images: int) -> FrontRows | None:
    """The front kept under ``key``; None where there is none, or none that can be right.

    Args:
        key: key of the question, as from `front_key`.
        n_networks: number of networks looked at.
        n_gates: number of gates looked at.
        n_codes: largest cut of a gate.
        n_images: number of images, hence most right answers.
    """
    try:
        arrays = read_npz(folder() / f"{key}.npz", _WANTED)
    except (ArrayFileError, OSError, NoHomeError):
        return None
    highest = (n_networks - 1, n_networks - 1, n_gates - 1, n_codes, n_images)
    for name, most in zip(_COLUMNS, highest, strict=True):
        column = arrays[name]
        if not len(column) or int(column.min()) < 0 or int(column.max()) > most:
            return None
    columns: dict[str, Any] = {name: arrays[name].astype(np.int64) for name in _COLUMNS}
    counts: dict[str, Any] = dict(zip(_COUNTS, arrays["counts"].tolist(), strict=True))
    return FrontRows(**columns, **counts) if counts["n_littles"] == n_networks else None


def store(key: str, rows: FrontRows) -> None:
    """Keeps a front under ``key``; where nothing can be written nothing is kept."""
    counts = np.array([getattr(rows, name) for name in _COUNTS], np.int64)
    columns: dict[str, Any] = {n: np.asarray(getattr(rows, n), np.int64) for n in _COLUMNS}
    with contextlib.suppress(OSError, NoHomeError):
        folder().mkdir(parents=True, exist_ok=True)
        with replacing(folder() / f"{key}.npz") as partial, partial.open("wb") as file:
            np.savez_compressed(file, counts=counts, **columns)
        files = sorted(folder().glob("*.npz"), key=lambda p: p.stat().st_mtime)
        for old in files[:-MOST_FILES]:
            old.unlink(missing_ok=True)
