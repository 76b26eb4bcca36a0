"""Jobs: shared by shards, done once, and done again where a file is damaged."""

from __future__ import annotations

import errno
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.errors import TableError  # noqa: E402
from biglittle.bench.rows import NetworkKey  # noqa: E402
from biglittle.cotrain.recipe import load_recipe  # noqa: E402
from biglittle.cotrain.teacher import Teacher, save_teacher  # noqa: E402
from biglittle.data_tables import table_recipe  # noqa: E402
from biglittle.data_tables.building import jobs  # noqa: E402
from biglittle.data_tables.building import stages as build  # noqa: E402
from biglittle.data_tables.building.evaluate import EvaluationKey, read_evaluation  # noqa: E402
from biglittle.data_tables.building.plan import Plan  # noqa: E402
from biglittle.data_tables.building.recipe import TEACHER_NAME  # noqa: E402
from biglittle.data_tables.building.site import Site  # noqa: E402

SHIPPED = table_recipe("fbnet-cifar10").folder
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


def test_networks_alone_learn_from_the_teacher_of_their_table(plan: Plan) -> None:
    """Where their recipe says so; what the teacher answers is asked once, and kept."""
    save_teacher(plan.working / TEACHER_NAME, Teacher(10, (8, 8, 8)), {})
    recipe = replace(load_recipe(SHIPPED / "standalone.toml"), teacher=0.5, images=256, batch=32)
    job, views = jobs.NetworkJob(NETWORKS[0], "standalone", recipe), plan.working / "views"
    job.run(Site(plan))
    (name,) = job.names
    assert read_evaluation(plan.networks / f"{name}.npz").key.recipe["teacher"] == 0.5
    first = {path.name: path.stat().st_mtime_ns for path in views.iterdir()}
    assert "view-000.h5" in first
    jobs.NetworkJob(NETWORKS[1], "standalone", recipe).run(Site(plan))
    assert {path.name: path.stat().st_mtime_ns for path in views.iterdir()} == first
    shutil.rmtree(views)
    untaught = jobs.NetworkJob(NETWORKS[2], "standalone", replace(recipe, teacher=0.0))
    untaught.run(Site(plan))
    assert not views.exists()


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
