"""Makes the cascades that ship with a table: recommended by it, trained on or not, exported, tried.

A cascade whose card names the same table, question, training and weights is not made again, where
its graph is there. Cascades with the same graph share its file.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime
import torch
from msgspec import Struct
from numpy.typing import NDArray
from scipy.stats import binomtest  # type: ignore[import-untyped]

from ... import __version__
from ...bench import Benchmark
from ...bench.datasets import Images
from ...bench.documents import Line, Positive, json_text, read_toml
from ...bench.errors import ConstraintError, TableError
from ...bench.files import why_unreadable, write_together
from ...bench.gate import Gate
from ...bench.recommend import Recommendation
from ...cotrain.evaluate import answers_of
from ...cotrain.front import cotrain_front
from ...cotrain.recalibrate import calibrated
from ...cotrain.recipe import load_recipe
from ...cotrain.saved_pair import saved_pair
from ...edge_profiler.accuracy import rerun
from ...edge_profiler.deploy import deploy_pair
from ...edge_profiler.machine import device_name
from ...searchers.answer import exact_front, table_answers
from ...searchers.pair_training import pair_job
from ...searchers.settings import SearchSettings
from ..ready.cards import FOLDER, FORMAT, GRAPH_NAME, Card, MadeAnswer, read_ready
from ..ready.images import made_images
from .plan import Plan, TrainedSupernet
from .reproduce import weights_of

log = logging.getLogger(__name__)

SETTINGS = "cascades.toml"
INHERITED = "inherited"
_OBJECTIVES = ("error", "latency_ms")


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """One cascade of the settings."""

    name: Line
    device: Line
    limits: dict[str, Positive]


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which cascades ship, read from ``cascades.toml`` beside a table's recipe."""

    training: Line
    cascades: list[Wanted]


@dataclass(frozen=True)
class _Made:
    """A graph and what is known of it beside its answer."""

    graph: bytes
    point: Mapping[str, Any]
    origin: Mapping[str, Any]
    input: Mapping[str, Any]


def read_settings(path: Path) -> Settings:
    """The settings of a table's cascades.

    Raises:
        TableError: they cannot be read, or two cascades have one name.
    """
    try:
        settings = read_toml(path, Settings)
    except (OSError, ValueError) as error:
        raise TableError(f"{path}: {why_unreadable(error, str(error))}") from error
    names = [wanted.name for wanted in settings.cascades]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableError(f"{path} has two cascades called {twice[0]!r}; give each its own name.")
    return settings


def make_cascades(plan: Plan, table: Path, threads: int = 1, device: str = "cpu") -> list[str]:
    """Makes what is not there yet beside a table; returns the names in the order of the settings.

    Args:
        plan: the build: its images, weights and working folder, in which pairs are trained.
        table: the table that recommends.
        threads: threads that torch computes with.
        device: torch device of a co-training.

    Raises:
        TableError: there is no table, or the settings cannot be read.
        ConstraintError: the table recommends no pair within some limits.
    """
    wishes = plan.recipe.folder / SETTINGS
    if not wishes.exists():
        log.info("no %s: no cascades are made", wishes)
        return []
    settings = read_settings(wishes)
    bench = Benchmark.load(table)
    splits, folder = plan.images(), table.parent / FOLDER
    origin = _origin(bench, plan, settings.training)
    folder.mkdir(exist_ok=True)
    there = _whole(folder)
    for wanted in settings.cascades:
        old = there.get(wanted.name)
        if old is not None and _same(old, wanted, origin):
            log.info("%s is there already", wanted.name)
            continue
        answer = recommended(bench, wanted)
        log.info("%s: %s", wanted.name, answer.pair)
        with tempfile.TemporaryDirectory() as scratch:
            if settings.training == INHERITED:
                made = _inherited(bench, plan, answer, splits, Path(scratch), threads)
            else:
                made = _trained(bench, plan, answer, wanted, splits, settings.training, device)
        card = _card(wanted, settings, bench, answer, made, {**origin, **made.origin}, splits)
        text = (json_text(msgspec.to_builtins(card), indent=1) + "\n").encode()
        write_together(folder, {card.graph_name: made.graph, f"{card.name}.json": text})
    names = [wanted.name for wanted in settings.cascades]
    _tidy(folder, names)
    return names


def _whole(folder: Path) -> dict[str, Card]:
    """The cards in a folder that can be read and whose graphs are there unchanged, by name."""
    cards = {}
    for path in sorted(folder.glob("*.json")):
        try:
            ready = read_ready(path)
            ready.content()
        except TableError as error:
            log.info("%s", error)
        else:
            cards[ready.card.name] = ready.card
    return cards


def _tidy(folder: Path, names: Collection[str]) -> None:
    """Removes cards of other names, and then the graphs that no card names any more."""
    for path in folder.glob("*.json"):
        if path.stem not in names:
            log.info("%s is not wanted any more", path.stem)
            path.unlink()
    shared = {read_ready(path).card.graph_name for path in folder.glob("*.json")}
    for path in folder.glob("*.onnx"):
        if GRAPH_NAME.fullmatch(path.name) and path.name not in shared:
            path.unlink()


def recommended(bench: Benchmark, wanted: Wanted) -> Recommendation:
    """What the table recommends within the limits: a pair, chosen on val and reported on test.

    Raises:
        ConstraintError: a single network serves better there, or nothing is within the limits.
    """
    settings = SearchSettings(objectives=_OBJECTIVES, limits=wanted.limits)
    front = exact_front(bench, wanted.device, settings)
    answer = None
    if front is not None:
        answer = table_answers(bench, front.chosen, wanted.device, wanted.limits, _OBJECTIVES)[0]
    if answer is None or answer.verdict != "pair" or answer.pair is None or answer.single is None:
        verdict = "nothing" if answer is None else answer.verdict
        raise ConstraintError(
            f"cascade {wanted.name} asks for a pair within {dict(wanted.limits)} on "
            f"{wanted.device}, and the table recommends {verdict} there; change its limits in "
            f"{SETTINGS}, or take it out."
        )
    return answer


def _origin(bench: Benchmark, plan: Plan, training: str) -> dict[str, Any]:
    """What a cascade is made from; where nothing of it changed, it need not be made again."""
    recipe = None
    if training != INHERITED:
        recipe = load_recipe(plan.recipe.pairs).as_dict()
    return {
        "table_sha256": str(bench.table.sha256),
        "supernet_sha256": bench.table.training.get("supernet_sha256"),
        "dataset": bench.table.dataset,
        "recipe": recipe,
        "seed": 0,
    }


def _same(card: Card, wanted: Wanted, origin: Mapping[str, Any]) -> bool:
    question = (card.device, dict(card.limits)) == (wanted.device, dict(wanted.limits))
    return question and all(card.origin.get(key) == value for key, value in origin.items())


def _inherited(
    bench: Benchmark,
    plan: Plan,
    answer: Recommendation,
    splits: Mapping[str, Images],
    scratch: Path,
    threads: int,
) -> _Made:
    """The pair with the supernet's weights, as the table knows it."""
    assert answer.pair is not None
    torch.set_num_threads(threads)
    supernet: TrainedSupernet = weights_of(bench.table)
    pair = answer.pair
    little, big = (
        calibrated(supernet.net.inherit(name), splits["train"], plan.dataset)
        for name in (pair.little, pair.big)
    )
    answers = answers_of(little, big, splits["test"], plan.dataset)
    trained = saved_pair(
        scratch,
        (little, big),
        Gate(pair.gate, pair.threshold),
        splits["test"],
        (answers.little, answers.big),
        plan.dataset,
        {"training": INHERITED, "table": bench.table.name, "table_sha256": bench.table.sha256},
    )
    facts = deploy_pair(scratch, trained)
    return _Made((scratch / "cascade.onnx").read_bytes(), pair.as_dict(), {}, facts["input"])


def _trained(
    bench: Benchmark,
    plan: Plan,
    answer: Recommendation,
    wanted: Wanted,
    splits: Mapping[str, Images],
    method: str,
    device: str,
) -> _Made:
    """The pair trained on by a method; the run stays in the working folder, resumable."""
    assert answer.pair is not None
    recipe, out = load_recipe(plan.recipe.pairs), plan.working / FOLDER / wanted.name
    job = pair_job(
        bench, bench.table.name, wanted.device, (method,), recipe, INHERITED, 0, out, device
    )
    (report,) = cotrain_front(job, [answer.pair], splits, lambda at: log.info("%s", at.text()))
    graph = out / f"{answer.pair.little}-{answer.pair.big}" / method / "cascade.onnx"
    training = {key: report["training"][key] for key in ("steps", "images", "duration_s")}
    return _Made(
        graph.read_bytes(),
        report["after"]["test"],
        {"training": training},
        report["deployed"]["input"],
    )


def _card(
    wanted: Wanted,
    settings: Settings,
    bench: Benchmark,
    answer: Recommendation,
    made: _Made,
    origin: Mapping[str, Any],
    splits: Mapping[str, Images],
) -> Card:
    """The card of a graph that was run on the whole test split, and on the made images."""
    assert answer.single is not None
    assert answer.gain is not None
    done = rerun(made.graph, splits["test"])
    interval = binomtest(done.right, done.n).proportion_ci(method="wilson")
    inherited = settings.training == INHERITED
    accuracy = done.right / done.n
    return Card(
        format=FORMAT,
        name=wanted.name,
        table=bench.table.name,
        device=wanted.device,
        limits=dict(wanted.limits),
        training=settings.training,
        accuracy=accuracy,
        accuracy_low=float(interval.low),
        accuracy_high=float(interval.high),
        escalation_rate=done.escalated / done.n,
        n_images=done.n,
        point=dict(made.point),
        single=dict(answer.single),
        gain=answer.gain if inherited else accuracy - float(answer.single["accuracy"]),
        gain_low=answer.gain_low if inherited else None,
        gain_high=answer.gain_high if inherited else None,
        interval=answer.interval if inherited else None,
        sha256=hashlib.sha256(made.graph).hexdigest(),
        bytes=len(made.graph),
        input=dict(made.input),
        made=said_of_made(made.graph),
        origin={
            **origin,
            "biglittle": __version__,
            "torch": str(torch.__version__),
            "onnxruntime": onnxruntime.__version__,
            "numpy": np.__version__,
            "cpu": device_name(),
        },
    )


def said_of_made(graph: bytes) -> list[MadeAnswer]:
    """What a cascade says of the made images."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    images: NDArray[np.uint8] = made_images(*source.shape[1:])
    runs = (session.run(["logits", "escalated"], {source.name: im[None]}) for im in images)
    return [MadeAnswer(logits[0].tolist(), bool(escalated)) for logits, escalated in runs]
