"""Two branches over the stages of three published networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ArchitectureError
from biglittle.bench.spaces.branched import ADD, CHOICES, CONCAT, NONE, PER_BASE, parts_of

SPACE, LARGE = get_space("branched"), get_space("branched-224")
#: Parameters with 1,000 classes, and MACs in millions at 224 rows, as published.
PUBLISHED = {
    "mobilenet-v2": (3_504_872, 300, "0000000"),
    "mnasnet-b1": (4_383_312, 315, "9999999"),
    "fbnet-c": (5_572_200, 385, "iiiiiii"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_three_networks_are_as_published(name: str) -> None:
    params, macs, id_ = PUBLISHED[name]
    for space in (SPACE, LARGE):
        assert space.params(name, 1000).tolist() == [params]
        assert space.format(space.parse(name)) == [id_]
        assert space.names(space.parse(id_)) == [name]
    assert LARGE.macs(name, 1000)[0] / 1e6 == pytest.approx(macs, abs=1)


def test_branches_have_their_shares_and_are_joined_as_the_choices_say() -> None:
    half, wide_add, wide_concat = "1", "5", "6"
    parts = parts_of(SPACE.parse(half + wide_add + wide_concat + "0" + half * 3)[0], 32)
    assert [p.sync for p in parts] == [NONE, ADD, CONCAT, "whole", NONE, NONE, CONCAT]
    assert parts[0].inputs == (32, 32)
    assert parts[0].outputs == parts[1].inputs == (8, 8)
    assert parts[1].outputs == (20, 20)  # three quarters of 24, a multiple of 4
    assert parts[2].inputs == (20, 20)  # both go on from the sum
    assert parts[2].outputs == (24, 24)
    assert parts[3].inputs == (48,)  # concatenated
    assert parts[4].inputs == (64, 64)
    assert parts[5].inputs == parts[4].outputs == (48, 48)
    assert parts[6].joined == 320


def test_a_stage_without_join_before_a_whole_one_is_concatenated() -> None:
    first, second = SPACE.parse(["1000000", "3000000"])
    assert SPACE.graph(first, 10) == SPACE.graph(second, 10)


def test_every_name_of_a_choice_says_which_stage_and_how_it_is_split() -> None:
    assert len(CHOICES) == 3 * PER_BASE == 27
    assert CHOICES[0] == "mobilenet-v2_whole"
    assert CHOICES[-1] == "fbnet-c_3+2_concat"


@pytest.mark.parametrize("bad", ["mobilenet-v3", "000000", "000000z", "fbnet-C"])
def test_what_is_no_network_of_it_is_refused(bad: str) -> None:
    with pytest.raises(ArchitectureError, match="branched"):
        SPACE.parse(bad)


@pytest.mark.parametrize("size", [12, 136, 4096])
def test_sizes_that_strides_do_not_divide_are_refused(size: int) -> None:
    with pytest.raises(ArchitectureError, match="as in branched-224"):
        get_space(f"branched-{size}")


@pytest.mark.parametrize("architecture", ["mobilenet-v2", "fbnet-c", "2555222", "146837a"])
def test_module_and_onnx_model_compute_the_same(architecture: str) -> None:
    torch = pytest.importorskip("torch")
    ort = pytest.importorskip("onnxruntime")
    from biglittle.bench.networks import build_network
    from biglittle.edge_profiler import onnx_model

    network = build_network(architecture, 7, space="branched", seed=0).eval()
    count = sum(p.numel() for p in network.parameters())
    assert count == SPACE.params(architecture, 7)[0]
    weights = {k: v.numpy() for k, v in network.state_dict().items()}
    model = onnx_model(SPACE, architecture, 7, weights=weights)
    images = np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype(np.float32)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {"images": images})
    with torch.no_grad():
        expected: Any = network(torch.from_numpy(images)).numpy()
    assert got == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_networks_are_shown_and_predicted_on_devices_of_another_space() -> None:
    pytest.importorskip("scipy")
    from pathlib import Path

    from biglittle.bench.anatomy import anatomies
    from biglittle.data_tables.devices.predict import predict_each
    from biglittle.data_tables.devices.prediction import Prediction

    names = [*PUBLISHED, "4444446"]
    shown = anatomies(names, "raspberry-pi-4")
    said = predict_each("raspberry-pi-4", [Path(name) for name in names])
    for name, network, prediction in zip(names, shown, said, strict=True):
        assert network.space == "branched"
        assert network.provenance == "predicted"
        assert network.layer_provenance is None
        assert sum(layer.macs for layer in network.layers) == network.macs
        assert sum(layer.params for layer in network.layers) == network.params
        assert isinstance(prediction, Prediction)
        assert prediction.network == name
        assert prediction.provenance["latency_ms"] == "predicted"
        assert prediction.latency_ms == pytest.approx(network.latency_ms, rel=0.05)


def test_proxies_score_them() -> None:
    pytest.importorskip("torch")
    from biglittle.zerocost import run
    from biglittle.zerocost.batch import noise_batch

    ids = ["0000000", "2222222", "6666666"]
    scores = run(ids, noise_batch(4, 10, seed=0), None, ("synflow",), space="branched",
                 n_classes=10, seeds=range(1))  # fmt: skip
    assert scores is not None
