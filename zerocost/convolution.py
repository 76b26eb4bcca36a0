"""Convolutions that can be differentiated twice, grouped or not, by convolutions of their size.

PyTorch's second derivative of a convolution loops over the groups, which for a depthwise one of
some hundred channels takes longer than everything else of a Hessian-vector product; without groups
it convolves with kernels as large as the maps. A convolution is linear in its input x and in its
weight w, so all derivatives are convolutions of one geometry. With g the gradient at its output,
the first backward pass gives gx(g, w) and gw(g, x). For gradients a of gx and c of gw, the second
one gives

    g: conv(a, w) + conv(x, c)        x: gx(g, c)        w: gw(g, a)

and the last two are one ordinary backward pass with input a and weight c.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch

#: Functions that ``convolve`` stands for, and the dimensions of their maps.
CONVOLUTIONS = {torch.conv1d: 1, torch.conv2d: 2, torch.conv3d: 3}
_Numbers = tuple[int, ...]
_Geometry = tuple[_Numbers, _Numbers, _Numbers, int]  # stride, padding, dilation, groups


def _convolve(x: torch.Tensor, weight: torch.Tensor, geometry: _Geometry) -> torch.Tensor:
    stride, padding, dilation, groups = geometry
    return torch.convolution(x, weight, None, stride, padding, dilation, False, (0,), groups)


def _backward(
    gradient: torch.Tensor,
    x: torch.Tensor,
    weight: torch.Tensor,
    geometry: _Geometry,
    wanted: tuple[bool, bool] = (True, True),
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    stride, padding, dilation, groups = geometry
    by_x, by_weight, _ = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, stride, padding, dilation, False, (0,), groups,
        (*wanted, False),
    )  # fmt: skip
    return by_x, by_weight


def _goes_on_to(node: Any) -> bool:
    """Whether the backward pass that is running goes on to a node of the graph."""
    if node is None:
        return False
    try:
        return bool(torch._C._will_engine_execute_node(node))
    except RuntimeError:  # torch does not tell of a leaf whose gradient is asked for
        return True


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, geometry: _Geometry) -> Any:
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        return _convolve(x, weight, geometry)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        # ``needs_input_grad`` only tells what the pass could go on to: with a gradient with respect
        # to the images, it would compute every weight's as well.
        wanted = tuple(_goes_on_to(node) for node, _ in ctx.next_functions[:2])
        both = _Backward.apply(gradient, *ctx.saved_tensors, ctx.geometry, wanted)  # type: ignore[no-untyped-call]
        return *both, None


class _Backward(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        gradient: torch.Tensor,
        x: torch.Tensor,
        weight: torch.Tensor,
        geometry: _Geometry,
        wanted: tuple[bool, bool],
    ) -> Any:
        ctx.save_for_backward(gradient, x, weight)
        ctx.set_materialize_grads(False)
        ctx.geometry = geometry
        return _backward(gradient, x, weight, geometry, wanted)

    @staticmethod
    def backward(ctx: Any, a: torch.Tensor | None, c: torch.Tensor | None) -> Any:
        gradient, x, weight = ctx.saved_tensors
        geometry = ctx.geometry
        by_gradient = None if a is None else _convolve(a, weight, geometry)
        if c is not None:
            of_weight = _convolve(x, c, geometry)
            by_gradient = of_weight if by_gradient is None else by_gradient.add_(of_weight)
        needs = c is not None, a is not None
        by_x, by_weight = _backward(
            gradient, x if a is None else a, weight if c is None else c, geometry, needs
        )
        return by_gradient, by_x, by_weight, None, None


_ARGUMENTS = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")


def convolve(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> torch.Tensor | None:
    """What a function of ``CONVOLUTIONS`` gives, or None where its padding has a name."""
    n_dims = CONVOLUTIONS[function]
    given = dict(zip(_ARGUMENTS, args, strict=False)) | kwargs
    if isinstance(given.get("padding", 0), str):
        return None

    def numbers(name: str, default: int) -> _Numbers:
        value = given.get(name, default)
        several = tuple(value) if isinstance(value, tuple | list) else (value,)
        return cast(_Numbers, several * n_dims if len(several) == 1 else several)

    geometry = numbers("stride", 1), numbers("padding", 0), numbers("dilation", 1)
    groups = given.get("groups", 1)
    x, bias = given["input"], given.get("bias")
    batched = x if x.ndim == n_dims + 2 else x[None]
    out: torch.Tensor = _Convolution.apply(batched, given["weight"], (*geometry, groups))  # type: ignore[no-untyped-call]
    out = out if x.ndim == n_dims + 2 else out[0]
    return out if bias is None else out + bias.reshape(-1, *[1] * n_dims)
