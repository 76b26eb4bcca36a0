"""Networks of a table in int8: what they are calibrated on, their rows, and how they come back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

from biglittle.bench import Benchmark, Table  # noqa: E402
from biglittle.bench.errors import TableError  # noqa: E402
from biglittle.bench.table_writer import write_table  # noqa: E402
from biglittle.data_tables.building import handed_out, quantise, reproduce  # noqa: E402
from biglittle.data_tables.building import stages as build  # noqa: E402
from biglittle.data_tables.building.assemble import keep_weights  # noqa: E402
from biglittle.data_tables.building.evaluate import read_evaluation  # noqa: E402
from biglittle.data_tables.building.front_counts import share_of_budgets  # noqa: E402
from biglittle.data_tables.building.plan import Plan  # noqa: E402
from biglittle.edge_profiler.onnx_graph import import_onnx  # noqa: E402
from biglittle.edge_profiler.quantised import precision_of  # noqa: E402


@pytest.mark.parametrize("n", [1, 2, 3, 7, 64, 414])
def test_every_beginning_of_the_jobs_is_spread(n: int) -> None:
    order = quantise.spread(n).tolist()
    assert sorted(order) == list(range(n))
    for k in range(2, n + 1):
        gaps = np.diff(sorted({*order[:k]}))
        assert gaps.max() <= 4 * max(1, n / k)
    assert quantise.spread(0).tolist() == []


def test_int8_networks_become_rows_and_come_back(plan: Plan, assembled: Callable[[], Path]) -> None:
    table_file = assembled()
    table_before = Table(table_file)
    before = table_before.contents()
    assert build.run_stage("int8", plan, table_file, limit=1).endswith("2 of this share left")
    written = {path.name: path.stat().st_mtime_ns for path in plan.networks.glob("*-int8-*")}
    assert build.run_stage("int8", plan, table_file).endswith("0 of this share left")
    assert all((plan.networks / n).stat().st_mtime_ns == t for n, t in written.items())
    assert build.run_stage("extend", plan, table_file).startswith("3 rows added")
    first, grown = table_before.sha256, Table(table_file)
    assert grown.unchanged_since(first)
    assert not grown.unchanged_since(first, ("fp32", "int8"))
    bench = Benchmark.load(table_file, precisions=("fp32", "int8"))
    table = bench.table
    assert table.networks["precision"].tolist() == ["fp32"] * 3 + ["int8"] * 3
    assert np.array_equal(table.predictions("val").top1[:3], before.predictions["val"].top1)
    costs = bench.costs("raspberry-pi-5")
    assert {*(costs.weights_mib[:3] / 4)} == {*costs.weights_mib[3:]}
    name = str(table.names[3])
    again = read_evaluation(plan.networks / f"inherited-{name.replace(':', '-')}-s0.npz")
    assert np.array_equal(table.predictions("test").top1[3], again.answers["test"]["top1"])


def test_a_small_file_gets_those_in_int8_that_its_fronts_ask_for(
    plan: Plan, assembled: Callable[[], Path]
) -> None:
    table_file = assembled()
    build.run_stage("int8", plan, table_file)
    often = list(share_of_budgets(Benchmark.load(table_file)))
    small = dataclasses.replace(plan, recipe=dataclasses.replace(plan.recipe, int8_max=1))
    (table_file.parent / "link").symlink_to(table_file.parent)
    linked = table_file.parent / "link" / table_file.name  # the same file by another name
    assert build.run_stage("extend", small, linked).startswith("1 rows added")
    assert Table(table_file).names[-1] == f"{often[0]}:int8"
    assert build.run_stage("extend", small, table_file).startswith("0 rows added")
    mine = plan.working / "copy" / "mine.h5"  # one of one's own has room for all
    assert build.run_stage("extend", small, mine).startswith("2 rows added")


def test_an_int8_network_is_extracted_and_verified(
    plan: Plan, assembled: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    table_file = assembled()
    for stage in ("int8", "extend"):
        build.run_stage(stage, plan, table_file)
    keep_weights(plan, plan.supernet(), table_file.with_name("supernet.safetensors"))
    monkeypatch.setattr(reproduce, "get_dataset", lambda _: plan.dataset)
    contents = dataclasses.replace(Table(table_file).contents(), choices=("k3_e1", "skip"))
    write_table(table_file, contents, "1", "d")
    table, data = Table(table_file), plan.working
    plain = reproduce.verify(table, 6, data=data)["rows"]  # what other processors answer alike
    assert len(plain) == 3
    both = reproduce.verify(Table(table_file, precisions=("fp32", "int8")), 6, data=data)
    assert (len(both["rows"]), both["equal_bytes"]) == (6, 1.0)
    name = str(table.names[-1])
    network = reproduce.extract(table, name, data, check=True)
    assert network.stored_sha256 == network.weights_sha256
    model = import_onnx().load_from_string(network.model)
    assert precision_of(model) == "int8"
    stored = table.predictions("val")
    row = len(table) - 1
    assert network.accuracy["val"] == stored.correct[row].mean()
    session = onnxruntime.InferenceSession(network.model, providers=["CPUExecutionProvider"])
    pixels = plan.images()["val"].images
    answers = [session.run(None, {"images": pixel[None]})[0].argmax() for pixel in pixels]
    assert answers == stored.top1[row].tolist()
    fp32 = reproduce.extract(table, name.partition(":")[0], data)
    assert len(network.model) < 0.5 * len(fp32.model)


def test_rows_go_into_a_copy_where_there_is_no_table_yet(
    plan: Plan, assembled: Callable[[], Path]
) -> None:
    table_file = assembled()
    assert plan.recipe.table == table_file
    before, mine = table_file.read_bytes(), plan.working / "copy" / "mine.h5"
    assert build.run_stage("int8", plan, mine, limit=2).endswith("1 of this share left")
    assert build.run_stage("extend", plan, mine).startswith("2 rows added")
    assert table_file.read_bytes() == before
    assert len(Table(mine)) == 5
    assert handed_out.weights_of(Table(mine)).sha256 == plan.supernet().sha256


def test_a_table_without_inherited_networks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"nothing\.h5"):
        quantise.quantised_jobs(tmp_path / "nothing.h5")
