"""Where the jobs of a build run, and what a job is."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from ...bench.networks import Network
from ...cotrain.train_loop import TrainProgress
from ...cotrain.views import TeacherAnswers
from .evaluate import NetworkEvaluator
from .plan import Plan, TrainedSupernet
from .teach import teach

log = logging.getLogger(__name__)

LOG_S = 60.0


class Site:
    """Where jobs run: images and supernet are loaded when a job first needs them.

    Args:
        plan: the build whose jobs run here.
        threads: threads of torch and of ONNX Runtime.
        device: torch device that trainings run on.
    """

    def __init__(self, plan: Plan, threads: int = 1, device: str = "cpu") -> None:
        torch.set_num_threads(threads)
        self.plan, self.threads, self.device = plan, threads, device

    @cached_property
    def supernet(self) -> TrainedSupernet:
        """The supernet whose weights networks inherit."""
        return self.plan.supernet()

    @cached_property
    def origin(self) -> str:
        """SHA-256 of its weights."""
        return self.supernet.sha256

    @cached_property
    def images(self) -> dict[str, Any]:
        """Train, val and test."""
        return self.plan.images()

    @cached_property
    def evaluator(self) -> NetworkEvaluator:
        """Asks networks about every image."""
        return NetworkEvaluator(self.plan.dataset, self.images, self.threads)

    @cached_property
    def taught(self) -> TeacherAnswers:
        """What the table's teacher says about views of the training images; asked as they come."""
        plan = self.plan
        trained = plan.recipe.teacher
        return teach(
            plan.working, self.images, plan.dataset, self.device, self.threads, trained=trained
        )

    def start(self, architecture: str) -> Network:
        """A network with inherited weights to train on, without batch-norm statistics.

        Without, because those of a checkpoint and of kept weights differ, and a run is known again
        by what it started from.
        """
        network = self.supernet.net.inherit(architecture)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
        return network

    def report(self, name: str) -> Callable[[TrainProgress], None]:
        """Logs how far a training is, once a minute."""
        last = time.monotonic()

        def told(p: TrainProgress) -> None:
            nonlocal last
            if time.monotonic() - last >= LOG_S or p.step == p.n_steps:
                last = time.monotonic()
                losses = ", ".join(f"{k} {v:.3f}" for k, v in p.loss.items())
                rate, eta = p.images_per_s, p.eta_s / 60
                log.info(
                    "%s step %d/%d loss %s, %.0f images/s, %.0f min left",
                    name, p.step, p.n_steps, losses, rate, eta,
                )  # fmt: skip

        return told


class Job(Protocol):
    """Something that leaves evaluations behind."""

    @property
    def names(self) -> tuple[str, ...]:
        """Stems of the files it leaves."""

    def run(self, site: Site) -> str:
        """Does it and returns a line for the log."""


# ---- as a runner runs them ---------------------------------------------------------------------
@dataclass(frozen=True)
class JobDone:
    """What comes of a job.

    Attributes:
        line: what is logged of it.
        files: content by name of what it left on a machine whose folder is not ours.
    """

    line: str
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class SiteWork:
    """The jobs of a build on this machine, which leave their files in the folder of the build."""

    plan: Plan
    threads: int = 1
    device: str = "cpu"
    site: Site | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return SiteWork, (self.plan, self.threads, self.device)  # a worker loads for itself

    def start(self) -> Callable[[Job], JobDone]:
        """What runs a job."""
        site = self.site or Site(self.plan, self.threads, self.device)
        return lambda job: JobDone(job.run(site))

    def sent(self) -> SentWork:
        """The same with supernet and images, for a machine that has neither."""
        site = self.site or Site(self.plan, self.threads, self.device)
        return SentWork(
            self.plan, site.supernet, site.images, site.origin, self.threads, self.device
        )


@dataclass(frozen=True)
class SentWork:
    """The jobs of a build on another machine, whose files come back with what they return.

    Checkpoints of trainings lie in a folder of that machine that is found again by the supernet's
    hash: who is started again there goes on, and a job that moves to another one begins anew.
    """

    plan: Plan
    supernet: TrainedSupernet
    images: dict[str, Any]
    origin: str
    threads: int
    device: str

    def start(self) -> Callable[[Job], JobDone]:
        """What runs a job."""
        working = Path(tempfile.gettempdir()) / f"biglittle-{self.origin[:16]}"
        site = Site(replace(self.plan, working=working), self.threads, self.device)
        site.__dict__.update(supernet=self.supernet, images=self.images, origin=self.origin)

        def run(job: Job) -> JobDone:
            line = job.run(site)
            names = [f"{name}.npz" for name in job.names]
            return JobDone(line, {name: (site.plan.networks / name).read_bytes() for name in names})

        return run

    def sent(self) -> SentWork:
        """Itself."""
        return self
