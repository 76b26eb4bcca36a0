"""Gates on a score in [0, 1] that no table stores: worked out from the answers it does store.

A score is a number from 0 (escalate first) to 1 (escalate last), and its code is
``floor(256 * score)``: equally spaced, unlike those of a stored metric. As there, a code stands for
its middle, so threshold 0 keeps everything and threshold 1 escalates everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import GateError
from ._metric import N_CODES

Kind = Literal["stored", "derived", "pairwise"]


class GateRule(Protocol):
    """What every entry of the registry is: a name, its thresholds, and what they cut.

    Attributes:
        name: key of the entry.
        unit: unit of its thresholds, "score" for a derived gate.
        source: where it was published, or how it came about.
        kind: ``stored`` codes are columns of a table; ``derived`` codes are worked out from the
            little network's stored answers; ``pairwise`` codes need those of both networks.
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
    def deployable(self) -> bool: ...

    def thresholds(self, n_classes: int) -> NDArray[np.float64]:
        """The thresholds that matter, shape (257,): from "keep all" to "escalate all"."""

    def cut(self, threshold: ArrayLike, n_classes: int) -> NDArray[np.int64]:
        """The cut 0 to 256 that a threshold means: answers with a code below it are escalated."""


@dataclass(frozen=True)
class Answers:
    """What one network said about n images of one split.

    Attributes:
        top1: predicted classes, uint8, shape (n,).
        codes: codes of every stored metric, uint8, shape (n,) each.
        n_classes: number of classes of the classifier.
    """

    top1: NDArray[np.uint8]
    codes: Mapping[str, NDArray[np.uint8]]
    n_classes: int


class Scorer(Protocol):
    """A derived gate fitted to one network."""

    def scores(self, answers: Answers) -> NDArray[np.float64]:
        """The scores in [0, 1] of a network's answers, shape (n,)."""


def score_codes(scores: ArrayLike) -> NDArray[np.uint8]:
    """Codes 0 to 255 of scores of any shape; scores beyond [0, 1] are taken to its ends."""
    code = np.floor(N_CODES * np.asarray(scores, np.float64))
    return np.clip(code, 0, N_CODES - 1).astype(np.uint8)


def _cut(name: str, threshold: ArrayLike) -> NDArray[np.int64]:
    values = np.asarray(threshold, np.float64)
    fine = (values >= 0) & (values <= 1)
    if not bool(np.all(fine)):
        raise GateError(
            f"threshold {values[~fine].flat[0]:g} is outside the range of {name!r}, which is a "
            "score; expected a number from 0 to 1."
        )
    return np.ceil(N_CODES * values - 0.5).astype(np.int64)


@dataclass(frozen=True)
class DerivedGate:
    """A gate on a score of the little network's stored answers.

    Attributes:
        name: key of the gate.
        fit: a scorer of one network, given its answers to the images of ``val`` and whether each
            is right, bool, shape (n_val,). It sees nothing else.
        source: where it was published.
        deployable: whether a device could run it.
        unit: unit of its thresholds, "score" for a derived gate.
        kind: ``derived``: worked out from the little network's answers.
    """

    name: str
    fit: Callable[[Answers, NDArray[np.bool_]], Scorer]
    source: str
    deployable: bool = True
    unit: str = field(default="score", init=False)
    kind: Literal["derived"] = field(default="derived", init=False)

    def thresholds(self, n_classes: int) -> NDArray[np.float64]:
        """The thresholds that matter, shape (257,): from "keep all" to "escalate all"."""
        return np.arange(N_CODES + 1) / N_CODES

    def cut(self, threshold: ArrayLike, n_classes: int) -> NDArray[np.int64]:
        """The cut 0 to 256 that a threshold means: answers with a code below it are escalated.

        Raises:
            GateError: a threshold that is not a number from 0 to 1.
        """
        return _cut(self.name, threshold)


@dataclass(frozen=True)
class PairwiseGate:
    """A gate on a score that needs to know whether both networks are right: a bound, not a rule.

    Attributes:
        name: key of the gate.
        compare: scores in [0, 1], given whether little and whether big is right, bool arrays that
            broadcast.
        source: where it was published.
        unit: unit of its thresholds, "score" for a derived gate.
        kind: ``pairwise``: it needs the answers of both networks.
        deployable: never; at run time nobody knows what is right.
    """

    name: str
    compare: Callable[[NDArray[np.bool_], NDArray[np.bool_]], NDArray[np.float64]]
    source: str
    unit: str = field(default="score", init=False)
    kind: Literal["pairwise"] = field(default="pairwise", init=False)
    deployable: bool = field(default=False, init=False)

    def thresholds(self, n_classes: int) -> NDArray[np.float64]:
        """The thresholds that matter, shape (257,): from "keep all" to "escalate all"."""
        return np.arange(N_CODES + 1) / N_CODES

    def cut(self, threshold: ArrayLike, n_classes: int) -> NDArray[np.int64]:
        """The cut 0 to 256 that a threshold means: answers with a code below it are escalated.

        Raises:
            GateError: a threshold that is not a number from 0 to 1.
        """
        return _cut(self.name, threshold)
