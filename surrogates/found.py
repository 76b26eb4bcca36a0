"""Networks evaluated after a table was made: where searches go, a surrogate learns from them too.

A file holds what each of them said about the table's val images; there are no answers on test, and
none are needed to fit. Whether one of them is fitted on or held out for the intervals is decided by
the hash of its id, as in the table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..bench import SearchSpace
from ..bench.bounded import json_of
from ..bench.errors import BigLittleError, SurrogateError
from ..bench.files import replacing, why_unreadable
from ..bench.gates import stored_metrics
from ..bench.npz import Wanted, read_npz
from ..bench.table import Predictions
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


@dataclass(frozen=True)
class FoundNetworks:
    """What networks outside a table said about its val images.

    Attributes:
        architectures: ids, n of them.
        said: rows in their order.
    """

    architectures: tuple[str, ...]
    said: Predictions

    def __len__(self) -> int:
        return len(self.architectures)

    def joined(self, other: FoundNetworks) -> FoundNetworks:
        """These and the others behind them."""
        codes = {g: np.concatenate([c, other.said.codes[g]]) for g, c in self.said.codes.items()}
        top1 = np.concatenate([self.said.top1, other.said.top1])
        said = Predictions(self.said.labels, top1, codes)
        return FoundNetworks((*self.architectures, *other.architectures), said)


def beside(table: Path) -> Path | None:
    """The file of found networks that lies beside a table, where there is one."""
    path = table.parent / FILE
    return path if path.exists() else None


def write_found(path: Path, space: SearchSpace, found: FoundNetworks) -> None:
    """Writes one file, whole or not at all."""
    facts = {"format": FORMAT, "space_hash": space.hash, "architectures": found.architectures}
    arrays: dict[str, Codes] = {f"codes_{gate}": c for gate, c in found.said.codes.items()}
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            facts=np.array(json.dumps(facts)),
            labels=found.said.labels,
            top1=found.said.top1,
            **arrays,  # type: ignore[arg-type]
        )


def read_found(
    path: Path, space: SearchSpace, labels: Codes, gates: Sequence[str]
) -> FoundNetworks:
    """The networks of one file.

    Args:
        path: written by ``write_found``.
        space: of the table.
        labels: of the table's val images, shape (n_images,).
        gates: names of its gate metrics.

    Raises:
        SurrogateError: unreadable, or of another space or other images.
    """
    try:
        arrays = read_npz(path, _ARRAYS, [*_NAMES, *(f"codes_{gate}" for gate in gates)])
        facts = json_of(arrays["facts"].item(), dict, "its facts")
        codes = {gate: arrays[f"codes_{gate}"] for gate in gates}
        said = Predictions(arrays["labels"], arrays["top1"], codes)
        if any(a.dtype != np.uint8 for n, a in arrays.items() if n != "facts"):
            raise ValueError("its answers are not bytes")
        names, shape = tuple(map(str, facts["architectures"])), said.top1.shape
        kind, space_hash = str(facts["format"])[:80], str(facts["space_hash"])
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
    if not np.array_equal(said.labels, labels):
        raise SurrogateError(
            f"{path} is about other images than the val split of the table; evaluate its networks "
            "on that."
        )
    if any(array.shape != (len(names), len(labels)) for array in (said.top1, *codes.values())):
        raise SurrogateError(
            f"{path} names {len(names)} networks and holds answers of shape {shape}; expected "
            f"({len(names)}, {len(labels)}). Write it again."
        )
    return FoundNetworks(names, said)


def with_found(data: FitData, found: FoundNetworks) -> FitData:
    """The networks of a table and those found since, on ``val`` alone; each architecture once.

    Raises:
        SurrogateError: a network of another space, or of choices that the table does not hold.
    """
    try:
        genomes = data.space.parse(list(found.architectures))
    except BigLittleError as error:
        raise SurrogateError(
            f"a network that was found is not of the table's space: {error}"
        ) from error
    genomes = check_genomes(data.space, genomes, data.choices)
    known = set(data.space.format(data.genomes))
    new: list[int] = []
    for row, architecture in enumerate(found.architectures):
        if architecture not in known:
            known.add(architecture)
            new.append(row)
    own = data.predictions["val"]
    said = Predictions(
        own.labels,
        np.concatenate([own.top1, found.said.top1[new]]),
        {g: np.concatenate([c, found.said.codes[g][new]]) for g, c in own.codes.items()},
    )
    return FitData(
        data.space,
        data.choices,
        data.gates,
        data.n_classes,
        np.concatenate([data.genomes, genomes[new]]),
        {"val": said},
    )
