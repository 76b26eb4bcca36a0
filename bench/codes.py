"""Codes of every gate that looks at the little network alone, from the answers a table stores.

Stored metrics are read. Derived gates are fitted to each network by itself, on ``val`` alone and
whichever split is asked for, when that network is first asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .class_numbers import Classes
from .errors import GateError
from .gates import Answers, DerivedGate, Scorer, get_gate, score_codes

FITTED_ON = "val"


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
    _scorers: dict[tuple[str, int], Scorer] = field(default_factory=dict, repr=False)
    _derived_codes: dict[tuple[str, str, int], NDArray[np.uint8]] = field(
        default_factory=dict, repr=False
    )

    def scorer(self, gate: str, row: int) -> Scorer:
        """A derived gate fitted to one network on ``val``.

        Raises:
            UnknownNameError: no gate has this name.
            GateError: a gate that is not fitted.
        """
        rule, key = get_gate(gate), (gate, row)
        if not isinstance(rule, DerivedGate):
            raise GateError(f"gate {gate!r} is {rule.kind}: nothing of it is fitted to a network.")
        if key not in self._scorers:
            right = self.predictions(FITTED_ON).correct[row]
            self._scorers[key] = rule.fit(self._answers(FITTED_ON, row), right)
        return self._scorers[key]

    def of(self, gate: str, split: str, rows: ArrayLike) -> NDArray[np.uint8]:
        """Codes, uint8, shape (len(rows), n_images); answers below a cut are escalated.

        Raises:
            UnknownNameError: no gate or no split has this name.
            GateError: a pairwise gate, which has no codes without a big network, or one that needs
                a metric that the table does not store.
        """
        wanted, rule = np.asarray(rows, np.intp).ravel(), get_gate(gate)
        stored = self.predictions(split)
        if rule.kind == "stored":
            return _Kept(stored.codes)[gate][wanted]
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
            scores = self.scorer(gate, row).scores(self._answers(split, row))
            self._derived_codes[key] = score_codes(scores)
        return self._derived_codes[key]

    def _answers(self, split: str, row: int) -> Answers:
        stored = self.predictions(split)
        codes = _Kept({name: codes[row] for name, codes in stored.codes.items()})
        return Answers(stored.top1[row], codes, self.n_classes)
