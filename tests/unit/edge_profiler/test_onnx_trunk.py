"""What two networks share in their graphs: found, cut out, and refused where weights differ."""

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler import onnx_model
from biglittle.edge_profiler.onnx_network import classifier_model
from biglittle.edge_profiler.onnx_trunk import (
    check_shared,
    is_begun,
    rest_model,
    trunk_model,
    trunk_of,
)

pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
FBNET, CELLS = get_space("fbnet"), get_space("nb201")
ARCHITECTURE = "2863848418780625260277"
IMAGES = np.random.default_rng(1).standard_normal((1, 3, 32, 32)).astype(np.float32)
CUT = [(FBNET, ARCHITECTURE, "2s"), (FBNET, ARCHITECTURE, "14"), (FBNET, "8" * 22, "12")]
CUT += [(CELLS, "123432", "4"), (CELLS, "330400", "9s")]


def answer(model, values):
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: values})[0]


@pytest.mark.parametrize(("space", "architecture", "cut"), CUT)
def test_a_trunk_and_the_rest_answer_as_the_whole_network(space, architecture, cut):
    whole = onnx_model(space, architecture, 10)
    little = onnx_model(space, f"{architecture}@{cut}", 10)
    trunk = trunk_of(little)
    assert is_begun(trunk, whole)
    check_shared(trunk, whole)
    features = answer(trunk_model(little), IMAGES)
    assert features.size == space.trunk_features(space.exit_numbers([cut]))[0]
    rest = rest_model(little, whole)
    np.testing.assert_allclose(answer(rest, features), answer(whole, IMAGES), rtol=1e-4, atol=1e-5)
    assert len(trunk_model(little).graph.node) + len(rest.graph.node) == len(whole.graph.node)


def test_an_exit_goes_on_to_a_later_one_and_to_no_earlier_one():
    early, late = (onnx_model(FBNET, f"{ARCHITECTURE}@{cut}", 10) for cut in ("6", "16s"))
    check_shared(trunk_of(early), late)
    with pytest.raises(ProfileError, match=r"is no exit of .*expected ARCHITECTURE@EXIT"):
        check_shared(trunk_of(late), early)


def test_other_architectures_and_other_weights_are_told_apart():
    little = onnx_model(FBNET, f"{ARCHITECTURE}@6", 10)
    other = onnx_model(FBNET, "8" * 22, 10)
    with pytest.raises(ProfileError, match=r"fbnet_2863848418780625260277@6' is no exit of"):
        rest_model(little, other)
    trained_apart = onnx_model(FBNET, ARCHITECTURE, 10, seed=1)
    with pytest.raises(ProfileError) as refusal:
        rest_model(little, trained_apart)
    message = str(refusal.value)
    assert "\n" not in message
    assert trunk_of(little).sha256[:12] in message
    assert "one supernet or one training" in message
    assert "coupling 'sibling'" in message


def test_one_changed_weight_before_the_exit_is_another_trunk_and_one_behind_it_is_not():
    onnx = pytest.importorskip("onnx")
    little, big = onnx_model(FBNET, f"{ARCHITECTURE}@6", 10), onnx_model(FBNET, ARCHITECTURE, 10)
    for name, same in (("blocks.7.body.0.weight", True), ("blocks.5.body.0.weight", False)):
        (weight,) = [w for w in big.graph.initializer if w.name == name]
        values = onnx.numpy_helper.to_array(weight).copy()
        values.flat[0] += 1e-3
        weight.CopyFrom(onnx.numpy_helper.from_array(values, name))
        trunk = trunk_of(little)
        assert (trunk_of(big, trunk.features).sha256 == trunk.sha256) is same


def test_a_model_without_a_head_has_no_trunk():
    with pytest.raises(ProfileError, match=r"no node 'head\.0'"):
        trunk_of(classifier_model(FBNET, 10))
    with pytest.raises(ProfileError, match="computes no value 'nothing'"):
        trunk_of(onnx_model(FBNET, "8" * 22, 10), "nothing")
