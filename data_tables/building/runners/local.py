"""Jobs in this process, or in processes of this machine that end with it."""

from __future__ import annotations

import concurrent.futures
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence

from ..plan import Plan
from ..site import Job, Site
from . import Told

_SITE: Site | None = None


def _leave_with_parent() -> None:
    """Ends this worker when the process that started it is gone, however it went."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _start_worker(plan: Plan, threads: int, device: str) -> None:
    global _SITE
    _leave_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent decides
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    _SITE = Site(plan, threads, device)


def _work(job: Job) -> str:
    assert _SITE is not None
    return job.run(_SITE)


class LocalRunner:
    """Runs jobs in this process, or in some that share them."""

    def run(self, site: Site, jobs: Sequence[Job], workers: int, address: str, told: Told) -> None:
        """Runs jobs; arguments as of `Runner.run`."""
        if workers == 1:
            for done, job in enumerate(jobs, 1):
                told(done, job, job.run(site))
            return
        with concurrent.futures.ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(site.plan, site.threads, site.device),
        ) as pool:
            waiting = {pool.submit(_work, job): job for job in jobs}
            try:
                for done, future in enumerate(concurrent.futures.as_completed(waiting), 1):
                    told(done, waiting[future], future.result())
            except BaseException:  # a job may take hours, and goes on from its checkpoint
                pool.shutdown(wait=False, cancel_futures=True)
                for worker in multiprocessing.active_children():
                    worker.terminate()
                raise


RUNNER = LocalRunner()
