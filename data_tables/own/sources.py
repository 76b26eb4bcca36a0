"""Which files are whose answers: files that a user names, or a folder in which they lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.errors import AnswersError
from .answer_files import (
    ENDINGS,
    FileAnswers,
    networks_in,
    read_answers,
    read_ids,
    read_inputs,
    read_labels,
)
from .onnx_answers import ONNX, OnnxAnswers

SPLITS = ("val", "test")
#: Files of a folder that are not answers, by the beginning of their name.
_LABELS, _IDS, _COSTS = ("labels", "y"), ("ids",), ("costs",)


@dataclass(frozen=True)
class AnswerSet:
    """The answers of networks to one set of images, as files.

    Attributes:
        networks: file and array of each network, by its name.
        labels: file of the labels; None where nobody named one.
        ids: file of what tells the images apart; None where nobody named one.
        costs: file of what the networks cost, where one lies beside them.
        onnx: ONNX files beside the answers, by name of the network.
        inputs: file of the inputs on which networks in ONNX files are run; None: none is run.
    """

    networks: Mapping[str, tuple[Path, str]]
    labels: Path | None = None
    ids: Path | None = None
    costs: Path | None = None
    onnx: Mapping[str, Path] = field(default_factory=dict)
    inputs: Path | None = None


def answer_set(
    sources: Sequence[str],
    labels: Path | None = None,
    ids: Path | None = None,
    inputs: Path | None = None,
) -> AnswerSet:
    """The answers that some files or a folder hold.

    Args:
        sources: files, ``NAME=FILE``, or folders; a network is called as its file without ending.
        labels: file of the labels; None: the one of the folder that begins with "labels".
        ids: file of what tells images apart; None: the one of the folder that begins with "ids".
        inputs: file of the inputs on which networks in ONNX files are run, those of a folder that
            has no answers of them among them; None: none is run.

    Raises:
        AnswersError: no such file, none in the folder, or two networks of one name.
    """
    networks: dict[str, tuple[Path, str]] = {}
    beside = AnswerSet({})
    for source in sources:
        name, equals, file = source.partition("=")
        path = Path(file) if equals and not Path(source).exists() else Path(source)
        if path.is_dir():
            beside = _folder(path, beside)
            entries = _answers_in(path)
            if inputs is not None:
                answered = {entry.stem for entry in entries}
                entries += [p for p in sorted(path.glob(f"*{ONNX}")) if p.stem not in answered]
            files = [("", entry) for entry in entries]
            if not files:
                raise AnswersError(f"folder {path} has no answers; expected {_endings()} files.")
        else:
            files = [(name if path != Path(source) else "", path)]
        for given, entry in files:
            if entry in (labels, ids, inputs):
                continue
            for array in networks_in(entry, runs=inputs is not None):
                called = array or given or entry.stem
                if called in networks:
                    raise AnswersError(
                        f"two networks are called {called!r}: {networks[called][0]} and {entry}; "
                        "name one of them: NAME=FILE."
                    )
                networks[called] = (entry, array)
    runnable = {n: path for n, (path, _) in networks.items() if path.suffix == ONNX}
    return replace(
        beside,
        networks=networks,
        labels=labels or beside.labels,
        ids=ids or beside.ids,
        onnx={**beside.onnx, **runnable},
        inputs=inputs,
    )


def both_splits(sources: Sequence[str]) -> tuple[str, str] | None:
    """The folders val and test of a folder that has them; None for any other sources."""
    if len(sources) != 1 or not Path(sources[0]).is_dir():
        return None
    val, test = (Path(sources[0]) / side for side in SPLITS)
    return (str(val), str(test)) if val.is_dir() and test.is_dir() else None


def _endings() -> str:
    return ", ".join(ENDINGS)


def _begins(path: Path, words: tuple[str, ...]) -> bool:
    return path.stem.lower() in words


def _answers_in(folder: Path) -> list[Path]:
    others = (*_LABELS, *_IDS, *_COSTS)
    return [p for p in sorted(folder.iterdir()) if p.suffix in ENDINGS and not _begins(p, others)]


def _folder(folder: Path, before: AnswerSet) -> AnswerSet:
    """What lies beside the answers of a folder, and beside those of folders before it."""
    files = sorted(folder.iterdir())

    def one(words: tuple[str, ...], given: Path | None) -> Path | None:
        return given or next((p for p in files if p.suffix in ENDINGS and _begins(p, words)), None)

    onnx = {p.stem: p for p in files if p.suffix == ".onnx"}
    return AnswerSet(
        {},
        labels=one(_LABELS, before.labels),
        ids=one(_IDS, before.ids),
        costs=one(_COSTS, before.costs),
        onnx={**before.onnx, **onnx},
    )


@dataclass(frozen=True)
class ReadSet:
    """A set of images as ``Benchmark.from_answers`` takes it.

    Attributes:
        answers: by name of a network what reads its answers.
        labels: true classes, shape (n_images,).
        ids: what tells images apart, shape (n_images,); None where nobody said.
        kinds: what arrays hold, by name of a network whose file says so.
        notes: filled while answers are read: what was done to them.
    """

    answers: Mapping[str, Callable[[], Any]]
    labels: NDArray[Any]
    ids: NDArray[Any] | None
    kinds: Mapping[str, str]
    notes: list[str]


def read_set(given: AnswerSet, side: str = "") -> ReadSet:
    """The labels of a set of images, and for each network what reads its answers.

    Rows that say which image they are of are put into the order of the labels.

    Args:
        given: files of answers, labels and ids.
        side: "val" or "test" for messages; "" where there is one set.

    Raises:
        AnswersError: no labels, or a file that cannot be read.
    """
    of = f" of {side}" if side else ""
    if given.labels is None:
        raise AnswersError(
            f"no labels{of} were given; expected --{side}{'-' * bool(side)}labels FILE."
        )
    labels, ids = read_labels(given.labels)
    if given.ids is not None:
        ids = read_ids(given.ids)
    notes: list[str] = []

    def reader(name: str, path: Path, array: str) -> Callable[[], Any]:
        def read() -> Any:
            one = read_answers(path, array)
            return one.given if one.ids is None else _in_order(name, one, ids, notes)

        return read

    kinds = {n: a for n, (_, a) in given.networks.items() if a in ("logits", "percent")}
    runnable = _asked(given, len(labels))
    for name, one in runnable.items():
        kinds[name] = one.kind()
        notes.append(f"{name}: {one.path} is run on {given.inputs}; it answers {kinds[name]}.")
    for name, (path, array) in given.networks.items():
        if path.suffix == ".npz" and not array and (kind := read_answers(path).kind):
            kinds[name] = kind
    answers = {
        n: runnable[n].read if n in runnable else reader(n, path, array)
        for n, (path, array) in given.networks.items()
    }
    return ReadSet(answers, labels, ids, kinds, notes)


def _asked(given: AnswerSet, n_labels: int) -> dict[str, OnnxAnswers]:
    """The networks that are run here, by name."""
    files = {n: path for n, (path, _) in given.networks.items() if path.suffix == ONNX}
    if given.inputs is None:
        return {}
    inputs = read_inputs(given.inputs)
    if not files:
        raise AnswersError("--inputs are given, and no network in an ONNX file to run on them.")
    if len(inputs) != n_labels:
        raise AnswersError(
            f"{given.inputs} holds {len(inputs):,} inputs and there are {n_labels:,} labels; "
            "expected one input a label, in their order."
        )
    return {name: OnnxAnswers(name, path, inputs) for name, path in files.items()}


def _in_order(name: str, one: FileAnswers, ids: NDArray[Any] | None, notes: list[str]) -> Any:
    """Answers in the order of the labels, by the ids of both."""
    own = np.asarray(one.ids)
    if ids is None:
        raise AnswersError(
            f"answers of {name!r} say which images they are of, and the labels do not; give labels "
            "with a column 'id', or --ids."
        )
    if len(own) == len(ids) and np.array_equal(own, ids):
        return one.given
    order = np.argsort(own, kind="stable")
    if own.dtype.kind != ids.dtype.kind and {own.dtype.kind, ids.dtype.kind} & set("US"):
        raise AnswersError(
            f"ids of {name!r} are {own.dtype}, those of the labels {ids.dtype}; expected the same."
        )
    place = np.searchsorted(own[order], ids).clip(0, max(len(own) - 1, 0))
    missing = own[order][place] != ids if len(own) else np.ones(len(ids), bool)
    if missing.any() or len(own) != len(ids):
        which = f", {str(ids[int(missing.argmax())])!r} among them" if missing.any() else ""
        raise AnswersError(
            f"{name!r} has answers to {len(own):,} images, and {int(missing.sum()):,} of the "
            f"{len(ids):,} with a label are not among them{which}; expected the same images."
        )
    rows = order[place]
    notes.append(f"{name}: rows were put into the order of the labels, by their ids.")
    if isinstance(one.given, tuple):
        return tuple(column[rows] for column in one.given)
    return one.given[rows]
