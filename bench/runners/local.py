"""Jobs in this process, or in processes of this machine that end with it."""

from __future__ import annotations

import concurrent.futures
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from ..errors import BigLittleError
from . import Told, Work

_RESTARTS = 2  # of the pool after a worker was killed: memory that ran out once may do so again
_WORK: Work | None = None
_DO: Callable[[Any], Any] | None = None


def _leave_with_parent() -> None:
    """Ends this worker when the process that started it is gone, however it went."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _start_worker(work: Work) -> None:
    global _WORK
    _leave_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent decides
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    _WORK = work


def _run(job: Any) -> Any:
    global _DO
    if _DO is None:  # here and not as the worker starts, so that its error is that of a job
        assert _WORK is not None
        _DO = _WORK.start()
    return _DO(job)


class LocalRunner:
    """Runs jobs in this process, or in some that share them."""

    def run(self, work: Work, jobs: Sequence[Any], workers: int, address: str, told: Told) -> None:
        """Runs jobs; arguments as of `Runner.run`.

        Raises:
            BigLittleError: workers were killed again and again.
        """
        if workers == 1:
            do = work.start() if jobs else None
            for done, job in enumerate(jobs, 1):
                assert do is not None
                told(done, job, do(job))
            return
        left = dict(enumerate(jobs))
        for restart in range(_RESTARTS + 1):
            try:
                self._share(work, left, len(jobs), workers, told)
                return
            except BrokenProcessPool as error:
                if restart == _RESTARTS:
                    raise BigLittleError(
                        f"a worker was killed {_RESTARTS + 1} times, {len(left)} of {len(jobs)} "
                        "jobs before the end; is there too little memory? Run the same command "
                        "again with fewer --workers: what it keeps in files is gone on with."
                    ) from error

    def _share(
        self, work: Work, left: dict[int, Any], n_jobs: int, workers: int, told: Told
    ) -> None:
        """Runs the jobs that are left in new workers; those that are done are left no more."""
        with concurrent.futures.ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(work,),
        ) as pool:
            waiting = {pool.submit(_run, job): place for place, job in left.items()}
            try:
                for future in concurrent.futures.as_completed(waiting):
                    result = future.result()
                    job = left.pop(waiting[future])
                    told(n_jobs - len(left), job, result)
            except BaseException:  # a job may take hours, and goes on from its checkpoint
                pool.shutdown(wait=False, cancel_futures=True)
                for worker in multiprocessing.active_children():
                    worker.terminate()
                raise


RUNNER = LocalRunner()
