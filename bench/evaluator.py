"""What a searcher sees: candidates go in, operating points come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .cost import NetworkCosts
from .points import Points
from .precision import FP32
from .spaces import Exits, Genomes, SearchSpace


@dataclass(frozen=True)
class Candidates:
    """Pairs with gates that wait to be evaluated, arrays whose first axis has n entries.

    Attributes:
        little: genomes, shape (n, n_layers).
        big: genomes, shape (n, n_layers).
        gate: index into the evaluator's ``gates``, shape (n,).
        cut: stored code below which an answer is escalated, 0 to 256, shape (n,).
        exits: numbers of the exits at which little and big are cut, 0 for a whole network, each
            (n,); None: all networks are whole.

    An evaluator of single networks has no gates: there ``big`` is ``little``, gate and cut are 0.
    """

    little: Genomes
    big: Genomes
    gate: NDArray[np.int64]
    cut: NDArray[np.int64]
    exits: tuple[Exits, Exits] | None = None

    def __len__(self) -> int:
        return len(self.gate)


@dataclass(frozen=True)
class NetworkFigures:
    """Single networks, with no gate and no partner.

    Attributes:
        accuracy: share of right answers, shape (n,).
        costs: costs on the evaluator's device, arrays of shape (n,).
        provenance: how ``accuracy`` came about; the costs carry their own.
    """

    accuracy: NDArray[np.float64]
    costs: NetworkCosts
    provenance: str


@dataclass(frozen=True)
class AnswerCurves:
    """What n pairs answer under every gate and every cut that matters, m in all; no device yet.

    Attributes:
        owner: which of the pairs each point belongs to, rising, shape (m,).
        gate: index into the evaluator's ``gates``, shape (m,).
        cut: code below which answers are escalated, 0 to 256, shape (m,).
        accuracy: share of right answers, shape (m,).
        escalation_rate: share of inputs that reach the big network, shape (m,).
        word: provenance of accuracy and escalation rate.
        split: on whose images the answers were counted; None where they are predicted.
    """

    owner: NDArray[np.intp]
    gate: NDArray[np.int64]
    cut: NDArray[np.int64]
    accuracy: NDArray[np.float64]
    escalation_rate: NDArray[np.float64]
    word: str
    split: str | None = None


@dataclass(frozen=True)
class Sweep:
    """Operating points of n pairs under every gate and every cut that matters, m in all.

    Attributes:
        owner: which of the pairs each point belongs to, rising, shape (m,).
        gate: index into the evaluator's ``gates``, shape (m,).
        cut: code below which answers are escalated, 0 to 256, shape (m,).
        figures: ``threshold`` and the figures of an operating point by name, shape (m,) each.
        provenance: how each figure came about, by field.
        split: on whose images the answers were counted; None where they are predicted.
    """

    owner: NDArray[np.intp]
    gate: NDArray[np.int64]
    cut: NDArray[np.int64]
    figures: Mapping[str, NDArray[np.float64]]
    provenance: Mapping[str, str]
    split: str | None = None


class Evaluator(Protocol):
    """Evaluates many candidates at once. A table, a surrogate and a training run all are one."""

    @property
    def space(self) -> SearchSpace:
        """The search space of both networks."""
        ...

    @property
    def choices(self) -> tuple[str, ...]:
        """The space's choices that may be used."""
        ...

    @property
    def gates(self) -> tuple[str, ...]:
        """Gate metrics that a candidate may name by index."""
        ...

    @property
    def n_classes(self) -> int:
        """Classes of the networks' classifiers."""
        ...

    def evaluate(self, candidates: Candidates) -> Points:
        """Operating points of the candidates, in their order; NaN where there is no figure."""
        ...

    def networks(self, genomes: Genomes, exits: Exits | None = None) -> NetworkFigures:
        """Figures of single networks, genomes of shape (n, n_layers), cut at ``exits``, (n,)."""
        ...


@runtime_checkable
class SweepingEvaluator(Protocol):
    """An evaluator to which all operating points of a pair cost hardly more than one."""

    def sweep(
        self, little: Genomes, big: Genomes, exits: tuple[Exits, Exits] | None = None
    ) -> Sweep:
        """All points of n pairs, genomes of shape (n, n_layers); at least one of each pair."""
        ...


class AnsweringEvaluator(Evaluator, Protocol):
    """An evaluator that says what pairs answer apart from what that costs on its device."""

    def answers(
        self, little: Genomes, big: Genomes, exits: tuple[Exits, Exits] | None = None
    ) -> AnswerCurves:
        """All points of n pairs, genomes of shape (n, n_layers); at least one of each pair."""
        ...


@runtime_checkable
class ListedEvaluator(Protocol):
    """An evaluator that knows some architectures and nothing about all others."""

    @property
    def listed(self) -> Genomes | None:
        """The architectures it knows, distinct, shape (n_listed, n_layers); None: all."""
        ...


def shares_nothing(evaluator: Evaluator) -> bool:
    """Whether no two networks of an evaluator share weights: its ``apart`` says so, if it has one.

    Networks of a table and of a supernet have the weights of one training, unless each is trained
    further before it answers.
    """
    return bool(getattr(evaluator, "apart", False))


def precision_of(evaluator: Evaluator) -> str:
    """The precision of an evaluator's networks: what its ``precision`` says, fp32 without one."""
    return str(getattr(evaluator, "precision", FP32))


@runtime_checkable
class CutEvaluator(Protocol):
    """An evaluator that also knows networks that are cut at exits."""

    @property
    def exits(self) -> NDArray[np.bool_] | None:
        """Whether there are networks cut at each exit; None: all are whole.

        By the number of the exit, whole networks first: shape (n_exits + 1,), or a row for each
        architecture that is listed, (n_listed, n_exits + 1).
        """
        ...


@runtime_checkable
class FidelityEvaluator(Protocol):
    """An evaluator that also answers cheaply and roughly."""

    @property
    def fidelities(self) -> tuple[float, ...]:
        """Shares of a full evaluation's cost, rising; the last one is 1."""
        ...

    def at(self, fidelity: float) -> Evaluator:
        """The evaluator that spends this share of a full evaluation."""
        ...
