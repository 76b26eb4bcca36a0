"""All figures of the evidence as one document, from what a working folder has of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....bench import Benchmark
from ....bench.agreement import spearman
from ....bench.errors import BigLittleError
from ....bench.spaces import get_space
from ....zerocost import Columns
from ._agreement import FEWEST, ROUNDS, Values, agreement
from ._pairs import pair_agreement, pair_targets
from ._published import HELD_AGAINST
from ._scoring import OF_FEW, by_seed, complete, finished_seeds, scored
from ._sets import ALONE, SETS, TABLE, nb201_accuracy


def measure(working: Path, rounds: int = ROUNDS) -> dict[str, Any]:
    """All figures from the scores in a working folder; a set that was not scored is left out.

    Raises:
        BigLittleError: no set has scores of enough networks.
    """
    document: dict[str, Any] = {"targets": {}, "too_few": {}, "time_s": {}, "made_with": {}}
    for which, wanted in SETS.items():
        if not list(working.glob(f"{which}-[0-9]*.h5")):
            continue
        columns = scored(which, working)
        used = finished_seeds(columns, wanted.seeds)
        ids = complete(columns, used)
        document["made_with"][which] = {
            **{k: v for k, v in columns.facts.items() if k != "proxies"},
            "networks": len(ids),
            "seeds": len(used),
            "failures": _reasons(columns),
        }
        values = by_seed(columns, ids, used)
        if wanted.like is not None:
            accuracy = _targets("nb201", ids)[wanted.like]
            document.setdefault("like", {})[wanted.like] = {
                proxy: agreement(values[proxy], accuracy, rounds)
                for proxy in HELD_AGAINST
                if proxy in values
            }
            continue
        document["time_s"][which] = {
            **{
                p: None if np.isnan(seconds).all() else float(np.nanmean(seconds))
                for p, seconds in columns.alone_s.items()
            },
            "together": float(columns.total_s.mean()),
        }
        for name, accuracy in _targets(which, ids).items():
            n = int((~np.isnan(accuracy)).sum())
            if n < FEWEST:
                document["too_few"][name] = n
                continue
            document["targets"][name] = {
                proxy: agreement(scores, accuracy, rounds, values.get("macs"))
                for proxy, scores in values.items()
            }
        if which == "nb201":
            document["all_cells"] = baselines_of_all()
        else:
            bench = Benchmark.load(TABLE)
            inherited = set(bench.architectures)
            chosen = [a for a in ids if a in inherited]
            document["pairs"] = _pairs(bench, chosen, by_seed(columns, chosen, used))
    if (working / "few.json").is_file():
        document["few"] = few_agreement(
            json.loads((working / "few.json").read_text(encoding="utf-8"))
        )
    runs = sorted(working.glob("speed*.json"))
    if runs:
        document["speed"] = [speed(json.loads(path.read_text(encoding="utf-8"))) for path in runs]
    if not document["targets"]:
        raise BigLittleError(
            f"no scores of {FEWEST} networks in {working}; run the step 'zerocost/score' first."
        )
    return document


def speed(document: Mapping[str, Any]) -> dict[str, Any]:
    """What pytest-benchmark wrote of ``tests/perf/test_proxies.py``.

    Raises:
        BigLittleError: it is of something else.
    """
    told = [
        b["extra_info"] for b in document.get("benchmarks", ()) if "together_s" in b["extra_info"]
    ]
    if len(told) != 1:
        raise BigLittleError(
            f"a speed*.json has {len(told)} benchmarks of proxies; expected the one that "
            "`pytest tests/perf/test_proxies.py --benchmark-only --benchmark-json=...` writes."
        )
    return {**told[0], "processor": document["machine_info"]["cpu"].get("brand_raw", "unknown")}


def baselines_of_all() -> dict[str, Any]:
    """Spearman of the baselines over every cell: what the sample of cells does to a figure."""
    ids, accuracies = nb201_accuracy()
    space = get_space("nb201")
    genomes = space.parse(ids)
    counts = {"macs": space.macs(genomes, 10), "params": space.params(genomes, 10)}
    return {
        "cells": len(ids),
        "targets": {
            name: {p: spearman(n.astype(np.float64), accuracy) for p, n in counts.items()}
            for name, accuracy in accuracies.items()
        },
    }


def _reasons(columns: Columns) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in columns.failures:
        for proxy in row:
            counts[proxy] = counts.get(proxy, 0) + 1
    return counts


def _targets(which: str, ids: Sequence[str]) -> dict[str, Values]:
    if which == "nb201":
        ids_of_cells, columns = nb201_accuracy()
        at = {a: i for i, a in enumerate(ids_of_cells)}
        rows = [at[a] for a in ids]
        return {name: column[rows] for name, column in columns.items()}
    bench = Benchmark.load(TABLE)
    accuracy, networks = bench.accuracy("test"), bench.table.networks
    out = {}
    for training in ("inherited", *ALONE):
        mine: dict[str, list[float]] = {}
        for row in bench.table.rows(training):
            mine.setdefault(str(networks["architecture"][row]), []).append(float(accuracy[row]))
        if mine:
            means = [np.mean(mine[a]) if a in mine else np.nan for a in ids]
            out[f"table {training}"] = np.array(means)
    return out


def _pairs(
    bench: Benchmark, ids: Sequence[str], values: Mapping[str, list[Values]]
) -> dict[str, Any]:
    little, big, targets = pair_targets(bench, ids)
    out: dict[str, Any] = {"n_pairs": len(little), "n_networks": len(ids), "targets": {}}
    for name, target in targets.items():
        rate = float(name.rpartition(" ")[2]) if name.startswith("accuracy") else 0.5
        out["targets"][name] = {
            proxy: pair_agreement(scores, little, big, target, rate)
            for proxy, scores in values.items()
        }
    return out


def few_agreement(document: Mapping[str, Any]) -> dict[str, Any]:
    """Rank correlation of proxies of a mini-batch with the same of the whole batch."""
    sizes = sorted(document["images"], key=int)
    little, big = (document["images"][size] for size in sizes)
    out = {}
    for proxy in OF_FEW:
        a, b = (np.array(part["scores"][proxy], np.float64) for part in (little, big))
        scored = ~np.isnan(a) & ~np.isnan(b)
        out[proxy] = {"n": int(scored.sum()), "spearman": spearman(a[scored], b[scored])}
    return {
        "cells": document["cells"],
        "images": [int(size) for size in sizes],
        "proxies": out,
        "together_s": [little["together_s"], big["together_s"]],
    }
