"""Networks made again from kept weights: the same bytes, and what is said when they are not."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench import Table
from biglittle.bench.datasets import Dataset
from biglittle.bench.errors import ArchitectureError, CheckpointError, DatasetError, TableError
from biglittle.bench.networks import Network, build_network
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.building import handed_out, reproduce
from biglittle.data_tables.building.plan import Plan

NETWORKS = ["8" * 22, "0" + "8" * 21, "8" * 21 + "0"]


@pytest.fixture
def table(
    plan: Plan,
    few: Dataset,
    assembled: Callable[[int], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Table:
    monkeypatch.setattr(reproduce, "get_dataset", lambda _: few)
    path = assembled(2)
    contents = dataclasses.replace(Table(path).contents(), choices=("k3_e1", "skip"))
    write_table(path, contents, "1", "d")
    return Table(path)


def test_the_same_machine_gives_the_same_bytes(table: Table) -> None:
    found = reproduce.verify(table, rows=2)
    assert found["ok"]
    assert (found["equal_bytes"], found["disagreeing_answers"]) == (1.0, 0.0)
    assert all(row["weights_equal"] for row in found["rows"])
    assert {row["architecture"] for row in found["rows"]} == set(NETWORKS[:2])
    for row in found["rows"]:
        assert row["accuracy"] == row["stored_accuracy"]


def test_a_metric_that_the_table_does_not_hold_is_not_compared(table: Table) -> None:
    contents = table.contents()
    fewer = {
        split: dataclasses.replace(answers, codes={"max_prob": answers.codes["max_prob"]})
        for split, answers in contents.predictions.items()
    }
    write_table(table.path, dataclasses.replace(contents, predictions=fewer), "1", "d")
    found = reproduce.verify(Table(table.path), rows=1)
    assert (found["ok"], found["equal_bytes"]) == (True, 1.0)


def test_answers_that_were_changed_are_found(table: Table) -> None:
    contents = table.contents()
    contents.predictions["test"].top1[0] ^= 1
    write_table(table.path, contents, "1", "d")
    found = reproduce.verify(Table(table.path), rows=2)
    assert not found["ok"]
    assert found["disagreeing_answers"] > 0.2
    assert found["disagreeing_answers"] == np.mean(
        [row["disagreeing_answers"] for row in found["rows"]]
    )


def test_an_extracted_network_answers_as_the_table_says(table: Table) -> None:
    import onnxruntime

    found = reproduce.extract(table, NETWORKS[1], check=True)
    assert found.weights_sha256 == found.stored_sha256
    row = table.network_row(NETWORKS[1])
    said = table.predictions("val")
    assert found.accuracy == {"val": said.correct[row].mean()}
    session = onnxruntime.InferenceSession(found.model, providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    assert facts["architecture"] == NETWORKS[1]
    assert json.loads(facts["provenance"])["weights_sha256"] == found.weights_sha256
    dataset = reproduce.get_dataset("digits")  # as the fixture has it
    images = dataset.load(table.path.parent)["val"].images
    for i in range(20):
        logits = session.run(["logits"], {"images": images[i : i + 1]})[0][0]
        # The same class, unless two are equal but for the rounding of another runtime.
        assert logits[said.top1[row, i]] >= logits.max() - 1e-3 * np.abs(logits).max()


def test_networks_outside_the_table_are_extracted_if_their_weights_were_trained(
    table: Table,
) -> None:
    found = reproduce.extract(table, NETWORKS[2])
    assert found.stored_sha256 is None
    assert found.accuracy == {}
    with pytest.raises(ArchitectureError, match=r"k5_e6 at layer 3, whose weights were never"):
        reproduce.extract(table, "888" + "7" + "8" * 18)
    with pytest.raises(ArchitectureError, match="22 digits"):
        reproduce.extract(table, "888")


class WithExits:
    """Stands for a supernet with exit heads: networks of one seed, so that trunks agree."""

    def inherit(self, name: str) -> Network:
        return build_network(name, 10, seed=5)


def test_networks_that_are_cut_are_extracted_where_the_supernet_has_their_exit(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    weights = dataclasses.replace(handed_out.weights_of(table), net=WithExits())
    monkeypatch.setattr(handed_out, "weights_of", lambda _: weights)
    name = "8" * 13 + "7" * 9 + "@12s"  # the choice that was never trained stands behind the exit
    extracted = reproduce.extract(table, name, check=True)
    assert extracted.stored_sha256 is None
    assert 0 <= extracted.accuracy["val"] <= 1
    session = onnxruntime.InferenceSession(extracted.model, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["architecture"] == name
    with pytest.raises(ArchitectureError, match=r"k5_e6 at layer 13"):
        reproduce.extract(table, "8" * 13 + "7" * 9 + "@14")
    with pytest.raises(ArchitectureError, match=r"no exit '13'.*@20s"):
        reproduce.extract(table, "8" * 22 + "@13")


def test_missing_images_and_weights_say_what_to_do(
    table: Table, plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    empty = tmp_path / "empty"
    empty.mkdir()
    cifar = dataclasses.replace(table.contents(), dataset="cifar10")
    write_table(table.path, cifar, "1", "d")
    for call in (
        lambda t: reproduce.verify(t, data=empty),
        lambda t: reproduce.extract(t, NETWORKS[0], data=empty),
    ):
        with pytest.raises(DatasetError, match="biglittle data fetch cifar10"):
            call(Table(table.path))
    other = {**cifar.training, "supernet_sha256": "f" * 64}
    write_table(table.path, dataclasses.replace(cifar, training=other), "1", "d")
    with pytest.raises(CheckpointError, match="other supernet weights"):
        handed_out.weights_of(Table(table.path))
    (plan.working / "supernet.safetensors").unlink()
    with pytest.raises(TableError, match=r"no weights supernet\.safetensors beside it"):
        handed_out.weights_of(Table(table.path))


def _network(stored: str | None) -> reproduce.Extracted:
    return reproduce.Extracted(b"0" * 2**20, "a" * 64, stored, {"val": 0.8125})


def test_an_extracted_network_says_whose_its_weights_are() -> None:
    head, accuracy, same = _network("a" * 64).text(Path("net.onnx"), "t")
    assert head == f"net.onnx: 1.00 MiB, weights {'a' * 64}"
    assert accuracy == "accuracy on val: 81.25 % (measured here)"
    assert same == "the weights are those of the table, bit for bit"
    assert "table t has no such network" in _network(None).text(Path("net.onnx"), "t")[-1]
    other = _network("b" * 64).text(Path("net.onnx"), "t")[-1]
    assert "'biglittle table verify'" in other
    assert "b" * 64 in other


@pytest.mark.parametrize("ok", [True, False])
def test_the_verdict_names_what_is_tolerated(ok: bool) -> None:
    row = {
        "architecture": NETWORKS[0], "equal_bytes": 0.9, "disagreeing_answers": 0.01,
        "weights_equal": ok,
    }  # fmt: skip
    report = {
        "rows": [row], "equal_bytes": 0.9, "disagreeing_answers": 0.01, "far_codes": 0.02,
        "tolerance": {"disagreeing_answers": 0.005, "far_codes": 0.001}, "ok": ok,
    }  # fmt: skip
    line, verdict = reproduce.verdict(report)
    assert line.startswith(f"  {NETWORKS[0]}: 90.000 % of bytes equal, 1.000 % of answers differ")
    assert line.endswith("weights equal" if ok else "weights not equal bit by bit")
    assert verdict.startswith("verified: 1 network," if ok else "NOT verified: 1 network,")
    assert "(tolerated: 0.5 %)" in verdict
