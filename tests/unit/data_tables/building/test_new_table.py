"""A new table is a recipe that building takes as it is; nothing that builds or judges names one."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("torch")

import biglittle.data_tables
from biglittle.bench.device import SHIPPED, shipped_devices
from biglittle.bench.errors import BigLittleError
from biglittle.bench.spaces import SearchSpace, get_space
from biglittle.cotrain.schedule import load_schedule
from biglittle.data_tables import buildable_tables, table_recipe
from biglittle.data_tables.building.assemble import devices_of
from biglittle.data_tables.building.design import describe
from biglittle.data_tables.building.new_table import new_table
from biglittle.data_tables.flagship import RECIPE

FOLDER = Path(biglittle.data_tables.__file__).parent


def loaded(folder: Path) -> ModuleType:
    """The ``recipe.py`` of a folder, as if it were of the package."""
    name = f"biglittle.data_tables.{folder.name}.recipe"
    spec = importlib.util.spec_from_file_location(name, folder / "recipe.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_the_recipe_is_one_that_building_takes(tmp_path: Path) -> None:
    made = new_table("fbnet-fashion", "fbnet", "fashion_mnist", RECIPE, tmp_path, networks=160)
    recipe = loaded(made.folder).RECIPE
    assert (recipe.name, recipe.folder) == ("fbnet-fashion", tmp_path / "fbnet_fashion")
    assert abs(sum(recipe.design.quotas) - 160) <= 5
    assert recipe.exits.names == RECIPE.exits.names
    schedule = load_schedule(recipe.schedule)
    assert (schedule.space, schedule.dataset) == ("fbnet", "fashion_mnist")
    assert len(schedule.phases) == len(load_schedule(RECIPE.schedule).phases)
    for path in (recipe.pairs, *recipe.trust.values()):
        assert 'dataset = "fashion_mnist"' in path.read_text()
    assert "raspberry-pi-4 (ms)" in describe(
        recipe.design, get_space("fbnet"), schedule.trained_choices
    )
    assert len((made.folder / "recipe.py").read_text().splitlines()) <= 100


def test_it_says_the_five_commands_that_follow(tmp_path: Path) -> None:
    lines = new_table("fbnet-x", "fbnet", "svhn", RECIPE, tmp_path).text()
    commands = [line.strip() for line in lines if line.startswith("  ")]
    assert [c.split()[1:3] for c in commands] == [
        ["data", "fetch"],
        *(["table", verb] for verb in ("design", "build", "verify", "pack")),
    ]
    assert '"biglittle.data_tables.fbnet_x"' in " ".join(lines)


def test_fewer_epochs_are_shared_out(tmp_path: Path) -> None:
    made = new_table("fbnet-x", "fbnet", "cifar100", RECIPE, tmp_path, epochs=10)
    schedule = load_schedule(loaded(made.folder).RECIPE.schedule)
    counts = [len(phase.resolutions) for phase in schedule.phases]
    assert min(counts) >= 1
    assert 8 <= sum(counts) <= 12
    assert schedule.phases[-1].resolutions[-1] == 32
    for epochs in (1, 1000):
        with pytest.raises(BigLittleError, match=f"--epochs {epochs} is not usable.*expected"):
            new_table("fbnet-y", "fbnet", "cifar100", RECIPE, tmp_path, epochs=epochs)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"name": "Fbnet"}, "cannot be the name of a table"),
        ({"name": "../x"}, "cannot be the name of a table"),
        (
            {"dataset": "cifar"},
            r"unknown data set 'cifar'.*biglittle data import FOLDER --name NAME",
        ),
        ({"dataset": "visual_wake_words"}, "write space fbnet-96"),
        (
            {"space": "fbnet-96", "dataset": "visual_wake_words"},
            "biglittle profile --space fbnet-96",
        ),
        ({"space": "nb201"}, "has other blocks than fbnet"),
        ({"device": "raspberry-pi-9"}, "raspberry-pi"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path: Path, changes: dict[str, str], text: str) -> None:
    given = {"name": "x", "space": "fbnet", "dataset": "cifar10", "device": None, **changes}
    with pytest.raises(BigLittleError, match=text):
        new_table(
            given["name"], given["space"], given["dataset"], RECIPE, tmp_path, given["device"]
        )
    assert list(tmp_path.iterdir()) == []


def made_up_profile(path: Path, space: SearchSpace) -> Path:
    """The file of a profile of blocks whose latency goes with their MACs."""
    choices = range(len(space.choices))
    blocks = [
        [
            0.01 + 1e-8 * sum(op.macs for op in space.build_layer(layer, choice))
            for choice in choices
        ]
        for layer in space.layers
    ]
    profile = json.loads((SHIPPED / "raspberry-pi-4.json").read_text())
    changes = {
        "device": "made-up",
        "space": space.name,
        "space_hash": space.hash,
        "block_table": {"constant_ms": 0.1, "latency_ms": blocks},
    }
    path.write_text(json.dumps({**profile, **changes}))
    return path


def test_a_table_at_another_size_has_the_devices_of_its_space(tmp_path: Path) -> None:
    space = get_space("fbnet-96")
    device = made_up_profile(tmp_path / "made-up.json", space)
    made = new_table("vww", "fbnet-96", "visual_wake_words", RECIPE, tmp_path, str(device))
    recipe = loaded(made.folder).RECIPE
    assert (recipe.design.n_classes, recipe.design.device) == (2, str(device))
    assert load_schedule(recipe.schedule).phases[-1].resolutions[-1] == 96
    assert devices_of(recipe.design, space) == {"made-up": str(device)}
    assert set(devices_of(RECIPE.design, get_space("fbnet"))) == set(shipped_devices())


def test_a_folder_that_is_there_is_left(tmp_path: Path) -> None:
    new_table("fbnet-x", "fbnet", "cifar10", RECIPE, tmp_path)
    with pytest.raises(BigLittleError, match="is there already"):
        new_table("fbnet-x", "fbnet", "cifar10", RECIPE, tmp_path)


def test_no_file_that_builds_or_judges_names_a_table() -> None:
    assert table_recipe(RECIPE.name) is RECIPE
    named = [form for name in buildable_tables() for form in (name, name.replace("-", "_"))]
    files = [*FOLDER.glob("building/**/*.py"), *FOLDER.glob("evidence/**/*.py")]
    assert len(files) > 60
    naming = {p.name for p in files if any(name in p.read_text("utf-8") for name in named)}
    assert naming == set()
