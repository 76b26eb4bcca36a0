"""Co-trains the pairs of a front and says how far its promise was off.

A pair's folder holds everything that is known of it, and is whole once it has a ``report.json``::

    OUT/LITTLE-BIG/METHOD/pair.h5               checkpoint, gone when the pair is done
    OUT/LITTLE-BIG/METHOD/little.safetensors    and big.safetensors: float32 weights
    OUT/LITTLE-BIG/METHOD/little.onnx           and big.onnx, cascade.onnx: as deployed
    OUT/LITTLE-BIG/METHOD/report.json           figures, their provenance, config, versions

Thresholds are chosen on ``val``, results reported on ``test``. Export is handed in, so that this
folder knows no deployment format.
"""

from __future__ import annotations

import contextlib
import json
import logging
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import __version__
from ..bench.cost import NetworkCosts, SharedCosts, pair_figure
from ..bench.datasets import Dataset, Images, get_dataset
from ..bench.documents import read_json, typed
from ..bench.errors import BigLittleError, CheckpointError
from ..bench.figures import counted
from ..bench.files import replacing, why_unreadable
from ..bench.gate import Gate
from ..bench.gates import get_metric
from ..bench.locks import holding
from ..bench.measured_pairs import MeasuredPairs
from ..bench.networks import Network, weights_hash
from ..bench.pair import REPORT_FORMAT, Pair
from ..bench.points import OperatingPoint
from ..bench.trained_pair import TrainedPair
from .evaluate import PairAnswers, answers_of, best_threshold, operating_point
from .recalibrate import calibrated
from .recipe import Recipe
from .saved_pair import saved_pair
from .train_loop import TrainProgress
from .train_pair import train_pair

log = logging.getLogger(__name__)

LATENCY_TOLERANCE = 0.01  # relative; a larger difference means another device or table

#: Writes both networks and the cascade into a folder and checks that they answer alike: facts for
#: the report, or an error where answers differ.
Deploy = Callable[[Path, TrainedPair], dict[str, Any]]
#: Costs of the little network (row 0) and of the big one (row 1) alone, and what they share.
PairCosts = tuple[NetworkCosts, SharedCosts | None]


@dataclass(frozen=True)
class FrontJob:
    """What to do with the pairs of a front.

    Attributes:
        methods: keys in ``methods/``; each trains every pair.
        recipe: recipe by which the networks are trained.
        seed: seed of weights, order and augmentation.
        out: folder of the pairs' folders.
        start: gives the network to start from by its name; None: random weights.
        table_point: gives what a table promises for a pair and gate; None where it has no such
            pair.
        deploy: writes and checks what is deployed.
        measured: pairs that the device measured end to end.
        costs_of: gives the costs of the two networks of a pair by their names, and what they share.
        fresh_heads: whether the heads of exits in ``start`` have random weights.
        sources: table, device and hashes that the figures rest on, for the report.
        device: torch device of the training.
        threads: torch threads; None leaves them as they are.
    """

    methods: tuple[str, ...]
    recipe: Recipe
    seed: int
    out: Path
    start: Callable[[str], Network] | None
    costs_of: Callable[[str, str], PairCosts]
    table_point: Callable[[Pair, Gate], OperatingPoint | None]
    deploy: Deploy
    sources: Mapping[str, Any]
    device: str = "cpu"
    threads: int | None = None
    measured: MeasuredPairs = MeasuredPairs()  # noqa: RUF009 - it never changes
    fresh_heads: bool = False


@dataclass(frozen=True)
class FrontProgress:
    """Where the co-training of a front stands.

    Attributes:
        pair: number of the run at work, from 0: a pair under a method.
        n_pairs: number of runs in all.
        point: the point of the front at work.
        method: method under which its pair is trained.
        training: position of its training.
        eta_s: estimated seconds until all runs are trained, evaluation not counted.
    """

    pair: int
    n_pairs: int
    point: OperatingPoint
    method: str
    training: TrainProgress
    eta_s: float

    def text(self) -> str:
        """One line for a log."""
        at = self.training
        losses = ", ".join(f"{name} {value:.3f}" for name, value in at.loss.items())
        return (
            f"{self.pair + 1}/{self.n_pairs} {self.point.little} -> {self.point.big} "
            f"{self.method}: step {at.step}/{at.n_steps}, loss {losses}, "
            f"{at.images_per_s:.0f} images/s, {self.eta_s / 60:.1f} min left"
        )


def cotrain_front(
    job: FrontJob,
    points: Sequence[OperatingPoint],
    splits: Mapping[str, Images],
    on_progress: Callable[[FrontProgress], None] | None = None,
) -> Iterator[dict[str, Any]]:
    """Co-trains every point under every method; yields each report as it is done.

    A pair whose folder has a report is not trained again; one that was stopped goes on.

    Args:
        job: methods, recipe, device and output folder.
        points: points of the front, as chosen by `selection.select`.
        splits: images and labels by split, from ``Dataset.load``.
        on_progress: called every few steps.

    Raises:
        BigLittleError: a point that was promised for another device.
        CheckpointError: a pair's folder holds another run.
        InUseError: another process writes the output folder.
        TrainingError: a loss that is not finite.
        GateError: a gate that is not made of the little network's probabilities alone.
    """
    job.out.mkdir(parents=True, exist_ok=True)
    with holding(job.out):
        costs = [_costs(job, point) for point in points]
        runs = [
            (p, c, method) for p, c in zip(points, costs, strict=True) for method in job.methods
        ]
        todo = [not _folder(job, p, m).joinpath("report.json").exists() for p, _, m in runs]
        work = np.array([c[0].macs.sum() for _, c, _ in runs]) * todo
        before: dict[str, Any] = {}
        for i, (point, cost, method) in enumerate(runs):

            def told(training: TrainProgress, i: int = i) -> None:
                if on_progress is not None:
                    point, _, method = runs[i]
                    whole = training.n_steps * job.recipe.batch / training.images_per_s
                    eta = training.eta_s + whole * float(work[i + 1 :].sum() / work[i])
                    on_progress(FrontProgress(i, len(runs), point, method, training, eta))

            yield _cotrain(job, point, cost, method, splits, before, told)


def _folder(job: FrontJob, point: OperatingPoint, method: str) -> Path:
    return job.out / f"{point.little}-{point.big}" / method


def promised_point(
    job: FrontJob, little: str, big: str, rate: float, splits: Mapping[str, Images]
) -> OperatingPoint:
    """What a pair promises before it is trained: the weights it begins with, on val.

    The threshold of the margin is the best one whose mean latency is at most that of the pair where
    it escalates ``rate`` of its inputs.

    Args:
        job: what is done with the pair; it starts from inherited weights.
        little: name of the little network.
        big: name of the big network.
        rate: share of the inputs, in [0, 1].
        splits: images and labels by split.

    Raises:
        BigLittleError: the job has no weights to start from, or no latency for the networks.
    """
    if job.start is None:
        raise BigLittleError(
            "a named pair promises what its first weights reach, and random ones reach nothing; "
            "expected --from inherited."
        )
    metric = get_metric("margin")
    costs, shared = _pair_costs(job, (little, big), metric.name)
    mean = float(pair_figure("latency_ms", costs.take([0]), costs.take([1]), rate, shared).item())
    if not np.isfinite(mean):
        raise BigLittleError(
            f"there is no latency for {little} with {big} on this device; give a --device whose "
            "profile has one."
        )
    dataset = get_dataset(job.recipe.dataset)
    begun = [calibrated(job.start(name), splits["train"], dataset) for name in (little, big)]
    answers = answers_of(begun[0], begun[1], splits["val"], dataset)
    threshold = best_threshold(answers, metric, costs, mean, shared)
    return operating_point(answers, (little, big), metric, threshold, costs, shared)


def _pair_costs(job: FrontJob, ids: tuple[str, str], gate: str) -> PairCosts:
    """Costs of both networks alone, and what they share or were measured to."""
    costs, coupled = job.costs_of(*ids)
    return costs, job.measured.shared(gate, ids, (costs.take([0]), costs.take([1])), coupled)


def _costs(job: FrontJob, point: OperatingPoint) -> PairCosts:
    """Costs of a point's networks; checks that it was promised for this device."""
    get_metric(point.gate)
    costs, shared = _pair_costs(job, (point.little, point.big), point.gate)
    both = costs.take([0]), costs.take([1])
    here = float(pair_figure("latency_ms", *both, point.escalation_rate, shared)[0])
    promised = point.latency_ms
    if promised is None or not abs(here - promised) <= LATENCY_TOLERANCE * promised:
        raise BigLittleError(
            f"the front promises {promised} ms for {point.little} with {point.big}, but on this "
            f"device that is {here:.4g} ms: it was searched for another device, or with another "
            "table. Give the --device and --table of the search."
        )
    return costs, shared


def _cotrain(
    job: FrontJob,
    point: OperatingPoint,
    costs: PairCosts,
    method: str,
    splits: Mapping[str, Images],
    before: dict[str, Any],
    told: Callable[[TrainProgress], None],
) -> dict[str, Any]:
    folder, ids = _folder(job, point, method), (point.little, point.big)
    starts = None if job.start is None else (job.start(ids[0]), job.start(ids[1]))
    config = {
        "method": method,
        "from": "scratch" if starts is None else "inherited",
        "seed": job.seed,
        "recipe": job.recipe.as_dict(),
        "starts_sha256": None if starts is None else [weights_hash(n) for n in starts],
        "sources": dict(job.sources),
    }
    wanted = json.loads(json.dumps({"config": config, "promised": point.as_dict()}))
    path = folder / "report.json"
    if path.exists():
        finished = _finished(path, wanted)
        _without_checkpoints(folder)
        return finished
    began, last = time.monotonic(), [0.0]

    def progress(training: TrainProgress) -> None:
        last[0] = training.images_per_s
        told(training)

    log.info(
        "%s -> %s, %s: %s of %d images; the first ones take longest",
        *ids,
        method,
        counted(job.recipe.n_steps, "step"),
        job.recipe.batch,
    )
    networks = train_pair(
        *ids,
        method,
        job.recipe,
        splits,
        folder,
        starts,
        job.seed,
        job.device,
        job.threads,
        progress,
        job.fresh_heads,
    )
    duration, dataset = time.monotonic() - began, get_dataset(job.recipe.dataset)
    if starts is not None and "-".join(ids) not in before:
        log.info("%s -> %s: answers of the weights it began with, on val and test", *ids)
        clean = [calibrated(n, splits["train"], dataset) for n in starts]
        before["-".join(ids)] = _evaluated(
            job, point, costs, (clean[0], clean[1]), splits, dataset
        )[0]
    log.info("%s -> %s, %s: answers on val and test", *ids, method)
    after, threshold, answers = _evaluated(job, point, costs, networks, splits, dataset)
    table = job.table_point(Pair(*ids), Gate(point.gate, point.threshold))
    hashes = [weights_hash(n) for n in networks]
    pair = saved_pair(
        folder,
        networks,
        Gate(point.gate, threshold),
        splits["test"],
        (answers.little, answers.big),
        dataset,
        {**wanted["config"], "report": REPORT_FORMAT, "weights_sha256": hashes},
    )
    deployed = job.deploy(folder, pair)
    report: dict[str, Any] = {
        "format": REPORT_FORMAT,
        **wanted,
        "promised_by_table": None if table is None else table.as_dict(),
        "before": before.get("-".join(ids)),
        "after": after,
        "deployed": deployed,
        "training": {
            "steps": job.recipe.n_steps,
            "images": job.recipe.n_steps * job.recipe.batch,
            "duration_s": round(duration, 3),
            "images_per_s": round(last[0], 3),
            "device": job.device,
            "threads": torch.get_num_threads(),
        },
        "weights_sha256": hashes,
        "versions": {
            "biglittle": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }
    text = json.dumps(report, indent=1, allow_nan=False) + "\n"
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
    _without_checkpoints(folder)
    return _finished(path, wanted)


def _without_checkpoints(folder: Path) -> None:
    for name in ("pair.h5", "head.h5", "big/network.h5"):
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # it is not there, or holds something else
        (folder / "big").rmdir()


def _finished(path: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    try:
        report = read_json(path, dict[str, Any])
        stored = typed({key: report.get(key) for key in wanted}, dict[str, dict[str, Any]])
    except (OSError, ValueError) as error:
        damaged = f"it is not one ({error}). Move it away, or choose another output folder."
        raise CheckpointError(
            f"{path} cannot be read as the report of a co-trained pair: "
            f"{why_unreadable(error, damaged)}"
        ) from error
    for group, values in wanted.items():
        for key, value in values.items():
            if stored[group].get(key) != value:
                raise CheckpointError(
                    f"{path} belongs to another run: its {key} is {stored[group].get(key)!r}, "
                    f"expected {value!r}. Delete its folder, or choose another output folder."
                )
    return report


def _evaluated(
    job: FrontJob,
    point: OperatingPoint,
    pair_costs: PairCosts,
    networks: tuple[Network, Network],
    splits: Mapping[str, Images],
    dataset: Dataset,
) -> tuple[dict[str, Any], float, PairAnswers]:
    """Figures on val and test, the threshold chosen on val, and the answers on test."""
    metric, ids = get_metric(point.gate), (point.little, point.big)
    answers = {s: answers_of(*networks, splits[s], dataset) for s in ("val", "test")}
    assert point.latency_ms is not None
    costs, shared = pair_costs
    threshold = best_threshold(answers["val"], metric, costs, point.latency_ms, shared)
    figures: dict[str, Any] = {"threshold": threshold, "threshold_chosen_on": "val"}
    for split, outcome in answers.items():
        figures[split] = {
            **operating_point(outcome, ids, metric, threshold, costs, shared).as_dict(),
            "little_accuracy": float(outcome.little_right.mean()),
            "big_accuracy": float(outcome.big_right.mean()),
            "oracle_accuracy": float((outcome.little_right | outcome.big_right).mean()),
        }
    limit = point.latency_ms * (1 + 1e-9)
    figures["val_latency_within_promise"] = figures["val"]["latency_ms"] <= limit
    return figures, threshold, answers["test"]
