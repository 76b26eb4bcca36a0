"""Networks as ONNX graphs, written straight from an architecture: no training framework needed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import GateError, MissingExtraError, ProfileError
from ..bench.graph import IMAGE, GraphBuilder
from ..bench.operators import Operator
from ..bench.spaces import Genomes, SearchSpace

if TYPE_CHECKING:
    import onnx

#: Understood by every ONNX Runtime since 1.12, the oldest that boards still run.
OPSET, IR_VERSION = 17, 8
#: Names of the only input and of the answer of every graph written here.
INPUT, LOGITS, ESCALATED = "images", "logits", "escalated"
#: PyTorch's default, with which the networks of the tables are trained.
BATCH_NORM_EPSILON = 1e-5

Weights = Mapping[str, NDArray[Any]]


def import_onnx() -> Any:
    """The ``onnx`` module.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "profiler", "profiling a network") from error
    return onnx


class _Graph:
    """Nodes and initialisers of a graph under construction."""

    def __init__(self, prefix: str = "") -> None:
        self.onnx, self.prefix = import_onnx(), prefix
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def constant(self, name: str, values: Any, dtype: type = np.float32) -> str:
        array: NDArray[Any] = np.array(values, dtype, order="C")
        name = self.prefix + name
        self.initializers.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def add(self, kind: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        name = self.prefix + name
        node = self.onnx.helper.make_node(kind, list(inputs), [name], name=name, **attributes)
        self.nodes.append(node)
        return name

    def model(
        self, inputs: Sequence[Any], outputs: Sequence[Any], name: str, checked: bool = True
    ) -> onnx.ModelProto:
        helper = self.onnx.helper
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.initializers)
        model: onnx.ModelProto = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="biglittle",
        )
        if checked:
            self.onnx.checker.check_model(model)
        return model

    def value(self, name: str, shape: Sequence[int], kind: str = "FLOAT") -> Any:
        data_type = getattr(self.onnx.TensorProto, kind)
        return self.onnx.helper.make_tensor_value_info(name, data_type, list(shape))


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
    graph: _Graph, operators: Sequence[Operator], name: str, x: str, source: _WeightSource
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
    graph: _Graph, op: Operator, here: str, norm: str | None, x: str, source: _WeightSource
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


def _write_operator(graph: _Graph, op: Operator, here: str, x: str, source: _WeightSource) -> str:
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
        split = (1, op.groups, op.in_channels // op.groups, op.height, op.width)
        whole = (1, op.in_channels, op.height, op.width)
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
    graph: _Graph, space: SearchSpace, genome: Genomes, x: str, source: _WeightSource
) -> str:
    """Everything between stem and head of a space of cells, without what nothing reads."""
    assert space.build_body is not None
    builder = GraphBuilder()
    last = space.build_body(builder, IMAGE, genome)
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
    graph: _Graph, x: str, n_features: int, n_classes: int, source: _WeightSource
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


def onnx_model(
    space: SearchSpace,
    architecture: str,
    n_classes: int,
    seed: int = 0,
    weights: Weights | None = None,
) -> onnx.ModelProto:
    """The network of one architecture as an ONNX model, as it would be deployed.

    Batch norm is folded into the convolution before it, which then carries a bias: that is what any
    runtime makes of a trained network. A skip that is the identity leaves no node. Input
    ``images`` float32 (1, 3, height, width), output ``logits`` float32 (1, n_classes).

    Args:
        space: the search space.
        architecture: id in ``space``.
        n_classes: number of classes of the classifier.
        seed: of the random weights (He-normal, biases 0), which serve for latency alone.
        weights: trained weights by name as in the state dict of ``biglittle.bench.networks``
            (``stem.0.weight``, ``blocks.3.body.1.running_var`` ...), as arrays; None: random.

    Raises:
        ArchitectureError: ``architecture`` is not in ``space``.
        ProfileError: a weight is missing or of another shape, or an operator without ONNX form.
        MissingExtraError: ``onnx`` is not installed.

    >>> from biglittle.bench.spaces import get_space
    >>> model = onnx_model(get_space("fbnet"), "8" * 22, n_classes=10)
    >>> [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim]
    [1, 10]
    """
    genome = space.parse(architecture)[0]
    graph, source = _Graph(), _WeightSource(weights, seed)
    x = _write_chain(graph, space.stem, "stem", INPUT, source)
    if space.build_body is not None:
        x = _write_body(graph, space, genome, x, source)
    for layer in space.layers if space.build_body is None else ():
        operators = space.build_layer(layer, int(genome[layer.index]))
        if operators:
            x = _write_chain(graph, operators, f"blocks.{layer.index}.body", x, source)
    x = _write_chain(graph, space.head, "head", x, source)
    _write_classifier(graph, x, space.n_features, n_classes, source)
    first = space.stem[0]
    images = graph.value(INPUT, (1, first.in_channels, first.height, first.width))
    logits = graph.value(LOGITS, (1, n_classes))
    return graph.model([images], [logits], f"{space.name}_{space.format(genome)[0]}")


def null_model(space: SearchSpace) -> onnx.ModelProto:
    """A model that hands its images through: what is left is the harness itself."""
    graph, first = _Graph(), space.stem[0]
    shape = (1, first.in_channels, first.height, first.width)
    graph.add("Identity", (INPUT,), "unchanged")
    return graph.model([graph.value(INPUT, shape)], [graph.value("unchanged", shape)], "null")


def classifier_model(space: SearchSpace, n_classes: int, seed: int = 0) -> onnx.ModelProto:
    """A classifier on the mean colour of the images: the cheapest thing that has logits."""
    graph, first = _Graph(), space.stem[0]
    x = graph.add("GlobalAveragePool", (INPUT,), "pooled")
    x = graph.add("Flatten", (x,), "features")
    _write_classifier(graph, x, first.in_channels, n_classes, _WeightSource(None, seed))
    images = graph.value(INPUT, (1, first.in_channels, first.height, first.width))
    return graph.model([images], [graph.value(LOGITS, (1, n_classes))], "classifier")


# ---- gates -------------------------------------------------------------------------------------
# Only operators whose form is one since opset 13, so that models of other exporters fit too.
def _write_max_prob(graph: _Graph, logits: str) -> str:
    p = graph.add("Softmax", (logits,), "probabilities", axis=-1)
    return graph.add("ReduceMax", (p,), "value", keepdims=0)


def _write_margin(graph: _Graph, logits: str) -> str:
    p = graph.add("Softmax", (logits,), "probabilities", axis=-1)
    k = graph.constant("k", [2], np.int64)
    top, index = graph.prefix + "top2", graph.prefix + "top2_index"
    node = graph.onnx.helper.make_node("TopK", [p, k], [top, index], name=top, axis=-1)
    graph.nodes.append(node)
    signed = graph.add("Mul", (top, graph.constant("signs", [[1.0, -1.0]])), "signed")
    return graph.add("ReduceSum", (signed,), "value", keepdims=0)


def _write_entropy(graph: _Graph, logits: str) -> str:
    log_p = graph.add("LogSoftmax", (logits,), "log_probabilities", axis=-1)
    p = graph.add("Exp", (log_p,), "probabilities")
    terms = graph.add("Mul", (p, log_p), "terms")
    total = graph.add("ReduceSum", (terms,), "total", keepdims=0)
    return graph.add("Neg", (total,), "value")


#: Metric -> (writer of its nodes, comparison that means "confident").
_GATES: dict[str, tuple[Callable[[_Graph, str], str], str]] = {
    "max_prob": (_write_max_prob, "GreaterOrEqual"),
    "margin": (_write_margin, "GreaterOrEqual"),
    "entropy": (_write_entropy, "LessOrEqual"),
}


def onnx_gates() -> tuple[str, ...]:
    """The gate metrics that have an ONNX form."""
    return tuple(_GATES)


def forced_threshold(metric: str, escalate: bool) -> float:
    """A threshold outside of the metric's range, at which every input takes one branch.

    Raises:
        GateError: the metric has no ONNX form.
    """
    high_is_confident = _gate(metric)[1] == "GreaterOrEqual"
    return float("inf") if escalate == high_is_confident else -1.0


def _gate(metric: str) -> tuple[Callable[[_Graph, str], str], str]:
    if metric not in _GATES:
        raise GateError(
            f"gate metric {metric!r} cannot be written as ONNX; expected one of "
            f"{', '.join(sorted(_GATES))}."
        )
    return _GATES[metric]


def _write_gate(logits: str, metric: str, threshold: float) -> _Graph:
    """A graph whose last node is the bool scalar "escalate"."""
    writer, confident = _gate(metric)
    if math.isnan(threshold):
        raise GateError(f"threshold of gate {metric!r} is NaN; expected a number.")
    graph = _Graph("gate/")
    value = writer(graph, logits)
    sure = graph.add(confident, (value, graph.constant("threshold", threshold)), "confident")
    graph.nodes.append(graph.onnx.helper.make_node("Not", [sure], [ESCALATED], name="gate/not"))
    return graph


def _renamed(model: onnx.ModelProto, prefix: str) -> tuple[list[Any], list[Any], str]:
    """Nodes, initialisers and the name of the logits, every name prefixed but the images'."""
    source = model.graph
    weights = {w.name for w in source.initializer}
    inputs = [i.name for i in source.input if i.name not in weights]
    if len(inputs) != 1 or len(source.output) != 1:
        raise ProfileError(
            f"model {source.name!r} has {len(inputs)} inputs and {len(source.output)} outputs; "
            "a cascade is made of networks with one each."
        )

    def new(name: str) -> str:
        return name if not name else INPUT if name == inputs[0] else prefix + name

    nodes, initializers = [], []
    for old in source.node:
        if any(a.HasField("g") for a in old.attribute):
            raise ProfileError(
                f"node {old.name!r} of model {source.name!r} holds a graph of its own; a cascade "
                "is made of networks without control flow."
            )
        node = type(old)()
        node.CopyFrom(old)
        node.name = prefix + old.name
        node.input[:] = [new(n) for n in old.input]
        node.output[:] = [new(n) for n in old.output]
        nodes.append(node)
    for weight in source.initializer:
        copy = type(weight)()
        copy.CopyFrom(weight)
        copy.name = prefix + weight.name
        initializers.append(copy)
    return nodes, initializers, new(source.output[0].name)


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    return tuple(d.dim_value for d in value.type.tensor_type.shape.dim)


def _kind(model: onnx.ModelProto) -> str:
    """The type of a model's input, as ONNX writes it."""
    kind = model.graph.input[0].type.tensor_type.elem_type
    return str(import_onnx().TensorProto.DataType.Name(kind))


def _opset(model: onnx.ModelProto) -> int:
    return next((int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)


def cascade_model(
    little: onnx.ModelProto, big: onnx.ModelProto, metric: str, threshold: float
) -> onnx.ModelProto:
    """One graph that runs the big network only where the little one is not confident.

    The big network lies in a branch of an ``If`` node, which a runtime executes only when it is
    taken. Confident means at or above the threshold (``max_prob``, ``margin``) or at or below it
    (``entropy``, nats); a metric that is NaN escalates. The batch is 1, since one decision steers
    the whole graph. Outputs: ``logits`` float32 (1, n_classes) of whichever network answered, and
    ``escalated``, a bool scalar.

    Args:
        little: with one input (1, channels, height, width) and one output (1, n_classes).
        big: likewise, of the same shapes and opset.
        metric: ``max_prob``, ``margin`` or ``entropy``.
        threshold: in the metric's unit; rounded to float32.

    Raises:
        GateError: a metric without ONNX form, or a threshold that is no number.
        ProfileError: the two networks do not fit each other.
        MissingExtraError: ``onnx`` is not installed.
    """
    gate_nodes = _write_gate("little/" + little.graph.output[0].name, metric, threshold)
    shapes = [(_shape(m.graph.input[0]), _shape(m.graph.output[0])) for m in (little, big)]
    kinds = (_kind(little), _kind(big))
    if shapes[0] != shapes[1] or kinds[0] != kinds[1] or shapes[0][0][:1] != (1,):
        raise ProfileError(
            f"the little network maps {kinds[0]} {shapes[0][0]} to {shapes[0][1]}, the big one "
            f"{kinds[1]} {shapes[1][0]} to {shapes[1][1]}; expected the same shapes and types, "
            "and batch 1."
        )
    if _opset(little) != _opset(big) or _opset(little) < 16:
        raise ProfileError(
            f"the little network has opset {_opset(little)}, the big one {_opset(big)}; expected "
            "one and the same opset of at least 16."
        )
    helper, graph = gate_nodes.onnx.helper, gate_nodes
    nodes, initializers, little_logits = _renamed(little, "little/")
    big_nodes, big_initializers, big_logits = _renamed(big, "big/")
    answer = shapes[0][1]
    keep = helper.make_graph(
        [helper.make_node("Identity", [little_logits], ["kept/logits"], name="kept/identity")],
        "keep",
        [],
        [graph.value("kept/logits", answer)],
    )
    # The big network's weights lie in its own branch: a runtime may lay them out for its kernels
    # there, as it would in a model of its own.
    escalate = helper.make_graph(
        big_nodes, "escalate", [], [graph.value(big_logits, answer)], big_initializers
    )
    choose = helper.make_node(
        "If", [ESCALATED], [LOGITS], name="escalate", then_branch=escalate, else_branch=keep
    )
    graph.nodes = [*nodes, *graph.nodes, choose]
    graph.initializers = [*initializers, *graph.initializers]
    outputs = [graph.value(LOGITS, answer), graph.value(ESCALATED, (), "BOOL")]
    images = graph.value(INPUT, shapes[0][0], kinds[0])
    model = graph.model([images], outputs, "cascade", checked=False)
    model.opset_import[0].version = _opset(little)
    model.ir_version = max(little.ir_version, big.ir_version)
    graph.onnx.checker.check_model(model)
    return model


def gated_model(network: onnx.ModelProto, metric: str, threshold: float) -> onnx.ModelProto:
    """A network with the nodes of a gate behind it, and nothing to escalate to.

    Outputs: ``little/logits`` of the network and ``escalated``, a bool scalar. Its latency minus
    the network's own is that of the gate.

    Raises:
        GateError: a metric without ONNX form, or a threshold that is no number.
        MissingExtraError: ``onnx`` is not installed.
    """
    nodes, initializers, logits = _renamed(network, "little/")
    graph = _write_gate(logits, metric, threshold)
    graph.nodes = [*nodes, *graph.nodes]
    graph.initializers = [*initializers, *graph.initializers]
    images, answer = network.graph.input[0], network.graph.output[0]
    outputs = [graph.value(logits, _shape(answer)), graph.value(ESCALATED, (), "BOOL")]
    inputs = [graph.value(INPUT, _shape(images), _kind(network))]
    return graph.model(inputs, outputs, "gated")
