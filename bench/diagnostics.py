"""What a gate does to a pair, image by image: was the big network asked when it was needed?

An image is in one of four states: both networks are right, both are wrong, only big is right (the
gate should escalate), only little is right (it should not). Everything here follows from these and
from the labels; costs beyond MACs are an operating point's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .cost import mean_cost
from .failure_prediction import N_BINS, aurc, auroc, expected_calibration_error
from .figures import words_of
from .gate import Gate
from .gates import get_gate, get_metric
from .pair import Pair
from .table import Table
from .table_contents import Predictions

_AT_ONCE = 1 << 22  # points times images held in memory at a time

#: What can become of an image; the shares of all six add up to 1.
OUTCOMES = (
    "escalated_needed",
    "escalated_in_vain",
    "escalated_harmed",
    "kept_right",
    "kept_hopeless",
    "kept_needed",
)


@dataclass(frozen=True)
class Diagnostics:
    """What a gate did at n operating points on the images of one split; arrays of shape (n,).

    All shares are fractions of the split's images.

    Attributes:
        gate: name of the gate metric.
        split: whose images were counted, "val" or "test".
        cut: code below which an answer is escalated, int, 0 to 256.
        threshold: what the cut is in the gate's unit.
        escalation_rate: share that reached the big network.
        accuracy: share of right answers of the pair.
        little_accuracy: accuracy of the little network alone.
        big_accuracy: accuracy of the big network alone.
        escalated_needed: share escalated with little wrong and big right.
        escalated_in_vain: share escalated where both are right or both are wrong.
        escalated_harmed: share escalated with little right and big wrong.
        kept_right: share kept with little right.
        kept_hopeless: share kept with little wrong, and big wrong as well.
        kept_needed: share kept with little wrong although big is right.
        routing_accuracy: share routed as it should be: escalated where needed, kept otherwise.
        random_accuracy: expected of escalating a random share of the same size.
        oracle_accuracy: highest possible when escalating a share of the same size.
        oracle_best_accuracy: highest possible at any escalation rate: either network is right.
        oracle_best_escalation_rate: the least escalation that reaches it.
        class_accuracy: accuracy of the pair on each true class, shape (n, n_classes); NaN for a
            class without images.
        class_escalation_rate: share of each true class that is escalated, of the same shape.
        calibration_error: expected calibration error of the little network: mean distance between
            confidence and accuracy over 15 equal-width bins of ``max_prob``, weighted by images
            (Guo et al. 2017). Computed from stored codes, so each confidence is off by up to
            ``calibration_rounding``, and some images are counted in the neighbouring bin.
        calibration_rounding: largest rounding error of a stored ``max_prob``.
        gate_calibration_error: the same of the gate's own values, where they claim to be the
            probability that little is right; NaN for other gates.
        failure_auroc: how well the gate tells little's wrong answers from right ones: the chance
            that it is less sure of a wrong one; NaN where all are right or all are wrong.
        failure_aurc: mean error of little over the k answers that the gate is most sure of, over
            all k: area under the risk-coverage curve; lower is better.
        macs: mean MACs of an input.
        worst_macs: MACs of an escalated input: little and big, what both run once.
        provenance: how each figure came about, by field.
    """

    gate: str
    split: str
    cut: NDArray[np.int64]
    threshold: NDArray[np.float64]
    escalation_rate: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    little_accuracy: NDArray[np.float64]
    big_accuracy: NDArray[np.float64]
    escalated_needed: NDArray[np.float64]
    escalated_in_vain: NDArray[np.float64]
    escalated_harmed: NDArray[np.float64]
    kept_right: NDArray[np.float64]
    kept_hopeless: NDArray[np.float64]
    kept_needed: NDArray[np.float64]
    routing_accuracy: NDArray[np.float64]
    random_accuracy: NDArray[np.float64]
    oracle_accuracy: NDArray[np.float64]
    oracle_best_accuracy: NDArray[np.float64]
    oracle_best_escalation_rate: NDArray[np.float64]
    class_accuracy: NDArray[np.float64]
    class_escalation_rate: NDArray[np.float64]
    calibration_error: NDArray[np.float64]
    calibration_rounding: float
    gate_calibration_error: NDArray[np.float64]
    failure_auroc: NDArray[np.float64]
    failure_aurc: NDArray[np.float64]
    macs: NDArray[np.float64]
    worst_macs: NDArray[np.float64]
    provenance: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.cut)

    @property
    def gain_over_random(self) -> NDArray[np.float64]:
        """Accuracy above that of escalating as many inputs at random, shape (n,)."""
        return self.accuracy - self.random_accuracy

    @property
    def gap_to_oracle(self) -> NDArray[np.float64]:
        """Accuracy below that of the oracle at the same escalation rate, shape (n,)."""
        return self.oracle_accuracy - self.accuracy

    @property
    def gap_to_oracle_best(self) -> NDArray[np.float64]:
        """Accuracy below that of the oracle at its own best point, shape (n,)."""
        return self.oracle_best_accuracy - self.accuracy

    @property
    def oracle_share(self) -> NDArray[np.float64]:
        """Share of the oracle's gain over random that the gate reaches; NaN where that is 0."""
        possible = self.oracle_accuracy - self.random_accuracy
        some = possible > 1e-12
        return np.where(some, self.gain_over_random / np.where(some, possible, 1.0), np.nan)

    def oracle_line(self, i: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Corners of the oracle's accuracy over escalation rate, for the pair of point ``i``.

        Returns:
            Escalation rates and accuracies, shape (4,) each: little alone, all that is needed, all
            that does no harm, big alone. Between them it is straight.
        """
        little, big = self.little_accuracy[i], self.big_accuracy[i]
        needed, best = self.oracle_best_escalation_rate[i], self.oracle_best_accuracy[i]
        return np.array([0.0, needed, 1.0 - (best - big), 1.0]), np.array([little, best, best, big])

    def record(self, i: int) -> dict[str, Any]:
        """Point ``i`` as plain JSON; what cannot be computed is None."""
        figures = [*_FIGURES, "oracle_share", "gain_over_random", "gap_to_oracle"]
        values = {n: float(getattr(self, n)[i]) for n in (*figures, "gap_to_oracle_best")}
        each = {
            n: getattr(self, n)[i].tolist() for n in ("class_accuracy", "class_escalation_rate")
        }
        present = {n: None if np.isnan(v) else v for n, v in values.items()}
        return {
            "gate": self.gate,
            "split": self.split,
            "cut": int(self.cut[i]),
            "calibration_rounding": self.calibration_rounding,
            **present,
            **{n: [None if np.isnan(v) else v for v in row] for n, row in each.items()},
            "provenance": words_of({**present, **each}, self.provenance),
        }


#: Plain figures, arrays of shape (n,).
_FIGURES = (
    "threshold",
    "escalation_rate",
    "accuracy",
    "little_accuracy",
    "big_accuracy",
    *OUTCOMES,
    "routing_accuracy",
    "random_accuracy",
    "oracle_accuracy",
    "oracle_best_accuracy",
    "oracle_best_escalation_rate",
    "calibration_error",
    "gate_calibration_error",
    "failure_auroc",
    "failure_aurc",
    "macs",
    "worst_macs",
)
_COMPUTED = ("random_accuracy", "oracle_accuracy", "gain_over_random", "gap_to_oracle")
_BOUNDS = ("oracle_best_accuracy", "oracle_best_escalation_rate", "gap_to_oracle_best")


def _provenance(word: str) -> dict[str, str]:
    """Counted figures are as the answers are; expectations, bounds and MACs are not."""
    modelled = (*_COMPUTED, *_BOUNDS, "oracle_share", "macs", "worst_macs")
    counted = [n for n in _FIGURES if n != "threshold"]
    counted += ["class_accuracy", "class_escalation_rate"]
    return {**dict.fromkeys(counted, word), **dict.fromkeys(modelled, "modelled")}


def explain(table: Table, pair: Pair, gate: Gate, split: str = "test") -> Diagnostics:
    """What one gate does to one pair: ``Diagnostics`` of one operating point.

    Raises:
        TableError: a network that is not in the table.
        GateError: the threshold lies outside the gate's range.
        UnknownNameError: no split has this name.
    """
    little, big = table.pair_rows(pair)
    return diagnose(table, little, big, gate.metric, gate.cut(table.n_classes), split)


def diagnose(
    table: Table,
    little_rows: ArrayLike,
    big_rows: ArrayLike,
    gate: str,
    cuts: ArrayLike,
    split: str = "test",
) -> Diagnostics:
    """What a gate does at n operating points; the three arrays broadcast to shape (n,).

    Args:
        table: the table that stores the answers.
        little_rows: rows of the little networks.
        big_rows: rows of the big networks; may be those of the little ones.
        gate: name of the gate metric, of any kind.
        cuts: codes below which answers are escalated, 0 to 256.
        split: whose images to count, "val" or "test".

    Raises:
        UnknownNameError: no gate or no split has this name.
    """
    given = (np.atleast_1d(np.asarray(a, np.int64)).ravel() for a in (little_rows, big_rows, cuts))
    little, big, cut = np.broadcast_arrays(*given)
    stored = table.predictions(split)
    counts = _counts(table, stored, little, big, gate, cut, split)
    first, more = _macs(table, little, big)
    rate = counts["escalation_rate"]
    alone = {row: stored.correct[row].mean() for row in {*little.tolist(), *big.tolist()}}
    little_accuracy = np.array([alone[row] for row in little.tolist()])
    big_accuracy = np.array([alone[row] for row in big.tolist()])
    needed = counts["escalated_needed"] + counts["kept_needed"]
    harmful = needed - (big_accuracy - little_accuracy)
    # those that need it first, then those to which it makes no difference, last those it harms
    reached = np.minimum(rate, needed) - np.maximum(0.0, rate - (1.0 - harmful))
    errors = {row: calibration_error(table, row, split) for row in set(little.tolist())}
    pairs = list(zip(little.tolist(), big.tolist(), strict=True))
    told = {pair: _failures(table, stored, gate, split, pair) for pair in set(pairs)}
    failures = np.array([told[pair] for pair in pairs]).reshape(-1, 3).T
    return Diagnostics(
        gate=gate,
        split=split,
        cut=cut.copy(),
        threshold=get_gate(gate).thresholds(table.n_classes)[cut],
        little_accuracy=little_accuracy,
        big_accuracy=big_accuracy,
        routing_accuracy=(
            counts["escalated_needed"] + counts["kept_right"] + counts["kept_hopeless"]
        ),
        random_accuracy=little_accuracy + rate * (big_accuracy - little_accuracy),
        oracle_accuracy=little_accuracy + reached,
        oracle_best_accuracy=little_accuracy + needed,
        oracle_best_escalation_rate=needed,
        calibration_error=np.array([errors[row] for row in little.tolist()]),
        calibration_rounding=get_metric("max_prob").rounding_error(table.n_classes),
        failure_auroc=failures[0],
        failure_aurc=failures[1],
        gate_calibration_error=failures[2],
        macs=mean_cost(first, more, rate),
        worst_macs=first + more,
        provenance=_provenance(table.answers_word_of(np.concatenate([little, big]))),
        **counts,
    )


def _macs(
    table: Table, little: NDArray[np.int64], big: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """MACs of the little networks, and of the big ones beyond what both run, shape (n,) each."""
    macs = table.macs
    return macs[little], macs[big] - table.couplings.shared_macs(little, big)


def _counts(
    table: Table,
    stored: Predictions,
    littles: NDArray[np.int64],
    bigs: NDArray[np.int64],
    gate: str,
    cuts: NDArray[np.int64],
    split: str,
) -> dict[str, NDArray[np.float64]]:
    """Shares of images by what became of them, a few million images at a time."""
    n_images = len(stored.labels)
    labels = stored.labels.astype(np.intp)
    in_class = np.bincount(labels, minlength=table.n_classes).astype(np.float64)
    in_class[in_class == 0] = np.nan
    of_pairs = get_gate(gate).kind in ("pairwise", "paired")
    parts: list[dict[str, NDArray[np.float64]]] = []
    size = max(1, _AT_ONCE // n_images)
    for start in range(0, len(cuts), size):
        some = slice(start, start + size)
        little, big = stored.correct[littles[some]], stored.correct[bigs[some]]
        if of_pairs:
            both, place = np.unique(
                np.stack([littles[some], bigs[some]]), axis=1, return_inverse=True
            )
            rows_of_two = [table.gate_codes.of_pair(gate, split, *pair) for pair in both.T.tolist()]
            codes = np.stack(rows_of_two)[place]
        else:
            rows, place = np.unique(littles[some], return_inverse=True)
            codes = table.codes_of(gate, split, rows)[place]
        escalated = codes < cuts[some, None]
        right = np.where(escalated, big, little)
        masks = {
            "escalation_rate": escalated,
            "accuracy": right,
            "escalated_needed": escalated & ~little & big,
            "escalated_in_vain": escalated & (little == big),
            "escalated_harmed": escalated & little & ~big,
            "kept_right": ~escalated & little,
            "kept_hopeless": ~escalated & ~little & ~big,
            "kept_needed": ~escalated & ~little & big,
        }
        part = {name: np.count_nonzero(mask, axis=1) / n_images for name, mask in masks.items()}
        for name, mask in (("class_accuracy", right), ("class_escalation_rate", escalated)):
            part[name] = _by_class(mask, labels, table.n_classes) / in_class
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _failures(
    table: Table, stored: Predictions, gate: str, split: str, pair: tuple[int, int]
) -> tuple[float, float, float]:
    """AUROC and AURC of little's failures under a gate, and its calibration error."""
    codes, right = table.gate_codes.of_pair(gate, split, *pair), stored.correct[pair[0]]
    rule, error = get_gate(gate), float("nan")
    if rule.probability:
        error = expected_calibration_error(rule.decode(codes, table.n_classes), right)
    return auroc(codes, right), aurc(codes, right), error


def _by_class(
    mask: NDArray[np.bool_], labels: NDArray[np.intp], n_classes: int
) -> NDArray[np.float64]:
    """Images of each class that a row of ``mask`` holds, shape (n, n_classes)."""
    row, image = np.nonzero(mask)
    cell = row * n_classes + labels[image]
    counts = np.bincount(cell, minlength=len(mask) * n_classes)
    return counts.reshape(len(mask), n_classes).astype(np.float64)


def calibration_error(table: Table, row: int, split: str = "test", n_bins: int = N_BINS) -> float:
    """Expected calibration error of one network, a fraction, from stored ``max_prob`` codes.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3.
    """
    stored = table.predictions(split)
    confidence = get_metric("max_prob").decode(stored.codes["max_prob"][row], table.n_classes)
    return expected_calibration_error(confidence, stored.correct[row], n_bins)
