"""A build of three tiny networks on scikit-learn's digits, with a supernet of one short epoch."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import biglittle.data_tables
from biglittle.bench.datasets import Dataset
from biglittle.data_tables.building.recipe import Design, EvaluationTime, TableRecipe

SHIPPED = Path(biglittle.data_tables.__file__).parent / "fbnet_cifar10"
NETWORKS = ["8" * 22, "0" + "8" * 21, "8" * 21 + "0"]
SCHEDULE = """
space = "fbnet"
dataset = "cifar10"
anchor = "k3_e1"
batch = 16
momentum = 0.9
weight_decay = 5e-4
label_smoothing = 0.1
distillation = 0.5
clip_norm = 5.0
seed = 0
[[phases]]
name = "anchor"
resolutions = [8]
peak_lr = 0.05
end_lr = 0.0
warmup_steps = 1
"""


def few_digits(digits: Dataset) -> Dataset:
    """The digits, but only 240 to train on, 60 of val and 100 of test."""

    def read(folder: Path) -> dict[str, np.ndarray]:
        arrays = digits.read(folder)
        return {k: a[:300] if k.endswith("train") else a[:100] for k, a in arrays.items()}

    return dataclasses.replace(digits, n_val=60, read=read)


def tiny_recipe(folder: Path) -> TableRecipe:
    """A second table: another name, device and quotas, and no earlier design."""
    seconds = EvaluationTime(400, 1e-3, 1e-11)
    design = Design("raspberry-pi-5", 10, (3, 2), 2, folder / "fronts.json", seconds, pool=500)
    files = {"schedule_name": "tiny.toml", "pairs_name": str(SHIPPED / "pairs.toml")}
    return TableRecipe("tiny-digits", folder, design, **files)


@pytest.fixture(scope="session")
def few(digits: Dataset) -> Dataset:
    """The digits, but only 240 to train on, 60 of val and 100 of test."""
    return few_digits(digits)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, few: Dataset) -> None:
    """The build's data set is the digits, its design three networks."""
    pytest.importorskip("torch")
    from biglittle.data_tables.building import assemble, jobs

    for module in ("train_supernet", "train_network", "train_pair", "recipe"):
        monkeypatch.setattr(f"biglittle.cotrain.{module}.get_dataset", lambda _: few)
    for user in (assemble, jobs):
        monkeypatch.setattr(user, "sequence", lambda *_: NETWORKS)


@pytest.fixture(scope="session")
def supernet_file(tmp_path_factory: pytest.TempPathFactory, few: Dataset) -> Path:
    """A folder with the checkpoint of a trained supernet, and its schedule."""
    pytest.importorskip("torch")
    from biglittle.cotrain import train_supernet
    from biglittle.cotrain.schedule import load_schedule

    folder = tmp_path_factory.mktemp("supernet")
    (folder / "tiny.toml").write_text(SCHEDULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_supernet, "get_dataset", lambda _: few)
        run = train_supernet.SupernetRun(
            load_schedule(folder / "tiny.toml"), folder, few.load(folder)
        )
        run.train(validate=0)
    return folder


@pytest.fixture
def plan(  # type: ignore[no-untyped-def]
    tmp_path: Path,
    tiny: None,
    supernet_file: Path,
    few: Dataset,
    monkeypatch: pytest.MonkeyPatch,
):
    """The build, its supernet trained and nothing evaluated."""
    from biglittle.cotrain.schedule import load_schedule
    from biglittle.data_tables.building.plan import Plan

    (tmp_path / "supernet.h5").write_bytes((supernet_file / "supernet.h5").read_bytes())
    plan = Plan(
        tiny_recipe(tmp_path), tmp_path, load_schedule(supernet_file / "tiny.toml"), few, tmp_path
    )
    trained = plan.supernet()  # read once: that is most of what a stage takes here
    monkeypatch.setattr(Plan, "supernet", lambda _: trained)
    return plan


@pytest.fixture
def table_file(plan) -> Path:  # type: ignore[no-untyped-def]
    """Where the build's table goes; nothing is there yet."""
    file: Path = plan.working / "table.h5"
    return file


@pytest.fixture(scope="session")
def assembled_folder(
    tmp_path_factory: pytest.TempPathFactory, supernet_file: Path, few: Dataset
) -> Callable[[int], Path]:
    """Makes the folder of a build some of whose networks are evaluated and a table; each once."""
    from biglittle.cotrain.schedule import load_schedule
    from biglittle.data_tables.building import assemble, jobs
    from biglittle.data_tables.building import stages as build
    from biglittle.data_tables.building.plan import Plan

    @cache
    def folder(n_networks: int) -> Path:
        target = tmp_path_factory.mktemp("assembled")
        (target / "supernet.h5").write_bytes((supernet_file / "supernet.h5").read_bytes())
        schedule = load_schedule(supernet_file / "tiny.toml")
        plan = Plan(tiny_recipe(target), target, schedule, few, target)
        trained = plan.supernet()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Plan, "supernet", lambda _: trained)
            for user in (assemble, jobs):
                patch.setattr(user, "sequence", lambda *_: NETWORKS)
            build.run_stage("evaluate", plan, target / "table.h5", limit=n_networks)
            build.run_stage("assemble", plan, target / "table.h5")
        return target

    return folder


@pytest.fixture
def assembled(plan, assembled_folder: Callable[[int], Path]) -> Callable[[int], Path]:  # type: ignore[no-untyped-def]
    """Puts evaluations of the first networks, and their table, into the build; gives its file."""

    def copied(n_networks: int = len(NETWORKS)) -> Path:
        shutil.copytree(assembled_folder(n_networks), plan.working, dirs_exist_ok=True)
        file: Path = plan.working / "table.h5"
        return file

    return copied
