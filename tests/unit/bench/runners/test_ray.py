"""Jobs on a Ray cluster of two nodes, started here: nothing is lost, whoever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray", reason="needs the extra 'cluster': what Ray does is not tested")

from biglittle.bench.errors import BigLittleError, UnknownNameError
from biglittle.bench.runners import ray as module
from biglittle.bench.runners import run_in_order

STORE_MIB = 80  # as of the fixture's nodes


def work_of(run: Any, content: Any = None) -> Any:
    """Work whose jobs are run by a function; it is pickled with its class."""

    class Toy:
        threads, device = 1, "cpu"

        def __init__(self, content: Any) -> None:
            self.content = content

        def start(self) -> Any:
            return lambda job: run(job, self.content)

        def sent(self) -> Any:
            return self

    return Toy(content)


def test_results_come_in_the_order_of_the_jobs(ray_cluster: Any) -> None:
    told: list[int] = []
    work = work_of(lambda job, content: job + content, "!")
    results = run_in_order(work, list("abc"), on="ray", told=lambda done, n: told.append(done))
    assert results == ["a!", "b!", "c!"]
    assert told == [1, 2, 3]
    assert run_in_order(work, [], on="ray") == []


def test_a_worker_that_is_killed_costs_its_job_a_second_run(
    ray_cluster: Any, tmp_path: Path
) -> None:
    def run(job: str, marker: str) -> str:
        if not os.path.exists(marker):
            os.close(os.open(marker, os.O_CREAT))
            os.kill(os.getpid(), signal.SIGKILL)
        return "done"

    marker = str(tmp_path / "marker")
    assert run_in_order(work_of(run, marker), ["a"], on="ray") == ["done"]
    assert os.path.exists(marker)


def test_a_full_object_store_loses_nothing(ray_cluster: Any) -> None:
    n_jobs, mib = 8, STORE_MIB // 4  # twice what a store holds, and what is sent alone fills one

    def run(job: int, content: Any) -> Any:
        return np.full((mib, 2**20), job, np.uint8) + content[0, 0]

    content = np.ones((STORE_MIB, 2**20), np.uint8)
    taken: list[int] = []

    def told(done: int, job: int, result: Any) -> None:
        time.sleep(0.2)  # others are done meanwhile, and wait in the store
        assert (result == job + 1).all()
        taken.append(job)

    module.RUNNER.run(work_of(run, content), range(n_jobs), 1, "", told)
    assert sorted(taken) == list(range(n_jobs))


DRIVER = """
import sys, time
from pathlib import Path
from biglittle.bench.runners import ray

class Toy:
    threads, device = 1, "cpu"
    def start(self):
        return lambda job: job * 1000
    def sent(self):
        return self

address, folder, kill = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "stop"
jobs = [job for job in ("a", "b", "c") if not (folder / job).exists()]
def told(done, job, result):
    (folder / job).write_text(result)
    if kill:
        print("one", flush=True)
        time.sleep(600)
ray.RUNNER.run(Toy(), jobs, 1, address, told)
print(len(jobs), flush=True)
"""


def test_a_driver_that_is_killed_goes_on_from_what_it_wrote(
    ray_cluster: Any, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", DRIVER, ray_cluster.address, str(tmp_path)]
    with subprocess.Popen([*command, "stop"], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == "one\n"
        driver.kill()
    (first,) = tmp_path.iterdir()
    before = first.stat().st_mtime_ns
    again = subprocess.run([*command, "on"], capture_output=True, text=True, check=True)
    assert again.stdout == "2\n"
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {j: j * 1000 for j in "abc"}
    assert first.stat().st_mtime_ns == before


def test_the_error_of_a_job_is_the_error(ray_cluster: Any) -> None:
    def run(job: str, content: Any) -> None:
        raise UnknownNameError("job", job, ["right"])

    with pytest.raises(UnknownNameError, match="unknown job 'wrong'"):
        run_in_order(work_of(run), ["wrong"], on="ray")


def test_a_node_of_another_version_is_named(
    ray_cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "__version__", "99.0")
    with pytest.raises(BigLittleError, match=r"of the cluster has biglittle .*this one 99\.0"):
        run_in_order(work_of(lambda job, content: job), ["a"], on="ray")
