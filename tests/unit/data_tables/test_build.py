"""The build on a tiny data set: resumed after an interrupt, never a half-written table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench import Benchmark, get_space
from biglittle.bench.datasets import Dataset
from biglittle.bench.errors import TableError
from biglittle.data_tables.fbnet_cifar10 import build, design

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


@pytest.fixture
def working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Dataset) -> Path:
    (tmp_path / "tiny.toml").write_text(SCHEDULE)
    monkeypatch.setattr(build, "SCHEDULE", tmp_path / "tiny.toml")
    monkeypatch.setattr(build, "get_dataset", lambda _: digits)
    monkeypatch.setattr("biglittle.cotrain.train_supernet.get_dataset", lambda _: digits)
    monkeypatch.setattr(build, "chosen_architectures", lambda *_: NETWORKS)
    monkeypatch.setattr(build.SupernetRun, "_log_validation", lambda *_: None)
    build.train(tmp_path, None)
    return tmp_path


def test_build_resumes_and_its_table_says_what_the_networks_said(
    working: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate, seen = build.NetworkEvaluator.evaluate, []

    def interrupted(self: build.NetworkEvaluator, architecture: str) -> float:
        if len(seen) == 1:
            raise KeyboardInterrupt
        seen.append(architecture)
        return evaluate(self, architecture)

    monkeypatch.setattr(build.NetworkEvaluator, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build.evaluate_networks(working)
    target = working / "table.h5"
    with pytest.raises(TableError, match="2 of 3 networks are not evaluated"):
        build.assemble(working, target=target)
    assert not target.exists()

    def counted(self: build.NetworkEvaluator, architecture: str) -> float:
        seen.append(architecture)
        return evaluate(self, architecture)

    monkeypatch.setattr(build.NetworkEvaluator, "evaluate", counted)
    build.evaluate_networks(working)
    assert sorted(seen) == sorted(NETWORKS)
    build.assemble(working, target=target)
    bench = Benchmark.load(target)
    assert bench.architectures == NETWORKS
    net = build.load_supernet(working).net
    evaluator = build.NetworkEvaluator(net, working / "networks", None)
    for architecture in NETWORKS:
        accuracy = evaluate(evaluator, architecture)
        assert bench.accuracy("val")[bench.row(architecture)] == accuracy


def test_design_is_repeatable_and_spans_the_range() -> None:
    space, choices = get_space("fbnet"), ("k3_e1", "k3_e3", "skip")
    first = design.chosen_architectures(space, choices)
    assert first == design.chosen_architectures(space, choices)
    assert len(set(first)) == len(first)
    genomes = space.parse(first)
    assert set(np.unique(genomes)) == set(space.allowed(choices))
    for digit in space.allowed(choices):
        assert str(digit) * 22 in first
