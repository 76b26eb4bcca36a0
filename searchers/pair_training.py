"""A named pair as a job of co-training: siblings, or a network and one of its exits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..bench import Benchmark, DeviceProfile, load_device
from ..bench.coupling import PREFIX, Couplings
from ..bench.errors import ArchitectureError, UnknownNameError
from ..bench.networks import Network
from ..cotrain.front import FrontJob, PairCosts
from ..cotrain.prefix import fresh_exit, prefix_fault
from ..cotrain.recipe import Recipe
from ..cotrain.selection import Selection
from ..cotrain.supernet import Supernet
from ..cotrain.weights import HEADS, load_weights, take_exit_heads
from .evaluators.profile_costs import profile_costs
from .front_training import FrontTraining, check_trainable


def checked_pair(little: str, big: str, coupling: str, space: str) -> tuple[str, str]:
    """The names, if they are networks of the space and coupled as asked.

    Args:
        little: name of the little network, ``ARCH`` or ``ARCH@EXIT``.
        big: name of the big network.
        coupling: ``prefix`` where the little network has to be an exit of the big one, ``sibling``
            where it must not, or "" for either.
        space: name of their search space.

    Raises:
        ArchitectureError: a network that is not in the space or not in fp32, an exit that it does
            not have, or another coupling than asked.
        UnknownNameError: there is no such coupling to train.
    """
    check_trainable((little, big))
    if coupling not in ("", "prefix", "sibling"):
        raise UnknownNameError("coupling to train", coupling, ("prefix", "sibling"))
    fault = prefix_fault(little, big, space)
    if fault and (coupling == "prefix" or (not coupling and "@" in little)):
        raise ArchitectureError(
            f"{fault}; expected --little ARCH@EXIT with --big ARCH, or --coupling sibling for two "
            "networks that share nothing."
        )
    if fault is None and coupling == "sibling":
        raise ArchitectureError(
            f"{little} is an exit of {big}, which shares its trunk; leave out --coupling sibling, "
            "or name two architectures."
        )
    return little, big


def costs_on(profile: DeviceProfile, n_classes: int, bench: Benchmark) -> Callable[..., PairCosts]:
    """Gives the costs of a pair of named networks on a device, and what a prefix pair shares.

    Training unties the weights of whole networks, so that those share nothing.

    Args:
        profile: device that the costs are of.
        n_classes: number of classes of the classifiers.
        bench: table whose space the networks are of.
    """
    space = bench.table.space

    def costs_of(little: str, big: str) -> PairCosts:
        parts = [name.partition("@") for name in (little, big)]
        genomes = space.parse([p[0] for p in parts])
        exits = space.exit_numbers([p[2] for p in parts])
        costs = profile_costs(profile, space, genomes, n_classes, exits)
        couplings = Couplings(space, n_classes, genomes, exits, np.zeros(2, np.int64))
        if int(couplings.kinds(0, 1)) != PREFIX:
            return costs, None
        return costs, couplings.shared(np.array([0]), np.array([1]), costs)

    return costs_of


def inheriting(net: Supernet, heads: Path, seed: int) -> tuple[Callable[[str], Network], bool]:
    """Gives networks with a supernet's weights, and whether heads of exits have random ones.

    Args:
        net: the supernet; trained heads are put into it.
        heads: file of trained heads; where there is none, heads start from random weights.
        seed: seed of random heads.
    """
    if take_exit_heads(net, heads):
        return net.inherit, False

    def start(name: str) -> Network:
        architecture, _, cut = name.partition("@")
        whole = net.inherit(architecture)
        return fresh_exit(whole, cut, seed) if cut else whole

    return start, True


def pair_job(
    bench: Benchmark,
    table: str,
    device: str,
    methods: tuple[str, ...],
    recipe: Recipe,
    start: str,
    seed: int,
    out: Path,
    train_device: str = "cpu",
    threads: int | None = None,
) -> FrontJob:
    """What ``cotrain_front`` is to do with a pair that was named; see `FrontTraining.job`.

    Args:
        bench: table whose supernet the networks inherit from.
        table: its name or file.
        device: name or profile file of the device that costs are of.
        methods: names of co-training methods.
        recipe: how long and how the pair is trained.
        start: where the training begins, ``inherited`` or ``scratch``.
        seed: seed of weights, order and augmentation.
        out: folder of the pair's folder.
        train_device: torch device of the training.
        threads: torch threads; None leaves them as they are.

    Raises:
        BigLittleError: the table has no supernet or no surrogate beside it.
    """
    profile = load_device(device)
    front = FrontTraining(bench, table, (device,), (profile,), Selection((), 0, 0, 0), (), ())
    job = front.job(methods, recipe, start, seed, out, train_device, threads)
    job = replace(job, costs_of=costs_on(profile, bench.table.n_classes, bench))
    if job.start is None:
        return job
    folder = bench.table.path.parent
    begin, fresh = inheriting(load_weights(folder / "supernet.safetensors"), folder / HEADS, seed)
    return replace(job, start=begin, fresh_heads=fresh)
