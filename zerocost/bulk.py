"""Many architectures and seeds into one HDF5 file, which a stopped run goes on from.

The file has one row per architecture and seed: columns ``architecture`` and ``seed``, one column
per proxy under ``scores`` and ``alone_s``, ``total_s`` of all at once, and ``failures``, a JSON
object of reasons by proxy. A score that does not exist is NaN and has its reason there. The
attributes say what it was made with.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray

from .. import __version__
from ..bench.documents import Line, json_of, typed
from ..bench.errors import BigLittleError
from ..bench.files import check_writable, why_unreadable
from ..bench.hdf5 import CheckedFile, Column
from ..bench.hdf5_writer import make_groups, new_hdf5
from ..bench.locks import holding
from ..bench.plugin_travel import plugin_files
from ..bench.runners import runner_of
from ..bench.spaces import SPACES, get_space, parse_networks
from .batch import Batch
from .forwards import FEW_IMAGES
from .proxies import PROXIES
from .rank import AZ_COMPONENTS, az_nas
from .score import chosen_proxies, usable_device
from .score_work import ScoreRow, ScoreWork

SCHEMA = "biglittle-scores-2"
SAVE_EVERY_S = 30.0  # what a killed run loses at the most


@dataclass(frozen=True)
class Columns:
    """Scores of many networks, one row per architecture and seed.

    Attributes:
        architectures: architecture's id of every row.
        seeds: initialisation seed of every row, int64, shape (n,).
        scores: scores by proxy, float64, shape (n,) each; NaN where there is none.
        alone_s: time in s by proxy, of its equation and passes by ``facts["clock"]``, float64,
            shape (n,) each.
        total_s: time in s of all proxies at once, which share their passes, float64, shape (n,).
        failures: reasons by proxy for every row.
        facts: space, batch, proxies and versions that the scores were made with.
    """

    architectures: tuple[str, ...]
    seeds: NDArray[np.int64]
    scores: Mapping[str, NDArray[np.float64]]
    alone_s: Mapping[str, NDArray[np.float64]]
    total_s: NDArray[np.float64]
    failures: tuple[dict[str, str], ...]
    facts: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.architectures)

    def column(self, proxy: str, architectures: Sequence[str], seed: int) -> NDArray[np.float64]:
        """Scores of given architectures under one seed, NaN where there are none, shape (n,).

        This joins them to a table: ``columns.column("synflow", bench.architectures, seed=0)``.

        Raises:
            BigLittleError: the file has no scores of that proxy.
        """
        if proxy not in self.scores:
            raise BigLittleError(
                f"no scores of proxy {proxy!r} here; there are {', '.join(self.scores)}."
            )
        rows = {key: i for i, key in enumerate(zip(self.architectures, self.seeds, strict=True))}
        at = [rows.get((a, np.int64(seed)), -1) for a in architectures]
        values = np.append(self.scores[proxy], np.nan)
        return np.asarray(values[at], np.float64)

    def az_nas(self) -> NDArray[np.float64]:
        """``rank.az_nas`` of every row among the rows of its seed, (n,); NaN without components."""
        out = np.full(len(self), np.nan)
        if set(AZ_COMPONENTS) <= set(self.scores):
            for seed in np.unique(self.seeds):
                rows = np.flatnonzero(self.seeds == seed)
                out[rows] = az_nas({p: self.scores[p][rows] for p in AZ_COMPONENTS})
        return out

    def merged(self, others: Sequence[Columns]) -> Columns:
        """These rows and those of other files that were made alike.

        Raises:
            BigLittleError: a file was made with other settings.
        """
        for other in others:
            _check_facts(other.facts, self.facts, "scores to be merged")
        parts = [self, *others]
        return Columns(
            tuple(a for part in parts for a in part.architectures),
            np.concatenate([part.seeds for part in parts]),
            {p: np.concatenate([part.scores[p] for part in parts]) for p in self.scores},
            {p: np.concatenate([part.alone_s[p] for part in parts]) for p in self.scores},
            np.concatenate([part.total_s for part in parts]),
            tuple(f for part in parts for f in part.failures),
            self.facts,
        )


def run(
    architectures: Sequence[str],
    batch: Batch,
    out: Path | None = None,
    proxies: str | Sequence[str] = "all",
    *,
    space: str = "fbnet",
    n_classes: int = 10,
    seeds: Sequence[int] = (0,),
    device: str = "cpu",
    dtype: str = "float32",
    clock: str = "wall",
    workers: int = 1,
    on: str = "local",
    on_progress: Callable[[int, int], None] | None = None,
) -> Columns:
    """Scores of every architecture under every seed, into ``out``, going on from what is there.

    A network that cannot be scored is a row with its reasons; the run goes on. Scores and the order
    of rows do not depend on ``workers`` and ``on``; times do, since workers share a machine.

    Args:
        architectures: names of networks in ``space``, ``ARCHITECTURE[@EXIT]``.
        batch: images that all are scored on.
        out: HDF5 file; replaced at most every ``SAVE_EVERY_S`` seconds and at the end. None keeps
            the scores in memory alone.
        proxies: "all", names separated by commas, or a sequence of names.
        space: name of the architectures' space.
        n_classes: number of classes of the networks.
        seeds: seeds of the initialisation; every architecture is scored once under each.
        device: name of a device of torch, such as "cuda".
        dtype: type of numbers, "float32" or "float64".
        clock: clock that takes the times, "wall" or "cpu" (seconds of all threads of this process).
        workers: processes of this machine that share the networks, each with as many threads of
            torch as this one.
        on: where they run: ``local``, or ``ray`` and perhaps the address of its cluster.
        on_progress: called with (rows done, rows in all).

    Raises:
        ArchitectureError: an id that is not in the space, before anything is scored.
        InUseError: another process writes ``out``.
        BigLittleError: ``out`` was made with other settings or cannot be written.
    """
    if out is not None:
        check_writable(out.parent, out.name)
    searched = get_space(space)
    parse_networks(searched, list(architectures))
    names = tuple(p.name for p in chosen_proxies(proxies))
    runner, address = runner_of(on)
    here = usable_device(device) if on == "local" else torch.device(device)
    facts = {
        "schema": SCHEMA,
        "space": space,
        "space_hash": searched.hash,
        "n_classes": n_classes,
        "batch": batch.name,
        "batch_sha256": _batch_hash(batch),
        "proxies": list(names),
        "dtype": dtype,
        "few_images": FEW_IMAGES,
        "clock": clock,
        "device": here.type,
        "torch": torch.__version__,
        "biglittle": __version__,
    }
    with holding(out):
        rows: dict[tuple[str, int], ScoreRow] = {}
        if out is not None and out.exists():
            before = read_columns(out)
            _check_facts(before.facts, facts, str(out))
            for i, key in enumerate(zip(before.architectures, before.seeds.tolist(), strict=True)):
                rows[key] = ScoreRow(
                    {p: float(before.scores[p][i]) for p in names},
                    {p: float(before.alone_s[p][i]) for p in names},
                    float(before.total_s[i]),
                    before.failures[i],
                )
        wanted = [(a, int(s)) for s in seeds for a in dict.fromkeys(architectures)]
        todo = [key for key in wanted if key not in rows]
        plugins = (*plugin_files(PROXIES, names), *plugin_files(SPACES, [space]))
        threads = torch.get_num_threads()
        work = ScoreWork(batch, names, space, n_classes, device, dtype, clock, threads, plugins)
        saved = time.monotonic()
        if on_progress is not None and len(todo) < len(wanted):
            on_progress(len(wanted) - len(todo), len(wanted))

        def take(done: int, key: tuple[str, int], row: ScoreRow) -> None:
            nonlocal saved
            rows[key] = row
            if on_progress is not None:
                on_progress(len(wanted) - len(todo) + done, len(wanted))
            if out is not None and time.monotonic() - saved > SAVE_EVERY_S:
                _write(out, _columns(rows, wanted, names, facts))
                saved = time.monotonic()

        try:
            runner.run(work, todo, workers, address, take)
        finally:
            if out is not None and rows:
                _write(out, _columns(rows, wanted, names, facts))
        return _columns(rows, wanted, names, facts)


def _columns(
    rows: Mapping[tuple[str, int], ScoreRow],
    wanted: Sequence[tuple[str, int]],
    names: Sequence[str],
    facts: Mapping[str, Any],
) -> Columns:
    """Rows that nobody asks for now, then those that are wanted, whichever was done first."""
    others = rows.keys() - set(wanted)
    keys = [key for key in rows if key in others] + [key for key in wanted if key in rows]
    return Columns(
        tuple(a for a, _ in keys),
        np.array([s for _, s in keys], np.int64),
        {p: np.array([rows[k].scores[p] for k in keys]) for p in names},
        {p: np.array([rows[k].alone_s[p] for k in keys]) for p in names},
        np.array([rows[k].total_s for k in keys]),
        tuple(rows[k].failures for k in keys),
        facts,
    )


def _write(out: Path, columns: Columns) -> None:
    text = h5py.string_dtype()
    with new_hdf5(out) as file:
        file.attrs["facts"] = json.dumps(dict(columns.facts))
        file.create_dataset("architecture", data=list(columns.architectures), dtype=text)
        file.create_dataset("seed", data=columns.seeds)
        file.create_dataset("total_s", data=columns.total_s)
        file.create_dataset("failures", data=[json.dumps(f) for f in columns.failures], dtype=text)
        make_groups(file, "scores", "alone_s")
        for group, columns_of in (("scores", columns.scores), ("alone_s", columns.alone_s)):
            for proxy, values in columns_of.items():
                file.create_dataset(f"{group}/{proxy}", data=values)


_COLUMNS = {
    **{name: Column("O", ("rows",)) for name in ("architecture", "failures")},
    "seed": Column("i", ("rows",)),
    "total_s": Column("f", ("rows",)),
    **{f"{group}/*": Column("f", ("rows",), required=False) for group in ("scores", "alone_s")},
}


class _Head(Struct):
    """What is read of the facts of a file."""

    schema: Line
    proxies: list[Line]


def read_columns(path: Path) -> Columns:
    """Scores that ``run`` wrote.

    Raises:
        BigLittleError: the file is missing, or is not one that ``run`` wrote.
    """
    try:
        with CheckedFile(path, _COLUMNS) as file:
            facts = json_of(file.attributes[""].get("facts"), dict[str, Any], "attribute 'facts'")
            head = typed(facts, _Head)
            if head.schema != SCHEMA:
                raise ValueError(f"schema {head.schema!r}, expected {SCHEMA!r}")
            failures = file.read("failures").tolist()
            return Columns(
                tuple(file.read("architecture").tolist()),
                file.read("seed"),
                {p: file.read(f"scores/{p}") for p in head.proxies},
                {p: file.read(f"alone_s/{p}") for p in head.proxies},
                file.read("total_s"),
                tuple(json_of(text, dict[str, str], "a row of 'failures'") for text in failures),
                facts,
            )
    except (OSError, ValueError) as error:
        damaged = (
            f"it is not one that `biglittle score --out` wrote ({error}). Give another file, or "
            "move this one away to start anew."
        )
        raise BigLittleError(
            f"{path} cannot be read as a file of scores: {why_unreadable(error, damaged)}"
        ) from error


def _check_facts(got: Mapping[str, Any], expected: Mapping[str, Any], where: str) -> None:
    other = [key for key in expected if got.get(key) != expected[key]]
    if other:
        told = "; ".join(f"{key} is {got.get(key)!r}, asked for {expected[key]!r}" for key in other)
        raise BigLittleError(
            f"{where} was made with other settings ({told}). Ask for the same, or write to "
            "another file."
        )


def _batch_hash(batch: Batch) -> str:
    digest = hashlib.sha256(batch.images.detach().cpu().contiguous().numpy().tobytes())
    if batch.labels is not None:
        digest.update(batch.labels.cpu().numpy().tobytes())
    return digest.hexdigest()
