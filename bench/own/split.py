"""Which of somebody's images are val, where thresholds are chosen, and which are test."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AnswersError
from .answers import as_array

VAL_SHARE = 0.5  # a threshold is one number: half is plenty to choose it, half left to report it
SEED = 0


@dataclass(frozen=True)
class ImageSplit:
    """Which images are val and which test, by their place.

    Attributes:
        val: places of the images of val, rising.
        test: places of the images of test, rising.
        text: how they came about, in words.
    """

    val: NDArray[np.int64]
    test: NDArray[np.int64]
    text: str


def image_keys(images: Any) -> NDArray[Any]:
    """What tells images apart, shape (n,): ids as they are, of whole images a hash of each.

    Args:
        images: ids of shape (n,), texts or whole numbers; or images of shape (n, ...).

    Raises:
        AnswersError: not an array, or objects.
    """
    given = images.to_numpy() if hasattr(images, "to_numpy") else images
    array: NDArray[Any] = np.asanyarray(given)
    if array.dtype.kind == "O" and all(isinstance(entry, str) for entry in array.ravel().tolist()):
        array = array.astype(np.str_)
    if array.dtype.kind not in "USiub" or array.ndim > 1:
        array = as_array("ids or images", array)
    if array.ndim == 1:
        return array
    rows = (np.ascontiguousarray(array[i]).tobytes() for i in range(len(array)))
    return np.array([hashlib.blake2b(row, digest_size=8).digest() for row in rows])


def split_images(
    n_images: int, share: float | Sequence[int] | NDArray[Any], seed: int, keys: Any = None
) -> ImageSplit:
    """One set of images in two: drawn at random by a seed, or as somebody says.

    Images with the same key are on the same side. The draw is uniform, so that val and test are
    exchangeable, which every promise about a threshold rests on.

    Args:
        n_images: number of images in all.
        share: share of the images that are val; or their places, or a mask of shape (n_images,).
        seed: seed of the draw.
        keys: what tells images apart, shape (n_images,); None: every one is another.

    Raises:
        AnswersError: a side without images, a place that is not there, or the same image on both.
    """
    if isinstance(share, float | int) and not isinstance(share, bool):
        if not 0 < share < 1:
            raise AnswersError(f"a share of {share:g} of the images for val; expected 0 to 1.")
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
            raise AnswersError(f"seed {seed!r} is not usable; expected a whole number from 0 on.")
        unique = np.arange(n_images) if keys is None else np.unique(keys, return_inverse=True)[1]
        n_unique = int(unique.max(initial=-1)) + 1
        order = np.random.default_rng(seed).permutation(n_unique)
        in_val = np.zeros(n_unique, bool)
        in_val[order[: round(share * n_unique)]] = True
        mask = in_val[unique]
        text = f"{share:g} of the images drawn for val with seed {seed}, the rest is test"
        if n_unique < n_images:
            text += f"; {n_images - n_unique:,} images are there again, on one side each"
    else:
        mask = _mask(n_images, as_array("split", share))
        text = "val and test as they were given"
        if keys is not None:
            check_apart(keys[mask], keys[~mask])
    if not 0 < mask.sum() < n_images:
        raise AnswersError(
            f"of {n_images:,} images {int(mask.sum()):,} are val; expected some for val, where "
            "thresholds are chosen, and some for test."
        )
    return ImageSplit(np.flatnonzero(mask), np.flatnonzero(~mask), text)


def _mask(n_images: int, given: NDArray[Any]) -> NDArray[np.bool_]:
    if given.dtype.kind == "b" and given.shape == (n_images,):
        return given
    if given.dtype.kind not in "iu" or given.ndim != 1:
        raise AnswersError(
            f"a split of type {given.dtype} and shape {given.shape}; expected the share of val, "
            f"the places of its images, or a mask of shape ({n_images},)."
        )
    if given.size and not 0 <= given.min() <= given.max() < n_images:
        wrong = given.min() if given.min() < 0 else given.max()
        raise AnswersError(f"image {wrong} is to be val; there are images 0 to {n_images - 1}.")
    mask = np.zeros(n_images, bool)
    mask[given] = True
    return mask


def check_apart(val: NDArray[Any], test: NDArray[Any]) -> None:
    """Nothing, if val and test have no image in common.

    Args:
        val: what tells the images of val apart, as from `image_keys`.
        test: the same of the images of test.

    Raises:
        AnswersError: says how many they share, and one of them.
    """
    both = np.intersect1d(val, test)
    if len(both):
        place = int(np.flatnonzero(val == both[0])[0])
        named = "" if both.dtype.kind == "S" else f", {str(both[0])[:40]!r} among them"
        raise AnswersError(
            f"val and test share {len(both):,} images{named} (image {place} of val): thresholds "
            "would be judged on what they were chosen on. Leave them out of one of the two."
        )
