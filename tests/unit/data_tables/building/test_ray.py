"""Jobs on a Ray cluster of two nodes, started here: the same bytes, and nothing is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
ray = pytest.importorskip("ray")

from biglittle.bench.errors import BigLittleError  # noqa: E402
from biglittle.data_tables.building import jobs  # noqa: E402
from biglittle.data_tables.building.plan import Plan  # noqa: E402
from biglittle.data_tables.building.runners import ray as module  # noqa: E402
from biglittle.data_tables.building.site import Site  # noqa: E402

NETWORKS = ["8" * 22, "0" + "8" * 21, "8" * 21 + "0"]
SMALL = 80 * 2**20  # bytes of an object store, the least that Ray takes


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A cluster of two nodes on this machine, to which this process is connected."""
    from ray.cluster_utils import Cluster

    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(Path(module.__file__).parents[4]), os.environ.get("PYTHONPATH")])
    )
    node = {"num_cpus": 1, "object_store_memory": SMALL, "include_dashboard": False}
    started = Cluster(initialize_head=True, head_node_args=node)
    del node["include_dashboard"]
    started.add_node(**node)
    ray.init(address=started.address, log_to_driver=False)
    yield started
    ray.shutdown()
    started.shutdown()


def small(plan: Plan, folder: Path) -> Site:
    """A place of the build's jobs with a folder of its own."""
    folder.mkdir()
    return Site(replace(plan, working=folder))


def written(site: Site) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(site.plan.networks.iterdir())}


def test_a_cluster_makes_the_bytes_of_this_machine(
    cluster: Any, plan: Plan, tmp_path: Path
) -> None:
    every = [jobs.InheritedJob(a) for a in NETWORKS]
    here, there = small(plan, tmp_path / "here"), small(plan, tmp_path / "there")
    assert jobs.run_jobs(here, every) == 0
    assert jobs.run_jobs(there, every, on="ray") == 0
    assert written(here) == written(there)
    assert len(written(there)) == len(NETWORKS)
    assert jobs.run_jobs(there, every, on="ray") == 0  # all of them are done


def once_killed(marker: Path) -> Any:
    """A job whose worker is killed in the middle of its first run; pickled with its class."""

    @dataclass(frozen=True)
    class KilledJob:
        name: str
        marker: str

        @property
        def names(self) -> tuple[str, ...]:
            return (self.name,)

        def run(self, site: Site) -> str:
            folder = site.plan.networks
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{self.name}.npz").write_bytes(b"half")
            if not Path(self.marker).exists():
                Path(self.marker).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            (folder / f"{self.name}.npz").write_bytes(b"whole")
            return "done"

    return KilledJob("killed", str(marker))


def test_a_worker_that_is_killed_costs_its_job_a_second_run(
    cluster: Any, plan: Plan, tmp_path: Path
) -> None:
    site, told = small(plan, tmp_path / "there"), []
    job = once_killed(tmp_path / "marker")
    module.RUNNER.run(site, [job], 1, "", lambda done, job, line: told.append((done, line)))
    assert told == [(1, "done")]
    assert (tmp_path / "marker").exists()
    assert written(site) == {"killed.npz": b"whole"}


def test_a_driver_that_is_stopped_keeps_what_was_done(
    cluster: Any, plan: Plan, tmp_path: Path
) -> None:
    site = small(plan, tmp_path / "there")
    every = [jobs.InheritedJob(a) for a in NETWORKS]

    def stop(done: int, job: Any, line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        module.RUNNER.run(site, every, 1, "", stop)
    first = written(site)
    assert len(first) == 1
    assert jobs.run_jobs(site, every, on="ray") == 0
    again = written(site)
    assert len(again) == len(NETWORKS)
    assert {name: again[name] for name in first} == first


def test_an_error_of_a_job_is_the_error(cluster: Any, plan: Plan, tmp_path: Path) -> None:
    site = small(plan, tmp_path / "there")
    with pytest.raises(BigLittleError, match="expects 22 digits"):
        module.RUNNER.run(site, [jobs.InheritedJob("123")], 1, "", lambda *_: None)


def test_a_node_of_another_version_is_named(
    cluster: Any, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "__version__", "99.0")
    with pytest.raises(BigLittleError, match=r"of the cluster has biglittle .*this one 99\.0"):
        jobs.run_jobs(small(plan, tmp_path / "there"), [jobs.InheritedJob(NETWORKS[0])], on="ray")
