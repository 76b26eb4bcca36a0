"""The build on a tiny data set: resumed, extended, and never a half-written table."""

from __future__ import annotations

import dataclasses
import errno
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench import Benchmark, Pair, Table  # noqa: E402
from biglittle.bench.errors import CheckpointError, TableError, UnknownNameError  # noqa: E402
from biglittle.bench.networks import weights_hash  # noqa: E402
from biglittle.bench.rows import NetworkKey  # noqa: E402
from biglittle.cotrain.recipe import Recipe  # noqa: E402
from biglittle.data_tables.building import assemble, jobs  # noqa: E402
from biglittle.data_tables.building import stages as build  # noqa: E402
from biglittle.data_tables.building.evaluate import EvaluationKey, NetworkEvaluator, read_evaluation  # noqa: E402
from biglittle.data_tables.building.plan import Plan, TrainedSupernet  # noqa: E402
from biglittle.data_tables.building.selection import ChosenPair  # noqa: E402
from biglittle.data_tables.fbnet_cifar10.recipe import RECIPE as SHIPPED  # noqa: E402

NETWORKS = ["8" * 22, "0" + "8" * 21, "8" * 21 + "0"]
RECIPE = Recipe(
    space="fbnet",
    dataset="digits",
    images=64,
    batch=16,
    peak_lr=0.02,
    end_lr=0.0,
    warmup_share=0.1,
    momentum=0.9,
    weight_decay=5e-4,
    label_smoothing=0.1,
    clip_norm=5.0,
    resolutions=((8, 1.0),),
)


@pytest.fixture
def table(plan: Plan) -> Path:
    return plan.working / "table.h5"


def _same_rows(before: Table, after: Table) -> None:
    n = len(before)
    for name, column in before.networks.items():
        assert after.networks[name][:n].tolist() == column.tolist()
    for split in ("val", "test"):
        old, new = before.predictions(split), after.predictions(split)
        assert np.array_equal(new.top1[:n], old.top1)
        for metric, codes in old.codes.items():
            assert np.array_equal(new.codes[metric][:n], codes)


def test_build_resumes_and_its_table_says_what_the_networks_said(
    plan: Plan, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate, seen = NetworkEvaluator.evaluate, []

    def interrupted(self: NetworkEvaluator, network, key: EvaluationKey, folder: Path) -> float:  # type: ignore[no-untyped-def]
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(key.network.architecture)
        return evaluate(self, network, key, folder)

    with pytest.raises(TableError, match="--stage evaluate"):
        build.run_stage("assemble", plan, table)
    monkeypatch.setattr(NetworkEvaluator, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build.run_stage("evaluate", plan, table)
    monkeypatch.undo()
    assert seen == NETWORKS[:2]  # in the order of the design
    assert not table.exists()


def test_a_table_holds_what_was_evaluated_and_grows(plan: Plan, table: Path) -> None:
    said = build.run_stage("evaluate", plan, table, limit=2)
    assert said == "stage evaluate: 3 jobs, 1 of this share left"
    build.run_stage("assemble", plan, table)
    first = Table(table)
    assert Benchmark.load(table).architectures == NETWORKS[:2]
    assert first.training["supernet_sha256"] == plan.supernet().sha256
    assert (plan.working / "supernet.safetensors").exists()
    assert build.run_stage("extend", plan, table).startswith("0 rows added")
    assert build.run_stage("evaluate", plan, table).endswith(" 0 of this share left")
    assert build.run_stage("extend", plan, table).startswith("1 rows added")
    whole = Table(table)
    assert [str(a) for a in whole.networks["architecture"]] == NETWORKS
    _same_rows(first, whole)
    build.run_stage("assemble", plan, table)  # anew: the same rows
    _same_rows(whole, Table(table))


def test_what_ships_of_a_supernet_gives_the_same_networks(plan: Plan) -> None:
    trained, site = plan.supernet(), jobs.Site(plan)
    kept_file = plan.working / "kept.safetensors"
    assemble.keep_weights(plan, trained, kept_file)
    kept = TrainedSupernet.kept(kept_file)
    assert kept.sha256 == trained.sha256
    one = site.evaluator.inherited(trained.net, NETWORKS[1])
    other = site.evaluator.inherited(kept.net, NETWORKS[1])
    assert weights_hash(one) == weights_hash(other)


def test_networks_of_other_weights_are_neither_used_nor_mixed(plan: Plan, table: Path) -> None:
    build.run_stage("evaluate", plan, table)
    build.run_stage("assemble", plan, table)
    path = plan.networks / f"inherited-{NETWORKS[1]}-s0.npz"
    evaluation = read_evaluation(path)
    from biglittle.data_tables.building.evaluate import write_evaluation

    other = dataclasses.replace(evaluation.key, origin="f" * 64)
    write_evaluation(path, dataclasses.replace(evaluation, key=other))
    assert len(assemble.evaluations(plan, plan.supernet().sha256)) == 2
    assert jobs.is_done(plan, jobs.InheritedJob(NETWORKS[0]), plan.supernet().sha256)
    assert not jobs.is_done(plan, jobs.InheritedJob(NETWORKS[1]), plan.supernet().sha256)
    before = Table(table).contents()
    foreign = {**before.training, "supernet_sha256": "f" * 64}
    from biglittle.bench.table_writer import write_table

    write_table(table, dataclasses.replace(before, training=foreign), "1", "d")
    with pytest.raises(CheckpointError, match="other supernet weights"):
        build.run_stage("extend", plan, table)


def test_trained_networks_and_pairs_become_rows(plan: Plan, table: Path) -> None:
    build.run_stage("evaluate", plan, table)
    build.run_stage("assemble", plan, table)
    first, site = Table(table), jobs.Site(plan)
    trust = [
        jobs.NetworkJob(NETWORKS[1], "finetuned", RECIPE),
        jobs.NetworkJob(NETWORKS[1], "standalone", RECIPE),
    ]
    pairs = jobs.pair_jobs(plan.recipe, [ChosenPair(NETWORKS[0], NETWORKS[2], "front", (0, 1))])
    short = [dataclasses.replace(j, recipe=RECIPE) for j in pairs]  # type: ignore[type-var]
    assert [(j.methods, j.seed) for j in short] == [
        (m, s) for s in (0, 1) for m in (("independent", "distilled"), ("joint",))
    ]
    assert jobs.run_jobs(site, [*trust, *short]) == 0  # type: ignore[list-item]
    assert build.run_stage("extend", plan, table).startswith("14 rows added")
    whole = Table(table)
    _same_rows(first, whole)
    assert len(whole.cotrained()) == 6
    little, big = whole.pair_rows(Pair(NETWORKS[0], NETWORKS[2], "joint", seed=1))
    assert whole.networks["images"][[little, big]].tolist() == [64, 64]
    tuned = whole.network_row(NETWORKS[1], "finetuned")
    assert whole.networks["images"][tuned] == 64
    assert whole.networks["weights_sha256"][tuned] != whole.networks["weights_sha256"][1]
    recipe = whole.training["recipes"]["joint"]
    assert [r["images"] for r in recipe] == [64]
    path = plan.networks / f"{short[0].names[1]}.npz"
    path.unlink()  # half a pair is no pair; its job trains no more, it only evaluates
    build.run_stage("assemble", plan, table)
    assert len(Table(table).cotrained()) == 5
    assert jobs.run_jobs(site, [*trust, *short]) == 0  # type: ignore[list-item]
    build.run_stage("extend", plan, table)
    assert len(Table(table).cotrained()) == 6


def test_shards_share_the_jobs(plan: Plan, table: Path) -> None:
    for part in (0, 1):
        build.run_stage("evaluate", plan, table, shard=(part, 2))
    names = {f"inherited-{a}-s0.npz" for a in NETWORKS}
    assert {p.name for p in plan.networks.iterdir()} == names
    with pytest.raises(TableError, match="shard 2/2"):
        build.run_stage("evaluate", plan, table, shard=(2, 2))
    with pytest.raises(UnknownNameError, match="stage"):
        build.run_stage("bake", plan, table)


def test_a_damaged_evaluation_is_made_again(plan: Plan, table: Path) -> None:
    build.run_stage("evaluate", plan, table, limit=1)
    path = plan.networks / f"inherited-{NETWORKS[0]}-s0.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match="cannot be read as the evaluation of a network"):
        read_evaluation(path)
    build.run_stage("evaluate", plan, table, limit=1)
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


def test_a_folder_without_a_supernet_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no trained supernet .*--stage supernet"):
        Plan.load(SHIPPED, tmp_path).supernet()
