"""A data set that a user made of pictures: four arrays, and ``dataset.json`` with all facts of it.

The facts hold the hashes of the arrays, so that whoever gets the file can tell whether another copy
of the pictures became the same data set.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct

from ..class_numbers import class_dtype
from ..documents import Line, Sha256, read_json
from ..errors import DatasetError
from ..files import check_writable, replacing, why_unreadable
from ..npz import ArrayFileError, map_npy
from ._dataset import Arrays, Dataset, array_hash, data_folder
from ._layouts import ARRAYS
from ._pictures import Pixels

FACTS = "dataset.json"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
MIN_SIDE, MAX_SIDE = 8, 1024
VAL_SHARE = 0.1  # of the smallest class of the training images

Deviation = Annotated[float, Meta(gt=0, le=1)]
Mean = Annotated[float, Meta(ge=0, le=1)]


class Facts(Struct):
    """What ``dataset.json`` says."""

    format: Literal["biglittle-dataset"]
    version: Literal[1]
    name: Line
    classes: list[Line]
    height: Annotated[int, Meta(ge=MIN_SIDE, le=MAX_SIDE)]
    mean: tuple[Mean, Mean, Mean]
    std: tuple[Deviation, Deviation, Deviation]
    n_val: Annotated[int, Meta(ge=1)]
    split_seed: int
    hashes: dict[str, Sha256]


def prepared_names() -> tuple[str, ...]:
    """Names of the data sets that this user made."""
    return tuple(sorted(path.parent.name for path in data_folder().glob(f"*/{FACTS}")))


def prepared_dataset(name: str) -> Dataset | None:
    """The data set of that name that this user made; None where there is none.

    Raises:
        DatasetError: its facts are damaged.
    """
    path = data_folder() / name / FACTS
    if not NAME.fullmatch(name) or not path.is_file():
        return None
    try:
        facts = read_json(path, Facts)
    except (OSError, ValueError) as error:
        why = why_unreadable(error, f"{error}. Make it again: biglittle data import")
        raise DatasetError(f"{path} cannot be read: {why}") from error
    return Dataset(
        name=name,
        n_classes=len(facts.classes),
        classes=tuple(facts.classes),
        height=facts.height,
        mean=facts.mean,
        std=facts.std,
        n_val=facts.n_val,
        split_seed=facts.split_seed,
        hashes=facts.hashes,
        read=read_mapped,
        how_to_get="Make it again from the same pictures: biglittle data import",
    )


def read_mapped(place: Path) -> Arrays | None:
    """The four arrays as they lie on disk; None where one of them is not there.

    Args:
        place: folder of the ``.npy`` files.

    Raises:
        DatasetError: one that is damaged; names it.
    """
    if not all((place / f"{name}.npy").exists() for name in ARRAYS):
        return None
    arrays: Arrays = {}
    for name in ARRAYS:
        try:
            arrays[name] = map_npy(place / f"{name}.npy", kinds="u")
        except (OSError, ArrayFileError) as error:
            why = why_unreadable(error, f"{error}. Make it again: biglittle data import")
            raise DatasetError(f"{place / name}.npy cannot be read: {why}") from error
    return arrays


def make(
    name: str,
    splits: Mapping[str, Sequence[tuple[Path, int]]],
    classes: Sequence[str],
    side: int,
    on_broken: str = "refuse",
    seed: int = 0,
    on_progress: Callable[[int, int], object] | None = None,
) -> tuple[Dataset, list[str]]:
    """Writes a data set of pictures, whole or not at all; returns it and what was left out.

    Args:
        name: name that it gets, which schedules and ``--dataset`` take.
        splits: pictures with their classes, of "train" and "test".
        classes: names of the classes in the order of their numbers.
        side: rows (and columns) of the images.
        on_broken: "refuse" or "skip" pictures that are not usable.
        seed: seed of the draw of val out of train.
        on_progress: is told how many of how many pictures are done.

    Raises:
        DatasetError: a name or a size that is not usable, or pictures that are not.
    """
    _check(name, classes, side)
    folder = data_folder() / name
    check_writable(folder, *(f"{array}.npy" for array in ARRAYS), FACTS)
    skipped: list[str] = []
    hashes: dict[str, str] = {}
    total, done = sum(map(len, splits.values())), 0
    with contextlib.ExitStack() as stack:
        for split in ("train", "test"):
            pictures = splits[split]

            def move(count: int, _: int, before: int = done) -> None:
                if on_progress is not None:
                    on_progress(before + count, total)

            pixels = Pixels(stack.enter_context(replacing(folder / f"x_{split}.npy")), side)
            pixels.write([path for path, _ in pictures], on_broken, move)
            labels = np.array([pictures[i][1] for i in pixels.usable], class_dtype(len(classes)))
            _check_counts(labels, classes, split, 2 if split == "train" else 1)
            partial = stack.enter_context(replacing(folder / f"y_{split}.npy"))
            with partial.open("wb") as file:
                np.save(file, labels, allow_pickle=False)
            hashes |= {f"x_{split}": pixels.digest.hexdigest(), f"y_{split}": array_hash(labels)}
            skipped += pixels.skipped
            done += len(pictures)
            if split == "train":
                mean, std = pixels.statistics()
                per_class = int(np.bincount(labels, minlength=len(classes)).min() * VAL_SHARE)
        facts = {
            "format": "biglittle-dataset",
            "version": 1,
            "name": name,
            "classes": list(classes),
            "height": side,
            "mean": mean,
            "std": std,
            "n_val": max(1, per_class) * len(classes),
            "split_seed": seed,
            "hashes": hashes,
            "skipped": skipped,
        }
        partial = stack.enter_context(replacing(folder / FACTS))
        partial.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    dataset = prepared_dataset(name)
    assert dataset is not None, "what was just written is there"
    return dataset, skipped


def _check(name: str, classes: Sequence[str], side: int) -> None:
    taken = {"tables", *(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))}
    if not NAME.fullmatch(name) or name.replace("-", "_") in taken:
        raise DatasetError(
            f"{name!r} cannot be the name of a data set; expected small letters, digits, hyphens "
            f"and underscores, and none of {', '.join(sorted(taken))}."
        )
    if not MIN_SIDE <= side <= MAX_SIDE:
        raise DatasetError(f"--size {side} is not usable; expected {MIN_SIDE} to {MAX_SIDE}.")
    if len(classes) < 2:
        raise DatasetError(
            f"there is {len(classes)} class ({', '.join(classes) or 'none'}); expected at least "
            "two folders of pictures, one for each class."
        )


def _check_counts(labels: np.ndarray, classes: Sequence[str], split: str, least: int) -> None:
    counts = np.bincount(labels, minlength=len(classes))
    few = [f"{classes[int(i)]} ({counts[i]})" for i in np.flatnonzero(counts < least)]
    if few:
        raise DatasetError(
            f"classes with too few usable pictures for {split}: {', '.join(few[:5])}; expected at "
            f"least {least} each. Add some, or remove the class."
        )
