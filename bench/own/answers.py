"""What one network of anybody's answered, as a table stores it: top-1 and confidence codes.

Answers are probabilities of all classes, or logits, or top-1 with a confidence. They are looked at
some rows at a time, so that an array that lies on disk never has to be in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..class_numbers import MAX_CLASSES, Classes, class_dtype
from ..errors import AnswersError
from ..gates import get_metric, stored_metrics

Kind = Literal["probabilities", "logits", "percent"]
KINDS = ("probabilities", "logits", "percent")
#: How far a row of probabilities may be from adding up to 1: half precision, or rounded decimals.
TOLERANCE = 0.01
_CHUNK = 2**19  # values that are looked at together: a few MiB with what is worked out from them
_TOP1, _CONFIDENCE = "top1", "confidence"


@dataclass(frozen=True)
class NetworkAnswers:
    """What a table stores of one network's answers to n images.

    Attributes:
        top1: predicted classes, shape (n,).
        codes: confidence codes by gate metric, uint8, shape (n,) each.
        n_classes: number of classes; the least that holds all answers where only top-1 came.
        values: further values by name in ``gates.VALUES``, of answers that came as logits.
    """

    top1: Classes
    codes: Mapping[str, NDArray[np.uint8]]
    n_classes: int
    values: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.top1)


def network_answers(name: str, given: Any, kind: str = "probabilities") -> NetworkAnswers:
    """What a table stores of one network's answers.

    Args:
        name: name of the network, for messages.
        given: array of shape (n_images, n_classes), or something that ``to_numpy`` makes one of;
            or a mapping or a frame with ``top1`` and ``confidence``, or a tuple of the two.
        kind: what an array holds: "probabilities", "logits", or probabilities in "percent".

    Raises:
        AnswersError: no such answers, NaN, or rows that are not what ``kind`` says; says what they
            look like.
    """
    if kind not in KINDS:
        raise AnswersError(f"answers are {' or '.join(KINDS)}; got kind {kind!r}.")
    pair = _top1_and_confidence(given)
    if pair is not None:
        return _from_confidence(name, *pair)
    array = as_array(name, given)
    if array.ndim != 2 or array.shape[1] < 2:
        raise AnswersError(
            f"answers of {name!r} have shape {array.shape}; expected (n_images, n_classes) with at "
            "least 2 classes, or a pair (top1, confidence). Of a binary classifier with one score "
            "give both columns, 1 - score and score."
        )
    return _from_array(name, array, kind)


def _top1_and_confidence(given: Any) -> tuple[Any, Any] | None:
    if isinstance(given, tuple) and len(given) == 2:
        return given
    columns = given if isinstance(given, Mapping) else getattr(given, "columns", ())
    if _TOP1 in columns and _CONFIDENCE in columns:
        return given[_TOP1], given[_CONFIDENCE]
    return None


def as_array(name: str, given: Any) -> NDArray[Any]:
    """What was given as an array of numbers, without a copy where it is one already.

    Raises:
        AnswersError: text, objects, or nothing that an array can be made of.
    """
    try:
        array: NDArray[Any] = np.asanyarray(
            given.to_numpy() if hasattr(given, "to_numpy") else given
        )
    except (TypeError, ValueError) as error:
        raise AnswersError(f"{name!r} is not an array of numbers: {error}.") from error
    if array.dtype.kind not in "biuf":
        raise AnswersError(f"{name!r} holds {array.dtype}; expected numbers.")
    return array


def _from_array(name: str, array: NDArray[Any], kind: str) -> NetworkAnswers:
    n, n_classes = array.shape
    if n_classes > MAX_CLASSES:
        raise AnswersError(f"answers of {name!r} are of {n_classes:,} classes; is it transposed?")
    metrics = [get_metric(metric) for metric in stored_metrics()]
    top1 = np.empty(n, class_dtype(n_classes))
    codes = {metric.name: np.empty(n, np.uint8) for metric in metrics}
    values = {"log_sum_exp": np.empty(n, np.float32)} if kind == "logits" else {}
    step = max(1, _CHUNK // n_classes)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        chunk = _floats(array[rows])
        if kind == "logits":
            chunk, values["log_sum_exp"][rows] = _softmax(name, chunk, start)
        else:
            chunk = chunk / 100 if kind == "percent" else chunk
            _check_probabilities(name, chunk, start)
        top1[rows] = chunk.argmax(axis=1)
        for metric in metrics:
            codes[metric.name][rows] = metric.encode(metric.compute(chunk), n_classes)
    return NetworkAnswers(top1, codes, n_classes, values)


def _floats(chunk: NDArray[Any]) -> NDArray[np.floating[Any]]:
    """Numbers as float32 or float64, whichever holds them."""
    wide = chunk.dtype.kind != "f" or chunk.dtype.itemsize > 4
    return np.asarray(chunk, np.float64 if wide else np.float32)


def _softmax(
    name: str, logits: NDArray[np.floating[Any]], start: int
) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """Probabilities of logits, and the logarithm of the sum of their exponentials."""
    top = logits.max(axis=1, keepdims=True)
    _check_finite(name, top[:, 0] + logits.min(axis=1), start)
    odds = np.exp(logits - top)
    sums = odds.sum(axis=1, keepdims=True)
    odds /= sums
    return odds, (top + np.log(sums))[:, 0]


def _check_finite(name: str, values: NDArray[np.floating[Any]], start: int) -> None:
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise AnswersError(
            f"answers of {name!r} have NaN or infinity in row {start + int(wrong[0])}; expected "
            "numbers. Leave out images that the network did not answer, of all networks and labels."
        )


def _check_probabilities(name: str, chunk: NDArray[np.floating[Any]], start: int) -> None:
    sums = chunk.sum(axis=1)
    _check_finite(name, sums, start)
    off = np.abs(sums - 1) > TOLERANCE
    low = float(chunk.min(initial=0.0))
    if not off.any() and low >= -TOLERANCE:
        return
    row = int(off.argmax()) if off.any() else int(chunk.min(axis=1).argmin())
    raise AnswersError(
        f"answers of {name!r} are not probabilities: row {start + row} adds up to "
        f"{float(sums[row]):.6g} and goes from {float(chunk[row].min()):.4g} to "
        f"{float(chunk[row].max()):.4g}; expected at least 0, adding up to 1. {_looks_like(chunk)}"
    )


def _looks_like(chunk: NDArray[np.floating[Any]]) -> str:
    """What rows that are not probabilities seem to be, and what to do."""
    sums, low, high = chunk.sum(axis=1), float(chunk.min()), float(chunk.max())
    if low >= 0 and np.all(np.abs(sums - 100) <= 100 * TOLERANCE):
        return "They look like percent: give kind 'percent' (--kind percent)."
    if high <= 0 and np.all(np.abs(np.exp(chunk).sum(axis=1) - 1) <= TOLERANCE):
        return "They look like logarithms of probabilities: give kind 'logits' (--kind logits)."
    if low < 0 or high > 1 + TOLERANCE:
        return "They look like logits: give kind 'logits' (--kind logits)."
    return (
        "They look like scores of one class against the rest (sigmoid), which are no distribution "
        "over classes: give the logits before the last layer with kind 'logits', or a pair (top1, "
        "confidence)."
    )


def _from_confidence(name: str, top1: Any, confidence: Any) -> NetworkAnswers:
    classes = whole_numbers(f"top1 of {name!r}", top1)
    values = as_array(f"confidence of {name}", confidence).astype(np.float64)
    if values.shape != classes.shape:
        raise AnswersError(
            f"{name!r} has {len(classes):,} top-1 answers and confidences of shape {values.shape}; "
            "expected one for each image."
        )
    _check_finite(name, values, 0)
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        wrong = values.min() if values.min() < 0 else values.max()
        raise AnswersError(
            f"{name!r} has a confidence of {wrong:.6g}; expected a probability from 0 to 1"
            + (": they look like percent, divide them by 100." if 1 < wrong <= 100 else ".")
        )
    n_classes = max(int(classes.max(initial=0)) + 1, 2)
    codes = get_metric("max_prob").encode(values, n_classes)
    return NetworkAnswers(classes.astype(class_dtype(n_classes)), {"max_prob": codes}, n_classes)


def whole_numbers(what: str, given: Any) -> NDArray[np.int64]:
    """Numbers of classes, shape (n,), as they were given: whole, and from 0 on.

    Args:
        what: what they are, for messages.
        given: an array, a list or a column of a frame.

    Raises:
        AnswersError: another shape, fractions, or a number that is no class.
    """
    array = as_array(what, given)
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim != 1:
        hint = " They look like one-hot labels: give their argmax." * (array.ndim == 2)
        raise AnswersError(f"{what} have shape {array.shape}; expected one class an image.{hint}")
    whole = array.astype(np.int64) if np.isfinite(array).all() else np.full(array.shape, -1)
    if not np.array_equal(whole, array):
        raise AnswersError(f"{what} are not whole numbers of classes; expected 0, 1, 2, ...")
    if whole.size and not 0 <= whole.min() <= whole.max() < MAX_CLASSES:
        wrong = whole.min() if whole.min() < 0 else whole.max()
        raise AnswersError(f"{what} hold {wrong}; expected numbers of classes, from 0 on.")
    return whole
