"""Jobs: shared by shards, done once, and done again where a file is damaged."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.errors import TableError  # noqa: E402
from biglittle.bench.rows import NetworkKey  # noqa: E402
from biglittle.data_tables.building import jobs  # noqa: E402
from biglittle.data_tables.building import stages as build  # noqa: E402
from biglittle.data_tables.building.evaluate import EvaluationKey, read_evaluation  # noqa: E402
from biglittle.data_tables.building.plan import Plan  # noqa: E402

NETWORKS = ["8" * 22, "0" + "8" * 21, "8" * 21 + "0"]


def test_shards_share_the_jobs(plan: Plan, table_file: Path) -> None:
    for part in (0, 1):
        build.run_stage("evaluate", plan, table_file, shard=(part, 2))
    names = {f"inherited-{a}-s0.npz" for a in NETWORKS}
    assert {p.name for p in plan.networks.iterdir()} == names
    with pytest.raises(TableError, match="shard 2/2"):
        build.run_stage("evaluate", plan, table_file, shard=(2, 2))


def test_a_damaged_evaluation_is_made_again(plan: Plan, table_file: Path) -> None:
    build.run_stage("evaluate", plan, table_file, limit=1)
    path = plan.networks / f"inherited-{NETWORKS[0]}-s0.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match="cannot be read as the evaluation of a network"):
        read_evaluation(path)
    build.run_stage("evaluate", plan, table_file, limit=1)
    again = read_evaluation(path)
    assert again.key.network.architecture == NETWORKS[0]
    path.write_bytes(whole)
    first = read_evaluation(path)
    assert all(np.array_equal(first.answers["val"][m], a) for m, a in again.answers["val"].items())


def test_an_evaluation_on_a_failing_disk_is_not_made_again(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = EvaluationKey(NetworkKey(NETWORKS[0]))
    path = plan.networks / f"{key.name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"held")

    def fails(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("zipfile.ZipFile", fails)
    with pytest.raises(TableError, match="Input/output error"):
        jobs.is_done(plan, jobs.InheritedJob(NETWORKS[0]), "")
