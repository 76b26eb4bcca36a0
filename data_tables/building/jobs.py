"""The jobs of a build: evaluate an inherited network, train a network or a pair and evaluate it.

Each leaves one file per network and is done when they are there; what is in training has its
checkpoint. So the jobs may be stopped at any moment, and any number of workers and machines may
share them (``shard``), as long as their files come together in one folder.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...bench.errors import TableError
from ...bench.files import write_together
from ...bench.rows import NetworkKey, key_of, of_earlier_supernet
from ...bench.runners import runner_of
from ...bench.table import Table
from ...cotrain.recipe import Recipe, is_among, load_recipe
from ...cotrain.train_network import train_network
from ...cotrain.train_pair import train_littles
from .design import evaluation_seconds, sequence
from .evaluate import EvaluationKey, read_key
from .plan import Plan
from .recipe import TableRecipe
from .selection import ChosenPair, trust_exits, trust_networks
from .site import Job, JobDone, Site, SiteWork

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InheritedJob:
    """Evaluates a network with inherited weights."""

    architecture: str
    seed: int = 0

    @property
    def network(self) -> NetworkKey:
        """What a table finds the network by."""
        return NetworkKey(self.architecture, seed=self.seed)

    @property
    def names(self) -> tuple[str, ...]:
        """One file."""
        return (EvaluationKey(self.network).name,)

    def run(self, site: Site) -> str:
        """Recalibrates and evaluates."""
        key = EvaluationKey(self.network, epochs=site.supernet.epochs, origin=site.origin)
        network = site.evaluator.inherited(site.supernet.net, self.architecture)
        return f"val {site.evaluator.evaluate(network, key, site.plan.networks):.4f}"


def _images(recipe: Recipe) -> int:
    return recipe.n_steps * recipe.batch


@dataclass(frozen=True)
class NetworkJob:
    """Trains a network by itself, from inherited or from random weights, and evaluates it.

    Its ``architecture`` may name an exit, ``ARCHITECTURE@EXIT``: a network that ends there.
    """

    architecture: str
    training: str
    recipe: Recipe
    seed: int = 0

    @property
    def network(self) -> NetworkKey:
        """What a table finds the network by."""
        return NetworkKey.parse(self.architecture, self.training, self.seed)

    @property
    def names(self) -> tuple[str, ...]:
        """One file."""
        return (EvaluationKey(self.network).name,)

    def run(self, site: Site) -> str:
        """Trains (or goes on) and evaluates."""
        name, finetuned = self.names[0], self.training == "finetuned"
        network = train_network(
            self.architecture,
            self.recipe,
            site.images,
            site.plan.working / "runs" / name,
            site.start(self.architecture) if finetuned else None,
            self.seed,
            site.device,
            site.threads,
            site.report(name),
            answers=site.taught if self.recipe.teacher > 0 else None,
        )
        key = EvaluationKey(
            self.network,
            epochs=_images(self.recipe) // len(site.images["train"]),
            images=_images(self.recipe),
            origin=site.origin if finetuned else "",
            recipe=self.recipe.as_dict(),
        )
        return f"val {site.evaluator.evaluate(network, key, site.plan.networks):.4f}"


@dataclass(frozen=True)
class PairJob:
    """Co-trains a pair in ways that share a big network, and evaluates all networks."""

    little: str
    big: str
    methods: tuple[str, ...]
    recipe: Recipe
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """One file for each network of each way."""
        return tuple(key.name for method in self.methods for key in self._keys(method))

    def _keys(self, method: str) -> tuple[EvaluationKey, EvaluationKey]:
        """Those of the little and of the big network of one way."""
        little, big = (
            NetworkKey(a, training=method, seed=self.seed) for a in (self.little, self.big)
        )
        return EvaluationKey(little, self.big, "little"), EvaluationKey(big, self.little, "big")

    def run(self, site: Site) -> str:
        """Trains (or goes on) and evaluates."""
        name = f"{'+'.join(self.methods)}-{self.little}-{self.big}-s{self.seed}"
        trained = train_littles(
            self.little,
            self.big,
            self.methods,
            self.recipe,
            site.images,
            site.plan.working / "runs" / name,
            (site.start(self.little), site.start(self.big)),
            self.seed,
            site.device,
            site.threads,
            site.report(name),
        )
        figures = []
        for method, networks in trained.items():
            for network, plain in zip(networks, self._keys(method), strict=True):
                key = replace(
                    plain,
                    epochs=_images(self.recipe) // len(site.images["train"]),
                    images=_images(self.recipe),
                    origin=site.origin,
                    recipe=self.recipe.as_dict(),
                )
                accuracy = site.evaluator.evaluate(network, key, site.plan.networks)
                figures.append(f"{method} {key.role} val {accuracy:.4f}")
        return ", ".join(figures)


# ---- which jobs --------------------------------------------------------------------------------
def inherited_jobs(plan: Plan) -> list[Job]:
    """The evaluations of the design, in its order."""
    design = plan.recipe.design
    ids = sequence(design, plan.space, plan.schedule.trained_choices)
    hours = evaluation_seconds(design, plan.space, plan.space.parse(ids)).sum() / 3600
    log.info("the design has %d networks, about %.1f core hours", len(ids), hours)
    return [InheritedJob(a, plan.schedule.seed) for a in ids]


def trust_jobs(plan: Plan, exits: Iterable[str] = ()) -> list[Job]:
    """The networks that are trained further or from scratch, spread over latency at any time.

    Args:
        plan: the build whose networks they are.
        exits: names of the exits that the table has, of which a few come last.
    """
    recipes = {training: load_recipe(path) for training, path in plan.recipe.trust.items()}
    chosen = trust_networks(plan.recipe, plan.space, plan.schedule.trained_choices)
    chosen += [(name, "standalone") for name in trust_exits(plan.recipe, plan.space, exits)]
    return [NetworkJob(a, training, recipes[training]) for a, training in chosen]


def pair_jobs(table: TableRecipe, pairs: Sequence[ChosenPair]) -> list[Job]:
    """Every pair in all ways, one pair after the other; further seeds come last."""
    recipe = load_recipe(table.pairs)
    jobs = [
        (place, PairJob(pair.little, pair.big, methods, recipe, seed))
        for pair in pairs
        for place, seed in enumerate(pair.seeds)
        for methods in table.ways
    ]
    return [job for _, job in sorted(jobs, key=lambda item: item[0])]


def jobs_besides(jobs: Sequence[Job], table: Path, origin: str) -> list[Job]:
    """The jobs that leave something behind which a table does not hold yet.

    Rows that set out from another supernet than the table's count as missing, and so do those that
    were trained by another recipe than the job's.

    Args:
        jobs: the jobs of a stage.
        table: the table's file, or where one is going to be.
        origin: SHA-256 of the supernet whose networks are evaluated.
    """
    if not table.exists():
        return list(jobs)
    present = Table(table)
    if present.training.get("supernet_sha256") != origin:
        return list(jobs)
    others = of_earlier_supernet(present.training)
    names = set()
    for row, role in enumerate(present.networks["role"]):
        network, partner = key_of(present.networks, row)
        if network.training not in others:
            names.add(EvaluationKey(network, partner, str(role)).name)
    recipes = present.training.get("recipes", {})

    def is_there(job: Job) -> bool:
        return names.issuperset(job.names) and all(
            not recipes.get(training) or is_among(recipe.as_dict(), recipes[training])
            for training, recipe in _trainings(job).items()
        )

    left = [job for job in jobs if not is_there(job)]
    log.info("the table holds what %d of %d jobs leave behind", len(jobs) - len(left), len(jobs))
    return left


def _trainings(job: Job) -> dict[str, Recipe]:
    """The trainings of a job's rows with their recipe; empty where it trains nothing."""
    if isinstance(job, NetworkJob):
        return {job.training: job.recipe}
    return dict.fromkeys(job.methods, job.recipe) if isinstance(job, PairJob) else {}


# ---- running them ------------------------------------------------------------------------------
def is_done(plan: Plan, job: Job, origin: str) -> bool:
    """Whether every file of a job is there, from these supernet weights or none, by its recipe."""
    recipes = list(_trainings(job).values())
    for name in job.names:
        path = plan.networks / f"{name}.npz"
        try:
            key = read_key(path) if path.exists() else None
            if key is None or key.origin not in ("", origin):
                return False
            if key.recipe and recipes and not is_among(recipes[0].as_dict(), [key.recipe]):
                return False
        except TableError as error:
            if isinstance(error.__cause__, OSError):  # of a failing disk, say: it is not damaged
                raise
            log.warning("%s", error)
            return False
    return True


def run_jobs(
    site: Site,
    jobs: Sequence[Job],
    workers: int = 1,
    limit: int | None = None,
    shard: tuple[int, int] = (0, 1),
    on: str = "local",
) -> int:
    """Runs the jobs that are not done yet, in their order; returns how many are left.

    Args:
        site: where the jobs run; its threads and device are those of every worker.
        jobs: the jobs of a stage, in the order in which they are to run.
        workers: processes that run jobs at the same time.
        limit: jobs to run at the most; None for all.
        shard: (i, n) runs only every n-th job from the i-th on, so that n machines share them.
        on: where they run: ``local``, or ``ray`` and perhaps the address of its cluster.
    """
    part, parts = shard
    if not 0 <= part < parts:
        raise TableError(f"shard {part}/{parts} does not exist; give one from 0/{parts}.")
    todo = [j for j in jobs[part::parts] if not is_done(site.plan, j, site.origin)]
    batch = todo if limit is None else todo[:limit]
    started = time.monotonic()

    def told(done: int, job: Job, result: JobDone) -> None:
        if result.files:
            site.plan.networks.mkdir(parents=True, exist_ok=True)
            write_together(site.plan.networks, result.files)
        left = (time.monotonic() - started) / done * (len(batch) - done)
        log.info("%d/%d %s %s, %.0f s left", done, len(batch), job.names[0], result.line, left)

    runner, address = runner_of(on)
    work = SiteWork(site.plan, site.threads, site.device, site)
    runner.run(work, batch, workers, address, told)
    return len(todo) - len(batch)
