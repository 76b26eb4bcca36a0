"""Jobs on a Ray cluster: no shared folder, and whatever dies costs the jobs it was at.

What a worker needs goes once into Ray's object store; results come back as they are done. A worker
or a node that goes away gives its jobs to another one; a driver that is killed is started again and
goes on from the files it wrote. An object store that is full spills to the disks of its nodes.

Source: Moritz et al. 2018, "Ray: A Distributed Framework for Emerging AI Applications".
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ... import __version__
from ..errors import BigLittleError, MissingExtraError
from . import Told, Work

_RETRIES = 5  # of a job whose worker or node went away
_ROOT = Path(__file__).parent.parent.parent
#: What results may depend on in their last bits, beside the package itself.
_PACKAGES = ("numpy", "torch", "onnxruntime")
_STARTED: dict[str, Callable[[Any], Any]] = {}  # in this worker, which serves many jobs


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


@functools.cache
def _code_hash() -> str:
    """SHA-256 of the package's code."""
    digest = hashlib.sha256()
    for folder in sorted(p.parent for p in _ROOT.glob("*/__init__.py")):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def versions() -> dict[str, str]:
    """What has to be the same on every node, by name."""
    return {
        "biglittle": f"{__version__} ({_code_hash()[:8]})",
        "Python": ".".join(platform.python_version_tuple()[:2]),
        **{package: _version_of(package) for package in _PACKAGES},
    }


def _check_nodes(ray: Any) -> None:
    """Nothing, if every node has the versions of this one.

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
            if there.get(name) != here:
                raise BigLittleError(
                    f"node {node['NodeManagerHostname']} of the cluster has {name} "
                    f"{there.get(name)}, and this one {here}; install the same version on every "
                    "node."
                )


def run_job(job: Any, parts: list[Any]) -> Any:
    """Runs one job on a node; returns its result.

    Args:
        job: the job to run.
        parts: reference to the work, which a worker fetches for its first job.
    """
    key = parts[0].hex()
    if key not in _STARTED:
        _STARTED.clear()  # before the next work takes its memory
        _STARTED[key] = _ray().get(parts[0]).start()
    return _STARTED[key](job)


class RayRunner:
    """Runs jobs on all cores of a cluster."""

    def run(self, work: Work, jobs: Sequence[Any], workers: int, address: str, told: Told) -> None:
        """Runs jobs; arguments as of `Runner.run`, of which ``workers`` are the cluster's cores.

        Raises:
            BigLittleError: there is no cluster, a node has another version, or a job's worker
                went away again and again.
            MissingExtraError: Ray is not installed.
        """
        if not jobs:
            return
        with _connected(address) as ray:
            _check_nodes(ray)
            gpus = 1 if work.device != "cpu" else 0
            remote = ray.remote(num_cpus=work.threads, num_gpus=gpus, max_retries=_RETRIES)(run_job)
            parts = [ray.put(work.sent())]
            waiting = {remote.remote(job, parts): job for job in jobs}
            done = 0
            while waiting:
                (ready,), _ = ray.wait(list(waiting), num_returns=1)
                job = waiting.pop(ready)
                try:
                    result = ray.get(ready)
                except ray.exceptions.RayTaskError as error:
                    raise getattr(error, "cause", None) or error from None
                except ray.exceptions.RayError as error:
                    reason = " ".join(str(error).split())[:200]
                    raise BigLittleError(
                        f"job {job!r} was lost {_RETRIES + 1} times with the worker that ran it "
                        f"({reason}). What is done is kept: run the same command again."
                    ) from error
                done += 1
                told(done, job, result)


RUNNER = RayRunner()
