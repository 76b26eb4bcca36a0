"""Any folder with a folder of pictures for each class, such as ImageNet or a part of it.

``FOLDER/CLASS/*.jpg``, of which a fifth becomes test, or ``FOLDER/train/CLASS/...`` with ``test``
or ``val`` beside it, which becomes test: of ImageNet, as is usual, the published validation images.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import DatasetError
from ._dataset import Dataset
from ._pictures import ON_BROKEN, SUFFIXES
from ._prepared import make

TEST_SHARE = 0.2
_Pictures = list[tuple[Path, int]]


def import_folder(
    folder: Path,
    name: str,
    side: int,
    on_broken: str = "refuse",
    seed: int = 0,
    on_progress: Callable[[int, int], object] | None = None,
) -> tuple[Dataset, list[str]]:
    """Makes a data set of a folder of pictures; returns it and the pictures that were left out.

    Args:
        folder: folder with a folder for each class, or with ``train`` and ``test`` or ``val``.
        name: name that the data set gets.
        side: rows (and columns) of the images.
        on_broken: "refuse" or "skip" pictures that are damaged, or whose colours are not RGB.
        seed: seed of the draws of test and val.
        on_progress: is told how many of how many pictures are done.

    Raises:
        DatasetError: no such folder, one class, two of one name, or pictures that are not usable.
    """
    if on_broken not in ON_BROKEN:
        raise DatasetError(f"--broken {on_broken} is not usable; expected refuse or skip.")
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder; give one with a folder for each class.")
    parts = {child.name: child for child in folder.iterdir() if child.is_dir()}
    if "train" in parts:
        held_out = parts.get("test") or parts.get("val")
        if held_out is None:
            raise DatasetError(
                f"{folder} has train, and neither test nor val; add one of them, or give the "
                "folder train itself, of which a fifth becomes test."
            )
        classes = _classes(parts["train"])
        other = _classes(held_out)
        if classes != other:
            differing = sorted(set(classes) ^ set(other))
            raise DatasetError(
                f"{parts['train']} and {held_out} have different classes, for example "
                f"{differing[0]!r}; expected the same folders in both."
            )
        splits = {"train": _pictures(parts["train"], classes), "test": _pictures(held_out, classes)}
    else:
        classes = _classes(folder)
        splits = _drawn(_pictures(folder, classes), len(classes), seed)
    return make(name, splits, classes, side, on_broken, seed, on_progress)


def _classes(folder: Path) -> list[str]:
    """Names of the classes in a folder, sorted; no two are one where a disk ignores case."""
    names = sorted(
        child.name for child in folder.iterdir() if child.is_dir() and child.name[0] != "."
    )
    seen: dict[str, str] = {}
    for name in names:
        plain = unicodedata.normalize("NFC", name).casefold()
        if plain in seen:
            raise DatasetError(
                f"{folder} has the classes {seen[plain]!r} and {name!r}, which are one on a disk "
                "that ignores case; rename one of them."
            )
        seen[plain] = name
    return names


def _pictures(folder: Path, classes: list[str]) -> _Pictures:
    return [
        (path, number)
        for number, name in enumerate(classes)
        for path in sorted((folder / name).rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
    ]


def _drawn(pictures: _Pictures, n_classes: int, seed: int) -> dict[str, _Pictures]:
    """A fifth of every class as test, at least one picture, and the others to train on."""
    rng = np.random.default_rng(seed)
    labels = np.array([label for _, label in pictures], np.int64)
    test = np.zeros(len(pictures), bool)
    for number in range(n_classes):
        places = np.flatnonzero(labels == number)
        test[rng.permutation(places)[: max(1, int(len(places) * TEST_SHARE))]] = True
    return {
        "train": [picture for picture, held in zip(pictures, test, strict=True) if not held],
        "test": [picture for picture, held in zip(pictures, test, strict=True) if held],
    }
