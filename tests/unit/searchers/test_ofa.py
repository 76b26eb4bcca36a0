"""What is handed out answers as what was evaluated, and is never made twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.datasets import Dataset, Images
from biglittle.bench.device_profile import DeviceProfile
from biglittle.bench.errors import CheckpointError
from biglittle.searchers.evaluators.live import LiveEvaluator
from biglittle.searchers.specialise import SpecialiseSettings

SPACE = get_space("fbnet")
CHOICES = ("k3_e1", "skip")


def test_a_pair_is_handed_out_as_it_was_evaluated(
    tmp_path: Path, made_up: Dataset, made_up_device: Callable[..., DeviceProfile]
) -> None:
    torch = pytest.importorskip("torch")
    onnxruntime = pytest.importorskip("onnxruntime")
    from biglittle.cotrain.supernet import Supernet
    from biglittle.searchers.ofa import Trained, deliver
    from biglittle.searchers.ofa_command import summary

    profile = made_up_device()
    rng = np.random.default_rng(0)
    splits = {
        name: Images(
            rng.integers(0, 256, (n, 32, 32, 3)).astype(np.uint8),
            rng.integers(0, 10, n).astype(np.uint8),
        )
        for name, n in (("train", 16), ("val", 20), ("test", 24))
    }
    torch.manual_seed(0)
    trained = Trained(Supernet(SPACE, 10), "0" * 64, CHOICES, made_up, splits)
    settings = SpecialiseSettings({"latency_ms": 60.0}, budget=30, few=2)
    sources = {"kind": "made up"}
    report = deliver(
        trained, profile, settings, lambda live: _as_if(live), sources, tmp_path / "pair"
    )
    folder = tmp_path / "pair"
    names = {"little.onnx", "big.onnx", "cascade.onnx", "little.safetensors", "ofa.json"}
    assert names <= {p.name for p in folder.iterdir()}
    assert report == json.loads((folder / "ofa.json").read_text())
    assert report["val"]["provenance"]["accuracy"] == "measured"
    lines = summary(report, folder)
    assert lines[0].startswith(f"{report['val']['little']} -> {report['val']['big']}")
    assert f"{100 * report['test']['accuracy']:.2f} % (measured)" in lines[2]
    assert report["val"]["provenance"]["latency_ms"] == "block-sum"
    assert report["val"]["latency_ms"] <= 60.0
    for field in ("little", "big", "gate", "threshold"):
        assert report["test"][field] == report["val"][field]
    # the cascade answers the test images as the report says
    session = onnxruntime.InferenceSession(str(folder / "cascade.onnx"))
    name = session.get_inputs()[0].name
    answers = [session.run(None, {name: x[None]}) for x in splits["test"].images]
    logits = next(i for i, o in enumerate(session.get_outputs()) if o.name == "logits")
    right = [s[logits].argmax() == y for s, y in zip(answers, splits["test"].labels, strict=True)]
    assert np.mean(right) == pytest.approx(report["test"]["accuracy"])

    # read again, never asked again; another question is refused
    def no_predictor(live: LiveEvaluator) -> LiveEvaluator:
        raise AssertionError("asked again")

    again = deliver(trained, profile, settings, no_predictor, sources, folder)
    assert again == report
    other = SpecialiseSettings({"latency_ms": 50.0}, budget=30, few=2)
    with pytest.raises(CheckpointError, match="another question"):
        deliver(trained, profile, other, no_predictor, sources, folder)
    (folder / "ofa.json").write_text("{")
    with pytest.raises(CheckpointError, match="as the report of a specialised pair"):
        deliver(trained, profile, settings, no_predictor, sources, folder)


def _as_if(real: LiveEvaluator) -> LiveEvaluator:
    """A predictor of the same shape that runs nothing."""
    n = real._n_images
    chances = np.random.default_rng(0).dirichlet(np.ones(10), n)
    return LiveEvaluator(
        SPACE, CHOICES, lambda a, k: chances[:k], real._labels, real.profile, 10,
        exits=real._exit_names,
    )  # fmt: skip


def test_an_exit_and_its_network_are_handed_out_with_one_trunk(
    tmp_path: Path, made_up: Dataset
) -> None:
    torch = pytest.importorskip("torch")
    onnx = pytest.importorskip("onnx")
    from biglittle.bench import load_device
    from biglittle.cotrain.exit_heads import ExitHeads, save_exit_heads, trunk_hash
    from biglittle.cotrain.supernet import Supernet
    from biglittle.cotrain.weights import HEADS, load_weights, save_weights, take_exit_heads
    from biglittle.searchers.ofa import Trained, deliver

    torch.manual_seed(0)
    net, path = Supernet(SPACE, 10), tmp_path / "supernet.safetensors"
    save_weights(path, net, {})
    net = load_weights(path)
    heads = ExitHeads(SPACE, 10, ("12", "16s"))
    save_exit_heads(tmp_path / HEADS, heads, trunk_hash(net.state_dict()), {})
    assert take_exit_heads(net, tmp_path / HEADS)
    assert not take_exit_heads(net, tmp_path / "elsewhere.safetensors")
    rng = np.random.default_rng(0)
    splits = {
        name: Images(
            rng.integers(0, 256, (n, 32, 32, 3)).astype(np.uint8),
            rng.integers(0, 10, n).astype(np.uint8),
        )
        for name, n in (("train", 16), ("val", 20), ("test", 24))
    }
    trained = Trained(net, "0" * 64, CHOICES, made_up, splits, "1" * 64)
    settings = SpecialiseSettings({"latency_ms": 60.0}, budget=30, few=2, couplings=("prefix",))
    report = deliver(
        trained, load_device("raspberry-pi-4"), settings, _as_if, {}, tmp_path / "pair"
    )
    test = report["test"]
    assert test["coupling"] == report["val"]["coupling"] == "prefix"
    assert report["config"]["couplings"] == ["prefix"]
    assert report["config"]["exits_sha256"] == "1" * 64
    assert test["latency_ms"] <= 60.0
    graph = onnx.load(tmp_path / "pair" / "cascade.onnx").graph
    (choose,) = [n for n in graph.node if n.op_type == "If"]
    (rest,) = [a.g for a in choose.attribute if a.name == "then_branch"]
    assert not [w.name for w in rest.initializer if "stem" in w.name]
    assert (tmp_path / "pair" / f"answers-{'0' * 12}-{'1' * 12}").is_dir()
