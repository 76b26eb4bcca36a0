"""Exits of a table: heads on the frozen supernet, their answers as rows, and pairs with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench import Benchmark, Pair, Table  # noqa: E402
from biglittle.bench.datasets import get_dataset  # noqa: E402
from biglittle.bench.errors import CheckpointError  # noqa: E402
from biglittle.bench.rows import key_of  # noqa: E402
from biglittle.cotrain.exit_heads import ExitHeads, load_exit_heads, trunk_hash  # noqa: E402
from biglittle.cotrain.recipe import load_recipe  # noqa: E402
from biglittle.cotrain.train_exits import RECIPE  # noqa: E402
from biglittle.data_tables.building import assemble, exit_rows, exits, jobs  # noqa: E402
from biglittle.data_tables.building import stages as build  # noqa: E402
from biglittle.data_tables.building.plan import Plan, TrainedSupernet  # noqa: E402
from biglittle.data_tables.building.recipe import ExitRows  # noqa: E402
from biglittle.data_tables.building.selection import trust_exits  # noqa: E402
from biglittle.data_tables.building.site import Site  # noqa: E402
from biglittle.data_tables.evidence import trust  # noqa: E402

NAMES = ("4s", "8", "12")


@pytest.fixture
def with_exits(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The build, whose heads are trained in four steps."""
    short = dataclasses.replace(
        load_recipe(RECIPE), dataset="digits", images=64, batch=16, resolutions=((8, 1.0),)
    )
    monkeypatch.setattr(exits, "load_recipe", lambda path: short)
    monkeypatch.setattr(exits, "sequence", jobs.sequence)  # the three networks of the tiny build
    monkeypatch.setattr("biglittle.cotrain.train_exits.get_dataset", lambda name: plan.dataset)
    rows = ExitRows(latency_ms_max=1e6, names=NAMES, rows_max=7)
    return dataclasses.replace(plan, recipe=dataclasses.replace(plan.recipe, exits=rows))


def test_heads_are_trained_on_the_images_of_the_table_and_only_its_own(
    with_exits: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exits, "load_recipe", load_recipe)  # the one that ships, of CIFAR-10
    seen: list[tuple[str, str, int, tuple[str, ...]]] = []

    def train_exits(net, paths, recipe, *rest):  # type: ignore[no-untyped-def]
        ((rows, _),) = recipe.resolutions
        seen.append((recipe.dataset, recipe.space, rows, rest[-1]))
        return ExitHeads(net.space, net.n_classes, rest[-1])

    monkeypatch.setattr(exits, "train_exits", train_exits)
    monkeypatch.setattr("biglittle.cotrain.recipe.get_dataset", get_dataset)
    heads = exits.exit_heads(Site(with_exits))
    assert seen == [(with_exits.dataset.name, "fbnet", with_exits.dataset.height, NAMES)]
    assert heads.names == NAMES


def test_heads_that_learned_with_the_supernet_are_those_of_the_table(with_exits: Plan) -> None:
    learned = ExitHeads(with_exits.space, with_exits.dataset.n_classes).state_dict()
    heads = with_exits._heads({f"exit_heads.{name}": t for name, t in learned.items()})
    assert heads.names == NAMES
    for name, tensor in heads.named_parameters():
        assert torch.equal(tensor, learned[name].half().float())


def test_heads_that_learned_with_the_supernet_lie_beside_the_table(
    with_exits: Plan, tmp_path: Path
) -> None:
    trained = with_exits.supernet()
    trained.net.exit_heads = ExitHeads(with_exits.space, with_exits.dataset.n_classes, NAMES)
    beside = tmp_path / "table" / "exits.safetensors"
    beside.parent.mkdir()
    beside.write_bytes(b"heads of another trunk")
    assemble.keep_exits(with_exits, trained, beside)
    trunk = trunk_hash(trained.net.state_dict())
    assert load_exit_heads(beside, with_exits.space, trunk).names == NAMES
    first = beside.read_bytes()
    trained.net.exit_heads = ExitHeads(with_exits.space, with_exits.dataset.n_classes, NAMES)
    assemble.keep_exits(with_exits, trained, beside)
    assert beside.read_bytes() == first  # they are there


def test_exits_become_rows_that_share_the_trunk(
    with_exits: Plan, assembled: Callable[[], Path]
) -> None:
    plan, table_file = with_exits, assembled()
    before = Table(table_file)
    done = build.run_stage("exits", plan, table_file)
    assert done == "stage exits: 3 jobs, 0 of this share left"
    assert build.run_stage("extend", plan, table_file).startswith("7 rows added")  # of nine
    table = Table(table_file)
    assert np.array_equal(table.predictions("val").top1[:3], before.predictions("val").top1)
    assert Benchmark.load(table_file).architectures == before.networks["architecture"].tolist()
    little = next(str(n) for n in table.names if str(n).endswith("@12"))
    pair = Pair(little, little.partition("@")[0])
    point = Benchmark.load(table_file).query(pair, ("margin", 0.5), "raspberry-pi-4")
    assert 0 < point.latency_ms <= point.latency_worst_ms
    assert point.coupling == "prefix"
    exits_of = table.networks["exit"]
    space = table.space
    genomes = space.parse([str(a) for a in table.networks["architecture"]])
    counted = space.macs(genomes, table.n_classes, table.exits)
    assert table.networks["macs"].tolist() == counted.tolist()
    assert set(exits_of[:3]) == {""}
    assert set(exits_of[3:]) <= set(NAMES)


def test_exits_are_trained_alone_beside_whole_networks(
    with_exits: Plan, assembled: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "load_recipe", exits.load_recipe)
    table_file = assembled()
    build.run_stage("exits", with_exits, table_file)
    build.run_stage("extend", with_exits, table_file)
    before = Table(table_file)
    inherited = {str(name) for name in before.names if "@" in str(name)}
    assert exit_rows.exits_there(with_exits, table_file, Site(with_exits).origin) == inherited
    selection = dataclasses.replace(
        with_exits.recipe.selection, finetuned=1, standalone=0, standalone_exits=2
    )
    plan = dataclasses.replace(
        with_exits, recipe=dataclasses.replace(with_exits.recipe, selection=selection)
    )
    chosen = trust_exits(plan.recipe, plan.space, inherited)
    assert len({*chosen} & inherited) == 2
    exits.exit_heads(Site(plan))
    (plan.working / "exits.json").unlink()  # the rows of the table say as much
    build.run_stage("trust", plan, table_file)
    build.run_stage("extend", plan, table_file)
    table = Table(table_file)
    rows = table.rows("standalone", exits=True)
    cut = {key_of(table.networks, int(row))[0].name for row in rows if table.networks["exit"][row]}
    assert cut == {*chosen}
    assert {*chosen} <= {*trust.twins(table, "standalone").architecture}


def test_one_pass_says_what_each_exit_says_alone(
    with_exits: Plan, assembled: Callable[[], Path]
) -> None:
    plan, table_file = with_exits, assembled()
    build.run_stage("exits", plan, table_file, limit=1)
    site = jobs.Site(plan)
    name = next(path.stem for path in plan.networks.glob("*@12-*")).split("-")[1]
    from biglittle.bench.networks import weights_hash
    from biglittle.data_tables.building.evaluate import read_evaluation

    net = site.supernet.net
    net.exit_heads = exits.exit_heads(site)
    alone = site.evaluator.inherited(net, name)
    together = read_evaluation(plan.networks / f"inherited-{name}-s0.npz")
    assert weights_hash(alone) == together.weights_sha256
    answers = site.evaluator.answers(alone)
    for split, given in together.answers.items():
        same = np.mean([(given[key] == answers[split][key]).mean() for key in given])
        assert same > 0.99  # a graph with other outputs may be rounded otherwise


def test_heads_of_another_trunk_are_refused(with_exits: Plan, table_file: Path) -> None:
    plan = with_exits
    site = jobs.Site(plan)
    exits.exit_heads(site)
    path = plan.working / "exits.safetensors"
    net = site.supernet.net
    assert load_exit_heads(path, plan.space, trunk_hash(net.state_dict())).names
    with pytest.raises(CheckpointError, match=r"another|trained on a trunk.*--stage exits"):
        load_exit_heads(path, plan.space, "f" * 64)
    assert TrainedSupernet(net).sha256 == site.origin
    net.exit_heads = load_exit_heads(path, plan.space, trunk_hash(net.state_dict()))
    assert TrainedSupernet(net).sha256 == site.origin  # heads are not part of the supernet's hash
