"""Every evaluation of a search, with time and provenance, in one compact file without pickle.

The log is also the checkpoint. A searcher with a seed does the same thing whenever it is told the
same, so a search goes on by being told again what is logged; nothing of a searcher's state is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from ..bench.documents import Line, json_of, typed
from ..bench.errors import CheckpointError
from ..bench.files import replacing, why_unreadable
from ..bench.npz import Wanted, read_npz
from ..bench.provenance import Word
from .domain import Genes

FORMAT = "biglittle-evaluations-1"
_ARRAYS = {
    "header": Wanted("U", ()),
    "genes": Wanted("u", ("candidates", "genes")),
    **{name: Wanted("iu", ("batches",)) for name in ("size", "n_points")},
    **{name: Wanted("f", ("batches",)) for name in ("room", "fidelity", "ended_s")},
    **{name: Wanted("u", ("points",)) for name in ("owner", "gate", "cut")},
    "values": Wanted("f", None),
}


class _Header(Struct):
    """What is read of the head of a log; all else of it is compared with the search's own."""

    format: Literal["biglittle-evaluations-1"]
    figures: list[Line]
    population: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    provenance: dict[Line, Word] | None = None
    split: Line | None = None


@dataclass(frozen=True)
class LoggedBatch:
    """Candidates that were evaluated together, and the operating points that count of each.

    Attributes:
        genes: what was asked about, shape (n, n_genes).
        room: evaluations that were left when the searcher was asked.
        fidelity: share of a full evaluation that each cost.
        ended_s: seconds since the search began.
        owner: which candidate each point is of, rising, shape (m,).
        gate: index into the evaluator's gates of each point, shape (m,).
        cut: code below which each point escalates, shape (m,).
        figures: figures of the points by name, shape (m,) each.
    """

    genes: Genes
    room: float
    fidelity: float
    ended_s: float
    owner: NDArray[np.intp]
    gate: NDArray[np.int64]
    cut: NDArray[np.int64]
    figures: Mapping[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.genes)


@dataclass(frozen=True)
class EvaluationLog:
    """All evaluations of a search.

    Attributes:
        header: what was searched, how, and how the figures came about; plain JSON.
        batches: candidates that were evaluated together, in the order of the search.
    """

    header: Mapping[str, Any]
    batches: Sequence[LoggedBatch]

    @property
    def n_evaluations(self) -> int:
        """Candidates in all batches."""
        return sum(len(batch) for batch in self.batches)

    @property
    def spent(self) -> float:
        """What they cost in full evaluations: a rough one costs its fidelity."""
        return sum(len(batch) * batch.fidelity for batch in self.batches)

    def write(self, path: Path) -> None:
        """Writes one ``.npz`` file, whole or not at all."""
        batches = self.batches
        names = list(batches[0].figures) if batches else []
        genes = np.concatenate([b.genes for b in batches]) if batches else np.zeros((0, 0))
        header = {**self.header, "format": FORMAT, "figures": names}
        arrays = {
            "genes": genes.astype(np.uint16),
            "size": np.array([len(b) for b in batches], np.int64),
            "n_points": np.array([len(b.owner) for b in batches], np.int64),
            "room": np.array([b.room for b in batches]),
            "fidelity": np.array([b.fidelity for b in batches]),
            "ended_s": np.array([b.ended_s for b in batches]),
            "owner": _joined([b.owner for b in batches], np.uint32),
            "gate": _joined([b.gate for b in batches], np.uint8),
            "cut": _joined([b.cut for b in batches], np.uint16),
            "values": np.array([_joined([b.figures[n] for b in batches], float) for n in names]),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez_compressed(
                file,
                header=np.array(json.dumps(header)),
                **arrays,  # type: ignore[arg-type]
            )

    @classmethod
    def read(cls, path: Path) -> EvaluationLog:
        """A log from its file.

        Raises:
            CheckpointError: it is not the log of a search.
        """
        try:
            held = read_npz(path, _ARRAYS)
            header = json_of(held["header"].item(), dict[str, Any], "its header")
            names = typed(header, _Header, "its header").figures
            header = {k: v for k, v in header.items() if k not in ("format", "figures")}
            _check(held, names)
            ends = np.cumsum(held["size"]).tolist()
            point_ends = np.cumsum(held["n_points"]).tolist()
            batches, start, first = [], 0, 0
            for i, (end, last) in enumerate(zip(ends, point_ends, strict=True)):
                part = slice(first, last)
                batches.append(
                    LoggedBatch(
                        genes=held["genes"][start:end].astype(np.int64),
                        room=float(held["room"][i]),
                        fidelity=float(held["fidelity"][i]),
                        ended_s=float(held["ended_s"][i]),
                        owner=held["owner"][part].astype(np.intp),
                        gate=held["gate"][part].astype(np.int64),
                        cut=held["cut"][part].astype(np.int64),
                        figures={n: held["values"][k][part] for k, n in enumerate(names)},
                    )
                )
                start, first = end, last
        except (OSError, ValueError) as error:
            damaged = f"it is not one ({error}). Name another file, or move this one away."
            raise CheckpointError(
                f"{path} cannot be read as the log of a search: {why_unreadable(error, damaged)}"
            ) from error
        return cls(header, batches)

    def check(self, header: Mapping[str, Any], path: Path) -> None:
        """Nothing, if this log is of the search that ``header`` describes.

        Raises:
            CheckpointError: the log is of another search; the message says what differs.
        """
        for name, wanted in header.items():
            got = self.header.get(name)
            if got != json.loads(json.dumps(wanted)):
                raise CheckpointError(
                    f"the checkpoint {path} is of a search with {name} {_in_words(got)}, this one "
                    f"has {_in_words(wanted)}; name another file, or search as then."
                )


def _in_words(value: Any) -> str:
    """A setting as a user reads it: "latency_ms 7", "error, latency_ms", "none"."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_in_words(entry)}" for name, entry in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_in_words, value)) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None or value == "" else str(value)


def logged_population(path: Path | None) -> int | None:
    """The population of the search whose log is ``path``; None where there is none yet.

    It follows from the budget unless it is given, and a search may go on under a larger budget.

    Raises:
        CheckpointError: it is not the log of a search.
    """
    if path is None or not path.exists():
        return None
    population: int | None = EvaluationLog.read(path).header.get("population")
    return population


def _check(held: Mapping[str, NDArray[Any]], names: list[str]) -> None:
    """Nothing, if counts and points fit together.

    Raises:
        ValueError: names what does not.
    """
    points, size = held["owner"], held["size"]
    if len(set(names)) != len(names):
        raise ValueError("two of its figures have one name")
    if names and held["values"].shape != (len(names), len(points)):
        raise ValueError(f"figures of shape {held['values'].shape} for {len(points)} points")
    for name, whole in (("size", len(held["genes"])), ("n_points", len(points))):
        counts = held[name]
        if (counts.size and (counts.min() < 1 or counts.max() > whole)) or counts.sum() != whole:
            raise ValueError(f"{name} does not add up to {whole}")
    for name in ("room", "fidelity", "ended_s"):
        if not (np.isfinite(held[name]).all() and (held[name] >= 0).all()):
            raise ValueError(f"{name} has a number below 0 or beyond all numbers")
    start = np.cumsum(held["n_points"]) - held["n_points"]
    for first, n, n_points in zip(start.tolist(), size, held["n_points"], strict=True):
        if not np.array_equal(np.unique(points[first : first + n_points]), np.arange(n)):
            raise ValueError("a candidate has no point, or a point no candidate")


def _joined(parts: Sequence[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype)
