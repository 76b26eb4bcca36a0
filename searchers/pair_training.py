"""A named pair as a job of co-training: siblings, or a network and one of its exits."""

from __future__ import annotations

from pathlib import Path

from ..bench import Benchmark, load_device
from ..bench.errors import ArchitectureError, UnknownNameError
from ..cotrain.front import FrontJob
from ..cotrain.prefix import prefix_fault
from ..cotrain.recipe import Recipe
from ..cotrain.selection import Selection
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
        BigLittleError: the table has no supernet beside it.
    """
    profile = load_device(device)
    front = FrontTraining(bench, table, (device,), (profile,), Selection((), 0, 0, 0), (), ())
    return front.job(methods, recipe, start, seed, out, train_device, threads)
