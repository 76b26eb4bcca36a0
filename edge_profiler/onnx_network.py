"""Networks as ONNX graphs, written straight from an architecture: no training framework needed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import ProfileError
from ..bench.graph import IMAGE, GraphBuilder
from ..bench.operators import Operator
from ..bench.precision import FP32, split_precision
from ..bench.spaces import Exit, Genomes, SearchSpace, canonical_name
from ..bench.trained_pair import Weights
from .onnx_graph import INPUT, LOGITS, GraphWriter
from .quantised import quantised

if TYPE_CHECKING:
    import onnx

#: PyTorch's default, with which the networks of the tables are trained.
BATCH_NORM_EPSILON = 1e-5


class _WeightSource:
    """Weights of convolutions and linear layers: given ones with batch norm folded, or random."""

    def __init__(self, weights: Weights | None, seed: int) -> None:
        self.weights = weights
        self.rng = np.random.default_rng(seed)

    def take(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        if self.weights is None:
            fan_in = math.prod(shape[1:])
            drawn = self.rng.standard_normal(shape, np.float32) * math.sqrt(2.0 / fan_in)
            return np.asarray(drawn, np.float32)
        if name not in self.weights:
            raise ProfileError(
                f"weight {name!r} is missing among the {len(self.weights)} given; expected the "
                "names of biglittle.bench.networks (a state dict) of the same architecture."
            )
        got = np.asarray(self.weights[name])
        if got.shape != shape:
            raise ProfileError(
                f"weight {name!r} has shape {got.shape}, expected {shape}: the weights are of "
                "another architecture or number of classes."
            )
        return got.astype(np.float32)

    def conv(
        self, op: Operator, name: str, norm: str | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        shape = (op.out_channels, op.in_channels // op.groups, op.kernel, op.kernel)
        weight = self.take(f"{name}.weight", shape)
        if norm is None or self.weights is None:
            return weight, np.zeros(op.out_channels, np.float32)
        gamma, beta, mean, var = (value.astype(np.float64) for value in self.norm(op, norm))
        scale = gamma / np.sqrt(var + BATCH_NORM_EPSILON)
        folded = weight.astype(np.float64) * scale[:, None, None, None]
        return folded.astype(np.float32), (beta - mean * scale).astype(np.float32)

    def norm(self, op: Operator, name: str) -> list[NDArray[np.float32]]:
        """Scale, shift, mean and variance of a batch norm; a fresh one's where none are given."""
        shape = (op.out_channels,)
        if self.weights is None:
            return [np.full(shape, value, np.float32) for value in (1.0, 0.0, 0.0, 1.0)]
        keys = ("weight", "bias", "running_mean", "running_var")
        return [self.take(f"{name}.{key}", shape) for key in keys]


def _write_chain(
    graph: GraphWriter, operators: Sequence[Operator], name: str, x: str, source: _WeightSource
) -> str:
    """Appends a chain of operators; ``add`` adds the chain's own input at its end."""
    entry, residual = x, any(op.kind == "add" for op in operators)
    # The numbering skips "add", as torch.nn.Sequential in bench/networks.py does, so that the
    # names of a state dict fit.
    chain = [op for op in operators if op.kind != "add"]
    for i, op in enumerate(chain):
        here = f"{name}.{i}"
        if op.kind == "conv":
            norm = i + 1 < len(chain) and chain[i + 1].kind == "batch_norm"
            x = _write_conv(graph, op, here, f"{name}.{i + 1}" if norm else None, x, source)
        elif op.kind != "batch_norm" or i == 0 or chain[i - 1].kind != "conv":
            x = _write_operator(graph, op, here, x, source)
    return graph.add("Add", (x, entry), f"{name}.sum") if residual else x


def _write_conv(
    graph: GraphWriter, op: Operator, here: str, norm: str | None, x: str, source: _WeightSource
) -> str:
    """A convolution with the batch norm called ``norm``, if there is one, folded into it."""
    weight, bias = source.conv(op, here, norm)
    inputs = (x, graph.constant(f"{here}.weight", weight), graph.constant(f"{here}.bias", bias))
    return graph.add(
        "Conv",
        inputs,
        here,
        kernel_shape=[op.kernel] * 2,
        strides=[op.stride] * 2,
        pads=[op.kernel // 2] * 4,
        group=op.groups,
    )


def _write_operator(
    graph: GraphWriter, op: Operator, here: str, x: str, source: _WeightSource
) -> str:
    """Any operator with one input but a convolution."""
    if op.kind == "batch_norm":  # one that follows no convolution, so that nothing can take it in
        keys = ("weight", "bias", "running_mean", "running_var")
        norm = source.norm(op, here)
        inputs = [
            graph.constant(f"{here}.{key}", value) for key, value in zip(keys, norm, strict=True)
        ]
        return graph.add("BatchNormalization", (x, *inputs), here, epsilon=BATCH_NORM_EPSILON)
    if op.kind == "relu":
        return graph.add("Relu", (x,), here)
    if op.kind == "avg_pool":
        return graph.add(
            "AveragePool",
            (x,),
            here,
            kernel_shape=[op.kernel] * 2,
            strides=[op.stride] * 2,
            pads=[(op.kernel - 1) // 2] * 4,
            count_include_pad=0,
        )
    if op.kind == "zero":
        return graph.add("Mul", (x, graph.constant(f"{here}.zero", 0.0)), here)
    if op.kind == "channel_shuffle":
        # a 0 keeps the length that is there: any batch
        split = (0, op.groups, op.in_channels // op.groups, op.height, op.width)
        whole = (0, op.in_channels, op.height, op.width)
        x = graph.add(
            "Reshape", (x, graph.constant(f"{here}.split", split, np.int64)), f"{here}.grouped"
        )
        x = graph.add("Transpose", (x,), f"{here}.swapped", perm=[0, 2, 1, 3, 4])
        return graph.add("Reshape", (x, graph.constant(f"{here}.whole", whole, np.int64)), here)
    if op.kind == "global_avg_pool":
        x = graph.add("GlobalAveragePool", (x,), f"{here}.pooled")
        return graph.add("Flatten", (x,), here)
    raise ProfileError(f"operator kind {op.kind!r} at {here!r} has no ONNX form here.")


def _write_body(
    graph: GraphWriter,
    space: SearchSpace,
    genome: Genomes,
    place: Exit | None,
    x: str,
    source: _WeightSource,
) -> str:
    """Everything between stem and head of a space of cells, without what nothing reads."""
    assert space.build_body is not None
    builder = GraphBuilder()
    last = space.build_body(builder, IMAGE, genome, None if place is None else place.after)
    nodes = builder.graph()
    needed, stack = set[int](), [last]
    while stack:
        k = stack.pop()
        if k != IMAGE and k not in needed:
            needed.add(k)
            stack += nodes[k].inputs
    readers = Counter(i for k in needed for i in nodes[k].inputs)
    values = {IMAGE: x}
    for k in sorted(needed):
        op, inputs, here = nodes[k].operator, nodes[k].inputs, f"blocks.0.nodes.{k}"
        if op.kind == "add":
            values[k] = graph.add("Add", [values[i] for i in inputs], here)
        elif op.kind == "concat":
            values[k] = graph.add("Concat", [values[i] for i in inputs], here, axis=1)
        elif op.kind == "conv":
            norm = next(
                (
                    j
                    for j in sorted(needed)
                    if nodes[j].operator.kind == "batch_norm" and nodes[j].inputs == (k,)
                ),
                None,
            )
            folded = norm is not None and readers[k] == 1
            name = f"blocks.0.nodes.{norm}" if folded else None
            values[k] = _write_conv(graph, op, here, name, values[inputs[0]], source)
            if folded and norm is not None:
                values[norm] = values[k]
        elif k not in values:
            values[k] = _write_operator(graph, op, here, values[inputs[0]], source)
    return values[last]


def _write_classifier(
    graph: GraphWriter, x: str, n_features: int, n_classes: int, source: _WeightSource
) -> None:
    weight = source.take("classifier.weight", (n_classes, n_features))
    bias = (
        np.zeros(n_classes, np.float32)
        if source.weights is None
        else source.take("classifier.bias", (n_classes,))
    )
    inputs = (
        x,
        graph.constant("classifier.weight", weight),
        graph.constant("classifier.bias", bias),
    )
    graph.add("Gemm", inputs, LOGITS, transB=1)


def write_operators(
    graph: GraphWriter, operators: Sequence[Operator], name: str, x: str, seed: int = 0
) -> str:
    """Appends operators with random weights, a classifier among them; the name of what they give.

    Args:
        graph: graph to which they are added.
        operators: the operators, each on what the one before gives; a classifier stands last.
        name: begins the names of their nodes.
        x: name of the value that they are applied to.
        seed: seed of the random weights.

    Raises:
        ProfileError: an operator without ONNX form.
    """
    source, last = _WeightSource(None, seed), operators[-1]
    if last.kind != "linear":
        return _write_chain(graph, operators, name, x, source)
    if len(operators) > 1:
        x = _write_chain(graph, operators[:-1], name, x, source)
    _write_classifier(graph, x, last.in_channels, last.out_channels, source)
    return LOGITS


def onnx_model(
    space: SearchSpace,
    architecture: str,
    n_classes: int,
    seed: int = 0,
    weights: Weights | None = None,
    calibration: NDArray[np.float32] | None = None,
) -> onnx.ModelProto:
    """One network as an ONNX model, as it would be deployed, whole or cut at an exit.

    Batch norm is folded into the convolution before it, which then carries a bias: that is what any
    runtime makes of a trained network. A skip that is the identity leaves no node. Input
    ``images`` float32 (1, 3, height, width), output ``logits`` float32 (1, n_classes). Random
    weights of a network that is cut are those of the whole one up to the exit. One in int8 is
    quantised by `quantised.quantised`.

    Args:
        space: search space of the network.
        architecture: name of a network in ``space``, ``ARCHITECTURE[@EXIT][:PRECISION]``.
        n_classes: number of classes of the classifier.
        seed: seed of the random weights (He-normal, biases 0), which serve for latency alone.
        weights: trained weights by name as in the state dict of ``biglittle.bench.networks``
            (``stem.0.weight``, ``blocks.3.body.1.running_var`` ...), as arrays; None: random.
        calibration: normalised training images that a network in int8 is calibrated on, shape
            (n, channels, height, width); None: noise, which serves random weights alone.

    Raises:
        ArchitectureError: ``architecture`` is not in ``space``, or has no such exit.
        ProfileError: a weight is missing or of another shape, an operator without ONNX form, or a
            network in int8 with trained weights and no images.
        MissingExtraError: ``onnx`` is not installed.

    >>> from biglittle.bench.spaces import get_space
    >>> model = onnx_model(get_space("fbnet"), "8" * 22, n_classes=10)
    >>> [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim]
    [1, 10]
    >>> onnx_model(get_space("fbnet"), "8" * 22 + "@12", n_classes=10).graph.name
    'fbnet_8888888888888888888888@12'
    """
    name, precision = split_precision(canonical_name(space, architecture))
    if precision != FP32:
        if weights is not None and calibration is None:
            raise ProfileError(
                f"{architecture} has trained weights and nothing to calibrate {precision} on; give "
                "calibration=, normalised training images."
            )
        return quantised(onnx_model(space, name, n_classes, seed, weights), calibration)
    id_, _, cut = name.partition("@")
    genome, place = space.parse(id_)[0], space.get_exit(cut)
    graph, source = GraphWriter(), _WeightSource(weights, seed)
    x = _write_chain(graph, space.stem_of(genome), "stem", INPUT, source)
    if space.build_body is not None:
        x = _write_body(graph, space, genome, place, x, source)
    layers = space.layers if place is None else space.layers[: place.after + 1]
    for layer in layers if space.build_body is None else ():
        operators = space.build_layer(layer, int(genome[layer.index]))
        if operators:
            x = _write_chain(graph, operators, f"blocks.{layer.index}.body", x, source)
    *head, classifier = space.head_of(genome, n_classes, place)
    x = _write_chain(graph, head, "head", x, source)
    _write_classifier(graph, x, classifier.in_channels, n_classes, source)
    first = space.stem[0]
    images = graph.value(INPUT, (1, first.in_channels, first.height, first.width))
    logits = graph.value(LOGITS, (1, n_classes))
    return graph.model([images], [logits], f"{space.name}_{name}")


def null_model(space: SearchSpace) -> onnx.ModelProto:
    """A model that hands its images through: what is left is the harness itself."""
    graph, first = GraphWriter(), space.stem[0]
    shape = (1, first.in_channels, first.height, first.width)
    graph.add("Identity", (INPUT,), "unchanged")
    return graph.model([graph.value(INPUT, shape)], [graph.value("unchanged", shape)], "null")


def classifier_model(space: SearchSpace, n_classes: int, seed: int = 0) -> onnx.ModelProto:
    """A classifier on the mean colour of the images: the cheapest thing that has logits."""
    graph, first = GraphWriter(), space.stem[0]
    x = graph.add("GlobalAveragePool", (INPUT,), "pooled")
    x = graph.add("Flatten", (x,), "features")
    _write_classifier(graph, x, first.in_channels, n_classes, _WeightSource(None, seed))
    images = graph.value(INPUT, (1, first.in_channels, first.height, first.width))
    return graph.model([images], [graph.value(LOGITS, (1, n_classes))], "classifier")
