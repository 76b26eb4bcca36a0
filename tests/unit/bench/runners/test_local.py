"""Jobs in processes of this machine: in order, after a worker was killed, and with its error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from biglittle.bench.errors import BigLittleError, UnknownNameError
from biglittle.bench.runners import run_in_order

# Workers import it, so that it is a file.
WORK = """
import os, signal
from dataclasses import dataclass
from pathlib import Path
from biglittle.bench.errors import UnknownNameError

@dataclass(frozen=True)
class Toy:
    folder: str
    threads: int = 1
    device: str = "cpu"
    def start(self):
        def run(job):
            (Path(self.folder) / f"ran-{job}-{os.getpid()}").touch()
            if job == "killed always" or job == "killed" and not self.before(job):
                os.kill(os.getpid(), signal.SIGKILL)
            if job == "wrong":
                raise UnknownNameError("job", job, ["right"])
            return job.upper()
        return run
    def before(self, job):
        return len(list(Path(self.folder).glob(f"ran-{job}-*"))) > 1
    def sent(self):
        return self
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "toy_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    import importlib

    module = importlib.import_module("toy_work")
    yield module.Toy(str(tmp_path))
    import sys

    del sys.modules["toy_work"]


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_jobs(toy: Any, workers: int) -> None:
    told: list[tuple[int, int]] = []
    results = run_in_order(toy, list("abcde"), workers, told=lambda *at: told.append(at))
    assert results == list("ABCDE")
    assert told == [(n, 5) for n in range(1, 6)]
    assert run_in_order(toy, [], workers) == []


def test_a_worker_that_is_killed_costs_its_job_a_second_run(toy: Any) -> None:
    assert run_in_order(toy, ["a", "killed", "b"], 2) == ["A", "KILLED", "B"]


def test_a_job_whose_workers_are_always_killed_is_an_error(toy: Any) -> None:
    with pytest.raises(BigLittleError, match=r"killed 3 times, 1 of 1 jobs.*fewer --workers"):
        run_in_order(toy, ["killed always"], 2)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_error_of_a_job_is_the_error(toy: Any, workers: int) -> None:
    with pytest.raises(UnknownNameError, match="unknown job 'wrong'") as caught:
        run_in_order(toy, ["wrong"], workers)
    assert caught.value.got == "wrong"
