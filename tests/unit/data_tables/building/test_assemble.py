"""The table of what was evaluated: written, extended, and of one supernet alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench import Benchmark, Pair, Table  # noqa: E402
from biglittle.bench.errors import CheckpointError, TableError, UnknownNameError  # noqa: E402
from biglittle.bench.rows import NetworkKey, of_earlier_supernet  # noqa: E402
from biglittle.bench.table_writer import write_table  # noqa: E402
from biglittle.cotrain.recipe import FINE_TUNE, load_recipe  # noqa: E402
from biglittle.data_tables.building import assemble, jobs  # noqa: E402
from biglittle.data_tables.building import stages as build  # noqa: E402
from biglittle.data_tables.building.evaluate import (  # noqa: E402
    Evaluation,
    EvaluationKey,
    read_evaluation,
    write_evaluation,
)
from biglittle.data_tables.building.plan import Plan  # noqa: E402
from biglittle.data_tables.building.selection import ChosenPair  # noqa: E402

NETWORKS = ["8" * 22, "0" + "8" * 21, "8" * 21 + "0"]
RECIPE = dataclasses.replace(
    load_recipe(FINE_TUNE), dataset="digits", images=64, batch=16, resolutions=((8, 1.0),)
)


def _same_rows(before: Table, after: Table) -> None:
    n = len(before)
    for name, column in before.networks.items():
        assert after.networks[name][:n].tolist() == column.tolist()
    for split in ("val", "test"):
        old, new = before.predictions(split), after.predictions(split)
        assert np.array_equal(new.top1[:n], old.top1)
        for metric, codes in old.codes.items():
            assert np.array_equal(new.codes[metric][:n], codes)


def test_a_table_holds_what_was_evaluated_and_grows(plan: Plan, table_file: Path) -> None:
    said = build.run_stage("evaluate", plan, table_file, limit=2)
    assert said == "stage evaluate: 3 jobs, 1 of this share left"
    build.run_stage("assemble", plan, table_file)
    first = Table(table_file)
    assert Benchmark.load(table_file).architectures == NETWORKS[:2]
    assert first.training["supernet_sha256"] == plan.supernet().sha256
    assert (plan.working / "supernet.safetensors").exists()
    assert build.run_stage("extend", plan, table_file).startswith("0 rows added")
    assert build.run_stage("evaluate", plan, table_file).endswith(" 0 of this share left")
    assert build.run_stage("extend", plan, table_file).startswith("1 rows added")
    whole = Table(table_file)
    assert [str(a) for a in whole.networks["architecture"]] == NETWORKS
    _same_rows(first, whole)
    build.run_stage("assemble", plan, table_file)  # anew: the same rows
    _same_rows(whole, Table(table_file))


def test_a_table_holds_the_metrics_that_its_recipe_names(plan: Plan, table_file: Path) -> None:
    build.run_stage("evaluate", plan, table_file)
    some = dataclasses.replace(plan.recipe, metrics=("margin", "max_prob"))
    build.run_stage("assemble", dataclasses.replace(plan, recipe=some), table_file)
    table = Table(table_file)
    assert list(table.predictions("val").codes) == ["margin", "max_prob"]
    points = Benchmark.load(table_file).front("raspberry-pi-4").points
    assert {point.gate for point in points} <= {"margin", "max_prob"}
    for names, error, text in (
        (("margins",), UnknownNameError, "Did you mean 'margin'"),
        (("margin",), TableError, "expected max_prob among them"),
    ):
        wrong = dataclasses.replace(plan.recipe, metrics=names)
        with pytest.raises(error, match=text):
            build.run_stage("assemble", dataclasses.replace(plan, recipe=wrong), table_file)


def test_a_stage_that_extends_makes_no_row_again(plan: Plan, tmp_path: Path) -> None:
    shared, own = tmp_path / "shared.h5", tmp_path / "own.h5"
    build.run_stage("evaluate", plan, shared, limit=2)
    build.run_stage("assemble", plan, shared)
    for path in plan.networks.glob("*.npz"):  # a working folder of somebody else
        path.unlink()
    line = build.run_stage("evaluate", plan, shared, present=shared)
    assert line == "stage evaluate: 1 jobs, 0 of this share left"
    assert [p.name for p in plan.networks.glob("*.npz")] == [f"inherited-{NETWORKS[2]}-s0.npz"]
    line = build.run_stage("evaluate", plan, own, present=own)  # no table is there yet
    assert line == "stage evaluate: 3 jobs, 0 of this share left"
    every = jobs.inherited_jobs(plan)
    assert jobs.jobs_besides(every, shared, "f" * 64) == every  # of other supernet weights


def test_networks_of_other_weights_are_neither_used_nor_mixed(
    plan: Plan, assembled: Callable[[], Path]
) -> None:
    table_file = assembled()
    path = plan.networks / f"inherited-{NETWORKS[1]}-s0.npz"
    evaluation = read_evaluation(path)
    other = dataclasses.replace(evaluation.key, origin="f" * 64)
    write_evaluation(path, dataclasses.replace(evaluation, key=other))
    assert len(assemble.evaluations(plan, plan.supernet().sha256)) == 2
    assert jobs.is_done(plan, jobs.InheritedJob(NETWORKS[0]), plan.supernet().sha256)
    assert not jobs.is_done(plan, jobs.InheritedJob(NETWORKS[1]), plan.supernet().sha256)
    before = Table(table_file).contents()
    foreign = {**before.training, "supernet_sha256": "f" * 64}
    write_table(table_file, dataclasses.replace(before, training=foreign), "1", "d")
    with pytest.raises(CheckpointError, match="other supernet weights"):
        build.run_stage("extend", plan, table_file)


def test_trained_networks_and_pairs_become_rows(plan: Plan, assembled: Callable[[], Path]) -> None:
    table_file = assembled()
    first, site = Table(table_file), jobs.Site(plan)
    trust = [
        jobs.NetworkJob(NETWORKS[1], "finetuned", RECIPE),
        jobs.NetworkJob(NETWORKS[1], "standalone", RECIPE),
    ]
    pairs = jobs.pair_jobs(plan.recipe, [ChosenPair(NETWORKS[0], NETWORKS[2], "front", (0, 1))])
    short = [dataclasses.replace(j, recipe=RECIPE) for j in pairs]  # type: ignore[type-var]
    assert [(j.methods, j.seed) for j in short] == [
        (m, s) for s in (0, 1) for m in (("independent", "distilled"), ("gated",))
    ]
    assert jobs.run_jobs(site, [*trust, *short]) == 0  # type: ignore[list-item]
    assert build.run_stage("extend", plan, table_file).startswith("14 rows added")
    whole = Table(table_file)
    _same_rows(first, whole)
    assert len(whole.cotrained()) == 6
    little, big = whole.pair_rows(Pair(NETWORKS[0], NETWORKS[2], "gated", seed=1))
    assert whole.networks["images"][[little, big]].tolist() == [64, 64]
    tuned = whole.network_row(NETWORKS[1], "finetuned")
    assert whole.networks["images"][tuned] == 64
    assert whole.networks["weights_sha256"][tuned] != whole.networks["weights_sha256"][1]
    recipe = whole.training["recipes"]["gated"]
    assert [r["images"] for r in recipe] == [64]
    path = plan.networks / f"{short[0].names[1]}.npz"
    path.unlink()  # half a pair is no pair; its job trains no more, it only evaluates
    build.run_stage("assemble", plan, table_file)
    assert len(Table(table_file).cotrained()) == 5
    assert jobs.run_jobs(site, [*trust, *short]) == 0  # type: ignore[list-item]
    build.run_stage("extend", plan, table_file)
    assert len(Table(table_file).cotrained()) == 6


def test_networks_of_another_recipe_are_trained_anew_and_replaced_together(
    plan: Plan, assembled: Callable[[], Path]
) -> None:
    """Ranks compare networks of one training: half of one recipe, half of another say nothing."""
    table_file, site = assembled(), jobs.Site(plan)
    old = [jobs.NetworkJob(a, "standalone", RECIPE) for a in NETWORKS[:2]]
    pair = jobs.PairJob(NETWORKS[0], NETWORKS[2], ("gated",), RECIPE)
    assert jobs.run_jobs(site, [*old, pair]) == 0
    build.run_stage("extend", plan, table_file)
    before, origin = Table(table_file), site.origin
    assert jobs.jobs_besides([*old, pair], table_file, origin) == []
    other = dataclasses.replace(RECIPE, images=32)
    new = jobs.NetworkJob(NETWORKS[2], "standalone", other)
    again = jobs.NetworkJob(NETWORKS[0], "standalone", other)
    assert jobs.jobs_besides([again, new, pair], table_file, origin) == [again, new]
    assert jobs.is_done(plan, old[0], origin)
    assert not jobs.is_done(plan, again, origin)  # the file in the folder is of the other recipe
    for job in old:
        (plan.networks / f"{job.names[0]}.npz").unlink()
    assert jobs.run_jobs(site, [new]) == 0
    assert build.run_stage("extend", plan, table_file).startswith("1 rows added")
    after = Table(table_file)
    alone = after.networks["training"] == "standalone"
    assert after.networks["architecture"][alone].tolist() == [NETWORKS[2]]
    assert [r["images"] for r in after.training["recipes"]["standalone"]] == [32]
    assert after.cotrained() == before.cotrained()
    assert after.training["grown_from"][-1] == {
        "sha256": before.sha256,
        "added": {"standalone": 1},
    }
    assert after.unchanged_since(before.sha256)  # what fronts and surrogates look at
    assert not after.unchanged_since(before.sha256, ("fp32", "standalone"))


def test_a_table_anew_keeps_what_was_trained_from_earlier_weights(
    plan: Plan, table_file: Path
) -> None:
    build.run_stage("evaluate", plan, table_file)
    origin, one = plan.supernet().sha256, read_evaluation(next(plan.networks.glob("*.npz")))
    trained = [
        ("finetuned", "", "", NETWORKS[1]),
        ("standalone", "", "", NETWORKS[1]),
        ("distilled", NETWORKS[2], "little", NETWORKS[0]),
        ("distilled", NETWORKS[0], "big", NETWORKS[2]),
    ]
    for training, partner, role, architecture in trained:
        key = EvaluationKey(
            NetworkKey(architecture, training=training),
            partner,
            role,
            images=64,
            origin="" if training == "standalone" else origin,
            recipe={"name": training},
        )
        assemble_from = plan.networks / f"{key.name}.npz"
        write_evaluation(assemble_from, dataclasses.replace(one, key=key))
    build.run_stage("assemble", plan, table_file)
    earlier = table_file.with_name("earlier.h5")
    before = Table(table_file).contents()
    foreign = {**before.training, "supernet_sha256": "f" * 64}
    write_table(earlier, dataclasses.replace(before, training=foreign), "1", "d")
    for path in [*plan.networks.glob("[dfs]*.npz")]:
        path.unlink()
    build.run_stage("assemble", plan, table_file)
    assert len(Table(table_file)) == len(NETWORKS)
    build.run_stage("assemble", plan, table_file, earlier=earlier)
    whole = Table(table_file)
    assert len(whole) == len(before.networks["architecture"])
    assert of_earlier_supernet(whole.training) == {"finetuned", "distilled"}
    assert whole.training["earlier"]["supernet_sha256"] == "f" * 64
    assert whole.training["recipes"]["distilled"] == [{"name": "distilled"}]
    row, old = whole.network_row(NETWORKS[1], "finetuned"), Table(earlier)
    same = old.network_row(NETWORKS[1], "finetuned")
    assert np.array_equal(whole.predictions("test").top1[row], old.predictions("test").top1[same])
    assert whole.networks["images"][row] == 64
    assert whole.cotrained() == old.cotrained()
    build.run_stage("extend", plan, table_file)  # rows that are there stay
    assert len(Table(table_file)) == len(whole)
    anew = NetworkKey(NETWORKS[2], training="finetuned")
    key = EvaluationKey(anew, images=32, origin=origin, recipe={"name": "anew"})
    write_evaluation(plan.networks / f"{key.name}.npz", dataclasses.replace(one, key=key))
    assert build.run_stage("extend", plan, table_file).startswith("1 rows added")
    replaced = Table(table_file)  # ranks compare networks of one training: those of before go
    assert of_earlier_supernet(replaced.training) == {"distilled"}
    tuned = replaced.networks["training"] == "finetuned"
    assert replaced.networks["architecture"][tuned].tolist() == [NETWORKS[2]]
    assert replaced.training["recipes"]["finetuned"] == [{"name": "anew"}]
    assert replaced.cotrained() == old.cotrained()
    other = dataclasses.replace(before, val_index=before.val_index[::-1].copy())
    write_table(earlier, other, "1", "d")
    with pytest.raises(TableError, match="the same val images"):
        build.run_stage("assemble", plan, table_file, earlier=earlier)


def test_an_exit_gets_its_own_figures() -> None:
    from biglittle.bench.spaces import get_space

    space = get_space("fbnet")
    cut = Evaluation(EvaluationKey(NetworkKey(NETWORKS[0], exit="12")), "0" * 64, {})
    columns = assemble.network_columns(space, 10, [cut])
    assert columns["exit"].tolist() == ["12"]
    operators = space.operators(NETWORKS[0], 10, "12")
    assert columns["macs"].tolist() == [sum(o.macs for o in operators)]
