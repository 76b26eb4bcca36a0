"""Where the jobs of a stage run, one file each: processes of this machine, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from ....bench.errors import BigLittleError, UnknownNameError
from ....bench.registry import Registry

RUNNERS = Registry("runner", __name__, Path(__file__).parent, "RUNNER")

#: Is told how many jobs are done, the job that just was, and its line for the log.
Told = Callable[[int, Any, str], None]


class Runner(Protocol):
    """Runs jobs that leave files; every entry's ``RUNNER`` is one.

    A job that was done leaves its files in the folder of the build whatever happens to the others,
    and a run that ends in the middle is gone on with by the next one.
    """

    def run(self, site: Any, jobs: Sequence[Any], workers: int, address: str, told: Told) -> None:
        """Runs jobs, in their order as far as they run one after the other.

        Args:
            site: the build, with threads and device of every worker.
            jobs: jobs of a stage, none of which is done.
            workers: processes of this machine that share them.
            address: what stands behind the runner's name; "" for nothing.
            told: is told of every job that is done.
        """


def runner_of(on: str) -> tuple[Runner, str]:
    """The runner of what ``--on`` takes, and the address behind its name.

    Args:
        on: name of a runner, and perhaps a colon and an address.

    Raises:
        UnknownNameError: no runner has this name.
        BigLittleError: an address where there can be none.
    """
    name, colon, address = on.partition(":")
    if name not in RUNNERS.names():
        raise UnknownNameError("runner", name, RUNNERS.names())
    if colon and (name == "local" or not address):
        raise BigLittleError(
            f"--on {on} is not usable; expected local, ray, or ray:ADDRESS such as ray:auto."
        )
    return cast(Runner, RUNNERS.load(name)), address


__all__ = ["RUNNERS", "Runner", "Told", "runner_of"]
