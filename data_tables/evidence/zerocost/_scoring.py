"""Scores of the sets by every proxy, into a working folder, and what is read back from it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....bench.errors import BigLittleError, UnknownNameError
from ....bench.files import replacing
from ....zerocost import Columns, az_nas, read_columns, run, score
from ....zerocost.forwards import FEW_IMAGES
from ._agreement import Values
from ._published import HELD_AGAINST
from ._sets import BATCH, SETS, architectures, batch_of

WORKING = Path("build/zerocost")
FEW_CELLS = 20
#: Proxies that are computed on fewer images than the batch has.
OF_FEW = ("hessian_norm", "jacobian_norm", "zen", "zico")


def score_step(
    which: str,
    working: Path,
    shard: tuple[int, int] = (0, 1),
    n_networks: int | None = None,
    seeds: int | None = None,
    proxies: str = "",
    device: str = "cpu",
    data: Path | None = None,
) -> Columns:
    """Scores one set into the working folder, going on from what is there.

    ``n_networks``, ``seeds`` and ``proxies`` are the set's own where they are not given; a set that
    is like a data set takes the proxies that figures are published of.
    """
    if which not in SETS:
        raise UnknownNameError("set of networks", which, tuple(SETS))
    wanted = SETS[which]
    part, parts = shard
    space, ids = architectures(which, n_networks)

    def said(done: int, total: int) -> None:
        sys.stderr.write(f"\r{which} {part}/{parts}: {done} of {total} networks")
        sys.stderr.flush()

    return run(
        ids[part::parts],
        batch_of(which, data),
        working / f"{which}-{part}.h5",
        proxies or ("all" if wanted.like is None else HELD_AGAINST),
        space=space,
        n_classes=wanted.n_classes,
        seeds=range(seeds or wanted.seeds),
        device=device,
        clock="cpu",
        on_progress=said,
    )


def few_step(working: Path, n_cells: int = FEW_CELLS, data: Path | None = None) -> None:
    """Proxies of a mini-batch against the same of the whole batch, into ``W/few.json``."""
    space, ids = architectures("nb201", n_cells)
    batch = batch_of("nb201", data)
    document: dict[str, Any] = {"cells": len(ids), "batch": batch.name, "images": {}}
    for images in (FEW_IMAGES, BATCH):
        each = [
            score(
                a,
                batch,
                proxies=OF_FEW,
                space=space,
                few_images=images,
                clock="cpu",
                failures="keep",
            )
            for a in ids
        ]
        document["images"][str(images)] = {
            "scores": {p: [one.values.get(p) for one in each] for p in OF_FEW},
            "together_s": float(np.mean([one.total_s for one in each])),
        }
    working.mkdir(parents=True, exist_ok=True)
    with replacing(working / "few.json") as partial:
        partial.write_text(json.dumps(document), encoding="utf-8")


def scored(which: str, working: Path) -> Columns:
    """All shards of a set.

    Raises:
        BigLittleError: there are none, or they differ in more than their networks.
    """
    files = sorted(working.glob(f"{which}-[0-9]*.h5"))
    if not files:
        raise BigLittleError(
            f"no {which}-*.h5 in {working}; "
            f"run the step 'zerocost/score' with --which {which} first."
        )
    first, *others = (read_columns(path) for path in files)
    return first.merged(others)


def finished_seeds(columns: Columns, most: int) -> list[int]:
    """Seeds under which every network was scored; the first alone where none is finished."""
    counts = {int(s): int((columns.seeds == s).sum()) for s in np.unique(columns.seeds)}
    n = len(set(columns.architectures))
    return [s for s, count in counts.items() if count == n][:most] or [min(counts)]


def complete(columns: Columns, seeds: Sequence[int]) -> list[str]:
    """Architectures that were scored under every seed, in the order of the file."""
    done = set(zip(columns.architectures, columns.seeds.tolist(), strict=True))
    each = dict.fromkeys(columns.architectures)
    return [a for a in each if all((a, seed) in done for seed in seeds)]


def by_seed(columns: Columns, ids: Sequence[str], seeds: Sequence[int]) -> dict[str, list[Values]]:
    """Scores by proxy, one array (n,) per seed; AZ-NAS is aggregated among these networks."""
    out = {p: [columns.column(p, ids, seed) for seed in seeds] for p in columns.scores}
    parts = [{p: out[p][k] for p in out} for k in range(len(seeds))]
    try:
        out["az_nas"] = [az_nas(part) for part in parts]
    except BigLittleError:  # its components were not asked for
        pass
    return out
