"""Layouts of a data set on disk: which files each has, and how they are read, never unpacked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bounded import LimitError
from ..errors import DatasetError
from ..files import why_unreadable
from ..npz import ArrayFileError, parse_npy
from ._dataset import Arrays
from ._members import Archive, Folder, Members

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
MIB = 2**20
#: The most bytes of an array in memory: 600,000 images of 32x32 pixels.
MAX_ARRAY = 2**31


@dataclass(frozen=True)
class Layout:
    """One way in which a data set lies on disk.

    Attributes:
        folder: folder the files are in; they are also found without it.
        files: the most bytes of every file that such a layout has.
        read: reads the four arrays out of the files.
        further: the most bytes of files that may be there beside them.
    """

    folder: str
    files: Mapping[str, int]
    read: Callable[[Members], Arrays]
    further: Mapping[str, int] | None = None


def read_arrays(files: Members, limit: int = MAX_ARRAY) -> Arrays:
    """Four ``.npy`` files, the layout that ``biglittle data fetch`` leaves behind."""
    arrays = {}
    for name in ARRAYS:
        try:
            arrays[name] = parse_npy(files.read(f"{name}.npy", limit), kinds="u")
        except ArrayFileError as error:
            raise unreadable(files.where(f"{name}.npy"), error) from error
    return arrays


def arrays_layout(limit: int = MAX_ARRAY) -> Layout:
    """The layout of four ``.npy`` files.

    Args:
        limit: the most bytes of each file.
    """
    files = {f"{name}.npy": limit for name in ARRAYS}
    return Layout("", files, lambda members: read_arrays(members, limit))


def read_place(
    place: Path,
    layouts: Sequence[Layout],
    archives: Sequence[str] = (),
    published: Mapping[str, str] | None = None,
) -> Arrays | None:
    """The four arrays from whichever layout is there, unchecked; None where there is none.

    Nothing is unpacked on disk: of an archive, the files that a layout has are read into memory,
    after its own hash where its publisher gives one.

    Args:
        place: a folder, or an archive.
        layouts: the layouts that are looked for.
        archives: patterns of the names of archives, in the order of preference.
        published: hash of an archive by its name, as `Archive` takes it.

    Raises:
        DatasetError: a file that is damaged, or larger than it may be.
    """
    arrays = _from(Folder(place), layouts) if place.is_dir() else None
    archive = None if arrays is not None else _archive_in(place, archives)
    if archive is None:
        return arrays
    limits: dict[str, int] = {}
    for layout in layouts:
        named = {**layout.files, **(layout.further or {})}
        limits |= {f"{layout.folder}/{n}".lstrip("/"): limit for n, limit in named.items()} | named
    try:
        opened = Archive(archive, limits, (published or {}).get(archive.name))
        return _from(opened, layouts)
    except (OSError, LimitError) as error:
        raise unreadable(archive, error) from error


def _archive_in(place: Path, archives: Sequence[str]) -> Path | None:
    """The archive that ``place`` is or holds, as it was downloaded."""
    if place.is_file():
        return place if place.name.endswith((".tar.gz", ".tgz")) else None
    return next((p for g in archives for p in sorted(place.glob(g))), None)


def _from(files: Members, layouts: Sequence[Layout]) -> Arrays | None:
    for layout in layouts:
        for folder in dict.fromkeys((layout.folder, "")):
            within = files.within(folder)
            if all(within.has(name) for name in layout.files):
                try:
                    return layout.read(within)
                except LimitError as error:
                    raise unreadable(within.where(""), error) from error
                except OSError as error:
                    where = Path(error.filename).name if error.filename else ""
                    raise unreadable(within.where(where), error) from error
    return None


def checked_labels(values: Any, n: int, n_classes: int, where: str) -> NDArray[np.uint8]:
    """Labels of ``n`` images, checked one by one before they become an array.

    Args:
        values: labels as they were read, an array or a list.
        n: how many there have to be.
        n_classes: number of classes, 256 at the most.
        where: place they came from, for the message.

    Raises:
        DatasetError: other than ``n`` whole numbers of classes.
    """
    got = f"{type(values).__name__} of {len(values) if hasattr(values, '__len__') else 1} entries"
    if isinstance(values, np.ndarray) and values.shape == (n,) and values.dtype.kind in "iu":
        wrong = values[(values < 0) | (values >= n_classes)].tolist()
    elif isinstance(values, list) and len(values) == n:
        wrong = [v for v in values if type(v) is not int or not 0 <= v < n_classes]
    else:
        wrong = [values]
    if wrong:
        if isinstance(wrong[0], (int, float)):
            got = f"the label {str(wrong[0])[:20]}"
        elif wrong[0] is not values:
            got = f"a label of type {type(wrong[0]).__name__}"
        raise DatasetError(
            f"{where} has {got}; expected {n} whole numbers from 0 to {n_classes - 1}. Fetch it "
            "again."
        )
    return np.array(values, np.uint8)


def interleaved(planar: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Pixels (n, size, size, 3) of rows that hold one channel after the other.

    Args:
        planar: rows of pixels, shape (n, 3 * size * size).
        size: rows (and columns) of an image.
    """
    return planar.reshape(-1, 3, size, size).transpose(0, 2, 3, 1)


def unreadable(where: object, error: Exception | str) -> DatasetError:
    """The error of a file that cannot be read, with what to do.

    Args:
        where: place of the file, for the message.
        error: what reading it raised, or what is wrong with its contents.
    """
    damaged = f"the file is damaged ({error}); fetch it again."
    reason = damaged if isinstance(error, str) else why_unreadable(error, damaged)
    return DatasetError(f"{where} cannot be read: {reason}")
