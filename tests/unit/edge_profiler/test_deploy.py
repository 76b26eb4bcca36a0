"""What is deployed answers as what was trained, or nobody gets it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from biglittle.bench import Gate, get_space  # noqa: E402
from biglittle.bench.datasets import Images, get_dataset  # noqa: E402
from biglittle.bench.errors import ProfileError  # noqa: E402
from biglittle.bench.networks import build_network  # noqa: E402
from biglittle.cotrain.images import normalised  # noqa: E402
from biglittle.edge_profiler.deploy import deploy_pair  # noqa: E402
from biglittle.edge_profiler.deployable import CPP, PYTHON, metadata  # noqa: E402

SPACE = get_space("fbnet")
ORIGIN = {"training": "joint", "seed": 3}
IDS = ("8" * 22, "0" + "8" * 20 + "0")
CIFAR = get_dataset("cifar10")
PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def pair():  # type: ignore[no-untyped-def]
    """Weights and logits of two networks with batch norms as after training."""
    weights, logits = [], []
    for seed, architecture in enumerate(IDS):
        network = build_network(architecture, 10, seed=seed)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            network.train()
            for _ in range(3):
                network(torch.randn(16, 3, 32, 32))
            network.classifier.weight.mul_(3.0)  # confidences of all sizes
            images = normalised(Images(PIXELS, np.zeros(24, np.uint8)), CIFAR)
            logits.append(network.eval()(images).numpy())
        weights.append({k: v.numpy().copy() for k, v in network.state_dict().items()})
    return tuple(weights), tuple(logits)


def _confidence(logits: np.ndarray) -> np.ndarray:
    exponent = np.exp(logits.astype(float) - logits.max(axis=1, keepdims=True))
    return (exponent / exponent.sum(axis=1, keepdims=True)).max(axis=1)


def _deploy(folder: Path, pair, gate: Gate, logits=None):  # type: ignore[no-untyped-def]
    images, answers = PIXELS, logits or pair[1]
    return deploy_pair(folder, SPACE, IDS, pair[0], gate, images, answers, CIFAR, ORIGIN)


def test_three_files_answer_as_the_networks_do(tmp_path: Path, pair) -> None:  # type: ignore[no-untyped-def]
    little, big = pair[1]
    threshold = float(np.median(_confidence(little)))
    facts = _deploy(tmp_path, pair, Gate("max_prob", threshold))
    assert facts["images"] == len(PIXELS)
    assert set(facts["sha256"]) == {p.name for p in tmp_path.iterdir()}
    assert max(facts["logit_difference"].values()) < 1e-3
    session = ort.InferenceSession(str(tmp_path / "cascade.onnx"))
    escalated = _confidence(little) < threshold
    assert 0 < escalated.sum() < len(PIXELS)
    for i, goes in enumerate(escalated):
        logits, went = session.run(["logits", "escalated"], {"images": PIXELS[i : i + 1]})
        assert bool(went) == goes
        np.testing.assert_allclose(logits[0], (big if goes else little)[i], atol=1e-3)


def test_every_file_says_what_it_takes_and_what_it_is(tmp_path: Path, pair) -> None:  # type: ignore[no-untyped-def]
    _deploy(tmp_path, pair, Gate("margin", 0.25))
    for role in ("little", "big", "cascade"):
        session = ort.InferenceSession(str(tmp_path / f"{role}.onnx"))
        (source,) = session.get_inputs()
        assert (source.name, source.type, source.shape) == (
            "images", "tensor(uint8)", [1, 32, 32, 3],
        )  # fmt: skip
        facts = metadata(onnx.load(tmp_path / f"{role}.onnx"))
        assert facts["role"] == role
        assert (facts["little"], facts["big"]) == IDS
        assert (facts["gate"], facts["threshold"], facts["space"]) == ("margin", 0.25, "fbnet")
        assert facts["classes"] == list(CIFAR.classes)
        assert facts["provenance"] == ORIGIN
        told = facts["input"]
        assert (told["layout"], told["range"], told["shape"]) == ("NHWC", [0, 255], source.shape)
        assert told["normalisation"]["mean"] == list(CIFAR.mean)
        assert set(facts["outputs"]) == {o.name for o in session.get_outputs()}


def test_the_ten_lines_of_python_run(  # type: ignore[no-untyped-def]
    tmp_path: Path, pair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = _deploy(tmp_path, pair, Gate("max_prob", 2.0))  # nothing is sure enough
    assert facts["python"] == PYTHON.splitlines()
    assert facts["c++"] == CPP.splitlines()
    assert max(len(facts["python"]), len(facts["c++"])) <= 10
    monkeypatch.chdir(tmp_path)
    exec("\n".join(facts["python"]), {})  # what the report says, as a reader would paste it
    said = capsys.readouterr().out.split(" ", 1)
    assert said[0] in CIFAR.classes
    assert said[1] == "from the big network\n"


def test_the_page_has_the_lines_of_the_report() -> None:
    page = (Path(__file__).parents[3] / "cotrain" / "README.md").read_text()
    assert f"\n{PYTHON}```" in page
    assert f"```cpp\n{CPP}```" in page


def test_other_weights_are_found_out(tmp_path: Path, pair) -> None:  # type: ignore[no-untyped-def]
    little, big = pair[1]
    with pytest.raises(ProfileError, match=r"little\.onnx answers otherwise"):
        _deploy(tmp_path, pair, Gate("max_prob", 0.0), (little + 0.01, big))
    with pytest.raises(ProfileError, match=r"big\.onnx answers otherwise"):
        _deploy(tmp_path, pair, Gate("max_prob", 0.0), (little, big[:, ::-1]))


def test_other_decisions_are_found_out(tmp_path: Path, pair) -> None:  # type: ignore[no-untyped-def]
    little, big = pair[1]
    surer = little * 5.0  # the same classes, other confidences
    threshold = float(np.median(_confidence(little)))
    with pytest.raises(ProfileError, match=r"escalates .* otherwise than the gate"):
        _deploy(tmp_path, pair, Gate("max_prob", threshold), (surer, big))


def test_a_decision_within_rounding_of_the_threshold_may_differ(tmp_path: Path, pair) -> None:  # type: ignore[no-untyped-def]
    confidence = np.sort(_confidence(pair[1][0]))
    threshold = float(confidence[12])  # exactly at an image: float32 and float64 may disagree
    facts = _deploy(tmp_path, pair, Gate("max_prob", threshold))
    assert facts["decisions_at_threshold"] in (0, 1)


def test_no_answer_is_no_agreement(tmp_path: Path, pair) -> None:  # type: ignore[no-untyped-def]
    little, big = pair[1]
    with pytest.raises(ProfileError, match="answers otherwise"):
        _deploy(tmp_path, pair, Gate("max_prob", 0.0), (little, np.full_like(big, np.nan)))
