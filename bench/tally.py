"""Right answers of all networks on one split, laid out so that they are counted fast.

Everything about accuracy in this package is a count of images. Two layouts serve all counts: one
bit per image, 64 images to a word, where "escalated and big is right" is an AND and a population
count; and one byte per image sorted by little's confidence, where all thresholds of a pair are one
sum over segments.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .gates import N_CODES

Bits = NDArray[np.uint64]
_IMAGES = 2**14  # that are flags of four bytes at once
_CHUNK = 512  # points whose words fit the second-level cache


def pack_bits(flags: NDArray[np.bool_]) -> Bits:
    """Booleans (n, n_images) as uint64 words (n, ceil(n_images / 64)); the rest is zero."""
    missing = -flags.shape[1] % 64
    padded = np.pad(flags, ((0, 0), (0, missing))) if missing else flags
    return np.packbits(padded, axis=1).view(np.uint64)


def count_both(
    left: Bits, i: NDArray[np.intp], right: Bits, j: NDArray[np.intp]
) -> NDArray[np.int64]:
    """How many images row ``i[k]`` of ``left`` and row ``j[k]`` of ``right`` share, shape (k,)."""
    out = np.empty(len(i), np.int64)
    for start in range(0, len(i), _CHUNK):
        part = slice(start, start + _CHUNK)
        both = left.take(i[part], axis=0)
        both &= right.take(j[part], axis=0)
        out[part] = np.bitwise_count(both).sum(axis=1, dtype=np.int32)
    return out


def below_cut(
    codes: NDArray[np.uint8], weights: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """How many images have a code below each cut 0 to 256, shape (257,).

    Args:
        codes: confidence codes of one network, shape (n_images,).
        weights: count only these images, shape (n_images,).
    """
    counted = np.bincount(codes if weights is None else codes[weights], minlength=N_CODES)
    out = np.zeros(N_CODES + 1, np.int64)
    np.cumsum(counted, out=out[1:])
    return out


def below_each(codes: NDArray[np.uint8], cut: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which images row k escalates at ``cut[k]``: bool, shape (n, n_images)."""
    below = codes <= (cut[:, None] - 1).astype(np.uint8)
    below[cut == 0] = False
    return np.asarray(below)


def below_each_cut(
    codes: NDArray[np.uint8], little: NDArray[np.bool_], big: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """``below_cut`` of all images, of those little has right and of those big has right.

    One count over code and outcome together, which is three times as fast as three counts.
    """
    key = codes.astype(np.intp)
    key += little.view(np.uint8) * np.intp(N_CODES)
    key += big.view(np.uint8) * np.intp(2 * N_CODES)
    counted = np.bincount(key, minlength=4 * N_CODES).reshape(2, 2, N_CODES)
    out = np.zeros((3, N_CODES + 1), np.int64)
    parts = np.stack([counted.sum(axis=(0, 1)), counted[:, 1].sum(axis=0), counted[1].sum(axis=0)])
    np.cumsum(parts, axis=1, out=out[:, 1:])
    return out[0], out[1], out[2]


def of_outcomes(
    goes: NDArray[np.bool_],
    both: NDArray[np.int64],
    only_little: NDArray[np.int64],
    only_big: NDArray[np.int64],
    n_images: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Images escalated and right answers of a pairwise gate: its four outcomes say it all.

    Args:
        goes: whether [little is right, big is right] is escalated, shape (2, 2, ...).
        both: images both networks have right; broadcasts with ``goes[0, 0]`` as do the others.
        only_little: images little alone has right.
        only_big: images big alone has right.
        n_images: number of images of the split.
    """
    neither = n_images - both - only_little - only_big
    escalated = (
        goes[1, 1] * both + goes[1, 0] * only_little + goes[0, 1] * only_big + goes[0, 0] * neither
    )
    return escalated, both + np.where(goes[1, 0], 0, only_little) + goes[0, 1] * only_big


class Tally:
    """Who is right about which image of a split.

    Args:
        correct: whether each answer is right, bool, shape (n_networks, n_images).
    """

    def __init__(self, correct: NDArray[np.bool_]) -> None:
        self.correct = correct
        self.n_images = correct.shape[1]

    def take(self, rows: NDArray[np.intp]) -> Tally:
        """Of some networks alone."""
        return Tally(self.correct[rows])

    @cached_property
    def right(self) -> NDArray[np.int64]:
        """Images each network is right about, shape (n_networks,)."""
        return np.asarray(self.correct.sum(axis=1, dtype=np.int64))

    @cached_property
    def bits(self) -> Bits:
        """``correct``, 64 images to a word."""
        return pack_bits(self.correct)

    @cached_property
    def both_right(self) -> NDArray[np.int64]:
        """Images on which both of two networks are right, shape (n_networks, n_networks)."""
        n = len(self.correct)
        counts = np.zeros((n, n), np.int64)
        for start in range(0, self.n_images, _IMAGES):
            # counts below 2**24 are exact in float32
            flags = self.correct[:, start : start + _IMAGES].astype(np.float32)
            counts += (flags @ flags.T).astype(np.int32)
        return counts

    def swept(
        self, little: int, codes: NDArray[np.uint8], bigs: NDArray[np.intp]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Images escalated (257,) and right answers (257, n_bigs) of one little at every cut.

        Args:
            little: row of the little network.
            codes: its confidence codes, shape (n_images,).
            bigs: rows of the big networks.
        """
        escalated = below_cut(codes)
        kept_right = self.right[little] - below_cut(codes, self.correct[little])
        big_right = np.zeros((N_CODES + 1, len(bigs)), np.int64)
        if len(bigs) == 1:
            big_right[:, 0] = below_cut(codes, self.correct[bigs[0]])
        else:
            order = np.argsort(codes, kind="stable")
            filled = np.flatnonzero(np.diff(escalated))
            ranked = (
                self.correct[:, order][bigs]
                if len(bigs) > len(self.correct) // 2
                else (self.correct[bigs][:, order])
            )
            sums = np.add.reduceat(ranked.view(np.uint8), escalated[filled], axis=1, dtype=np.int32)
            big_right[filled + 1] = sums.T
            np.cumsum(big_right, axis=0, out=big_right)
        return escalated, kept_right[:, None] + big_right

    def hits(
        self,
        codes: NDArray[np.uint8],
        little: NDArray[np.intp],
        big: NDArray[np.intp],
        cut: NDArray[np.int64],
        which: NDArray[np.intp],
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Images escalated and right answers of any operating points, each of shape (n,).

        Args:
            codes: confidence codes of the littles, shape (n_littles, n_images).
            little: row of each point's little network, shape (n,).
            big: row of each point's big network, shape (n,).
            cut: code below which each point escalates, shape (n,).
            which: row of ``codes`` of each point, shape (n,).
        """
        key = which * (N_CODES + 1) + cut
        unique, first, back = np.unique(key, return_index=True, return_inverse=True)
        escalated = np.empty(len(unique), np.int64)
        kept_right = np.empty(len(unique), np.int64)
        big_right = np.empty(len(key), np.int64)
        order = np.argsort(back, kind="stable")
        ends = np.searchsorted(back[order], np.arange(0, len(unique) + _CHUNK, _CHUNK))
        for block, start in enumerate(range(0, len(unique), _CHUNK)):
            chosen = first[start : start + _CHUNK]
            masks = pack_bits(below_each(codes[which[chosen]], cut[chosen]))
            rows = np.arange(len(chosen))
            part = slice(start, start + _CHUNK)
            escalated[part] = np.bitwise_count(masks).sum(axis=1, dtype=np.int32)
            lost = count_both(masks, rows, self.bits, little[chosen])
            kept_right[part] = self.right[little[chosen]] - lost
            points = order[ends[block] : ends[block + 1]]
            big_right[points] = count_both(masks, back[points] - start, self.bits, big[points])
        return escalated[back], kept_right[back] + big_right
