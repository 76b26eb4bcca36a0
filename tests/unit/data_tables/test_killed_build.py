"""A build that is killed with SIGKILL in the middle: what is left, and what it becomes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")

from biglittle.bench import Table
from biglittle.data_tables.fbnet_cifar10 import build
from biglittle.data_tables.fbnet_cifar10.plan import Plan

# Runs one stage, and stands still just before the file of the given name takes its place.
SCRIPT = """
import importlib.util, sys, time
from pathlib import Path
working, stage, name, conftest, schedule = sys.argv[1:]
spec = importlib.util.spec_from_file_location("conftest", conftest)
shared = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shared)
from biglittle.bench import files
from biglittle.cotrain.schedule import load_schedule
from biglittle.data_tables.fbnet_cifar10 import assemble, build, jobs
from biglittle.data_tables.fbnet_cifar10.plan import Plan
for user in (assemble, jobs):
    user.sequence = lambda *_: shared.NETWORKS
rename = files.os.replace
def slow(source, target):
    if Path(target).name == name:
        Path(working, "marker").touch()
        time.sleep(600)
    rename(source, target)
files.os.replace = slow
folder = Path(working)
plan = Plan(folder, load_schedule(Path(schedule)), shared.few_digits(), folder)
build.run_stage(stage, plan, folder / "table.h5")
"""


def _kill_at(plan: Plan, stage: str, name: str, schedule: Path) -> None:
    marker = plan.working / "marker"
    marker.unlink(missing_ok=True)
    conftest = Path(__file__).with_name("conftest.py")
    arguments = [str(plan.working), stage, name, str(conftest), str(schedule)]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments])
    try:
        for _ in range(1200):
            if marker.exists() or process.poll() is not None:
                break
            time.sleep(0.1)
        assert marker.exists(), "the stage ended or hung before the file was there"
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()


def test_a_kill_at_any_moment_leaves_the_old_table_and_loses_no_network(
    plan: Plan, supernet_file: Path
) -> None:
    table, schedule = plan.working / "table.h5", supernet_file / "tiny.toml"
    second = f"inherited-{'0' + '8' * 21}-s0.npz"
    _kill_at(plan, "evaluate", second, schedule)
    assert [p.name for p in plan.networks.glob("*.npz")] == [f"inherited-{'8' * 22}-s0.npz"]
    first = (plan.networks / f"inherited-{'8' * 22}-s0.npz").stat().st_mtime_ns
    build.run_stage("evaluate", plan, table, limit=1)
    assert (plan.networks / f"inherited-{'8' * 22}-s0.npz").stat().st_mtime_ns == first
    assert (plan.networks / second).exists()

    _kill_at(plan, "assemble", "table.h5", schedule)
    assert not table.exists()
    build.run_stage("assemble", plan, table)
    before = table.read_bytes()

    build.run_stage("evaluate", plan, table)
    _kill_at(plan, "extend", "table.h5", schedule)
    assert table.read_bytes() == before
    assert len(Table(table)) == 2
    build.run_stage("extend", plan, table)
    resumed = Table(table)
    assert len(resumed) == 3

    build.run_stage("assemble", plan, table)
    assert Table(table).networks["weights_sha256"].tolist() == (
        resumed.networks["weights_sha256"].tolist()
    )
