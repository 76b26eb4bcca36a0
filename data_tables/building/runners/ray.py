"""Jobs on a Ray cluster: no shared folder, and whatever dies costs the jobs it was at.

Supernet and images go once into Ray's object store; a job's files come back as bytes and are
written into the folder of the build as soon as it is done. A worker or a node that goes away gives
its jobs to another one; a driver that is killed is started again and goes on from the folder.
Checkpoints of trainings lie on the node that trains, so a job that moves begins anew.

Source: Moritz et al. 2018, "Ray: A Distributed Framework for Emerging AI Applications".
"""

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .... import __version__
from ....bench.errors import BigLittleError, MissingExtraError
from ....bench.files import write_together
from ....bench.kept_front import code_hash
from ..site import Job, Site
from . import Told

_RETRIES = 5  # of a job whose worker or node went away
_SITES: dict[str, Site] = {}  # of this worker, which serves many jobs


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", "cluster", "running jobs on a cluster") from error
    return ray


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Ray, connected to a cluster, or to one of this machine alone that ends with the block."""
    ray = _ray()
    if ray.is_initialized():  # whoever did it ends it
        yield ray
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # what runs here is nobody else's matter
    try:
        ray.init(address=address or "local", log_to_driver=False, include_dashboard=False)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BigLittleError(
            f"no Ray cluster at {address or 'this machine'} ({reason}); start one with "
            "'ray start --head', and give its address, such as --on ray:HOST:6379."
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def versions() -> dict[str, str]:
    """What has to be the same on every node, by name."""
    return {
        "biglittle": f"{__version__} ({code_hash()[:8]})",
        "Python": ".".join(platform.python_version_tuple()[:2]),
    }


def _check_nodes(ray: Any) -> None:
    """Nothing, if every node has this version of the package.

    Raises:
        BigLittleError: names a node and what it has.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as OnNode

    probe = ray.remote(num_cpus=0, max_retries=0)(versions)
    for node in ray.nodes():
        if not node["Alive"]:
            continue
        where = OnNode(node["NodeID"], soft=False)
        try:
            there = ray.get(probe.options(scheduling_strategy=where).remote())
        except Exception as error:  # its package is missing, or it went away
            reason = " ".join(str(getattr(error, "cause", error)).split())[-200:]
            raise BigLittleError(
                f"node {node['NodeManagerHostname']} of the cluster cannot run biglittle "
                f"({reason}); install the same version on every node."
            ) from error
        for name, here in versions().items():
            if there[name] != here:
                raise BigLittleError(
                    f"node {node['NodeManagerHostname']} of the cluster has {name} {there[name]}, "
                    f"and this one {here}; install the same version on every node."
                )


def _site(key: str, parts: list[Any], threads: int, device: str) -> Site:
    """Where a worker runs jobs: built for its first one, kept for the others."""
    if key not in _SITES:
        plan, supernet, images = _ray().get(parts[0])
        working = Path(tempfile.gettempdir()) / f"biglittle-{key[:16]}"
        site = Site(replace(plan, working=working), threads, device)
        site.__dict__.update(supernet=supernet, images=images, origin=key)
        _SITES.clear()
        _SITES[key] = site
    return _SITES[key]


def work(
    job: Job, key: str, parts: list[Any], threads: int, device: str
) -> tuple[str, dict[str, bytes]]:
    """Runs one job on a node; returns its line for the log and the files it left.

    Args:
        job: the job to run.
        key: hash of the supernet, by which a worker knows a build again.
        parts: reference to the plan, the supernet and the images.
        threads: threads of torch and of ONNX Runtime.
        device: torch device that trainings run on.
    """
    site = _site(key, parts, threads, device)
    line = job.run(site)
    names = [f"{name}.npz" for name in job.names]
    return line, {name: (site.plan.networks / name).read_bytes() for name in names}


class RayRunner:
    """Runs jobs on all cores of a cluster."""

    def run(self, site: Site, jobs: Sequence[Job], workers: int, address: str, told: Told) -> None:
        """Runs jobs; arguments as of `Runner.run`, of which ``workers`` are the cluster's cores."""
        if not jobs:
            return
        with _connected(address) as ray:
            _check_nodes(ray)
            gpus = 1 if site.device != "cpu" else 0
            remote = ray.remote(num_cpus=site.threads, num_gpus=gpus, max_retries=_RETRIES)(work)
            parts = [ray.put((site.plan, site.supernet, site.images))]
            how = (site.origin, parts, site.threads, site.device)
            waiting = {remote.remote(job, *how): job for job in jobs}
            site.plan.networks.mkdir(parents=True, exist_ok=True)
            done = 0
            while waiting:
                (ready,), _ = ray.wait(list(waiting), num_returns=1)
                try:
                    line, files = ray.get(ready)
                except ray.exceptions.RayTaskError as error:
                    raise getattr(error, "cause", None) or error from None
                except ray.exceptions.RayError as error:
                    job = waiting[ready].names[0]
                    reason = " ".join(str(error).split())[:200]
                    raise BigLittleError(
                        f"job {job} was lost {_RETRIES + 1} times with the worker that ran it "
                        f"({reason}). What is done is kept: run the same command again."
                    ) from error
                write_together(site.plan.networks, files)
                done += 1
                told(done, waiting.pop(ready), line)


RUNNER = RayRunner()
