"""Makes the table of what was evaluated, or adds to one that is there.

Either way a whole new file takes the place of the old one at the end; until then the old one stays
as it is.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnxruntime
import torch

from ... import __version__
from ...bench import Benchmark
from ...bench.datasets import Images
from ...bench.device import load_device, shipped_devices
from ...bench.device_columns import device_columns, joined_columns
from ...bench.errors import TableError, UnknownNameError
from ...bench.files import replacing
from ...bench.gates import stored_metrics
from ...bench.growth import grown
from ...bench.precision import FP32, INT8, PRECISIONS, with_precision
from ...bench.rows import (
    PAIR_TRAININGS,
    TRAININGS,
    NetworkKey,
    completed,
    joined,
    key_of,
)
from ...bench.spaces import SearchSpace, get_space
from ...bench.table import Table
from ...bench.table_contents import Predictions, TableContents
from ...bench.table_schema import ALWAYS, SPLITS
from ...bench.table_writer import write_table
from ...cotrain.exit_heads import are_exit_heads, save_exit_heads, trunk_hash
from ...cotrain.recalibrate import RECALIBRATION_IMAGES
from ...cotrain.weights import kept_supernet_facts, save_weights
from .chosen_exits import chosen_exits
from .design import sequence
from .earlier import earlier_rows, facts_with_earlier, without_replaced
from .evaluate import Evaluation, EvaluationKey, read_evaluation
from .front_counts import share_of_budgets
from .plan import Plan, TrainedSupernet, of_another_supernet
from .recipe import EXITS_NAME, WEIGHTS_NAME, Design

log = logging.getLogger(__name__)


def evaluations(plan: Plan, origin: str) -> list[Evaluation]:
    """What was evaluated with these supernet weights, in the order of the table's rows.

    Inherited networks come in the order of the design, then the others by training, name and seed,
    and those in int8 last; of pairs only whole ones. Inherited networks that the design has not
    (any more) are left out, as are those evaluated with other weights; the log says how many.
    """
    everything = [read_evaluation(path) for path in sorted(plan.networks.glob("*.npz"))]
    fitting = [e for e in everything if e.key.origin in ("", origin)]
    ids = sequence(plan.recipe.design, plan.space, plan.schedule.trained_choices)
    place = {a: i for i, a in enumerate(ids)}
    evaluated = {
        (k.network.name, k.network.training, k.network.seed, k.partner, k.role)
        for k in (e.key for e in fitting)
    }

    chosen = chosen_exits(plan.working, origin)

    def belongs(key: EvaluationKey) -> bool:
        own = key.network
        if own.training == "inherited":
            listed = not own.exit or own.name in chosen or own.precision != FP32  # by a table
            return own.architecture in place and listed
        other = {"little": "big", "big": "little"}.get(key.role, "")
        twin = (key.partner, own.training, own.seed, own.name, other)
        return own.training not in PAIR_TRAININGS or twin in evaluated

    belonging = [e for e in fitting if belongs(e.key)]
    n_inherited = sum(e.key.network.training == "inherited" for e in belonging)
    log.info(
        "%d evaluations: %d of the design's %d networks, %d others; left out: %d of other "
        "supernet weights, %d that are not of the design or half a pair",
        len(everything), n_inherited, len(place), len(belonging) - n_inherited,
        len(everything) - len(fitting), len(fitting) - len(belonging),
    )  # fmt: skip

    def order(e: Evaluation) -> tuple[Any, ...]:
        key, own = e.key, e.key.network
        pair = (own.name, key.partner)
        pair = pair[::-1] if key.role == "big" else pair
        rank = place[own.architecture] if own.training == "inherited" else 0
        cut = int(plan.space.exit_numbers([own.exit])[0])
        return (
            PRECISIONS.index(own.precision),
            TRAININGS.index(own.training),
            cut > 0,
            rank,
            cut,
            *pair,
            own.seed,
            key.role != "little",
        )

    return sorted(belonging, key=order)


def _row_key(key: EvaluationKey) -> tuple[NetworkKey, str, str]:
    """What tells the row of an evaluation from every other row of a table."""
    return key.network, key.partner, key.role


def network_columns(
    space: SearchSpace, n_classes: int, new: Sequence[Evaluation]
) -> dict[str, Any]:
    """The columns of some evaluated networks, shape (n,) each.

    Raises:
        ArchitectureError: a network that is not of the space, or ends at an exit that it lacks.
    """
    keys = [e.key for e in new]
    networks = [k.network for k in keys]
    genomes = space.parse([n.architecture for n in networks])
    exits = space.exit_numbers([n.exit for n in networks])
    own, beside = (
        ("architecture", "exit", "training", "seed", "precision"),
        ("partner", "role", "epochs", "images"),
    )
    return completed(
        {
            **{name: np.array([getattr(n, name) for n in networks]) for name in own},
            **{name: np.array([getattr(k, name) for k in keys]) for name in beside},
            "weights_sha256": np.array([e.weights_sha256 for e in new]),
            "macs": space.macs(genomes, n_classes, exits),
            "params": space.params(genomes, n_classes, exits),
        }
    )


def _stacked(
    new: Sequence[Evaluation], images: Mapping[str, Images], metrics: Collection[str] = ()
) -> dict[str, Predictions]:
    """The answers of some networks by split, with some metrics; none named: with all of them."""
    out = {}
    for split in SPLITS:
        metrics = metrics or [name for name in new[0].answers[split] if name != "top1"]
        out[split] = Predictions(
            labels=images[split].labels,
            top1=np.array([e.answers[split]["top1"] for e in new]),
            codes={m: np.array([e.answers[split][m] for e in new]) for m in metrics},
        )
    return out


def _metrics(plan: Plan) -> tuple[str, ...]:
    """The metrics that the recipe names.

    Raises:
        UnknownNameError: one that no evaluation has.
        TableError: without the one that every table has.
    """
    names = plan.recipe.metrics
    for name in names:
        if name not in stored_metrics():
            raise UnknownNameError("stored metric", name, stored_metrics())
    if names and ALWAYS not in names:
        raise TableError(
            f"the recipe of {plan.recipe.name} stores {', '.join(names)}; expected {ALWAYS} among "
            "them, which every table has."
        )
    return names


def _recipes(new: Sequence[Evaluation]) -> dict[str, Any]:
    """How trained rows were trained, by training; different recipes of one are listed."""
    out: dict[str, list[Any]] = {}
    for evaluation in new:
        recipe, training = dict(evaluation.key.recipe), evaluation.key.network.training
        if recipe and recipe not in out.setdefault(training, []):
            out[training].append(recipe)
    return out


def devices_of(design: Design, space: SearchSpace) -> dict[str, str]:
    """What gives a table its columns, by the name of the device: profiles of its own space.

    Those that ship, and that of the design, which may be a file of the user's own.
    """
    ours = [name for name in shipped_devices() if load_device(name).space_hash == space.hash]
    return {load_device(design.device).name: design.device} | {name: name for name in ours}


def _columns(device: str, space: SearchSpace, new: Sequence[Evaluation]) -> dict[str, Any]:
    """The columns and facts of one device for some evaluated networks."""
    networks = [e.key.network for e in new]
    exits = space.exit_numbers([n.exit for n in networks])
    precisions = np.array([n.precision for n in networks])
    ids = [n.architecture for n in networks]
    return device_columns(load_device(device), space, ids, exits, precisions)


def assemble(
    plan: Plan,
    target: Path | None = None,
    code_version: str = __version__,
    earlier: Path | None = None,
) -> str:
    """Writes the table of everything evaluated so far; returns its SHA-256.

    The weights that its networks inherit are written beside it, before it.

    Args:
        plan: the build whose evaluations are assembled.
        target: the table's file; None: that of the recipe.
        code_version: version of the package, which the table states.
        earlier: a table whose trained networks are kept, though they set out from other weights.

    Raises:
        TableError: nothing was evaluated yet, or the earlier table is of other images.
    """
    target = target or plan.recipe.table
    trained = plan.supernet()
    evaluated = evaluations(plan, trained.sha256)
    if not evaluated:
        raise TableError(
            f"no network in {plan.networks} was evaluated with these supernet weights; run "
            "'biglittle table build --stage evaluate' first, it goes on where it stopped."
        )
    images, space = plan.images(), plan.space
    held_out = images["val"].index
    assert held_out is not None
    profiles = devices_of(plan.recipe.design, space)
    contents = TableContents(
        name=plan.recipe.name,
        space=space.name,
        dataset=plan.dataset.name,
        n_classes=plan.dataset.n_classes,
        choices=plan.schedule.trained_choices,
        networks=network_columns(space, plan.dataset.n_classes, evaluated),
        val_index=held_out,
        predictions=_stacked(evaluated, images, _metrics(plan)),
        devices={name: _columns(profile, space, evaluated) for name, profile in profiles.items()},
        training={
            "schedule": plan.schedule.as_dict(),
            "supernet_seconds": round(trained.elapsed_s),
            "supernet_sha256": trained.sha256,
            "recalibration_images": RECALIBRATION_IMAGES,
            "n_train": len(images["train"]),
            "torch": torch.__version__,
            "onnxruntime": onnxruntime.__version__,
            "recipes": _recipes(evaluated),
        },
    )
    if earlier is not None:
        table = Table(earlier)
        rows = earlier_rows(table, contents)
        whole = added(contents, rows, images, profiles) if rows else contents
        facts = facts_with_earlier(contents.training, table.training, rows)
        contents = dataclasses.replace(whole, training=facts)
    target.parent.mkdir(parents=True, exist_ok=True)
    keep_weights(plan, trained, target.with_name(WEIGHTS_NAME))
    return write_with_references(target, contents, code_version)


def write_with_references(path: Path, contents: TableContents, code_version: str) -> str:
    """Writes a table with the reference boxes of its own true fronts; returns its SHA-256.

    They belong to the rows: with other rows the true fronts are others, and so are the boxes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        plain = Path(folder) / path.name
        write_table(plain, contents, code_version, _today())
        boxes = Benchmark.load(plain).reference_points()
    with_boxes = dataclasses.replace(contents, reference_points=boxes)
    return write_table(path, with_boxes, code_version, _today())


def begun_with(plan: Plan, target: Path) -> Path:
    """The table that one in a place begins with: itself, or that of the recipe."""
    return plan.recipe.table if plan.recipe.table.exists() and not target.exists() else target


def extend(plan: Plan, target: Path, code_version: str = __version__) -> tuple[str, int]:
    """Adds what was evaluated since to a table; returns its SHA-256 and how many rows are new.

    Rows that are there stay as they are, bit for bit, and so does everything else but the
    reference boxes. Networks trained on from an earlier supernet, or by another recipe, are the
    exception: they go when the first of the same training is added that set out from the table's
    own and follows the recipe of today. Where there is no table in that place, it is begun with
    the recipe's own.

    Raises:
        TableError: there is no table in that place, and the recipe has none.
        CheckpointError: it was built from other supernet weights.
    """
    table, trained = Table(begun_with(plan, target)), plan.supernet()
    origin = trained.sha256
    if table.training.get("supernet_sha256") != origin:
        raise of_another_supernet(f"the networks of {table.path}")
    evaluated = evaluations(plan, origin)
    before = without_replaced(table.contents(), evaluated)
    there = {(*key_of(before.networks, i), str(r)) for i, r in enumerate(before.networks["role"])}
    new = [e for e in evaluated if _row_key(e.key) not in there]
    if plan.recipe.int8_max is not None and target.resolve() == plan.recipe.table.resolve():
        new = _with_chosen_int8(new, before, table.path, plan.recipe.int8_max)
    if not new:
        assert table.sha256 is not None
        return table.sha256, 0
    contents = added(before, new, plan.images(), devices_of(plan.recipe.design, plan.space))
    facts = grown(contents.training, table.sha256, [_kind(e.key.network) for e in new])
    contents = dataclasses.replace(contents, training=facts)
    if table.path != target:
        target.parent.mkdir(parents=True, exist_ok=True)
        keep_weights(plan, trained, target.with_name(WEIGHTS_NAME))
    keep_exits(plan, trained, target.with_name(EXITS_NAME))
    return write_with_references(target, contents, code_version), len(new)


def _kind(network: NetworkKey) -> str:
    """What a row counts as where a table grows: its precision, or its training if it had one."""
    return network.precision if network.training == "inherited" else network.training


def _with_chosen_int8(
    new: list[Evaluation], before: TableContents, table: Path, most: int
) -> list[Evaluation]:
    """New rows without those networks in int8 that a table of a limited size has no room for."""
    quantised = [e for e in new if e.key.network.precision == INT8]
    if not quantised:
        return new
    n_there = int((before.networks["precision"] == INT8).sum())
    place = {name: i for i, name in enumerate(share_of_budgets(Benchmark.load(table)))}
    quantised = [e for e in quantised if _plain_name(e) in place]
    quantised.sort(key=lambda e: place[_plain_name(e)])
    chosen = {e.key.network for e in quantised[: max(0, most - n_there)]}
    log.info("int8: %d new networks are on a front, %d of them kept", len(quantised), len(chosen))
    return [e for e in new if e.key.network.precision != INT8 or e.key.network in chosen]


def _plain_name(evaluation: Evaluation) -> str:
    return with_precision(evaluation.key.network.name, FP32)


def added(
    before: TableContents,
    new: Sequence[Evaluation],
    images: Mapping[str, Images],
    profiles: Mapping[str, str] = MappingProxyType({}),
) -> TableContents:
    """A table's contents with further networks behind those that are there.

    Args:
        before: contents of the table as it is.
        new: evaluations of further networks.
        images: splits with the labels of the images that they answered.
        profiles: files of device profiles by the device's name, as of `devices_of`.
    """
    space = get_space(before.space)
    stored, more = before.predictions, _stacked(new, images)
    predictions = {
        split: Predictions(
            labels=stored[split].labels,
            top1=np.concatenate([stored[split].top1, more[split].top1]),
            codes={
                m: np.concatenate([codes, more[split].codes[m]])
                for m, codes in stored[split].codes.items()
            },
        )
        for split in SPLITS
    }
    n_before = len(before.networks["architecture"])
    devices = {
        name: joined_columns(
            columns, n_before, _columns(profiles.get(name, name), space, new), len(new)
        )
        for name, columns in before.devices.items()
    }
    recipes = dict(before.training.get("recipes", {}))
    for training, some in _recipes(new).items():
        earlier = recipes.get(training, [])
        recipes[training] = [*earlier, *(r for r in some if r not in earlier)]
    return dataclasses.replace(
        before,
        networks=joined([before.networks, network_columns(space, before.n_classes, new)]),
        predictions=predictions,
        devices=devices,
        training={**before.training, "recipes": recipes},
    )


def keep_weights(plan: Plan, trained: TrainedSupernet, target: Path) -> None:
    """Writes the weights that every network of the table inherits from."""
    facts = kept_supernet_facts(plan.dataset.name, trained.epochs, trained.elapsed_s)
    save_weights(target, trained.net, facts, plan.recipe.storage)
    keep_exits(plan, trained, target.with_name(EXITS_NAME))


def keep_exits(plan: Plan, trained: TrainedSupernet, target: Path) -> None:
    """Has the exit heads of a table beside it, if there are any.

    Those of the working folder are copied; those that learned with the supernet are written, unless
    heads of the same trunk lie there already.
    """
    heads, own = plan.working / EXITS_NAME, trained.net.exit_heads
    if heads.exists():
        with replacing(target) as partial:
            partial.write_bytes(heads.read_bytes())
        return
    trunk = trunk_hash(trained.net.state_dict())
    if own is not None and not are_exit_heads(target, plan.space, trunk):
        save_exit_heads(target, own, trunk, {"dataset": plan.dataset.name}, plan.recipe.storage)


def _today() -> str:
    return datetime.date.today().isoformat()
