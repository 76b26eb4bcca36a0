"""A table of anybody's models: what they answered, the labels, and what they cost."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import __version__
from ..class_numbers import Classes, class_dtype
from ..errors import AnswersError, BigLittleError
from ..rows import NUMBER_COLUMNS, TEXT_COLUMNS
from ..spaces import GIVEN, listed_space
from ..table import Table
from ..table_contents import Predictions, TableContents
from ..table_writer import write_table
from .answers import KINDS, NetworkAnswers, network_answers, whole_numbers
from .costs import DEVICE, CostColumns, NetworkCost, check_name, cost_columns, listed_costs
from .split import SEED, VAL_SHARE, ImageSplit, check_apart, image_keys, split_images

SPLITS = ("val", "test")
_FEW_IMAGES = 100  # below so many images chance alone makes a good network look like a guess
_SIGMAS = 4.0  # above chance that a network must be for its rows to be those of the labels


def given_contents(
    answers: Mapping[str, Any],
    labels: Any,
    costs: Mapping[str, float | Mapping[str, float]] | Sequence[NetworkCost] | None = None,
    split: float | Sequence[int] | NDArray[Any] = VAL_SHARE,
    seed: int = SEED,
    kind: str | Mapping[str, str] = "probabilities",
    ids: Any = None,
    device: str = DEVICE,
    gate_ms: float = 0.0,
    name: str = "given",
    dataset: str = "given",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> TableContents:
    """The contents of a table of networks that are known by their answers.

    Networks are looked at one after the other, each some rows at a time: memory holds about ten
    bytes an answer, whatever the number of classes.

    Args:
        answers: by the name of a network what it answered: an array of shape (n_images, n_classes),
            a pair (top1, confidence), a frame or a mapping with those columns; or a function that
            returns one of these when it is called. Where val and test come apart, two such
            mappings, as "val" and "test".
        labels: true classes, shape (n_images,); where val and test come apart, both.
        costs: by the name of a network its latency in ms, or figures by name (``COSTS``); or a list
            of ``NetworkCost``. None: nothing is known, so that only accuracy and escalation are
            told.
        split: share of the images that are val; or which images are, by place or as a mask. Not
            looked at where val and test come apart.
        seed: seed of the draw of val.
        kind: what arrays hold: "probabilities", "logits" or "percent"; or that of each network.
        ids: what tells images apart, shape (n_images,), or the images themselves; where val and
            test come apart, both. None: no image is looked for twice.
        device: name of the device that ``costs`` are of, where these do not name one.
        gate_ms: latency of the gate itself on the device.
        name: name of the table.
        dataset: name of the data set.
        on_progress: called with the networks that are done and their number.

    Raises:
        AnswersError: answers, labels, costs or ids that do not fit together; says which and how.
        ArchitectureError: a name that is there twice, or that is not a line of text.
    """
    apart = isinstance(labels, Mapping)
    check_name("table", name)
    check_name("data set", dataset)
    if not isinstance(kind, str | Mapping):
        raise AnswersError(f"kind is {kind!r}; expected {', '.join(KINDS)}, or one by network.")
    seed = seed.item() if isinstance(seed, np.generic) else seed
    sides, place, how = _sides(labels, ids, split, seed)
    parts = _parts(answers, apart)
    names = list(parts[SPLITS[0]] if apart else parts[""])
    listed_space(names)
    entries = listed_costs(costs, device)
    order = _by_cost(names, cost_columns(names, entries, gate_ms))
    columns = cost_columns(order, entries, gate_ms)
    kinds = {n: kind if isinstance(kind, str) else kind.get(n, "probabilities") for n in names}
    read = dict(_read(order, parts, kinds, sides, on_progress))
    n_classes = _n_classes(read, sides)
    predictions = {
        side: _predictions([read[n][at] for n in order], truth, rows, n_classes)
        for side, (at, truth, rows) in place.items()
    }
    return TableContents(
        name=name,
        space=GIVEN,
        dataset=dataset,
        n_classes=n_classes,
        choices=(),
        networks=_networks(order, columns),
        val_index=np.arange(len(predictions["val"].labels)) if apart else place["val"][2],
        predictions=predictions,
        devices=columns.devices,
        training={"split": how, "seed": None if apart else seed, "answers": kinds},
    )


def write_given(
    path: Path,
    contents: TableContents,
    replace: bool = False,
    advice: str = "replace=True, or another 'out'",
) -> str:
    """The SHA-256 of a table of given networks, which is written whole or not at all.

    Args:
        path: file of the table; one that holds these very answers is written anew.
        contents: answers and costs of the networks.
        replace: whether any other file gives way to it.
        advice: what a user may add where a file is in the way, for the error.

    Raises:
        AnswersError: a file is there that is not a table of these answers, or that holds costs
            which these contents lack.
        TableError: the file cannot be written.
    """
    if path.exists() and not replace:
        if not holds_answers(path, contents):
            raise AnswersError(
                f"{path} is there already, and is not a table of these answers; add {advice}."
            )
        if lost := _lost_costs(path, contents):
            raise AnswersError(
                f"{path} is there already, with {', '.join(lost)}, which would be lost; give these "
                f"costs again, or add {advice}."
            )
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return write_table(path, contents, __version__, created)


def holds_answers(path: Path, contents: TableContents) -> bool:
    """Whether a file is a table of the answers of some contents; costs and split may be others."""
    try:
        table = Table(path, check=False)
        there = {split: table.predictions(split) for split in SPLITS}
    except BigLittleError:
        return False
    fresh = contents.networks["architecture"]
    return table.given and _summary(table.names, there) == _summary(fresh, contents.predictions)


def _lost_costs(path: Path, contents: TableContents) -> list[str]:
    """Costs that a table holds and the contents do not, as "latency_ms on my board"."""
    table, lost = Table(path, check=False), []
    for device in table.devices:
        fresh = contents.devices.get(device, {})
        for name, column in table.device_columns(device).items():
            if _any_number(column) and not _any_number(fresh.get(name)):
                lost.append(f"{name} on {device}")
    return lost


def _any_number(column: Any) -> bool:
    """Whether a column is there and has a figure of any network."""
    numbers = isinstance(column, np.ndarray) and np.issubdtype(column.dtype, np.floating)
    return bool(numbers and np.isfinite(column).any())


def _summary(names: NDArray[Any], predictions: Mapping[str, Predictions]) -> tuple[Any, ...]:
    """What the answers of networks to all images have in common however these are split."""
    labels = np.concatenate([predictions[split].labels for split in SPLITS])
    right = sum(predictions[split].correct.sum(axis=1) for split in SPLITS)
    by_name = dict(zip(names.tolist(), np.asarray(right).tolist(), strict=True))
    return by_name, np.bincount(labels).tolist()


#: Of a split: which set of images it is part of, the labels of that set, and its places in it.
_Place = tuple[str, NDArray[np.int64], NDArray[np.int64]]


def _sides(
    labels: Any, ids: Any, split: Any, seed: int
) -> tuple[dict[str, NDArray[np.int64]], dict[str, _Place], str]:
    """Labels by set of images, where val and test are in them, and how they came about."""
    if isinstance(labels, Mapping):
        if set(labels) != set(SPLITS) or not (ids is None or isinstance(ids, Mapping)):
            raise AnswersError(
                f"labels are given for {', '.join(map(str, labels)) or 'nothing'}; expected val "
                "and test, and ids of both or of neither."
            )
        sides = {side: whole_numbers(f"labels of {side}", labels[side]) for side in SPLITS}
        if ids is not None:
            check_apart(*(_keys(ids[side], len(sides[side]), side) for side in SPLITS))
        place = {s: (s, truth, np.arange(len(truth))) for s, truth in sides.items()}
        for side, truth in sides.items():
            if not len(truth):
                raise AnswersError(f"{side} has no image; expected some for val and for test.")
        return sides, place, "val and test came apart"
    truth = whole_numbers("labels", labels)
    keys = None if ids is None else _keys(ids, len(truth), "the images")
    halves: ImageSplit = split_images(len(truth), split, seed, keys)
    place = {"val": ("", truth, halves.val), "test": ("", truth, halves.test)}
    return {"": truth}, place, halves.text


def _keys(ids: Any, n_images: int, what: str) -> NDArray[Any]:
    keys = image_keys(ids)
    if len(keys) != n_images:
        raise AnswersError(
            f"{len(keys):,} ids of {what}, and {n_images:,} labels; expected as many."
        )
    return keys


def _parts(answers: Mapping[str, Any], apart: bool) -> dict[str, Mapping[str, Any]]:
    """What networks answered, by set of images."""
    if not isinstance(answers, Mapping) or not answers:
        raise AnswersError("answers are a mapping of at least one network's name to its answers.")
    if not apart:
        return {"": answers}
    if set(answers) != set(SPLITS) or not all(isinstance(a, Mapping) for a in answers.values()):
        raise AnswersError(
            f"labels of val and test came apart, and answers of {', '.join(map(str, answers))}; "
            'expected {"val": {name: answers}, "test": {name: answers}}.'
        )
    val, test = (answers[side] for side in SPLITS)
    if odd := sorted(set(val) ^ set(test)):
        missing = "test" if odd[0] in val else "val"
        raise AnswersError(f"{odd[0]!r} has no answers of {missing}; expected both or neither.")
    return {side: answers[side] for side in SPLITS}


def _by_cost(names: Sequence[str], columns: CostColumns) -> list[str]:
    """Names with the cheapest first, by the first figure that all of them have."""
    device = next(iter(columns.devices.values()))
    for figure in (device["latency_ms"], np.where(columns.macs > 0, columns.macs, np.nan)):
        if np.isfinite(figure).all():
            return [names[i] for i in np.argsort(figure, kind="stable")]
    return list(names)


def _read(
    names: Sequence[str],
    parts: Mapping[str, Mapping[str, Any]],
    kinds: Mapping[str, str],
    sides: Mapping[str, NDArray[np.int64]],
    on_progress: Callable[[int, int], None],
) -> Iterator[tuple[str, dict[str, NetworkAnswers]]]:
    """What a table keeps of each network, by set of images."""
    before: tuple[str, int] | None = None
    for done, name in enumerate(names, 1):
        out = {}
        for side, given in parts.items():
            one = given[name]
            out[side] = network_answers(name, one() if callable(one) else one, kinds[name])
            del one
            if _all_classes(out[side]):
                before = before or (name, out[side].n_classes)
                _check_same_classes(before, (name, out[side].n_classes))
            check_aligned(name, out[side], sides[side], side)
        on_progress(done, len(names))
        yield name, out


def check_aligned(name: str, answers: NetworkAnswers, labels: NDArray[np.int64], side: str) -> None:
    """Nothing, if there is an answer to every image and the answers have to do with the labels."""
    n, of = len(labels), f" of {side}" if side else ""
    if len(answers) != n:
        raise AnswersError(
            f"{name!r} has {len(answers):,} answers{of} and there are {n:,} labels; expected one "
            "row an image, in the order of the labels."
        )
    if _all_classes(answers):
        _check_range(name, answers.n_classes, labels, int(labels.max(initial=0)))
    if n < _FEW_IMAGES:
        return
    n_classes = max(int(labels.max()) + 1, answers.n_classes)
    given, true = (np.bincount(c, minlength=n_classes) / n for c in (answers.top1, labels))
    chance = float(given @ true)
    right = float(np.mean(answers.top1 == labels))
    if chance < 1 - 1e-9 and right < chance + _SIGMAS * np.sqrt(chance * (1 - chance) / n):
        shifted = float(np.mean(answers.top1.astype(np.int64) + 1 == labels))
        cause = "its rows are not those of the labels. Give both in one order, with the same "
        if shifted > 2 * max(right, chance):
            cause = "its classes seem to be counted from 0 and the labels from 1. Give the same "
        raise AnswersError(
            f"{name!r} is right about {right:.1%} of the images{of}, where guessing is about "
            f"{chance:.1%}: {cause}numbers of classes; a network that knows nothing is to be left "
            "out."
        )


def _check_same_classes(*networks: tuple[str, int]) -> None:
    """Nothing, if two networks, each with its name, gave the same number of classes."""
    (first, n_first), (other, n_other) = sorted(networks, key=lambda item: item[1])
    if n_first != n_other:
        raise AnswersError(
            f"{first!r} has {n_first:,} classes and {other!r} has {n_other:,}; expected the same "
            "classes, in the same order, of all networks."
        )


def _check_range(name: str, n_classes: int, labels: NDArray[np.int64], highest: int) -> None:
    """Nothing, if a network that gave all classes has one for the highest label or answer."""
    if highest >= n_classes:
        from_one = int(labels.min()) == 1 and int(labels.max()) == n_classes
        hint = " They look counted from 1: subtract 1." * from_one
        raise AnswersError(
            f"labels or top-1 answers go up to {highest}, and {name!r} has {n_classes:,} classes, "
            f"0 to {n_classes - 1}.{hint}"
        )


def _n_classes(
    read: Mapping[str, Mapping[str, NetworkAnswers]], sides: Mapping[str, NDArray[np.int64]]
) -> int:
    """The number of classes: that of networks that gave every class, or the least for all."""
    each = {n: max(a.n_classes for a in by_side.values()) for n, by_side in read.items()}
    whole = {n: each[n] for n, by_side in read.items() if _whole(by_side)}
    top = max(int(truth.max()) for truth in sides.values())
    if not whole:
        return max(top + 1, *each.values())
    n_classes = next(iter(whole.values()))
    highest, every = max(top, *(n - 1 for n in each.values())), np.concatenate([*sides.values()])
    _check_range(next(iter(whole)), n_classes, every, highest)
    return n_classes


def _whole(by_side: Mapping[str, NetworkAnswers]) -> bool:
    """Whether a network gave every class, and not top-1 alone."""
    return all(map(_all_classes, by_side.values()))


def _all_classes(answers: NetworkAnswers) -> bool:
    return len(answers.codes) > 1


def _predictions(
    answers: Sequence[NetworkAnswers],
    labels: NDArray[np.int64],
    rows: NDArray[np.int64],
    n_classes: int,
) -> Predictions:
    """The answers to the images of one split, of the metrics that all networks have."""
    dtype = class_dtype(n_classes)
    metrics = [m for m in answers[0].codes if all(m in one.codes for one in answers)]
    top1: Classes = np.stack([one.top1[rows].astype(dtype) for one in answers])
    codes = {m: np.stack([one.codes[m][rows] for one in answers]) for m in metrics}
    names = [v for v in answers[0].values if all(v in one.values for one in answers)]
    values = {v: np.stack([one.values[v][rows] for one in answers]) for v in names}
    return Predictions(labels[rows].astype(dtype), top1, codes, values)


def _networks(names: Sequence[str], columns: CostColumns) -> dict[str, NDArray[Any]]:
    """The columns of a table's networks; what nobody said is empty or 0."""
    n = len(names)
    texts = {name: np.full(n, "") for name in TEXT_COLUMNS}
    numbers = {name: np.zeros(n, np.int64) for name in NUMBER_COLUMNS}
    return {
        **texts,
        **numbers,
        "architecture": np.array(names, np.str_),
        "training": np.full(n, GIVEN),
        "precision": np.full(n, "fp32"),
        "macs": columns.macs,
        "params": columns.params,
        "held_out": np.zeros(n, bool),
    }
