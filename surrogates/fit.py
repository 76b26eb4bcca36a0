"""Fits a surrogate on a benchmark table and writes it as ONNX and JSON.

Two models: a member predicts the accuracy of single networks, a pair model what a gate makes of two
of them. Both are fitted on ``val``, where thresholds are chosen; ``test`` is only reported. What is
shipped is fitted on the networks that the table does not hold out, and its intervals are calibrated
on those that it does.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..bench import Table
from ..bench.errors import SurrogateError, UnknownNameError
from .answer_noise import accuracy_variance, luck_share
from .curve import GRID
from .data import MIN_NETWORKS, FitData, fit_data
from .extras import import_extra
from .features import feature_names
from .found import read_found, with_found
from .intervals import calibrated
from .link import LINKS, fit_link
from .members import get_member
from .pairs import get_pair_model
from .support import Support
from .surrogate import DOCUMENT, FORMAT, Surrogate, document_hash

MIN_CALIBRATION = 5  # held-out networks; fewer, and there are no intervals


@dataclass(frozen=True)
class Recipe:
    """Which models a surrogate is made of.

    Attributes:
        accuracy: member that predicts single networks.
        pairs: pair model.
        points: member that the pair model uses for what it keeps of single networks.
        link: what accuracy is turned into before the first member learns it, see ``link.py``.
    """

    accuracy: str = "gaussian_process_ard"
    pairs: str = "item_response"
    points: str = "gaussian_process_ard"
    link: str = "logit"

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """A recipe such as ``ridge``, ``ridge:identity`` or ``ridge:logit/item_response/ridge``.

        A member alone goes with the default link and the default pair model, whose points it
        predicts as well; the ensemble, which would be slow there, leaves them to the Gaussian
        process.

        Raises:
            SurrogateError: more than three parts.
            UnknownNameError: a name that no member, link or pair model has.
        """
        parts = text.split("/")
        if not 1 <= len(parts) <= 3:
            raise SurrogateError(f"recipe {text!r} has {len(parts)} parts; expected 1 to 3.")
        accuracy, _, link = parts[0].partition(":")
        pairs = parts[1] if len(parts) > 1 else cls.pairs
        own = cls.points if accuracy == "ensemble" else accuracy
        points = parts[2] if len(parts) > 2 else own
        recipe = cls(accuracy, pairs, points, link or cls.link)
        get_member(recipe.accuracy), get_member(recipe.points), get_pair_model(recipe.pairs)
        if recipe.link not in LINKS:
            raise UnknownNameError("link", recipe.link, LINKS)
        return recipe

    def __str__(self) -> str:
        """The text that ``parse`` reads."""
        return f"{self.accuracy}:{self.link}/{self.pairs}/{self.points}"


@dataclass(frozen=True)
class FitSettings:
    """How a surrogate is fitted.

    Attributes:
        recipe: the models it is made of.
    """

    recipe: Recipe = field(default_factory=Recipe)


def held_out(n_networks: int, seed: int = 0, share: float = 0.2) -> NDArray[np.intp]:
    """Rows of the networks that are held out of a fit, sorted; the same for the same arguments.

    Raises:
        SurrogateError: the share leaves fewer than two networks on a side.
    """
    count = round(n_networks * share)
    if not 2 <= count <= n_networks - 2:
        raise SurrogateError(
            f"holding out {share:g} of {n_networks} networks leaves fewer than two on a side; give "
            "another share or a larger table."
        )
    return np.sort(np.random.default_rng(seed).permutation(n_networks)[:count])


def fit_models(
    data: FitData, seed: int = 0, settings: FitSettings | None = None
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Document and ONNX models of a surrogate fitted on all networks of ``data``, on ``val``.

    Raises:
        MissingExtraError: something that fitting needs is not installed.
        SurrogateError: too few networks.
        UnknownNameError: the recipe names a model that does not exist.
    """
    if len(data) < MIN_NETWORKS // 2:
        raise SurrogateError(f"{len(data)} networks are too few to fit a surrogate on.")
    recipe, space = (settings or FitSettings()).recipe, data.space
    networks = data.networks
    link = fit_link(recipe.link, networks, data.accuracy())
    target, correct = link.forward(data.accuracy())[:, None], data.predictions["val"].correct
    share, n_images = luck_share(correct), correct.shape[1]
    luck = link.slope(data.accuracy()) ** 2 * accuracy_variance(data.accuracy(), share, n_images)
    member = get_member(recipe.accuracy).fit(networks, target, seed, luck[:, None])
    pairs = get_pair_model(recipe.pairs).fit(data, get_member(recipe.points), seed)
    models = {f"accuracy.{name}": content for name, content in member.files.items()}
    models |= {f"pairs.{name}": content for name, content in pairs.files.items()}
    document: dict[str, Any] = {
        "format": FORMAT,
        "recipe": str(recipe),
        "space": space.name,
        "space_hash": space.hash,
        "choices": list(data.choices),
        "n_classes": data.n_classes,
        "gates": list(data.gates),
        "split": "val",
        "n_networks": len(data),
        "seed": seed,
        "features": {"network": feature_names(space, data.choices)},
        "grid": GRID.tolist(),
        "luck": {"share": share, "n_images": n_images},
        "intervals": {},
        "support": {
            "architectures": space.format(data.genomes),
            "threshold": Support(networks).threshold,
        },
        "accuracy": {"member": recipe.accuracy, "link": link.as_dict(), **member.document},
        "pairs": {"model": recipe.pairs, **pairs.document},
    }
    return document, models


def fit_surrogate(
    table: Table,
    folder: str | Path,
    *,
    seed: int = 0,
    settings: FitSettings | None = None,
    report_seeds: Sequence[int] = (0, 1, 2, 3, 4),
    found: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Fits a surrogate on a table's networks, writes its folder, returns the report.

    What is shipped never sees the architectures that the table holds out, so that they are left to
    judge it by and to calibrate its intervals on. The figures of the report are from fits with
    other networks held out, see ``report.py``, and on the table's networks alone.

    Args:
        table: with the inherited networks.
        folder: to write, whole or not at all; an existing surrogate in it is replaced.
        seed: of everything random.
        settings: of the fit.
        report_seeds: of the random splits; empty for no report.
        found: file of networks evaluated after the table was made, see ``found.py``; None: none.
        progress: called with a line at each step.

    Raises:
        MissingExtraError: something that fitting or reporting needs is not installed.
        SurrogateError: too few networks, the folder holds something else, or what was found is of
            another space or other images.
    """
    from .report import held_out_report, residuals  # it needs this module

    say = progress or (lambda line: None)
    settings, listed = settings or FitSettings(), fit_data(table)
    data = listed
    if found is not None:
        labels = table.predictions("val").labels
        data = with_found(listed, read_found(Path(found), table.space, labels, listed.gates))
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
        SurrogateError: the folder holds something that is no surrogate, or does not read back.
    """
    folder = Path(folder)
    if folder.exists() and not (folder.is_dir() and set(os.listdir(folder)) <= _owned(folder)):
        raise SurrogateError(
            f"{folder} holds something that is no surrogate; give a new or empty folder."
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
        return {DOCUMENT, *json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
