"""The teacher of a table as one of its rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench import Benchmark, Gate, Table  # noqa: E402
from biglittle.bench.datasets import Dataset  # noqa: E402
from biglittle.bench.errors import ArchitectureError, TableError  # noqa: E402
from biglittle.bench.networks import Network, build_network  # noqa: E402
from biglittle.bench.own import beside  # noqa: E402
from biglittle.bench.provenance import PROVENANCES  # noqa: E402
from biglittle.bench.synthetic import synthetic_table  # noqa: E402
from biglittle.bench.table_contents import Predictions  # noqa: E402
from biglittle.bench.table_writer import write_table  # noqa: E402
from biglittle.cotrain.evaluate import logits_of  # noqa: E402
from biglittle.cotrain.teacher import Teacher, load_teacher, save_teacher  # noqa: E402
from biglittle.data_tables.building import handed_out, oracle, reproduce  # noqa: E402
from biglittle.data_tables.building.extract_pair import extract_pair  # noqa: E402
from biglittle.data_tables.building.oracle import add_teacher, macs_of  # noqa: E402
from biglittle.data_tables.building.recipe import TEACHER_NAME  # noqa: E402
from biglittle.data_tables.devices.prediction import Prediction  # noqa: E402
from biglittle.edge_profiler.onnx_graph import import_onnx  # noqa: E402


def _plan(folder: Path, few: Dataset) -> Any:
    """What is asked of a plan."""
    return SimpleNamespace(
        working=folder,
        recipe=SimpleNamespace(teacher=folder / "nowhere" / TEACHER_NAME),
        dataset=few,
        images=lambda: few.load(folder),
    )


def _table(folder: Path, few: Dataset) -> Path:
    """A made-up table of the images."""
    images = few.load(folder)
    contents = synthetic_table(6, len(images["val"]), len(images["test"]))
    told = {
        s: Predictions(images[s].labels, stored.top1, stored.codes)
        for s, stored in contents.predictions.items()
    }
    path = folder / "table.h5"
    write_table(path, replace(contents, predictions=told), "0", "2026-01-01")
    return path


def _save_teacher(folder: Path, few: Dataset) -> None:
    """A teacher that was never trained, but for batch norms that are not the identity."""
    teacher = Teacher(few.n_classes, (8, 8, 8))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in teacher.named_parameters():
            if "norm" in name:  # some scales below 0: pooling must not change places with them
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
    save_teacher(folder / TEACHER_NAME, teacher, {"dataset": few.name})


def test_the_teacher_is_added_once_and_measured(
    tmp_path: Path, few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "check_aligned", lambda *_: None)  # it was not trained: it guesses
    plan, images = _plan(tmp_path, few), few.load(tmp_path)
    path = _table(tmp_path, few)
    with pytest.raises(TableError, match="--stage teacher"):
        add_teacher(plan, path)
    _save_teacher(tmp_path, few)
    assert "is a row of" in add_teacher(plan, path)
    bench = Benchmark.load(path)
    row = bench.row("teacher")
    asked = load_teacher(tmp_path / TEACHER_NAME, images["train"], few)
    own = logits_of(asked, images["test"], few).argmax(axis=1)
    assert np.array_equal(bench.table.predictions("test").top1[row], own)
    little = bench.architectures[0]
    point = bench.query((little, "teacher"), ("margin", 0.5), bench.devices[0])
    assert point.provenance["accuracy"] == "measured"
    assert point.provenance["macs"] == "modelled"
    assert point.latency_ms is None  # of a device that nobody can predict
    assert "already" in add_teacher(plan, path)
    assert Benchmark.load(path).table.sha256 == bench.table.sha256


def test_its_latency_is_predicted_where_networks_like_it_were_measured(
    tmp_path: Path, few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "check_aligned", lambda *_: None)
    path = _table(tmp_path, few)
    _save_teacher(tmp_path, few)
    plan = _plan(tmp_path, few)
    add_teacher(plan, path)
    before = Benchmark.load(path)

    def answer(device: str, files: list[Path]) -> list[Any]:
        assert import_onnx().load(files[0]).graph.name == "teacher"
        facts = dict.fromkeys(("latency_low_ms", "latency_high_ms", "coverage"))
        words = {"latency_ms": "predicted", "energy_mj": "modelled"}
        return [
            Prediction(
                "teacher", device, 8.5, **facts, energy_mj=17.0, macs=1, params=1,
                provenance=words, fitted_to="", notes=(),
            )
        ]  # fmt: skip

    monkeypatch.setattr(oracle, "predict_each", answer)
    monkeypatch.setattr(oracle, "shipped_devices", lambda: before.table.devices)
    assert "is a row of" in add_teacher(plan, path)  # anew, since more is known of it
    bench = Benchmark.load(path)
    assert len(bench.table) == len(before.table)
    for device in bench.table.devices:
        row = bench.row("teacher")
        costs = bench.costs(device)
        assert (costs.latency_ms[row], costs.energy_mj[row]) == (8.5, 17.0)
        others = np.arange(len(bench.table)) != row
        assert np.array_equal(
            costs.latency_ms[others], before.costs(device).latency_ms[others], equal_nan=True
        )
        little = bench.architectures[0]
        point = bench.query((little, "teacher"), ("margin", 0.5), device)
        assert point.latency_ms is not None
        ranks = bench.table.device_columns(device)["latency_ms_provenance"]
        assert PROVENANCES[ranks[row]] == "predicted"
    assert bench.table.unchanged_since(before.table.sha256)
    assert "already" in add_teacher(plan, path)


def test_its_macs_are_those_of_its_convolutions(few: Dataset) -> None:
    teacher = Teacher(few.n_classes, (8, 8, 8))
    counted = 24 * 3 * 4 * 31 * 31  # the first layer sees every place of 2x2 pixels
    n_in, size = 24, 31
    for _ in range(3):
        counted += size**2 * n_in * 8 * 9
        size //= 2
        counted += size**2 * 8 * 8 * 9
        n_in = 8
    assert macs_of(teacher, few) == counted + 8 * few.n_classes


def test_the_teacher_is_handed_out_alone_and_as_the_big_network_of_a_pair(
    tmp_path: Path, few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    monkeypatch.setattr(beside, "check_aligned", lambda *_: None)
    monkeypatch.setattr(reproduce, "get_dataset", lambda _: few)
    path = _table(tmp_path, few)
    _save_teacher(tmp_path, few)
    add_teacher(_plan(tmp_path, few), path)
    table, images = Table(path), few.load(tmp_path)
    alone = reproduce.extract(table, "teacher", check=True)
    assert alone.stored_sha256 == alone.weights_sha256
    session = onnxruntime.InferenceSession(alone.model, providers=["CPUExecutionProvider"])
    asked = load_teacher(tmp_path / TEACHER_NAME, images["train"], few)
    own = logits_of(asked, images["val"].subset(np.arange(5)), few)
    for k in range(5):
        (logits,) = session.run(None, {"images": images["val"].images[k : k + 1]})
        assert logits[0] == pytest.approx(own[k], abs=1e-4)

    class Weights:
        """Stands for a supernet: networks of one seed."""

        def inherit(self, name: str) -> Network:
            return build_network(name, few.n_classes, seed=5)

    monkeypatch.setattr(handed_out, "weights_of", lambda _: SimpleNamespace(net=Weights()))
    little = str(table.networks["architecture"][0])
    pair = extract_pair(table, (little, "teacher"), Gate("margin", 1.0), check=True)
    assert pair.coupling == "sibling"
    assert pair.answers is not None
    assert pair.answers.escalated == pair.answers.n == len(images["val"])  # nothing is so sure
    every = logits_of(asked, images["val"], few).argmax(axis=1)
    assert pair.answers.right == int((every == images["val"].labels).sum())
    said = onnxruntime.InferenceSession(pair.model).get_modelmeta().custom_metadata_map
    assert (said["little"], said["big"]) == (little, "teacher")
    assert json.loads(said["provenance"])["training"] == ["inherited", "external"]
    twice = extract_pair(table, ("teacher", "teacher"), Gate("margin", 1.0))
    said = onnxruntime.InferenceSession(twice.model).get_modelmeta().custom_metadata_map
    assert json.loads(said["provenance"])["training"] == "external"
    (tmp_path / TEACHER_NAME).unlink()
    with pytest.raises(ArchitectureError, match="known by their answers alone"):
        reproduce.extract(table, "teacher")
