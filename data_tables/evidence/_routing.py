"""How gates are compared: thresholds by val at one escalation rate, gains on test, intervals.

Every gate of a pair may escalate the same share of val; what it gains over escalating that many
test images at random is averaged over pairs. Pairs share their images, so that an interval has two
parts: how the mean over pairs spreads over images, and how pairs spread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.codes import Codes, StoredAnswers
from ...bench.counts import Counts
from ...bench.failure_prediction import aurc, auroc, expected_calibration_error
from ...bench.gates import get_gate

BASE = "margin"  # the gate that others are compared with
Z = 1.645  # of a 90 % interval

Bools = NDArray[np.bool_]


class Split:
    """The answers to one split with the codes of every gate of a pair.

    Args:
        codes: codes of gates by split.
        name: name of the split, "val" or "test".
    """

    def __init__(self, codes: Codes, name: str) -> None:
        self.correct: Bools = codes.predictions(name).correct
        self.counts = Counts(
            self.correct,
            lambda gate, row: codes.of(gate, name, [row])[0],
            of_two=lambda gate, first, second: codes.of_two(gate, name, first, second),
        )


def splits_of(predictions: Callable[[str], StoredAnswers], n_classes: int) -> tuple[Split, Split]:
    """The splits val and test of some answers, whose gates are fitted on val."""
    codes = Codes(predictions, n_classes)
    return Split(codes, "val"), Split(codes, "test")


def cut_at(split: Split, gate: str, pair: tuple[int, int], rate: float) -> int:
    """The most accurate cut that escalates at most that share of a split; of equals the lowest."""
    escalated, hits = split.counts.curve(gate, *pair)
    allowed = np.flatnonzero(escalated <= rate * split.counts.n_images)
    return int(allowed[np.argmax(hits[allowed])])


def compared(
    splits: tuple[Split, Split],
    gates: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    rate: float,
    n_classes: int,
) -> dict[str, Any]:
    """What each gate gains on test, by the thresholds that val gives it, as plain JSON.

    Args:
        splits: answers and codes of val, and of test.
        gates: names of the gates, ``BASE`` among them.
        pairs: rows of the little and of the big network.
        rate: share of val that may be escalated.
        n_classes: number of classes of the classifiers.
    """
    val, test = splits
    n, little, big = test.counts.n_images, *(np.array(rows) for rows in zip(*pairs, strict=True))
    alone = test.correct.mean(axis=1)
    figures: dict[str, Any] = {}
    gained: dict[str, NDArray[np.float32]] = {}
    for gate in gates:
        beyond, rates, oracle = np.empty((len(pairs), n), np.float32), [], []
        failures = []
        for i, pair in enumerate(pairs):
            cut = cut_at(val, gate, pair, rate)
            codes = test.counts.pair_codes(gate, *pair)
            on = codes < cut
            share = float(on.mean())
            at_random = alone[pair[0]] + share * (alone[pair[1]] - alone[pair[0]])
            right = np.where(on, test.correct[pair[1]], test.correct[pair[0]])
            beyond[i] = right - at_random
            rates.append(share)
            needed = float((test.correct[pair[1]] & ~test.correct[pair[0]]).mean())
            oracle.append(alone[pair[0]] + min(share, needed) - at_random)
            failures.append(_failures(gate, codes, test.correct[pair[0]], n_classes))
        gained[gate] = beyond
        told = np.array(failures)
        figures[gate] = {
            "gain": float(beyond.mean()),
            "escalation_rate": float(np.mean(rates)),
            "oracle_share": float(beyond.mean(axis=1).sum() / np.sum(oracle)),
            "auroc": float(np.nanmean(told[:, 0])),
            "aurc": float(told[:, 1].mean()),
            "ece": None if np.isnan(told[:, 2]).all() else float(told[:, 2].mean()),
        }
    for gate in gates:
        low, high = interval(gained[gate] - gained[BASE])
        figures[gate] |= {"over_base": figures[gate]["gain"] - figures[BASE]["gain"],
                          "low": low, "high": high}  # fmt: skip
    return {
        "pairs": len(pairs),
        "rate": rate,
        "little": float(alone[little].mean()),
        "big_better_by": float((alone[big] - alone[little]).mean()),
        "gates": figures,
    }


def _failures(
    gate: str, codes: NDArray[np.uint8], right: Bools, n_classes: int
) -> tuple[float, float, float]:
    rule, error = get_gate(gate), float("nan")
    if rule.probability:
        error = expected_calibration_error(rule.decode(codes, n_classes), right)
    return auroc(codes, right), aurc(codes, right), error


def interval(differences: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """A 90 % interval of the mean of differences, over images and over pairs.

    The variances of both means are added, which is never too narrow by the part they share.

    Args:
        differences: one row a pair, one column an image.

    Source: Owen 2007, The pigeonhole bootstrap: rows and columns are both drawn.
    """
    n_pairs, n_images = differences.shape
    over_images = differences.mean(axis=0).var(ddof=1) / n_images
    over_pairs = differences.mean(axis=1).var(ddof=1) / n_pairs if n_pairs > 1 else 0.0
    mean, half = float(differences.mean()), Z * float(np.sqrt(over_images + over_pairs))
    return mean - half, mean + half


def table_of(figures: Mapping[str, Any]) -> list[str]:
    """The comparison as lines of Markdown, best gate first."""
    lines = [
        "| gate | gain over random | over `margin` (90 %) | of the oracle's gain | AUROC | AURC "
        "| ECE |",
        "|---|---|---|---|---|---|---|",
    ]
    for gate, row in sorted(figures["gates"].items(), key=lambda item: -item[1]["gain"]):
        against = "" if gate == BASE else (
            f"{100 * row['over_base']:+.2f} ({100 * row['low']:+.2f} to {100 * row['high']:+.2f})"
        )  # fmt: skip
        ece = "" if row["ece"] is None else f"{row['ece']:.3f}"
        lines.append(
            f"| `{gate}` | {100 * row['gain']:+.2f} | {against} | {100 * row['oracle_share']:.1f} %"
            f" | {row['auroc']:.3f} | {row['aurc']:.4f} | {ece} |"
        )
    return lines
