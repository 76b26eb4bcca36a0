"""Networks and cascades as ONNX graphs, run by ONNX Runtime."""

import math

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ArchitectureError, ProfileError
from biglittle.edge_profiler import onnx_model

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
SPACE = get_space("fbnet")
PUBLISHED = "2863848418780625260277"  # has every kind of operator
LITTLE, BIG = "8" * 22, "8" * 20 + "10"
IMAGES = np.random.default_rng(1).standard_normal((1, 3, 32, 32)).astype(np.float32)


def trained(space, architecture):
    """What a network with batch norms as after training answers to the images, and its weights."""
    torch = pytest.importorskip("torch")
    from biglittle.bench.networks import build_network

    network = build_network(architecture, n_classes=10, space=space.name, seed=3)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):  # fresh ones would fold to nothing
                module.running_mean.normal_(0.0, 0.1, generator=generator)
                module.running_var.uniform_(0.5, 1.5, generator=generator)
                module.weight.uniform_(0.8, 1.6, generator=generator)
                module.bias.normal_(0.0, 0.1, generator=generator)
        expected = network.eval()(torch.from_numpy(IMAGES)).numpy()
    return expected, {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def macs(model):
    """Multiply-accumulates counted from the graph's own shapes."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    shape = {
        v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in (*graph.value_info, *graph.output)
    }
    weights = {w.name: tuple(w.dims) for w in graph.initializer}
    total = 0
    for node in graph.node:
        if node.op_type == "Conv":
            pixels = math.prod(shape[node.output[0]][2:])
            total += math.prod(weights[node.input[1]]) * pixels
        elif node.op_type == "Gemm":
            total += math.prod(weights[node.input[1]])
    return total


def kinds(graph):
    return [n.op_type for n in graph.node]


@pytest.mark.parametrize("architecture", [PUBLISHED, LITTLE, "1" * 22, "76543210" * 2 + "123456"])
def test_the_graph_has_the_operators_and_macs_of_the_space(architecture):
    model = onnx_model(SPACE, architecture, 10)
    operators = [op.kind for op in SPACE.operators(architecture, 10)]
    found = kinds(model.graph)
    for kind, name in [("conv", "Conv"), ("relu", "Relu"), ("add", "Add"), ("linear", "Gemm")]:
        assert found.count(name) == operators.count(kind)
    assert found.count("Transpose") == operators.count("channel_shuffle")
    assert "BatchNormalization" not in found
    assert macs(model) == SPACE.macs(SPACE.parse(architecture), 10)[0]


def test_the_answer_has_one_logit_per_class(run):
    (logits,) = run(onnx_model(SPACE, PUBLISHED, 100), IMAGES)
    assert logits.shape == (1, 100)
    assert np.isfinite(logits).all()


def test_the_seed_decides_the_weights(run):
    one, same, other = (run(onnx_model(SPACE, LITTLE, 10, seed), IMAGES)[0] for seed in (3, 3, 4))
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


def test_an_architecture_of_another_space_is_refused():
    with pytest.raises(ArchitectureError):
        onnx_model(SPACE, "123", 10)


@pytest.mark.parametrize("architecture", [PUBLISHED, "1" * 22])
def test_folded_weights_answer_as_the_trained_network_does(run, architecture):
    expected, weights = trained(SPACE, architecture)
    model = onnx_model(SPACE, architecture, 10, weights=weights)
    assert expected.std() > 0.01
    np.testing.assert_allclose(run(model, IMAGES)[0], expected, rtol=1e-3, atol=1e-4)
    assert kinds(model.graph) == kinds(onnx_model(SPACE, architecture, 10).graph)


# Cells: every choice; a shared sum; dead ends; constants that a convolution makes of zeros.
@pytest.mark.parametrize("architecture", ["123432", "330400", "300300", "000330", "000000"])
def test_cells_answer_as_the_trained_network_does(run, architecture):
    space = get_space("nb201")
    expected, weights = trained(space, architecture)
    model = onnx_model(space, architecture, 10, weights=weights)
    assert expected.std() > 0.01
    np.testing.assert_allclose(run(model, IMAGES)[0], expected, rtol=1e-3, atol=1e-3)
    # Only the head's batch norm follows no convolution.
    assert kinds(model.graph).count("BatchNormalization") == 1
    assert kinds(model.graph) == kinds(onnx_model(space, architecture, 10).graph)


def test_cells_have_the_macs_of_the_space_and_its_published_names():
    space, name = (
        get_space("nb201"),
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|",
    )
    model = onnx_model(space, name, 10)
    assert macs(model) == space.macs(space.parse(name), 10)[0]
    assert model.graph.name == f"nb201_{space.format(space.parse(name))[0]}"


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(ProfileError, match="missing"):
        onnx_model(SPACE, LITTLE, 10, weights={})
    with pytest.raises(ProfileError, match="shape"):
        onnx_model(SPACE, LITTLE, 10, weights={"stem.0.weight": np.zeros((1, 2, 3, 3))})


# ---- networks that are cut at an exit ----------------------------------------------------------
CUT = [("fbnet", PUBLISHED, cut) for cut in ("2s", "8", "12", "20s")]
CUT += [("fbnet", "1" * 12 + "8" * 10, "14"), ("nb201", "123432", "4"), ("nb201", "330400", "9s")]


@pytest.mark.parametrize(("space", "architecture", "cut"), CUT)
def test_a_network_that_is_cut_answers_as_in_training(run, space, architecture, cut):
    space, name = get_space(space), f"{architecture}@{cut}"
    expected, weights = trained(space, name)
    model = onnx_model(space, name, 10, weights=weights)
    assert expected.std() > 0.01
    np.testing.assert_allclose(run(model, IMAGES)[0], expected, rtol=1e-3, atol=1e-3)
    assert model.graph.name == f"{space.name}_{name}"
    if space is SPACE:
        assert macs(model) == space.macs(architecture, 10, space.exit_numbers([cut]))[0]


def test_random_weights_before_an_exit_are_those_of_the_whole_network():
    values = [
        {w.name: onnx.numpy_helper.to_array(w) for w in model.graph.initializer}
        for model in (onnx_model(SPACE, n, 10) for n in (PUBLISHED, f"{PUBLISHED}@12"))
    ]
    before = [name for name in values[1] if name.startswith(("stem", "blocks"))]
    assert before
    for name in before:
        np.testing.assert_array_equal(values[0][name], values[1][name])


@pytest.mark.parametrize("name", [f"{LITTLE}@3", f"{LITTLE}@", f"{LITTLE}@12@12"])
def test_an_exit_that_the_space_lacks_is_refused_with_those_it_has(name):
    with pytest.raises(ArchitectureError, match=r"no exit .* expected one of 2, 2s, 4"):
        onnx_model(SPACE, name, 10)


def test_grouped_layers_answer_any_number_of_images(run):
    model = onnx_model(SPACE, "1" * 22, 10)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    images = np.random.default_rng(0).normal(size=(3, *IMAGES.shape[1:])).astype(np.float32)
    (together,) = run(model, images)
    alone = np.concatenate([run(model, images[i : i + 1])[0] for i in range(3)])
    assert together.shape == (3, 10)
    assert np.allclose(together, alone, atol=1e-4)
