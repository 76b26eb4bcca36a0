"""Codes of every gate that looks at answers and not at the truth, from those a table stores.

Stored metrics are read. Derived gates are fitted to each network by itself, paired ones to each
pair, on ``val`` alone and whichever split is asked for, when they are first asked about. Stage
gates compare the answers of two networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .class_numbers import Classes
from .errors import GateError
from .gates import (
    VALUES,
    Answers,
    DerivedGate,
    GateRule,
    PairedGate,
    Scorer,
    StageGate,
    get_gate,
    pair_codes,
    score_codes,
)

FITTED_ON = "val"
_KEPT_PAIRS = 4096  # codes of pairs that are kept; of as many images each
#: Fitted gates by gate and row; their codes by gate, split and row; those of two networks.
Scorers = dict[tuple[str, int], Scorer]
DerivedCodes = dict[tuple[str, str, int], NDArray[np.uint8]]
CodesOfTwo = dict[tuple[str, str, int, int], NDArray[np.uint8]]
Fitted = tuple[Scorers, DerivedCodes, CodesOfTwo]


class StoredAnswers(Protocol):
    """What every network of a table said about every image of one split."""

    @property
    def top1(self) -> Classes:
        """Answers, shape (n_networks, n_images)."""

    @property
    def codes(self) -> Mapping[str, NDArray[np.uint8]]:
        """Codes of every stored metric, shape (n_networks, n_images) each."""

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each answer is right, shape (n_networks, n_images)."""

    @property
    def values(self) -> Mapping[str, NDArray[np.floating[Any]]]:
        """Values of ``VALUES`` that the answers came with, (n_networks, n_images) each."""


class _Kept(dict[str, NDArray[np.uint8]]):
    """Codes by metric; one that is not there is a matter of the gate that asks for it."""

    def __missing__(self, metric: str) -> NDArray[np.uint8]:
        raise GateError(
            f"the gate needs {metric!r}, of which this table keeps nothing: it has "
            f"{', '.join(self)}. Choose a gate that needs no other, or import the answers as "
            "probabilities of all classes instead of top-1 and confidence."
        )


@dataclass(frozen=True)
class Codes:
    """Confidence codes of a table's networks under every stored and derived gate.

    Attributes:
        predictions: gives the stored answers of a split by its name.
        n_classes: number of classes of the classifier.
    """

    predictions: Callable[[str], StoredAnswers]
    n_classes: int
    _scorers: Scorers = field(default_factory=dict, repr=False)
    _derived_codes: DerivedCodes = field(default_factory=dict, repr=False)
    _codes_of_two: CodesOfTwo = field(default_factory=dict, repr=False)

    def scorer(self, gate: str, row: int) -> Scorer:
        """A derived gate fitted to one network on ``val``.

        Raises:
            UnknownNameError: no gate has this name.
            GateError: a gate that is not fitted to one network, or that needs more than the
                answers came with.
        """
        rule, key = get_gate(gate), (gate, row)
        if not isinstance(rule, DerivedGate):
            raise GateError(f"gate {gate!r} is {rule.kind}: nothing of it is fitted to a network.")
        if key not in self._scorers:
            right = self.predictions(FITTED_ON).correct[row]
            self._scorers[key] = rule.fit(self._answers(FITTED_ON, row, rule), right)
        return self._scorers[key]

    def of(self, gate: str, split: str, rows: ArrayLike) -> NDArray[np.uint8]:
        """Codes, uint8, shape (len(rows), n_images); answers below a cut are escalated.

        Raises:
            UnknownNameError: no gate or no split has this name.
            GateError: a gate that has no codes without a second network, or that needs more than
                the answers came with, a metric that the table does not store among it.
        """
        wanted, rule = np.asarray(rows, np.intp).ravel(), get_gate(gate)
        stored = self.predictions(split)
        if rule.kind == "stored":
            return _Kept(stored.codes)[gate][wanted]
        if isinstance(rule, StageGate):
            raise GateError(
                f"gate {gate!r} compares a network with the one that was asked before it, so it "
                "stands behind the second stage of a cascade; expected three networks: "
                f"Cascade((little, second, big), [('max_prob', 1.0), ({gate!r}, 0.5)])."
            )
        if isinstance(rule, PairedGate):
            raise GateError(
                f"gate {gate!r} is fitted to each pair of networks; expected one pair at a time, "
                "as in query, curve, choose and cascades, or a gate that looks at the little "
                "network alone, such as 'margin'."
            )
        if not isinstance(rule, DerivedGate):
            raise GateError(
                f"gate {gate!r} is {rule.kind}: it needs a big network as well; take its codes "
                "from biglittle.bench.gates.pair_codes."
            )
        out = np.empty((len(wanted), stored.top1.shape[1]), np.uint8)
        for i, row in enumerate(wanted.tolist()):
            out[i] = self._derived(gate, split, row)
        return out

    def _derived(self, gate: str, split: str, row: int) -> NDArray[np.uint8]:
        key = (gate, split, row)
        if key not in self._derived_codes:
            scores = self.scorer(gate, row).scores(self._answers(split, row, get_gate(gate)))
            self._derived_codes[key] = score_codes(scores)
        return self._derived_codes[key]

    def of_pair(self, gate: str, split: str, little: int, big: int) -> NDArray[np.uint8]:
        """Codes that decide for a pair, uint8, shape (n_images,), whatever the gate looks at.

        Args:
            gate: name of a gate of any kind but that of a stage.
            split: whose images, "val" or "test".
            little: row of the network that answers first.
            big: row of the network that answers what is escalated.

        Raises:
            UnknownNameError: no gate or no split has this name.
            GateError: a stage gate, or one that needs more than the answers came with.
        """
        kind = get_gate(gate).kind
        if kind == "pairwise":
            correct = self.predictions(split).correct
            return pair_codes(gate, correct[little], correct[big])
        if kind == "paired":
            return self.of_two(gate, split, little, big)
        codes: NDArray[np.uint8] = self.of(gate, split, [little])[0]
        return codes

    def of_two(self, gate: str, split: str, first: int, second: int) -> NDArray[np.uint8]:
        """Codes of a gate that needs two networks, uint8, shape (n_images,).

        Args:
            gate: name of a paired or of a stage gate.
            split: whose images, "val" or "test".
            first: row of the network that is asked first.
            second: row of the network that is asked after it.

        Raises:
            UnknownNameError: no gate or no split has this name.
            GateError: a gate of another kind.
        """
        rule, key = get_gate(gate), (gate, split, first, second)
        if not isinstance(rule, PairedGate | StageGate):
            raise GateError(f"gate {gate!r} is {rule.kind}: it does not look at two networks.")
        if key not in self._codes_of_two:
            if isinstance(rule, StageGate):
                both = (self._answers(split, row) for row in (first, second))
                scores = rule.compare(*both)
            else:
                scores = self._paired_scores(rule, split, first, second)
            while len(self._codes_of_two) >= _KEPT_PAIRS:
                self._codes_of_two.pop(next(iter(self._codes_of_two)))
            self._codes_of_two[key] = score_codes(scores)
        return self._codes_of_two[key]

    def _paired_scores(
        self, rule: PairedGate, split: str, little: int, big: int
    ) -> NDArray[np.float64]:
        """Scores by a fit to val; those of val itself by fits to the other folds."""
        answers = self._answers(FITTED_ON, little)
        right = self.predictions(FITTED_ON).correct
        if split != FITTED_ON:
            scorer = rule.fit(answers, right[little], right[big])
            return scorer.scores(self._answers(split, little))
        scores = np.empty(len(answers))
        fold = np.arange(len(answers)) % min(rule.folds, max(2, len(answers)))
        for i in np.unique(fold).tolist():
            other = fold != i if len(answers) > 1 else fold == i
            scorer = rule.fit(answers.take(other), right[little][other], right[big][other])
            scores[fold == i] = scorer.scores(answers.take(fold == i))
        return scores

    def _answers(self, split: str, row: int, rule: GateRule | None = None) -> Answers:
        """A network's answers; of a gate that needs more than there is, an error."""
        stored = self.predictions(split)
        gate, needs = (rule.name, rule.needs) if isinstance(rule, DerivedGate) else ("", ())
        for name in needs:
            if name not in stored.values:
                raise GateError(
                    f"gate {gate!r} needs {name}, {VALUES[name]}, and the answers of {split} "
                    f"came without: they hold top1, {', '.join(sorted(stored.codes))}, from which "
                    "it cannot be worked out. Expected answers that came as logits ('biglittle "
                    "import answers --kind logits'); or take another gate, such as 'margin'."
                )
        codes = _Kept({name: codes[row] for name, codes in stored.codes.items()})
        values = {name: values[row] for name, values in stored.values.items()}
        return Answers(stored.top1[row], codes, self.n_classes, values)
