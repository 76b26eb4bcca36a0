"""Networks in int8: the graph that ONNX Runtime runs, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from biglittle.bench import Cascade, Gate, get_space  # noqa: E402
from biglittle.bench.device import parse_profile  # noqa: E402
from biglittle.bench.errors import ArchitectureError, ProfileError  # noqa: E402
from biglittle.edge_profiler.cascade_graph import cascade_graph  # noqa: E402
from biglittle.edge_profiler.named_couplings import named_couplings  # noqa: E402
from biglittle.edge_profiler.onnx_cascade import cascade_model  # noqa: E402
from biglittle.edge_profiler.onnx_exits import joined_exits  # noqa: E402
from biglittle.edge_profiler.onnx_network import null_model, onnx_model  # noqa: E402
from biglittle.edge_profiler.quantised import is_quantised, precision_of, quantised  # noqa: E402
from biglittle.edge_profiler.repeatability import report_of  # noqa: E402
from biglittle.edge_profiler.session import ProfileRequest, failed_files, run_request  # noqa: E402
from biglittle.edge_profiler.subject import file_subjects  # noqa: E402

SPACE = get_space("fbnet")
LITTLE, BIG = "0" + "8" * 21, "0033" + "8" * 18
IMAGES = np.random.default_rng(5).standard_normal((12, 3, 32, 32)).astype(np.float32)


def _run(model: onnx.ModelProto, images: np.ndarray) -> list[list[np.ndarray]]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return [session.run(None, {"images": image[None]}) for image in images]


def _logits(model: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    return np.concatenate([outputs[0] for outputs in _run(model, images)])


def test_an_int8_network_has_the_form_of_its_fp32_one_and_nearly_its_answers() -> None:
    plain = onnx_model(SPACE, BIG, 10)
    model = quantised(plain, IMAGES)
    assert (precision_of(plain), precision_of(model)) == ("fp32", "int8")
    assert model.graph.input == plain.graph.input
    assert model.graph.output == plain.graph.output
    onnx.checker.check_model(model)
    weights = {w.name: w for w in model.graph.initializer}
    kept = onnx.numpy_helper.to_array(weights["stem.0.weight_quantized"])
    assert kept.dtype == np.int8
    scales = onnx.numpy_helper.to_array(weights["stem.0.weight_scale"])
    assert scales.shape == (16,)  # one for each output channel
    # What answers is a Gemm in float: no byte lies between it and the gate.
    makers = {output: node for node in model.graph.node for output in node.output}
    assert makers["logits"].op_type == "Gemm"
    exact, rounded = (_logits(m, IMAGES) for m in (plain, model))
    assert np.corrcoef(exact.ravel(), rounded.ravel())[0, 1] > 0.9
    assert not np.array_equal(exact, rounded)


def test_the_same_images_give_the_same_network() -> None:
    first, second = (quantised(onnx_model(SPACE, LITTLE, 10), IMAGES) for _ in range(2))
    assert first.SerializeToString() == second.SerializeToString()
    assert onnx_model(SPACE, f"{LITTLE}:int8", 10, calibration=IMAGES) == first


def test_exits_quantised_together_are_those_quantised_alone() -> None:
    names = [f"{BIG}@4s", f"{BIG}@8s"]
    alone = [onnx_model(SPACE, name, 10) for name in names]
    together = quantised(joined_exits(alone), IMAGES)
    for at, model in enumerate(alone):
        answers = [outputs[at] for outputs in _run(together, IMAGES)]
        assert np.array_equal(np.concatenate(answers), _logits(quantised(model, IMAGES), IMAGES))


@pytest.mark.parametrize(
    ("little", "big", "coupling"),
    [
        (f"{LITTLE}:int8", f"{BIG}:int8", "sibling"),
        (f"{LITTLE}:int8", BIG, "sibling"),
        (f"{BIG}@4s:int8", f"{BIG}:int8", "prefix"),
        (f"{BIG}@4s:int8", BIG, "sibling"),
    ],
)
def test_a_cascade_answers_as_its_networks_do(little: str, big: str, coupling: str) -> None:
    assert named_couplings(SPACE, (little, big)) == (coupling,)
    models = [
        onnx_model(SPACE, name, 10, seed=0 if "@" in little else k, calibration=IMAGES)
        for k, name in enumerate((little, big))
    ]
    alone = [_logits(model, IMAGES) for model in models]
    odds = np.exp(alone[0] - alone[0].max(axis=1, keepdims=True))
    odds = np.sort(odds / odds.sum(axis=1, keepdims=True), axis=1)
    margin = odds[:, -1] - odds[:, -2]
    threshold = float(np.sort(margin)[5:7].mean())  # between two images
    whole = cascade_model(models[0], models[1], "margin", threshold, coupling)
    for image, own, kept, escalated in zip(IMAGES, margin, *alone, strict=True):
        ((logits, said),) = _run(whole, image[None])
        assert bool(said) == (own < threshold)
        np.testing.assert_allclose(logits[0], escalated if said else kept, atol=1e-5)


def test_a_cascade_of_several_precisions_is_one_graph() -> None:
    cascade = Cascade((f"{BIG}@4s:int8", f"{BIG}:int8", BIG), (Gate("margin", 0.5),) * 2)
    graph = cascade_graph(SPACE, cascade, 10, calibration=IMAGES)
    assert [o.name for o in graph.graph.output] == ["logits", "escalated", "answered"]
    assert len(_run(graph, IMAGES[:2])) == 2


def test_what_cannot_be_quantised_names_the_operator() -> None:
    plain = onnx_model(SPACE, LITTLE, 10)
    cascade = cascade_model(plain, onnx_model(SPACE, BIG, 10, seed=1), "margin", 0.5)
    for model, message in (
        (quantised(plain, IMAGES), "int8 already .operator [A-Za-z]*Linear.; give the fp32 one"),
        (cascade, "operator If holds graphs of its own; quantise each network, then join them"),
        (null_model(SPACE), "of its operators .Identity. none holds weights; expected Conv"),
    ):
        with pytest.raises(ProfileError, match=message) as refusal:
            quantised(model, IMAGES)
        assert "\n" not in str(refusal.value)
    strange = type(plain)()
    strange.CopyFrom(plain)
    strange.graph.node[0].op_type = "Convolute"
    with pytest.raises(ProfileError, match=r"cannot be quantised: .*Convolute"):
        quantised(strange, IMAGES)


def test_images_of_another_form_are_refused() -> None:
    plain = onnx_model(SPACE, LITTLE, 10)
    for wrong in (IMAGES[:, :2], IMAGES[:0], IMAGES.astype(np.float64)):
        with pytest.raises(ProfileError, match=r"expected float32 of shape \(n, 3, 32, 32\)"):
            quantised(plain, wrong)
    weights = {"stem.0.weight": np.zeros((16, 3, 3, 3), np.float32)}
    with pytest.raises(ProfileError, match="nothing to calibrate int8 on; give calibration="):
        onnx_model(SPACE, f"{LITTLE}:int8", 10, weights=weights)
    with pytest.raises(ArchitectureError, match="int4"):
        onnx_model(SPACE, f"{LITTLE}:int4", 10)


# ---- measuring ---------------------------------------------------------------------------------
def test_a_file_given_in_another_precision_is_refused_with_what_to_do(tmp_path: Path) -> None:
    plain = onnx_model(SPACE, LITTLE, 10)
    files = {"fp32": tmp_path / "plain.onnx", "int8": tmp_path / "quantised.onnx"}
    files["fp32"].write_bytes(plain.SerializeToString())
    files["int8"].write_bytes(quantised(plain).SerializeToString())
    for precision, path in files.items():
        assert len(file_subjects([path], precision=precision)) == 1
    with pytest.raises(ProfileError, match=r"in int8, and was given as fp32; add --precision int8"):
        file_subjects([files["int8"]], precision="fp32")
    with pytest.raises(ProfileError, match=r"in fp32, and was given as int8; leave out --precisio"):
        file_subjects([files["fp32"]], precision="int8")
    quick = ProfileRequest(networks=str(files["int8"]), rounds=3)
    measured = run_request(quick, None)
    assert "was given as fp32" in str(failed_files(quick, measured))


def test_one_profile_holds_both_precisions_and_predicts_the_rest(tmp_path: Path) -> None:
    out = tmp_path / "board.json"
    ids = [LITTLE, BIG, "0" * 22, "8" * 22, "00" + "8" * 20, "000" + "8" * 19]
    for precision in (None, "int8"):
        request = ProfileRequest(networks=",".join(ids), precision=precision, rounds=3)
        profile = run_request(request, out)
    assert profile["precision"] == "fp32"
    names = [n["architecture"] for n in profile["networks"]]
    assert names == [*ids, *(f"{a}:int8" for a in ids)]
    assert all(n["latency_ms"] for n in profile["networks"])
    device = parse_profile(profile, "board.json")
    listed = device.latency_in("int8")
    genomes = SPACE.parse(ids)
    assert listed.latency_ms(genomes).tolist() == [n["latency_ms"] for n in profile["networks"][6:]]
    assert listed.provenance(genomes)["latency_ms"] == "measured"
    other = SPACE.parse(["3" + "8" * 21])
    predicted = listed.latency_ms(other)[0] / device.latency.latency_ms(other)[0]
    ratios = listed.latency_ms(genomes) / device.latency_ms(SPACE, genomes)
    assert ratios.min() <= predicted <= ratios.max()
    assert listed.provenance(other)["latency_ms"] == "predicted"


def test_a_pair_in_int8_is_measured_end_to_end() -> None:
    request = ProfileRequest(networks=LITTLE, pairs=f"{LITTLE}:{BIG}", precision="int8", rounds=3)
    (pair,) = run_request(request, None)["pairs"]
    assert (pair["little"], pair["big"]) == (f"{LITTLE}:int8", f"{BIG}:int8")
    assert pair["escalated_ms"] > 0
    assert is_quantised(onnx_model(SPACE, pair["little"], 10))


def test_blocks_and_repeats_are_of_fp32() -> None:
    with pytest.raises(ProfileError, match=r"--blocks and --precision int8 do not go together"):
        run_request(ProfileRequest(blocks=True, precision="int8"), None)
    with pytest.raises(ProfileError, match=r"in fp32, got --precision int8; leave it out"):
        report_of(ProfileRequest(precision="int8"), 1)
