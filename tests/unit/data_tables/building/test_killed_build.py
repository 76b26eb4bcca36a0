"""A build that is killed with SIGKILL in the middle: what is left, and what it becomes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")

from biglittle.bench import Table
from biglittle.data_tables.building import stages as build
from biglittle.data_tables.building.plan import Plan

# For every line "stage name" it runs the stage in a process of its own, which stands still just
# before the file of that name takes its place; the line it answers with is the process's id. It
# imports once, and computes nothing itself, so that there are no threads when it forks.
SCRIPT = """
import importlib.util, os, sys, time
from pathlib import Path
working, *conftests, schedule = sys.argv[1:]
def loaded(path):
    spec = importlib.util.spec_from_file_location("conftest", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
everywhere, shared = map(loaded, conftests)
from biglittle.bench import files
from biglittle.cotrain.schedule import load_schedule
from biglittle.data_tables.building import assemble, jobs
from biglittle.data_tables.building import stages as build
from biglittle.data_tables.building.plan import Plan
for user in (assemble, jobs):
    user.sequence = lambda *_: shared.NETWORKS
def run(stage, name):
    rename = files.os.replace
    def slow(source, target):
        if Path(target).name == name:
            print("reached", flush=True)
            time.sleep(600)
        rename(source, target)
    files.os.replace = slow
    folder = Path(working)
    recipe, images = shared.tiny_recipe(folder), shared.few_digits(everywhere.digits_dataset())
    plan = Plan(recipe, folder, load_schedule(Path(schedule)), images, folder)
    build.run_stage(stage, plan, folder / "table.h5")
for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            run(*line.split())
        finally:
            os._exit(1)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("over", flush=True)
"""
Kill = Callable[[str, str], None]


@pytest.fixture
def kill_at(plan: Plan, supernet_file: Path) -> Iterator[Kill]:
    """Runs a stage in another process and kills it where a file takes its place."""
    here, schedule = Path(__file__), supernet_file / "tiny.toml"
    conftests = [str(here.parents[up] / "conftest.py") for up in (3, 1)]
    server = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(plan.working), *conftests, str(schedule)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None

    def kill(stage: str, name: str) -> None:
        print(stage, name, file=server.stdin, flush=True)
        words = {server.stdout.readline().strip() for _ in range(2)}  # in any order
        assert "reached" in words, "the stage ended before the file was there"
        (child,) = words - {"reached"}
        os.kill(int(child), signal.SIGKILL)
        assert server.stdout.readline() == "over\n"

    yield kill
    server.kill()
    server.communicate()


def test_a_kill_at_any_moment_leaves_the_old_table_and_loses_no_network(
    plan: Plan, kill_at: Kill
) -> None:
    table = plan.working / "table.h5"
    second = f"inherited-{'0' + '8' * 21}-s0.npz"
    kill_at("evaluate", second)
    assert [p.name for p in plan.networks.glob("*.npz")] == [f"inherited-{'8' * 22}-s0.npz"]
    first = (plan.networks / f"inherited-{'8' * 22}-s0.npz").stat().st_mtime_ns
    build.run_stage("evaluate", plan, table, limit=1)
    assert (plan.networks / f"inherited-{'8' * 22}-s0.npz").stat().st_mtime_ns == first
    assert (plan.networks / second).exists()

    kill_at("assemble", "table.h5")
    assert not table.exists()
    build.run_stage("assemble", plan, table)
    before = table.read_bytes()

    build.run_stage("evaluate", plan, table)
    kill_at("extend", "table.h5")
    assert table.read_bytes() == before
    assert len(Table(table)) == 2
    build.run_stage("extend", plan, table)
    resumed = Table(table)
    assert len(resumed) == 3

    build.run_stage("assemble", plan, table)
    assert Table(table).networks["weights_sha256"].tolist() == (
        resumed.networks["weights_sha256"].tolist()
    )
