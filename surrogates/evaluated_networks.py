"""Networks evaluated after a table was made: where searches go, a surrogate learns from them too.

A file holds what each of them predicts for the table's val images. A fit needs no predictions on
test, and the file holds none. Whether one of them is fitted on or held out for the intervals is
decided by the hash of its id, as in the table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ..bench import SearchSpace
from ..bench.documents import Line, json_of
from ..bench.errors import BigLittleError, SurrogateError
from ..bench.files import replacing, why_unreadable
from ..bench.gates import stored_metrics
from ..bench.npz import Wanted, read_npz
from ..bench.table_contents import Predictions
from .data import FitData
from .features import check_genomes

FORMAT = "biglittle-found-1"
_NAMES = ("facts", "labels", "top1")
_ARRAYS = {
    "facts": Wanted("U", ()),
    "labels": Wanted("u", ("images",)),
    "top1": Wanted("u", ("networks", "images")),
    **{
        f"codes_{gate}": Wanted("u", ("networks", "images"), required=False)
        for gate in stored_metrics()
    },
}
FILE = "found.npz"  # beside a table

Codes = NDArray[np.uint8]


class _Facts(Struct):
    """What is read of the facts of a file."""

    format: Line
    space_hash: Line
    architectures: list[Line]


@dataclass(frozen=True)
class EvaluatedNetworks:
    """Networks outside a table with their predictions on its val images.

    Attributes:
        architectures: ids of the n networks.
        predictions: classes and confidence codes, rows in the order of the ids.
    """

    architectures: tuple[str, ...]
    predictions: Predictions

    def __len__(self) -> int:
        return len(self.architectures)

    def joined(self, other: EvaluatedNetworks) -> EvaluatedNetworks:
        """These and the others behind them."""
        own, more = self.predictions, other.predictions
        codes = {g: np.concatenate([c, more.codes[g]]) for g, c in own.codes.items()}
        joined = Predictions(own.labels, np.concatenate([own.top1, more.top1]), codes)
        return EvaluatedNetworks((*self.architectures, *other.architectures), joined)


def beside(table: Path) -> Path | None:
    """The file of evaluated networks that lies beside a table, where there is one."""
    path = table.parent / FILE
    return path if path.exists() else None


def write_evaluated(path: Path, space: SearchSpace, evaluated: EvaluatedNetworks) -> None:
    """Writes one file, whole or not at all."""
    names, predictions = evaluated.architectures, evaluated.predictions
    facts = {"format": FORMAT, "space_hash": space.hash, "architectures": names}
    arrays: dict[str, Codes] = {f"codes_{gate}": c for gate, c in predictions.codes.items()}
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            facts=np.array(json.dumps(facts)),
            labels=predictions.labels,
            top1=predictions.top1,
            **arrays,  # type: ignore[arg-type]
        )


def read_evaluated(
    path: Path, space: SearchSpace, labels: Codes, gates: Sequence[str]
) -> EvaluatedNetworks:
    """The networks of one file.

    Args:
        path: file that ``write_evaluated`` wrote.
        space: search space of the table.
        labels: labels of the table's val images, shape (n_images,).
        gates: names of the table's gate metrics.

    Raises:
        SurrogateError: the file is unreadable, or of another space or other images.
    """
    try:
        arrays = read_npz(path, _ARRAYS, [*_NAMES, *(f"codes_{gate}" for gate in gates)])
        facts = json_of(arrays["facts"].item(), _Facts, "its facts")
        codes = {gate: arrays[f"codes_{gate}"] for gate in gates}
        predictions = Predictions(arrays["labels"], arrays["top1"], codes)
        if any(a.dtype != np.uint8 for n, a in arrays.items() if n != "facts"):
            raise ValueError("its answers are not bytes")
        names, shape = tuple(facts.architectures), predictions.top1.shape
        kind, space_hash = facts.format, facts.space_hash
    except (OSError, ValueError, KeyError, TypeError) as error:
        damaged = f"it is damaged ({error}). Write it again, or leave it out."
        raise SurrogateError(
            f"{path} cannot be read as evaluated networks: {why_unreadable(error, damaged)}"
        ) from error
    if (kind, space_hash) != (FORMAT, space.hash):
        raise SurrogateError(
            f"{path} has format {kind!r} and space {space_hash[:8]}; expected {FORMAT!r} and "
            f"{space.name!r} ({space.hash[:8]}). Evaluate the networks again."
        )
    if not np.array_equal(predictions.labels, labels):
        raise SurrogateError(
            f"{path} is about other images than the val split of the table; evaluate its networks "
            "on that."
        )
    if any(
        array.shape != (len(names), len(labels)) for array in (predictions.top1, *codes.values())
    ):
        raise SurrogateError(
            f"{path} names {len(names)} networks and holds answers of shape {shape}; expected "
            f"({len(names)}, {len(labels)}). Write it again."
        )
    return EvaluatedNetworks(names, predictions)


def with_evaluated(data: FitData, evaluated: EvaluatedNetworks) -> FitData:
    """The networks of a table and those evaluated since, on ``val`` alone; each architecture once.

    Raises:
        SurrogateError: a network of another space, or of choices that the table does not hold.
    """
    try:
        genomes = data.space.parse(list(evaluated.architectures))
    except BigLittleError as error:
        raise SurrogateError(
            f"an evaluated network is not of the table's space: {error}"
        ) from error
    genomes = check_genomes(data.space, genomes, data.choices)
    listed = set(data.space.format(data.genomes))
    new: list[int] = []
    for row, architecture in enumerate(evaluated.architectures):
        if architecture not in listed:
            listed.add(architecture)
            new.append(row)
    own, more = data.predictions["val"], evaluated.predictions
    joined = Predictions(
        own.labels,
        np.concatenate([own.top1, more.top1[new]]),
        {g: np.concatenate([c, more.codes[g][new]]) for g, c in own.codes.items()},
    )
    return FitData(
        data.space,
        data.choices,
        data.gates,
        data.n_classes,
        np.concatenate([data.genomes, genomes[new]]),
        {"val": joined},
        None if data.exits is None else np.append(data.exits, np.zeros(len(new), np.uint8)),
    )
