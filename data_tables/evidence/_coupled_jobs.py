"""Trains the jobs of the comparison of co-training, each to a record and its answers.

    WORKING/plan.json               what is trained, fixed when the first job starts
    WORKING/runs/JOB/               checkpoint of a job in training; weights of those of seed 0
    WORKING/records/JOB.json        accuracies, time and hashes of a finished job
    WORKING/records/JOB.npz         what its networks say about every image of val and test
    WORKING/log.txt                 what the command says while it runs

A job that stands in the committed figures is not made again, so that a run may go on where another
machine or an emptied folder left it. Processes may share a folder: a job is held by the one that
makes it, and so is a big network's first share of an epoch, which several jobs begin with.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ...bench.datasets import Dataset, Images
from ...bench.errors import BigLittleError, InUseError
from ...bench.figures import counted
from ...bench.files import replacing
from ...bench.gates import get_metric
from ...bench.locks import holding
from ...bench.networks import Network, weights_hash
from ...bench.spaces import get_space
from ...cotrain.evaluate import logits_of, probabilities
from ...cotrain.methods import get_method
from ...cotrain.prefix import fresh_exit, prefix_fault
from ...cotrain.recipe import FINE_TUNE, Recipe, load_recipe
from ...cotrain.supernet import Supernet
from ...cotrain.train_loop import TrainProgress
from ...cotrain.train_network import train_network
from ...cotrain.train_pair import train_pair
from ...cotrain.train_prefix import train_prefix
from ...cotrain.weights import save_network
from ._coupled_answers import RunAnswers, load_answers, save_answers
from ._coupled_plan import ALONE, Job

EPOCHS = 3
SAY_S = 60.0
SPLITS = ("val", "test")


def recipe_of(n_train: int, epochs: float = EPOCHS) -> Recipe:
    """The recipe of every job: fine-tuning from inherited weights, three passes.

    Each computes in the number format in which this processor trains it fastest.
    """
    recipe = load_recipe(FINE_TUNE)
    return replace(recipe, images=round(epochs * n_train), precision="fastest")


def work_of(job: Job, space_name: str, n_classes: int) -> float:
    """MACs of an image that a job trains on, about: what its time goes by."""
    space = get_space(space_name)

    def macs(name: str) -> float:
        architecture, _, cut = name.partition("@")
        genomes = space.parse([architecture])
        return float(space.macs(genomes, n_classes, space.exit_numbers([cut]))[0])

    prefix = bool(job.little) and prefix_fault(job.little, job.big, space_name) is None
    if prefix:
        return macs(job.big) * (0.75 if get_method(job.method).apart else 1.1)
    return macs(job.big) + (macs(job.little) if job.little else 0.0)


class TimeUpError(BigLittleError):
    """The time that was given is over; what is at work has its checkpoint."""


class Records:
    """Finished jobs: those in the working folder, and those that are committed.

    Args:
        working: folder of checkpoints, records and log.
        records: committed records by the job's name.
        answers: committed answers by the job's name.
    """

    def __init__(
        self,
        working: Path,
        records: Mapping[str, Any],
        answers: Mapping[str, RunAnswers],
    ) -> None:
        self.folder = working / "records"
        self.records: dict[str, Any] = dict(records)
        self.answers: dict[str, RunAnswers] = dict(answers)
        self.read()

    def read(self) -> None:
        """Takes in what the folder has and this does not know yet: other processes write there."""
        for path in sorted(self.folder.glob("*.json")):
            if path.stem not in self.records or path.stem not in self.answers:
                self.records[path.stem] = json.loads(path.read_text(encoding="utf-8"))
                self.answers[path.stem] = load_answers(path.with_suffix(".npz"))[path.stem]

    def add(self, name: str, record: Mapping[str, Any], answers: RunAnswers) -> None:
        """Keeps a finished job; the record is written last, and makes it one."""
        save_answers(self.folder / f"{name}.npz", {name: answers})
        with replacing(self.folder / f"{name}.json") as partial:
            partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        self.records[name], self.answers[name] = dict(record), answers


class Site:
    """What jobs share: images, supernet, recipe and the working folder.

    Args:
        working: folder of checkpoints, records and log.
        net: supernet whose weights networks inherit.
        splits: images and labels by split.
        dataset: facts of the images.
        recipe: recipe of every job.
        threads: number of threads that torch may use.
    """

    def __init__(
        self,
        working: Path,
        net: Supernet,
        splits: Mapping[str, Images],
        dataset: Dataset,
        recipe: Recipe,
        threads: int = 1,
    ) -> None:
        torch.set_num_threads(threads)
        self.working, self.net, self.splits = working, net, splits
        self.dataset, self.recipe, self.threads = dataset, recipe, threads

    @property
    def fresh_heads(self) -> bool:
        """Whether exit heads start from random weights: the supernet has none."""
        return self.net.exit_heads is None

    def start(self, name: str, seed: int) -> Network:
        """A network with inherited weights; without heads an exit has a random one, by ``seed``."""
        architecture, _, cut = name.partition("@")
        network = self.net.inherit(architecture if self.fresh_heads else name)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
        return fresh_exit(network, cut, seed) if cut and self.fresh_heads else network

    def train(self, job: Job, told: Callable[[TrainProgress], None]) -> tuple[Network, ...]:
        """The trained networks of a job: little and big, or a single one."""
        folder, recipe = self.working / "runs" / job.name, self.recipe
        big = self.start(job.big, job.seed)
        if job.method == ALONE:
            fresh = bool(big.exit) and self.fresh_heads
            return (
                train_network(
                    job.big, recipe, self.splits, folder, big, job.seed,
                    on_progress=told, fresh_head=fresh,
                ),
            )  # fmt: skip
        starts = self.start(job.little, job.seed), big
        ids = job.little, job.big
        if prefix_fault(*ids, recipe.space) is None:
            return train_prefix(
                *ids, get_method(job.method), recipe, self.splits, self.dataset, folder, starts,
                job.seed, on_progress=told, fresh_head=self.fresh_heads,
                big_folder=self._first(job),
            )  # fmt: skip
        return train_pair(
            *ids, job.method, recipe, self.splits, folder, starts, job.seed, on_progress=told
        )

    @contextmanager
    def holding(self, job: Job) -> Iterator[None]:
        """Holds a job for this process, and the folder of what it begins with, while a block runs.

        Raises:
            InUseError: another process is at it.
        """
        (self.working / "records").mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(holding(self.working / "records" / f"{job.name}.json"))
            if job.little and get_method(job.method).apart:
                first = self._first(job)
                first.mkdir(parents=True, exist_ok=True)
                stack.enter_context(holding(first))
            yield

    def _first(self, job: Job) -> Path:
        """Folder of a big network that trains alone before its exits do."""
        return self.working / "runs" / f"{job.big}~first~s{job.seed}"

    def run(
        self, job: Job, gate: bool, told: Callable[[TrainProgress], None]
    ) -> tuple[dict[str, Any], RunAnswers]:
        """Trains and evaluates a job: its record, plain JSON, and the answers of its networks.

        Args:
            job: the job to do.
            gate: whether a single network's margin is kept, too.
            told: called every few steps.
        """
        leg: list[TrainProgress] = []
        clock, cpu = time.monotonic(), time.process_time()

        def listen(p: TrainProgress) -> None:
            leg[1:] = [p]
            told(p)

        networks = self.train(job, listen)
        duration, cpu = time.monotonic() - clock, time.process_time() - cpu
        roles = ("little", "big") if job.little else (ALONE,)
        right, margin, accuracy = {}, {}, {}
        for role, network in zip(roles, networks, strict=True):
            right[role], codes = self._answers(network)
            if role == "little" or gate:
                margin[role] = codes
            n_val = len(self.splits["val"])
            accuracy[role] = {
                "val": round(float(right[role][:n_val].mean()), 5),
                "test": round(float(right[role][n_val:].mean()), 5),
            }
        steps = leg[-1].step - leg[0].step + 1 if leg else 0
        record = {
            "big": job.big,
            "little": job.little,
            "method": job.method,
            "seed": job.seed,
            "images": self.recipe.n_steps * self.recipe.batch,
            "accuracy": accuracy,
            "images_per_s": round(steps * self.recipe.batch / max(duration, 1e-9), 1),
            "images_per_cpu_s": round(steps * self.recipe.batch / max(cpu, 1e-9), 1),
            "seconds": round(duration, 1),
            "resumed": bool(leg) and leg[0].step > 1,
            "threads": self.threads,
            "precision": leg[-1].precision if leg else "",
            "fresh_heads": self.fresh_heads,
            "weights_sha256": [weights_hash(n)[:16] for n in networks],
        }
        self._tidy(job, dict(zip(roles, networks, strict=True)))
        return record, RunAnswers(right, margin)

    def _answers(self, network: Network) -> tuple[np.ndarray, np.ndarray]:
        metric, right, codes = get_metric("margin"), [], []
        for split in SPLITS:
            images = self.splits[split]
            logits = logits_of(network, images, self.dataset)
            right.append(logits.argmax(axis=1) == images.labels)
            values = metric.compute(probabilities(logits))
            codes.append(metric.encode(values, self.dataset.n_classes))
        return np.concatenate(right), np.concatenate(codes)

    def _tidy(self, job: Job, networks: Mapping[str, Network]) -> None:
        """Leaves the weights of seed 0 in place of a finished job's checkpoint."""
        folder = self.working / "runs" / job.name
        if job.seed == 0:
            for role, network in networks.items():
                facts = {"dataset": self.dataset.name, "training": job.method}
                save_network(folder / f"{role}.safetensors", network, facts)
        for name in ("pair.h5", "head.h5", "network.h5"):
            (folder / name).unlink(missing_ok=True)


class Log:
    """Says what happens on stderr and in the working folder's log.

    Args:
        path: the log's file; lines are added to it.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.last = path, 0.0
        path.parent.mkdir(parents=True, exist_ok=True)

    def say(self, line: str) -> None:
        """Writes a line with the time of day."""
        text = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n"
        sys.stderr.write(text)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text)

    def due(self) -> bool:
        """Whether a minute has passed since it was last due."""
        now = time.monotonic()
        if now - self.last < SAY_S:
            return False
        self.last = now
        return True


def train_all(
    site: Site,
    jobs: list[Job],
    records: Records,
    gates: set[str],
    log: Log,
    seconds: float,
) -> None:
    """Trains what has no record yet, in order, until the time is up.

    What another process is making is passed over, and looked at again when all else is done.

    Args:
        site: images, supernet, recipe and folder.
        jobs: all jobs in their order.
        records: what is finished; grows.
        gates: single networks whose margin is kept, by name.
        log: where progress is told.
        seconds: no job is begun after so many, and one at work stops at its next checkpoint.
    """
    begun = time.monotonic()
    work = {j: work_of(j, site.recipe.space, site.dataset.n_classes) for j in jobs}
    images = site.recipe.n_steps * site.recipe.batch
    places = {job: place for place, job in enumerate(jobs, 1)}

    def make(job: Job) -> bool:
        """Whether the job was made; otherwise the time is up."""
        head = f"[{places[job]}/{len(jobs)}] {job.name}"

        def told(p: TrainProgress) -> None:
            if time.monotonic() - begun >= seconds:
                raise TimeUpError("the time is up.")
            if log.due():
                rate = p.images_per_s * work[job]  # MACs a second of training
                left = sum(work[j] for j in jobs if j.name not in records.records) * images
                left -= work[job] * p.step * site.recipe.batch
                losses = ", ".join(f"{name} {value:.3f}" for name, value in p.loss.items())
                log.say(
                    f"{head}: step {p.step}/{p.n_steps}, loss {losses}, {p.images_per_s:.0f} "
                    f"images/s, {p.eta_s / 60:.0f} min left, all "
                    f"{left / max(rate, 1e-9) / 3600:.1f} h"
                )

        try:
            record, answers = site.run(job, job.big in gates, told)
        except TimeUpError:
            log.say(f"{job.name}: time is up; it goes on from its last checkpoint")
            return False
        records.add(job.name, record, answers)
        shown = ", ".join(
            f"{role} {100 * a['test']:.2f} %" for role, a in record["accuracy"].items()
        )
        log.say(
            f"{head} done: test {shown}; {record['seconds']:.0f} s, "
            f"{record['images_per_s']:.0f} images/s"
        )
        return True

    left = [job for job in jobs if job.name not in records.records]
    while left:
        passed_over = []
        for job in left:
            if time.monotonic() - begun >= seconds:
                log.say(f"{job.name}: time is up before it began")
                return
            try:
                with site.holding(job):
                    records.read()
                    if job.name not in records.records and not make(job):
                        return
            except InUseError:
                passed_over.append(job)
        if len(passed_over) == len(left):
            log.say(f"{counted(len(left), 'job')} left, which another process is at")
            return
        left = passed_over
