"""What the runs of the comparison answered, packed, and what follows from it.

Of every image of val and test it is kept whether each network of a run is right, one bit, and of
networks that decide what is escalated the code of their margin, one byte. So pairs of independent
networks are put together afterwards, thresholds are chosen again, and differences are paired image
by image.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.bootstrap import LEVEL
from ...bench.errors import CheckpointError
from ...bench.files import replacing
from ...bench.gates import N_CODES
from ...bench.npz import ArrayFileError, Wanted, read_npz

Bits = NDArray[np.bool_]
Codes = NDArray[np.uint8]

N_RESAMPLED = 2000


@dataclass(frozen=True)
class RunAnswers:
    """What the networks of one run say about the images of val and then of test.

    Attributes:
        right: whether a network is right, by role (``little``, ``big`` or ``alone``), shape (n,).
        margin: codes of the margin by role, shape (n,); of networks that decide alone.
    """

    right: Mapping[str, Bits]
    margin: Mapping[str, Codes]


def save_answers(path: Path, runs: Mapping[str, RunAnswers]) -> None:
    """Writes the answers of runs, by the run's name, whole or not at all.

    Args:
        path: the ``.npz`` file to write.
        runs: answers about the same images in all runs, at least one.
    """
    right = {f"{name} {role}": bits for name, a in runs.items() for role, bits in a.right.items()}
    margin = {f"{name} {role}": c for name, a in runs.items() for role, c in a.margin.items()}
    n = len(next(iter(right.values())))
    arrays: dict[str, NDArray[Any]] = {
        "images": np.array([n]),
        "right_of": np.array(list(right), np.str_),
        "right": np.packbits(np.array(list(right.values()), bool).reshape(-1, n), axis=-1),
        "margin_of": np.array(list(margin), np.str_),
        "margin": np.array(list(margin.values()), np.uint8).reshape(-1, n),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_answers(path: Path) -> dict[str, RunAnswers]:
    """The answers of a file of `save_answers`, by the run's name.

    Raises:
        CheckpointError: the file is damaged, or no file of answers.
    """
    wanted = {
        "images": Wanted("iu", (1,)),
        "right_of": Wanted("U", ("rights",)),
        "right": Wanted("u", ("rights", "bytes")),
        "margin_of": Wanted("U", ("margins",)),
        "margin": Wanted("u", ("margins", "images")),
    }
    try:
        arrays = read_npz(path, wanted)
        n = int(arrays["images"][0])
        bits = np.unpackbits(arrays["right"], axis=-1, count=n).astype(bool)
    except (OSError, ArrayFileError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read as answers of runs ({error}). Move it away, to make it anew."
        ) from error
    right: dict[str, dict[str, Bits]] = {}
    margin: dict[str, dict[str, Codes]] = {}
    for names, rows, into in (
        (arrays["right_of"], bits, right),
        (arrays["margin_of"], arrays["margin"], margin),
    ):
        for name, row in zip(names, rows, strict=True):
            run, _, role = str(name).rpartition(" ")
            into.setdefault(run, {})[role] = row
    return {run: RunAnswers(roles, margin.get(run, {})) for run, roles in right.items()}


@dataclass(frozen=True)
class PairBits:
    """What a pair needs to be evaluated under a gate, of val and then of test.

    Attributes:
        little: whether the little network is right, shape (n,).
        big: whether the big network is right, shape (n,).
        codes: how sure the little network is, shape (n,).
        n_val: number of images of val.
    """

    little: Bits
    big: Bits
    codes: Codes
    n_val: int

    def cut(self, rate: float) -> int:
        """The cut of the highest accuracy on val that escalates at most ``rate`` there.

        Answers with a code below it are escalated. Of equally accurate cuts the cheapest.
        """
        val = slice(None, self.n_val)
        gain = self.big[val].astype(np.int64) - self.little[val]
        per_code = [np.bincount(self.codes[val], w, N_CODES) for w in (gain, np.ones_like(gain))]
        gained, n = (np.concatenate([[0], np.cumsum(counts)]) for counts in per_code)
        allowed = n <= rate * self.n_val * (1 + 1e-9)
        return int(np.argmax(np.where(allowed, gained, -self.n_val - 1)))

    def test(self, cut: int) -> tuple[Bits, float]:
        """Whether the pair is right about each test image, and the share that it escalates."""
        test = slice(self.n_val, None)
        escalated = self.codes[test] < cut
        right = np.where(escalated, self.big[test], self.little[test])
        return right, float(escalated.mean())


def two_way_interval(
    gains: NDArray[np.int8], level: float = LEVEL, seed: int = 0
) -> tuple[float, float]:
    """Interval of a mean difference over runs and images that were both drawn.

    Args:
        gains: 1 where the first of two is right and the second wrong, -1 the other way, 0 else,
            shape (n_runs, n_images); all runs answer the same images.
        level: share of the resampled means inside.
        seed: seed of the resampling.

    Source: Owen 2007, "The pigeonhole bootstrap": runs and images are resampled apart, and a pair
    of them weighs the product of its two counts.

    >>> low, high = two_way_interval(np.ones((3, 20), np.int8))
    >>> low == high == 1.0
    True
    """
    rng = np.random.default_rng(seed)
    n_runs, n_images = gains.shape
    runs = rng.multinomial(n_runs, np.full(n_runs, 1 / n_runs), N_RESAMPLED)
    means = np.empty(N_RESAMPLED)
    for start in range(0, N_RESAMPLED, 100):
        part = slice(start, start + 100)
        images = rng.multinomial(n_images, np.full(n_images, 1 / n_images), 100)
        by_image = runs[part].astype(np.float32) @ gains.astype(np.float32)
        means[part] = (by_image * images).sum(axis=1, dtype=np.float64) / (n_runs * n_images)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def compared(pairs: Iterable[tuple[Bits, Bits]]) -> dict[str, Any] | None:
    """Mean gain of the first over the second with its interval, plain JSON; None without pairs.

    Args:
        pairs: for each run whether the first and the second are right, each of shape (n_images,).
    """
    rows = [one.astype(np.int8) - other.astype(np.int8) for one, other in pairs]
    if not rows:
        return None
    gains = np.stack(rows)
    low, high = two_way_interval(gains)
    return {
        "runs": len(rows),
        "gain": round(float(gains.mean()), 5),
        "low": round(low, 5),
        "high": round(high, 5),
    }
