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
from ...bench.bootstrap import paired_gain
from ...bench.datasets import Dataset, Images
from ...bench.documents import Line, Positive, json_text, parse_json, read_toml
from ...bench.errors import ConstraintError, TableError
from ...bench.files import why_unreadable, write_together
from ...bench.gate import Gate
from ...bench.networks import weights_hash
from ...bench.recommend import Recommendation
from ...bench.table import Table
from ...cotrain.evaluate import answers_of, logits_of
from ...cotrain.front import cotrain_front
from ...cotrain.recalibrate import calibrated
from ...cotrain.recipe import Recipe, sized
from ...cotrain.saved_pair import saved_pair
from ...cotrain.train_network import train_network
from ...edge_profiler.accuracy import rerun
from ...edge_profiler.deploy import deploy_pair
from ...edge_profiler.machine import device_name
from ...searchers.answer import BOOTSTRAP, exact_front, table_answers
from ...searchers.front_training import pair_recipe
from ...searchers.pair_training import pair_job
from ...searchers.settings import SearchSettings
from ..ready.cards import FOLDER, FORMAT, GRAPH_NAME, Card, read_ready
from ..ready.images import answers_to_made
from .handed_out import weights_of
from .plan import Plan, TrainedSupernet

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
    """Which cascades ship, read from ``cascades.toml`` beside a table's recipe.

    Attributes:
        training: ``inherited``, or the method of co-training that trains them on.
        cascades: what is asked for.
        epochs: passes over the training images of a co-training; None: those of its usual recipe.
        couplings: the only couplings that the pairs may have; None: any.
    """

    training: Line
    cascades: list[Wanted]
    epochs: Positive | None = None
    couplings: tuple[str, ...] | None = None


@dataclass(frozen=True)
class _Made:
    """A graph and what is known of it beside its answer.

    Attributes:
        graph: the pair as one graph, serialised ONNX.
        point: figures of the pair on the device.
        origin: what it is made from, beyond what all cascades are.
        input: how it is fed.
        single: the test images that the single network has right, trained as the pair was, shape
            (n_images,); None: the pair was not trained.
    """

    graph: bytes
    point: Mapping[str, Any]
    origin: Mapping[str, Any]
    input: Mapping[str, Any]
    single: NDArray[np.bool_] | None = None


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
    origin = _origin(bench, settings, len(splits["train"]))
    folder.mkdir(exist_ok=True)
    there = _whole(folder)
    for wanted in settings.cascades:
        old = there.get(wanted.name)
        if old is not None and _same(old, wanted, origin, bench.table):
            log.info("%s is there already", wanted.name)
            continue
        answer = recommended(bench, wanted, settings)
        log.info("%s: %s", wanted.name, answer.pair)
        with tempfile.TemporaryDirectory() as scratch:
            if settings.training == INHERITED:
                made = _inherited(bench, plan, answer, splits, Path(scratch), threads)
            else:
                site = _Site(plan.working / FOLDER / wanted.name, splits, device, threads)
                made = _trained(bench, plan.dataset, answer, wanted, settings, site)
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


def recommended(bench: Benchmark, wanted: Wanted, settings: Settings) -> Recommendation:
    """What the table recommends within the limits: a pair, chosen on val and reported on test.

    A pair that is trained on need not be better than a single network before: what is told of it
    is how both do once they are trained.

    Raises:
        ConstraintError: a single network serves better there, or nothing is within the limits.
    """
    search = SearchSettings(
        objectives=_OBJECTIVES, limits=wanted.limits, couplings=settings.couplings
    )
    front = exact_front(bench, wanted.device, search)
    answer = None
    if front is not None:
        answer = table_answers(bench, front.chosen, wanted.device, wanted.limits, _OBJECTIVES)[0]
        trained = settings.training != INHERITED
    worth = answer is not None and (trained or answer.verdict == "pair")
    if answer is None or not worth or answer.pair is None or answer.single is None:
        verdict = "nothing" if answer is None else answer.verdict
        raise ConstraintError(
            f"cascade {wanted.name} asks for a pair within {dict(wanted.limits)} on "
            f"{wanted.device}, and the table recommends {verdict} there; change its limits in "
            f"{SETTINGS}, or take it out."
        )
    return answer


def recipe_of(bench: Benchmark, settings: Settings, n_train: int) -> Recipe:
    """The recipe by which the pairs of a table are trained on."""
    return sized(pair_recipe(None, INHERITED, bench), n_train, settings.epochs, None)


def _origin(bench: Benchmark, settings: Settings, n_train: int) -> dict[str, Any]:
    """What a cascade is made from; where nothing of it changed, it need not be made again."""
    recipe = None
    if settings.training != INHERITED:  # as a card gives it back
        recipe = parse_json(json_text(recipe_of(bench, settings, n_train).as_dict()))
    return {
        "table_sha256": str(bench.table.sha256),
        "supernet_sha256": bench.table.training.get("supernet_sha256"),
        "dataset": bench.table.dataset,
        "recipe": recipe,
        "seed": 0,
    }


def _same(card: Card, wanted: Wanted, origin: Mapping[str, Any], table: Table) -> bool:
    """Whether a card is what would be made again: of one question, on rows that are the same."""
    question = (card.device, dict(card.limits)) == (wanted.device, dict(wanted.limits))
    alike = all(card.origin.get(k) == v for k, v in origin.items() if k != "table_sha256")
    return question and alike and table.unchanged_since(card.origin.get("table_sha256"))


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


@dataclass(frozen=True)
class _Site:
    """Where a pair is trained.

    Attributes:
        out: folder of its runs, in which they go on.
        splits: images and labels by split.
        device: torch device of the trainings.
        threads: threads that torch computes with.
    """

    out: Path
    splits: Mapping[str, Images]
    device: str
    threads: int


def _trained(
    bench: Benchmark,
    dataset: Dataset,
    answer: Recommendation,
    wanted: Wanted,
    settings: Settings,
    site: _Site,
) -> _Made:
    """The pair trained on by a method, and the single network beside it by the same recipe."""
    assert answer.pair is not None
    assert answer.single is not None
    recipe, method = recipe_of(bench, settings, len(site.splits["train"])), settings.training
    job = pair_job(
        bench, bench.table.name, wanted.device, (method,), recipe, INHERITED, 0, site.out,
        site.device, site.threads,
    )  # fmt: skip
    (report,) = cotrain_front(job, [answer.pair], site.splits, lambda at: log.info("%s", at.text()))
    graph = site.out / f"{answer.pair.little}-{answer.pair.big}" / method / "cascade.onnx"
    assert job.start is not None
    single = train_network(
        answer.single["architecture"], recipe, site.splits, site.out / "single",
        job.start(answer.single["architecture"]), 0, site.device, site.threads,
        lambda at: log.info("the single network: step %d of %d", at.step, at.n_steps),
    )  # fmt: skip
    test = site.splits["test"]
    training = {key: report["training"][key] for key in ("steps", "images", "duration_s")}
    return _Made(
        graph.read_bytes(),
        {**report["after"]["test"], "coupling": answer.pair.coupling},
        {"training": training, "single_sha256": weights_hash(single)},
        report["deployed"]["input"],
        logits_of(single, test, dataset).argmax(axis=1) == test.labels,
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
    done = rerun(made.graph, splits["test"])
    interval = binomtest(done.right, done.n).proportion_ci(method="wilson")
    accuracy, single, gained = done.right / done.n, dict(answer.single), _gain(answer)
    if made.single is not None:
        single["accuracy"] = float(made.single.mean())
        gained = (*paired_gain(done.correct, made.single), BOOTSTRAP)
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
        single=single,
        gain=gained[0],
        gain_low=gained[1],
        gain_high=gained[2],
        interval=gained[3],
        sha256=hashlib.sha256(made.graph).hexdigest(),
        bytes=len(made.graph),
        input=dict(made.input),
        made=answers_to_made(made.graph),
        origin={
            **origin,
            "biglittle": __version__,
            "torch": str(torch.__version__),
            "onnxruntime": onnxruntime.__version__,
            "numpy": np.__version__,
            "cpu": device_name(),
        },
        warning=bench.warning(wanted.device),
    )


_Gain = tuple[float, float | None, float | None, str | None]


def _gain(answer: Recommendation) -> _Gain:
    """What the table says that the pair gains over the single network, and its interval."""
    assert answer.gain is not None
    return answer.gain, answer.gain_low, answer.gain_high, answer.interval
