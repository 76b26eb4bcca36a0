"""Where jobs run, one file each: processes of this machine, or a Ray cluster.

A stage of a table's build, the scores of many networks and the runs of a comparison of searchers
are all jobs of some ``Work``. What comes of a job does not depend on the runner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from ..errors import BigLittleError, UnknownNameError
from ..registry import Registry

RUNNERS = Registry("runner", __name__, Path(__file__).parent, "RUNNER")

#: Is told how many jobs are done, the job that just was, and its result.
Told = Callable[[int, Any, Any], None]


class Work(Protocol):
    """What a worker is given once, and what it does with each job.

    It is pickled for workers of this machine, and reads there what it needs from files. Jobs and
    results are pickled too.
    """

    @property
    def threads(self) -> int:
        """Threads that one job takes."""

    @property
    def device(self) -> str:
        """Device of torch that jobs run on; "cpu" takes no GPU."""

    def start(self) -> Callable[[Any], Any]:
        """What runs one job in this process and returns its result; called once in each worker."""

    def sent(self) -> Work:
        """The same work for a machine that shares no folder with this one."""


class Runner(Protocol):
    """Runs the jobs of some work; every entry's ``RUNNER`` is one.

    A job that was done has been told whatever happens to the others. A worker that is killed costs
    the jobs it was at, and another one takes them.
    """

    def run(self, work: Work, jobs: Sequence[Any], workers: int, address: str, told: Told) -> None:
        """Runs jobs, in their order as far as they run one after the other.

        Args:
            work: what is done with every job.
            jobs: what the results are asked of.
            workers: processes of this machine that share them.
            address: what stands behind the runner's name; "" for nothing.
            told: is told of every job that is done, in this process.
        """


def runner_of(on: str) -> tuple[Runner, str]:
    """The runner of what ``--on`` takes, and the address behind its name.

    Args:
        on: name of a runner, and perhaps a colon and an address.

    Raises:
        UnknownNameError: no runner has this name.
        BigLittleError: a device of torch, or an address where there can be none.
    """
    name, colon, address = on.partition(":")
    if name in ("cpu", "cuda"):
        raise BigLittleError(
            f"{on} is not a place where jobs run; expected local, or ray[:ADDRESS] of a cluster. "
            f"The device of torch is another option: --train-device {on}."
        )
    if name not in RUNNERS.names():
        raise UnknownNameError("runner", name, RUNNERS.names())
    if colon and (name == "local" or not address):
        raise BigLittleError(
            f"{on} is not a usable runner; expected local, ray, or ray:ADDRESS such as ray:auto."
        )
    return cast(Runner, RUNNERS.load(name)), address


def run_in_order(
    work: Work,
    jobs: Sequence[Any],
    workers: int = 1,
    on: str = "local",
    told: Callable[[int, int], None] | None = None,
) -> list[Any]:
    """The results of jobs in the order of the jobs, whichever was done first.

    Args:
        work: what is done with every job.
        jobs: what the results are asked of; all different and hashable.
        workers: processes of this machine that share them.
        on: where they run, as `runner_of` takes it.
        told: is told how many jobs are done, and of how many.
    """
    results: dict[Any, Any] = {}

    def take(done: int, job: Any, result: Any) -> None:
        results[job] = result
        if told is not None:
            told(done, len(jobs))

    runner, address = runner_of(on)
    runner.run(work, jobs, workers, address, take)
    return [results[job] for job in jobs]


__all__ = ["RUNNERS", "Runner", "Told", "Work", "run_in_order", "runner_of"]
