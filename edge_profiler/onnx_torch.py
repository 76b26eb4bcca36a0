"""Part of an ONNX graph as a PyTorch module: the operators that our networks and gates are made of.

Needs torch, which no board has: only what writes files for phones imports this file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..bench.errors import ProfileError
from .onnx_parts import GraphPart

Attributes = dict[str, Any]


def _conv(a: Attributes, x: Tensor, w: Tensor, bias: Tensor | None = None) -> Tensor:
    left, right = a.get("pads", [0, 0, 0, 0])[:2], a.get("pads", [0, 0, 0, 0])[2:]
    if left != right:
        x = functional.pad(x, (left[1], right[1], left[0], right[0]))
        left = [0, 0]
    stride, dilation = a.get("strides", [1, 1]), a.get("dilations", [1, 1])
    return functional.conv2d(x, w, bias, stride, left, dilation, a.get("group", 1))


def _gemm(a: Attributes, x: Tensor, w: Tensor, bias: Tensor) -> Tensor:
    x = x.T if a.get("transA") else x
    w = w if a.get("transB") else w.T
    return float(a.get("alpha", 1.0)) * functional.linear(x, w) + float(a.get("beta", 1.0)) * bias


def _reduced(of: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def reduced(a: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
        over = a.get("axes") or (axes.tolist() if axes is not None else list(range(x.ndim)))
        return of(x, dim=over, keepdim=bool(a.get("keepdims", 1)))

    return reduced


def _reshape(a: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    sides = [x.shape[at] if side == 0 else side for at, side in enumerate(shape.tolist())]
    return x.reshape(sides)


def _top(a: Attributes, x: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """The largest values one after the other: LiteRT's interpreter has no sort."""
    if a.get("axis", -1) not in (-1, x.ndim - 1):
        raise ProfileError(f"a TopK along axis {a['axis']}; expected the last one.")
    values, places, rest = [], [], x
    positions = torch.arange(x.shape[-1])
    for _ in range(int(k)):
        values.append(rest.amax(-1, keepdim=True))
        places.append(rest.argmax(-1, keepdim=True))
        rest = torch.where(positions == places[-1], -torch.inf, rest)
    return torch.cat(values, -1), torch.cat(places, -1)


_OPERATORS: dict[str, Callable[..., Any]] = {
    "Add": lambda a, x, y: x + y,
    "Sub": lambda a, x, y: x - y,
    "Mul": lambda a, x, y: x * y,
    "Div": lambda a, x, y: x / y,
    "Cast": lambda a, x: x.float(),
    "Conv": _conv,
    "Exp": lambda a, x: x.exp(),
    "Flatten": lambda a, x: x.flatten(a.get("axis", 1)),
    "Gemm": _gemm,
    "GlobalAveragePool": lambda a, x: x.mean((2, 3), keepdim=True),
    "GreaterOrEqual": lambda a, x, y: x >= y,
    "Identity": lambda a, x: x,
    "LessOrEqual": lambda a, x, y: x <= y,
    "LogSoftmax": lambda a, x: functional.log_softmax(x, a.get("axis", -1)),
    "MatMul": lambda a, x, y: x @ y,
    "Neg": lambda a, x: -x,
    "Not": lambda a, x: torch.logical_not(x),
    "ReduceMax": _reduced(torch.amax),
    "ReduceMean": _reduced(torch.mean),
    "ReduceSum": _reduced(torch.sum),
    "Relu": lambda a, x: functional.relu(x),
    "Reshape": _reshape,
    "Softmax": lambda a, x: functional.softmax(x, a.get("axis", -1)),
    "TopK": _top,
    "Transpose": lambda a, x: x.permute(a["perm"]),
}


class GraphModule(nn.Module):
    """Computes the outputs of a part from its inputs, in their order.

    Args:
        part: nodes and constants of the part.

    Raises:
        ProfileError: it holds an operator without a form here.
    """

    def __init__(self, part: GraphPart) -> None:
        import onnx

        super().__init__()
        unknown = sorted({node.op_type for node in part.nodes} - _OPERATORS.keys())
        if unknown:
            raise ProfileError(
                f"the graph has {', '.join(unknown)}, which has no LiteRT form here; expected a "
                f"network in fp32 of {', '.join(_OPERATORS)}."
            )
        self._inputs, self._outputs = part.inputs, part.outputs
        self._whole: dict[str, Tensor] = {}  # shapes and axes, which are no data of the file
        self._buffer_of: dict[str, str] = {}
        for n, (name, array) in enumerate(part.constants.items()):
            tensor = torch.from_numpy(array.copy())
            if tensor.is_floating_point():
                self._buffer_of[name] = f"constant_{n}"
                self.register_buffer(f"constant_{n}", tensor)
            else:
                self._whole[name] = tensor
        self._steps = [
            (
                _OPERATORS[node.op_type],
                {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute},
                tuple(node.input),
                tuple(node.output),
            )
            for node in part.nodes
        ]

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The outputs of the part."""
        values: dict[str, Any] = {"": None, **self._whole}
        values |= {name: getattr(self, buffer) for name, buffer in self._buffer_of.items()}
        values |= dict(zip(self._inputs, inputs, strict=True))
        for operator, attributes, sources, targets in self._steps:
            made = operator(attributes, *(values[s] for s in sources))
            values |= dict(zip(targets, made if isinstance(made, tuple) else (made,), strict=True))
        return tuple(values[name] for name in self._outputs)
