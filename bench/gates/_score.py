"""Gates on a score in [0, 1] that no table stores: worked out from the answers it does store.

A score is a number from 0 (escalate first) to 1 (escalate last), and its code is
``floor(256 * score)``: equally spaced, unlike those of a stored metric. As there, a code stands for
its middle, so threshold 0 keeps everything and threshold 1 escalates everything.

What a score may look at makes its kind: the answers of one network (`DerivedGate`), those of one
network in the light of a certain big one that it was fitted to (`PairedGate`), those of two
networks that were both asked (`StageGate`), or the truth (`PairwiseGate`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import GateError
from ._metric import N_CODES

#: Values of answers beyond those that every table stores, and what each of them is.
VALUES = {"log_sum_exp": "the logarithm of the sum of the exponentials of the logits"}

Kind = Literal["stored", "derived", "paired", "stage", "pairwise"]


class GateRule(Protocol):
    """What every entry of the registry is: a name, its thresholds, and what they cut.

    Attributes:
        name: key of the entry.
        unit: unit of its thresholds, "score" for a derived gate.
        source: where it was published, or how it came about.
        kind: ``stored`` codes are columns of a table; ``derived`` codes are worked out from the
            little network's stored answers; ``paired`` ones too, by a rule that is fitted to a pair
            of networks; ``stage`` codes need the answers of the network that was asked before as
            well; ``pairwise`` codes need to know whether both networks are right.
        probability: whether its values claim to be the probability that an answer is right.
        deployable: whether a device could run it; a control and a bound cannot.
    """

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def probability(self) -> bool: ...
    @property
    def deployable(self) -> bool: ...

    def thresholds(self, n_classes: int) -> NDArray[np.float64]:
        """The thresholds that matter, shape (257,): from "keep all" to "escalate all"."""

    def cut(self, threshold: ArrayLike, n_classes: int) -> NDArray[np.int64]:
        """The cut 0 to 256 that a threshold means: answers with a code below it are escalated."""

    def decode(self, codes: ArrayLike, n_classes: int) -> NDArray[np.float64]:
        """The values that codes stand for."""


@dataclass(frozen=True)
class Answers:
    """What one network said about n images of one split.

    Attributes:
        top1: predicted classes, uint8, shape (n,).
        codes: codes of every stored metric, uint8, shape (n,) each.
        n_classes: number of classes of the classifier.
        values: further values that not every table has, by their name in ``VALUES``, shape (n,)
            each.
    """

    top1: NDArray[np.integer[Any]]
    codes: Mapping[str, NDArray[np.uint8]]
    n_classes: int
    values: Mapping[str, NDArray[np.floating[Any]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.top1)

    def take(self, index: NDArray[Any]) -> Answers:
        """The answers to the images at ``index``, places or a mask."""
        kind: Any = type(self.codes)  # one that says what a metric that is missing means stays so
        codes = kind({name: codes[index] for name, codes in self.codes.items()})
        values = {name: values[index] for name, values in self.values.items()}
        return Answers(self.top1[index], codes, self.n_classes, values)


class Scorer(Protocol):
    """A gate fitted to one network, or to a pair."""

    def scores(self, answers: Answers) -> NDArray[np.float64]:
        """The scores in [0, 1] of a network's answers, shape (n,)."""


def score_codes(scores: ArrayLike) -> NDArray[np.uint8]:
    """Codes 0 to 255 of scores of any shape; scores beyond [0, 1] are taken to its ends."""
    code = np.floor(N_CODES * np.asarray(scores, np.float64))
    return np.clip(code, 0, N_CODES - 1).astype(np.uint8)


@dataclass(frozen=True)
class Ranked:
    """A score without a scale of its own, by its rank among the answers it was fitted to.

    A threshold t on it escalates a share t of those answers, and about as many of others like them.

    Attributes:
        values: confidences of the answers it was fitted to, rising, shape (n_val,).
        confidence: confidence of any answers, high where little should answer.
    """

    values: NDArray[np.float64]
    confidence: Callable[[Answers], NDArray[np.float64]]

    @classmethod
    def of(cls, confidence: Callable[[Answers], NDArray[np.float64]], answers: Answers) -> Ranked:
        """The ranks of a confidence among these answers."""
        return cls(np.sort(confidence(answers)), confidence)

    def scores(self, answers: Answers) -> NDArray[np.float64]:
        """Shares of the fitted answers that are less confident, equals by half, shape (n,)."""
        given = self.confidence(answers)
        below, upto = (np.searchsorted(self.values, given, side) for side in ("left", "right"))
        return np.asarray((below + upto) / (2.0 * len(self.values)))


def _cut(name: str, threshold: ArrayLike) -> NDArray[np.int64]:
    values = np.asarray(threshold, np.float64)
    fine = (values >= 0) & (values <= 1)
    if not bool(np.all(fine)):
        raise GateError(
            f"threshold {values[~fine].flat[0]:g} is outside the range of {name!r}, which is a "
            "score; expected a number from 0 to 1."
        )
    return np.ceil(N_CODES * values - 0.5).astype(np.int64)


class _ScoreThresholds:
    """Thresholds of a gate whose values are scores."""

    name: str

    def thresholds(self, n_classes: int) -> NDArray[np.float64]:
        """The thresholds that matter, shape (257,): from "keep all" to "escalate all"."""
        return np.arange(N_CODES + 1) / N_CODES

    def cut(self, threshold: ArrayLike, n_classes: int) -> NDArray[np.int64]:
        """The cut 0 to 256 that a threshold means: answers with a code below it are escalated.

        Raises:
            GateError: a threshold that is not a number from 0 to 1.
        """
        return _cut(self.name, threshold)

    def decode(self, codes: ArrayLike, n_classes: int) -> NDArray[np.float64]:
        """The scores that codes stand for: their middles."""
        return np.asarray((np.asarray(codes, np.float64) + 0.5) / N_CODES)


@dataclass(frozen=True)
class DerivedGate(_ScoreThresholds):
    """A gate on a score of the little network's stored answers.

    Attributes:
        name: key of the gate.
        fit: a scorer of one network, given its answers to the images of ``val`` and whether each
            is right, bool, shape (n_val,). It sees nothing else.
        source: where it was published.
        deployable: whether a device could run it.
        probability: whether its score claims to be the probability that the answer is right.
        needs: names of the further values of answers that it looks at, of ``VALUES``.
        unit: unit of its thresholds, "score" for a derived gate.
        kind: ``derived``: worked out from the little network's answers.
    """

    name: str
    fit: Callable[[Answers, NDArray[np.bool_]], Scorer]
    source: str
    deployable: bool = True
    probability: bool = False
    needs: tuple[str, ...] = ()
    unit: str = field(default="score", init=False)
    kind: Literal["derived"] = field(default="derived", init=False)


@dataclass(frozen=True)
class PairedGate(_ScoreThresholds):
    """A gate on a score of the little network's answers that is fitted to a pair of networks.

    On val an answer is scored by a fit to the other folds, so that a threshold is chosen on scores
    as honest as those of new images, which are scored by a fit to the whole of val.

    Attributes:
        name: key of the gate.
        fit: a scorer of the little network's answers, given those on ``val``, and whether the
            little and whether the big network is right there, bool, shape (n_val,) each.
        source: where it was published.
        folds: parts of val, of which each is scored by a fit to the others; image i is in part
            i modulo this number.
        unit: unit of its thresholds, "score" for a paired gate.
        kind: ``paired``: worked out from the little network's answers by a rule for this pair.
        probability: never, for its score is a rank or an order alone.
        deployable: always; once fitted it looks at the little network alone.
    """

    name: str
    fit: Callable[[Answers, NDArray[np.bool_], NDArray[np.bool_]], Scorer]
    source: str
    folds: int = 5
    unit: str = field(default="score", init=False)
    kind: Literal["paired"] = field(default="paired", init=False)
    probability: bool = field(default=False, init=False)
    deployable: bool = field(default=True, init=False)


@dataclass(frozen=True)
class StageGate(_ScoreThresholds):
    """A gate on a score of a network's answers and of those of the network asked before it.

    It stands behind the second stage of a cascade or a later one. Both networks have run by then,
    so what a cascade costs holds for it as it is.

    Attributes:
        name: key of the gate.
        compare: scores in [0, 1], given the answers of the network asked before and of its own.
        source: where it was published.
        unit: unit of its thresholds, "score" for a stage gate.
        kind: ``stage``: worked out from the answers of two networks that were asked in turn.
        probability: never, for its score is a rank or an order alone.
        deployable: always; it looks at answers alone.
    """

    name: str
    compare: Callable[[Answers, Answers], NDArray[np.float64]]
    source: str
    unit: str = field(default="score", init=False)
    kind: Literal["stage"] = field(default="stage", init=False)
    probability: bool = field(default=False, init=False)
    deployable: bool = field(default=True, init=False)


@dataclass(frozen=True)
class PairwiseGate(_ScoreThresholds):
    """A gate on a score that needs to know whether both networks are right: a bound, not a rule.

    Attributes:
        name: key of the gate.
        compare: scores in [0, 1], given whether little and whether big is right, bool arrays that
            broadcast.
        source: where it was published.
        unit: unit of its thresholds, "score" for a derived gate.
        kind: ``pairwise``: it needs to know who is right.
        probability: never, for its score is a rank or an order alone.
        deployable: never; at run time nobody knows what is right.
    """

    name: str
    compare: Callable[[NDArray[np.bool_], NDArray[np.bool_]], NDArray[np.float64]]
    source: str
    unit: str = field(default="score", init=False)
    kind: Literal["pairwise"] = field(default="pairwise", init=False)
    probability: bool = field(default=False, init=False)
    deployable: bool = field(default=False, init=False)
