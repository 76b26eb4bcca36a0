"""What a build is of: the supernet of its folder, or what ships of one."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.errors import CheckpointError  # noqa: E402
from biglittle.bench.networks import weights_hash  # noqa: E402
from biglittle.cotrain.schedule import load_schedule  # noqa: E402
from biglittle.data_tables import table_recipe  # noqa: E402
from biglittle.data_tables.building import assemble, jobs  # noqa: E402
from biglittle.data_tables.building.plan import Plan, TrainedSupernet  # noqa: E402
from biglittle.data_tables.building.stage_names import stages_to_build  # noqa: E402
from biglittle.data_tables.fbnet_cifar10.recipe import RECIPE as SHIPPED  # noqa: E402

NETWORKS = ["8" * 22, "0" + "8" * 21, "8" * 21 + "0"]


def test_what_ships_of_a_supernet_gives_the_same_networks(plan: Plan) -> None:
    trained, site = plan.supernet(), jobs.Site(plan)
    kept_file = plan.working / "kept.safetensors"
    assemble.keep_weights(plan, trained, kept_file)
    kept = TrainedSupernet.kept(kept_file)
    assert kept.sha256 == trained.sha256
    one = site.evaluator.inherited(trained.net, NETWORKS[1])
    other = site.evaluator.inherited(kept.net, NETWORKS[1])
    assert weights_hash(one) == weights_hash(other)


def test_a_folder_without_a_supernet_says_what_to_do(tmp_path: Path) -> None:
    longer = table_recipe(SHIPPED.name, SHIPPED.folder / "supernet_longer.toml")
    with pytest.raises(CheckpointError, match=r"no trained supernet .*--stage train"):
        Plan.load(longer, tmp_path).supernet()  # what ships was not trained as long
    assert stages_to_build("train") == ("train",)


def test_without_a_checkpoint_the_weights_that_ship_are_taken(tmp_path: Path) -> None:
    trained = Plan.load(SHIPPED, tmp_path).supernet()
    assert trained.sha256 == TrainedSupernet.kept(SHIPPED.weights).sha256
    assert trained.net.exit_heads is not None


def test_another_schedule_takes_the_place_of_the_recipes() -> None:
    """The next supernet goes on from the one that ships: its first phases are the same."""
    longer = SHIPPED.folder / "supernet_longer.toml"
    recipe = table_recipe(SHIPPED.name, longer)
    assert recipe.schedule == longer.resolve()
    assert table_recipe(SHIPPED.name).schedule == SHIPPED.schedule
    longer, shipped = load_schedule(longer), load_schedule(SHIPPED.schedule)
    assert longer.continues(shipped)
    assert any(phase.teacher > 0 for phase in longer.phases)
