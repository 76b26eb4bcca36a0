"""Exits of a table's networks: heads trained on the frozen supernet, and what they answer.

working/exits.h5              checkpoint of the training (``cotrain.train_exits``)
working/exits.safetensors     the heads, rounded, as they ship beside the supernet's weights
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...bench import Benchmark
from ...bench.device import load_device
from ...bench.networks import weights_hash
from ...bench.rows import NetworkKey
from ...cotrain.exit_heads import (
    ExitedNetwork,
    ExitHeads,
    load_exit_heads,
    save_exit_heads,
    trunk_hash,
)
from ...cotrain.precision import Precision
from ...cotrain.recalibrate import calibrated
from ...cotrain.recipe import load_recipe
from ...cotrain.train_exits import RECIPE, train_exits
from .design import sequence
from .evaluate import Evaluation, EvaluationKey, write_evaluation
from .plan import Plan
from .recipe import EXITS_NAME
from .site import Job, Site

log = logging.getLogger(__name__)


def exit_architectures(plan: Plan) -> list[str]:
    """The design's architectures that heads are trained on, and whose exits are evaluated, sorted.

    Those of more latency are left out: an exit of an expensive network is an expensive little.
    """
    design, limit = plan.recipe.design, plan.recipe.exits.latency_ms_max
    ids = np.array(sequence(design, plan.space, plan.schedule.trained_choices))
    latency = load_device(design.device).latency_ms(plan.space, plan.space.parse(list(ids)))
    return sorted(ids[latency <= limit].tolist())


def exit_heads(site: Site) -> ExitHeads:
    """The trained heads of the site's supernet: those that ship, or made once for the table.

    Raises:
        CheckpointError: the folder holds heads of another trunk.
        TrainingError: the loss became infinite or undefined.
    """
    plan, net = site.plan, site.supernet.net
    weights, trunk = plan.working / EXITS_NAME, trunk_hash(net.state_dict())
    if not weights.exists():
        heads = net.exit_heads if net.exit_heads is not None else _trained_heads(site)
        facts = {"dataset": plan.dataset.name}
        save_exit_heads(weights, heads, trunk, facts, plan.recipe.storage)
    return load_exit_heads(weights, plan.space, trunk)


def _trained_heads(site: Site) -> ExitHeads:
    plan = site.plan
    recipe = load_recipe(RECIPE).for_images(plan.dataset, plan.space.name)
    paths = plan.space.parse(exit_architectures(plan))
    log.info("exit heads: %d architectures, %d steps", len(paths), recipe.n_steps)
    return train_exits(
        site.supernet.net,
        paths,
        recipe,
        site.images,
        plan.working,
        0,
        site.device,
        Precision.FP32,
        site.report("exits"),
        plan.recipe.exits.names,
    )


def exited(site: Site, architecture: str) -> ExitedNetwork:
    """An architecture with the inherited weights of all exits that are evaluated, recalibrated.

    Its statistics are those that each network would have that is cut at one of the exits: a batch
    norm sees the same features whatever comes after it.
    """
    trained = site.supernet.net.exit_heads
    assert trained is not None
    names = site.plan.recipe.exits.names
    heads = ExitHeads(trained.space, trained.n_classes, names)
    heads.load_state_dict(
        {k: t for k, t in trained.state_dict().items() if k.split(".")[1] in names}
    )
    last = max(names, key=lambda name: heads.places[name].after)
    network = site.supernet.net.inherit(f"{architecture}@{last}")
    return calibrated(ExitedNetwork(network, heads), site.images["train"], site.plan.dataset)


@dataclass(frozen=True)
class ExitsJob:
    """Evaluates all exits of an architecture in one pass."""

    architecture: str
    exits: tuple[str, ...]
    seed: int = 0

    @property
    def networks(self) -> tuple[NetworkKey, ...]:
        """What a table finds the networks by."""
        return tuple(NetworkKey(self.architecture, name, seed=self.seed) for name in self.exits)

    @property
    def names(self) -> tuple[str, ...]:
        """One file an exit."""
        return tuple(EvaluationKey(network).name for network in self.networks)

    def run(self, site: Site) -> str:
        """Recalibrates and evaluates."""
        net = site.supernet.net
        if net.exit_heads is None:
            net.exit_heads = exit_heads(site)
        network = exited(site, self.architecture)
        cuts = [network.cut(name) for name in self.exits]
        answers = site.evaluator.answers_of_model(site.evaluator.model_of_exits(cuts))
        labels, figures = site.images["val"].labels, []
        for key, cut, given in zip(self.networks, cuts, answers, strict=True):
            facts = EvaluationKey(key, epochs=site.supernet.epochs, origin=site.origin)
            evaluation = Evaluation(facts, weights_hash(cut), given)
            write_evaluation(site.plan.networks / f"{facts.name}.npz", evaluation)
            accuracy = float((given["val"]["top1"] == labels).mean())
            figures.append(f"@{key.exit} {accuracy:.4f}")
        return "val " + ", ".join(figures)


def exit_jobs(plan: Plan, table: Path) -> list[Job]:
    """The evaluations of exits, from the architecture that is nearest to the table's front on.

    Near is who lacks little accuracy on val against the best whole network that takes no longer on
    the design's device: whoever stops early has the exits that matter.

    Raises:
        TableError: there is no table of whole networks yet.
    """
    bench = Benchmark.load(table)
    rows = bench.table.rows()
    latency = bench.costs(plan.recipe.design.device).latency_ms[rows]
    accuracy = bench.accuracy("val")[rows]
    order = np.argsort(latency, kind="stable")
    best = np.maximum.accumulate(accuracy[order])
    gap = dict(zip(np.array(bench.architectures)[order], best - accuracy[order], strict=True))
    ids = [a for a in exit_architectures(plan) if a in gap]
    names, seed = plan.recipe.exits.names, plan.schedule.seed
    return [ExitsJob(a, names, seed) for a in sorted(ids, key=lambda a: (gap[a], a))]
