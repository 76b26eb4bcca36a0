"""Co-trained pairs against their promise: by made-up figures, and once with real files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler.accuracy import Rerun
from biglittle.edge_profiler.machine import same_device
from biglittle.edge_profiler.validate_pairs import (
    DeployedPair,
    PairsValidation,
    deployed_pairs,
    is_cotrained,
    validate_pairs,
)

A, B = "8" * 22, "1" + "8" * 21
HASH = "f" * 64


def report(**changes: Any) -> dict[str, Any]:
    """What co-training writes, as far as it is read here."""
    words = {"accuracy": "predicted", "escalation_rate": "predicted", "latency_ms": "block-sum"}
    point = {"little": A, "big": B, "gate": "margin", "threshold": 0.4, "provenance": words}
    promised = {**point, "accuracy": 0.70, "escalation_rate": 0.2, "latency_ms": 3.0}
    trained = {**point, "accuracy": 0.72, "escalation_rate": 0.25, "latency_ms": 3.1}
    config = {
        "method": "joint",
        "recipe": {"space": "fbnet", "dataset": "cifar10"},
        "sources": {"device": "raspberry-pi-4", "table": "fbnet-cifar10"},
    }
    return {
        "format": "biglittle-cotrained-pair-2",
        "config": config,
        "promised": promised | changes,
        "after": {"test": trained},
        "deployed": {"sha256": {"cascade.onnx": HASH}},
    }


def profile(kept: float | None = 2.0, escalated: float | None = 6.0) -> dict[str, Any]:
    """A profile in which both branches were measured."""
    models = [
        {"sha256": HASH, "branch": "kept", "latency_ms": kept},
        {"sha256": HASH, "branch": "escalated", "latency_ms": escalated, "peak_memory_mib": 4.0},
    ]
    if kept is None:
        models[0]["error"] = "no kernel"
    return {"device": "raspberry-pi-4-model-b", "runtime": "fake 1.0", "models": models}


def judged(
    right: int = 7200, escalated: int = 2500, n: int = 10_000, same: bool = True, **more: Any
) -> tuple[bool | None, dict[str, Any], str]:
    got = validation(right, escalated, n, same, **more)
    return got.kept, dict(got.pairs[0]), got.text()


def validation(
    right: int = 7200, escalated: int = 2500, n: int = 10_000, same: bool = True, **more: Any
) -> PairsValidation:
    measured = more.pop("measured", profile())
    pair = DeployedPair(Path("x"), report(**more), HASH)
    answers = Rerun(right, escalated, n)
    return validate_pairs([pair], [answers], measured, "raspberry-pi-4", same, 10_000)


def test_a_pair_that_keeps_its_promise() -> None:
    kept, record, text = judged()
    assert kept
    latency = record["latency"]
    assert latency["mean_ms"] == pytest.approx(0.75 * 2.0 + 0.25 * 6.0)
    assert (latency["p95_ms"], latency["measured_provenance"]) == (6.0, "measured")
    assert record["accuracy"] == {
        "promised": 0.70, "provenance": "predicted", "trained": 0.72, "deployed": 0.72,
    }  # fmt: skip
    assert "promised 3 ms (block-sum), measured 3 ms in the mean" in text
    assert "Kept: 1 of 1" in text


def test_what_is_missed_is_named() -> None:
    for more, problem in (
        ({"right": 7300}, "accuracy is 73.00%, that of the trained pair 72.00%"),
        ({"escalated": 2000}, "escalation rate is 20.00%, that of the trained pair 25.00%"),
        ({"accuracy": 0.74}, "2.00 points under the promise"),
        ({"latency_ms": 2.5}, "the mean latency is +20.0% against the promise"),
        ({"measured": profile(None)}, "could not be measured"),
    ):
        kept, record, text = judged(**more)  # type: ignore[arg-type]
        assert (kept, len(record["problems"])) == (False, 1)
        assert problem in record["problems"][0]
        assert "NOT kept: 0 of 1" in text
    assert "no kernel" in judged(measured=profile(None))[2]


def test_chance_rounding_and_another_device_are_not_held_against_a_pair() -> None:
    assert judged(right=7195)[0]
    assert judged(accuracy=0.725)[0]  # half a point in ten thousand images happens
    kept, _, text = judged(latency_ms=300.0, same=False)
    assert kept is None
    assert "another device by name" in text
    kept, _, text = judged(right=76, escalated=20, n=100)
    assert kept
    assert "not all test images" in text


def test_the_verdict_says_what_was_judged_and_what_was_not() -> None:
    got = validation(same=False)
    assert got.verdict == (
        "Accuracy kept, latency not judged: 1 of 1 pairs are as accurate as promised; latency is "
        "not judged: another device than raspberry-pi-4 measured; run the same command there."
    )
    document = got.as_dict()
    assert document["kept"] is None
    assert (document["accuracy_kept"], document["latency_kept"]) == (True, None)
    assert "where it asks the big one; not judged" in got.text()

    got = validation(same=False, accuracy=0.74)
    assert got.verdict.startswith("NOT kept: 0 of 1 pairs hold what was promised of them; latency")
    document = got.as_dict()
    assert document["kept"] is False
    assert (document["accuracy_kept"], document["latency_kept"]) == (False, None)

    got = validation(latency_ms=2.5)
    assert got.verdict == "NOT kept: 0 of 1 pairs hold what was promised of them."
    document = got.as_dict()
    assert (document["accuracy_kept"], document["latency_kept"]) == (True, False)

    got = validation(latency_ms=None)
    assert got.kept is None
    assert got.verdict.endswith("latency is not judged: none was promised.")
    assert validation().as_dict()["latency_kept"] is True


def test_a_device_is_known_by_its_name_or_its_processor() -> None:
    measured = {"device": "nvidia-jetson-nano-developer-kit", "soc": "NVIDIA Jetson Nano 2"}
    assert same_device("jetson-nano", {"soc": "NVIDIA Tegra X1"}, measured)
    assert same_device("jetson-nano-cpu", {}, measured)
    assert not same_device("raspberry-pi-4", {}, measured)
    assert same_device("my-board", {"soc": "NVIDIA Jetson Nano 2"}, measured)
    assert same_device("my-board", {"environment": {"cpu_model": measured["soc"]}}, measured)
    server = {"device": "amd-epyc-f26-m2", "soc": "AMD EPYC"}
    assert not same_device("amd-epyc-f25-m17", {"soc": "AMD EPYC"}, server)
    assert same_device("under-my-desk", {"soc": "AMD EPYC"}, server)


@pytest.fixture
def cotrained(tmp_path: Path) -> Path:
    """A co-trained folder of one real pair, whose report says what the pair answers."""
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    import hashlib

    from biglittle.bench import Gate, get_space
    from biglittle.bench.datasets import get_dataset
    from biglittle.edge_profiler import onnx_model
    from biglittle.edge_profiler.accuracy import rerun
    from biglittle.edge_profiler.deployable import describe, with_pixels
    from biglittle.edge_profiler.onnx_cascade import cascade_model

    space, cifar = get_space("fbnet"), get_dataset("cifar10")
    little, big = (onnx_model(space, a, 10, seed=i) for i, a in enumerate((A, B)))
    model = with_pixels(cascade_model(little, big, "margin", 0.2), cifar)
    describe(model, "cascade", {"little": A, "big": B}, space, cifar, {}, Gate("margin", 0.2))
    folder = tmp_path / "cotrained" / f"{A}-{B}" / "joint"
    folder.mkdir(parents=True)
    onnx.save(model, folder / "cascade.onnx")
    document = report()
    answers = rerun((folder / "cascade.onnx").read_bytes(), _images())
    for group in (document["promised"], document["after"]["test"]):
        group["accuracy"] = answers.right / answers.n
        group["escalation_rate"] = answers.escalated / answers.n
    digest = hashlib.sha256((folder / "cascade.onnx").read_bytes()).hexdigest()
    document["deployed"]["sha256"]["cascade.onnx"] = digest
    (folder / "report.json").write_text(json.dumps(document))
    return tmp_path / "cotrained"


def _images() -> Any:
    from biglittle.bench.datasets import Images

    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 32, 32, 3), np.uint8)
    return Images(pixels, rng.integers(0, 10, 40).astype(np.uint8))


def test_pairs_are_found_at_any_depth_and_only_with_their_own_files(cotrained: Path) -> None:
    folder = cotrained / f"{A}-{B}" / "joint"
    for path in (cotrained, folder.parent, folder):
        assert is_cotrained(path)
        (pair,) = deployed_pairs(path)
        assert pair.name == f"{A} -> {B} (joint)"
    assert not is_cotrained(cotrained / "absent")
    with pytest.raises(ProfileError, match="holds no co-trained pair"):
        deployed_pairs(cotrained.parent / "absent")
    (folder / "cascade.onnx").write_bytes(b"another")
    with pytest.raises(ProfileError, match=r"cascade\.onnx is not the file .* Co-train it again"):
        deployed_pairs(cotrained)
    (folder / "report.json").write_text(json.dumps(report() | {"format": "x-1"}))
    with pytest.raises(ProfileError, match="its format is 'x-1', expected"):
        deployed_pairs(cotrained)


def test_the_command_measures_a_cotrained_folder_and_asks_nothing(  # type: ignore[no-untyped-def]
    cotrained: Path, command_line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from biglittle.bench.datasets import Dataset
    from biglittle.edge_profiler.protocol import Protocol

    tiny = Protocol(warm_up=1, rounds=1, runs_per_round=2, idle_gap_s=0, max_drift=2.0)
    monkeypatch.setattr("biglittle.edge_profiler.session.Protocol", lambda **given: tiny)
    monkeypatch.setattr(Dataset, "load", lambda self, folder: {"test": _images()})
    monkeypatch.setattr("biglittle.searchers.validation.same_device", lambda *_: False)
    out = tmp_path / "out"
    code, text, err = command_line("validate", str(cotrained), "--out", str(out), "--json")
    assert code == 0, err
    assert "Asking 1 pair about 40 test images each, then measuring both branches" in err
    (pair,) = json.loads(text)["pairs"]
    assert pair["images"] == 40
    assert pair["accuracy"]["deployed"] == pair["accuracy"]["trained"]
    assert pair["latency"]["escalated_ms"] > 0
    assert json.loads(text)["device"] == "raspberry-pi-4"
    assert json.loads(text)["kept"] is json.loads(text)["latency_kept"] is None
    page = (out / "validation.html").read_text()
    assert A in page
    assert "Accuracy kept, latency not judged" in page
    assert "latency: not judged" in page
    elsewhere = ("--profile", str(out / "deployed.json"), "--out", str(tmp_path / "again"))
    code, again, err = command_line("validate", str(cotrained), *elsewhere, "--json")
    assert code == 0, err  # as a board would have measured it
    assert json.loads(again)["pairs"] == json.loads(text)["pairs"]
    assert not (tmp_path / "again" / "deployed.json").exists()
    document = json.loads((out / "deployed.json").read_text())
    (tmp_path / "other.json").write_text(json.dumps(document | {"models": []}))
    for arguments, said in (
        (("--device", "jetson-nano"), "searched for raspberry-pi-4, but --device is jetson-nano"),
        (
            ("--profile", str(tmp_path / "other.json")),
            "copy the files to the board and measure there",
        ),
        ((*elsewhere, "--measure", "here"), "expected one of --measure here and --profile"),
    ):
        code, _, err = command_line("validate", str(cotrained), *arguments)
        assert code == 1
        assert said in err
    code, _, err = command_line("validate", str(cotrained / "absent"))
    assert (code, "cannot read" in err) == (1, True)
