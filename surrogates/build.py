"""Fits a surrogate of a table, judges it on networks it never saw, and writes it to a folder."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from .. import __version__
from ..bench import Table
from ..bench.documents import read_json, typed
from ..bench.errors import SurrogateError
from ..bench.files import check_writable
from ..bench.locks import LOCK
from .data import fit_data
from .evaluated_networks import read_evaluated, with_evaluated
from .extras import import_extra
from .fit import FitSettings, fit_models
from .intervals import calibrated
from .report import held_out_report, residuals
from .surrogate import DOCUMENT, Surrogate, document_hash

MIN_CALIBRATION = 5  # held-out networks; with fewer, intervals are not calibrated


def fit_surrogate(
    table: Table,
    folder: str | Path,
    *,
    seed: int = 0,
    settings: FitSettings | None = None,
    report_seeds: Sequence[int] = (0, 1, 2, 3, 4),
    evaluated: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Fits a surrogate on a table's networks, writes its folder, returns the report.

    What is shipped never sees the architectures that the table holds out, so that they are left to
    judge it by and to calibrate its intervals on. The figures of the report are from fits with
    other networks held out, see ``report.py``, and on the table's networks alone. Everything runs
    in one thread, so that the same fit is the same bytes on any number of them.

    Args:
        table: holds the inherited networks to learn from.
        folder: folder to write, whole or not at all; an existing surrogate in it is replaced.
        seed: seeds every random choice of the fit.
        settings: recipe to fit; None: the default one.
        report_seeds: one random split for each; empty for no report.
        evaluated: file of networks that were evaluated after the table was made, see
            ``evaluated_networks.py``; None: the table's networks alone.
        progress: called with a line at each step.

    Raises:
        MissingExtraError: something that fitting or reporting needs is not installed.
        SurrogateError: too few networks, the folder holds something else, or the evaluated
            networks are of another space or other images.
    """
    import_extra("scipy.linalg")  # its BLAS is held to one thread as well, where it is there
    folder = Path(folder)
    check_writable(folder.parent)
    with threadpool_limits(limits=1, user_api="blas"):
        return _fitted(
            table,
            folder,
            seed,
            settings or FitSettings(),
            report_seeds,
            evaluated,
            progress or (lambda line: None),
        )


def _fitted(
    table: Table,
    folder: Path,
    seed: int,
    settings: FitSettings,
    report_seeds: Sequence[int],
    evaluated: str | Path | None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    listed = fit_data(table, exits=not settings.recipe.knows_no_exits)
    data = listed
    if data.exits is not None:
        say(f"{int((~data.whole).sum())} of the {len(data)} networks are cut at exits")
    if evaluated is not None:
        labels = table.predictions("val").labels
        since = read_evaluated(Path(evaluated), table.space, labels, listed.gates)
        data = with_evaluated(listed, since)
        say(f"{len(data) - len(listed)} networks evaluated after the table was made are added")
    outside = data.held_out
    say(f"fitting {settings.recipe} on {int((~outside).sum())} of {len(data)} networks")
    columns = data.networks.features.shape[1]
    if (~outside).sum() < columns:
        say(
            f"these are fewer than the {columns} columns that describe one: what the models take "
            "for granted weighs more than the data"
        )
    document, models = fit_models(data.take(np.flatnonzero(~outside)), seed, settings)
    if outside.sum() >= MIN_CALIBRATION:
        say(f"calibrating on the {int(outside.sum())} networks that are held out")
        unseen = data.take(np.flatnonzero(outside))
        left = residuals(Surrogate(document, models), unseen, seed)
        document["intervals"] = calibrated(left).as_dict()
    measured = held_out_report(listed, report_seeds, settings, say)
    document |= {
        "version": __version__,
        "dataset": table.dataset,
        "table": {"name": table.name, "sha256": table.sha256},
        "n_found": len(data) - len(listed),
        "report": measured,
        "settings": asdict(settings),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "xgboost": str(import_extra("xgboost").__version__),
            "onnx": str(import_extra("onnx").__version__),
        },
    }
    write_surrogate(folder, document, models)
    return measured


def _written(document: dict[str, Any]) -> str:
    """The document with a line for every entry of its first two levels."""

    def inner(value: Any) -> str:
        if not isinstance(value, dict) or not value:
            return json.dumps(value)
        lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + "\n }"

    return (
        "{\n" + ",\n".join(f" {json.dumps(k)}: {inner(v)}" for k, v in document.items()) + "\n}\n"
    )


def write_surrogate(
    folder: str | Path, document: dict[str, Any], models: dict[str, bytes]
) -> Surrogate:
    """Writes a surrogate's folder, whole or not at all, and gives it back as it was read.

    Raises:
        SurrogateError: the folder holds something that is not a surrogate, or what was written
            does not read back.
    """
    folder = Path(folder)
    if folder.exists() and not (folder.is_dir() and set(os.listdir(folder)) <= _owned(folder)):
        raise SurrogateError(
            f"{folder} holds something that is not a surrogate; give a new or empty folder."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    document = {**document, "files": {n: hashlib.sha256(m).hexdigest() for n, m in models.items()}}
    document["sha256"] = document_hash(json.loads(json.dumps(document)))
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".partial", dir=folder.parent))
    try:
        partial.chmod(0o755)
        for name, model in models.items():
            (partial / name).write_bytes(model)
        (partial / DOCUMENT).write_text(_written(document), encoding="utf-8")
        Surrogate.load(partial)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Surrogate.load(folder)


def _owned(folder: Path) -> set[str]:
    try:
        files = read_json(folder / DOCUMENT, dict[str, Any])["files"]
        return {DOCUMENT, LOCK, *typed(files, dict[str, str])}
    except (OSError, ValueError, KeyError):
        return {LOCK}
