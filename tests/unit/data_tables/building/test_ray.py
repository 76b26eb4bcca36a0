"""The jobs of a build on a Ray cluster of two nodes: the same bytes, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ray", reason="needs the extra 'cluster': what Ray does is not tested")

from biglittle.bench.errors import BigLittleError  # noqa: E402
from biglittle.data_tables.building import jobs  # noqa: E402
from biglittle.data_tables.building.plan import Plan  # noqa: E402
from biglittle.data_tables.building.site import Site  # noqa: E402

NETWORKS = ["8" * 22, "0" + "8" * 21, "8" * 21 + "0"]


def small(plan: Plan, folder: Path) -> Site:
    """A place of the build's jobs with a folder of its own."""
    folder.mkdir()
    return Site(replace(plan, working=folder))


def written(site: Site) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(site.plan.networks.iterdir())}


def test_a_cluster_makes_the_bytes_of_this_machine(
    ray_cluster: Any, plan: Plan, tmp_path: Path
) -> None:
    every = [jobs.InheritedJob(a) for a in NETWORKS]
    here, there = small(plan, tmp_path / "here"), small(plan, tmp_path / "there")
    assert jobs.run_jobs(here, every) == 0
    assert jobs.run_jobs(there, every, on="ray") == 0
    assert written(here) == written(there)
    assert len(written(there)) == len(NETWORKS)
    assert jobs.run_jobs(there, every, on="ray") == 0  # all of them are done


def test_a_driver_that_is_stopped_keeps_what_was_done(
    ray_cluster: Any, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = small(plan, tmp_path / "there")
    every = [jobs.InheritedJob(a) for a in NETWORKS]

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(jobs.log, "info", stop)  # of the first job that was done
        with pytest.raises(KeyboardInterrupt):
            jobs.run_jobs(site, every, on="ray")
    first = written(site)
    assert len(first) == 1
    assert jobs.run_jobs(site, every, on="ray") == 0
    again = written(site)
    assert len(again) == len(NETWORKS)
    assert {name: again[name] for name in first} == first


def test_an_error_of_a_job_is_the_error(ray_cluster: Any, plan: Plan, tmp_path: Path) -> None:
    site = small(plan, tmp_path / "there")
    with pytest.raises(BigLittleError, match="expects 22 digits"):
        jobs.run_jobs(site, [jobs.InheritedJob("123")], on="ray")
