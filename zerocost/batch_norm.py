"""Batch norm that can be differentiated twice in a few passes over memory.

With rows x of M values in a channel, mean m, r = 1 / sqrt(variance + eps) and z = (x - m) r, the
gradient g at the output y = w z + b gives

    gx = w r (g - gb / M - z gw / M)        gw = sum g z        gb = sum g

Of what a, c and d say of gx, gw and gb, F = sum a gx + c gw + d gb, the derivatives are

    by g:  w r (a - mean a - z mean(a z)) + c z + d
    by w:  r T,                             T = sum a g - sum(a) gb / M - sum(a z) gw / M
    by x:  r (h - mean h - z mean(h z)) - w T r^2 z / M,
                                            h = c g - w r (a gw + g sum(a z)) / M

h is the derivative by z at a fixed r, the last term that by r. The first term by g is the gradient
at the input for a gradient a at the output, so PyTorch's own kernel gives it and both sums of a; c
and d are None where the gradients of w and b are not differentiated. PyTorch's own second
derivative goes through three times as many whole tensors, and leaves them in another order than
they came in.
"""

from __future__ import annotations

from typing import Any

import torch


def _rows(tensor: torch.Tensor) -> torch.Tensor:
    """(n, channels, ...) as (rows, channels): a view where channels come last in memory."""
    return tensor.movedim(1, -1).reshape(-1, tensor.shape[1])


def _shaped(rows: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return rows.view(like.movedim(1, -1).shape).movedim(-1, 1)


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: Any, bias: Any, running: Any, eps: float) -> Any:
        running_mean, running_var, momentum = running
        out, mean, scale = torch.native_batch_norm(
            x, weight, bias, running_mean, running_var, True, momentum, eps
        )
        ctx.save_for_backward(x, weight, mean, scale)
        ctx.eps = eps
        return out

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        by_all = _Backward.apply(gradient, *ctx.saved_tensors, ctx.eps)  # type: ignore[no-untyped-call]
        wanted = zip(by_all, ctx.needs_input_grad[:3], strict=True)
        return *(g if needed else None for g, needed in wanted), None, None


class _Backward(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        gradient: torch.Tensor,
        x: torch.Tensor,
        weight: torch.Tensor | None,
        mean: torch.Tensor,
        scale: torch.Tensor,
        eps: float,
    ) -> Any:
        by_all = torch.ops.aten.native_batch_norm_backward(
            gradient, x, weight, None, None, mean, scale, True, eps, (True, True, True)
        )
        ctx.save_for_backward(gradient, x, weight, mean, scale, by_all[1], by_all[2])
        ctx.set_materialize_grads(False)
        ctx.eps = eps
        return by_all

    @staticmethod
    def backward(
        ctx: Any, a_x: torch.Tensor | None, c: torch.Tensor | None, d: torch.Tensor | None
    ) -> Any:
        gradient, x, weight, mean, r, g_w, g_b = ctx.saved_tensors
        a_x = torch.zeros_like(x) if a_x is None else a_x
        by_g, sum_az, sum_a = torch.ops.aten.native_batch_norm_backward(
            a_x, x, weight, None, None, mean, r, True, ctx.eps, (True, True, True)
        )
        g, a, rows, w = _rows(gradient), _rows(a_x), _rows(x), 1 if weight is None else weight
        m = len(a)
        t = (a * g).sum(0) - sum_a * g_b / m - sum_az * g_w / m
        # h = alpha a + beta g, so that its means are those of a and g
        alpha, beta = -w * r * g_w / m, -w * r * sum_az / m
        if c is not None:
            beta = beta + c
            by_g = by_g + _shaped(torch.addcmul(-c * r * mean, rows, c * r), x)
        if d is not None:
            by_g = by_g + _shaped(d.expand_as(rows), x)
        mean_h = (alpha * sum_a + beta * g_b) / m
        mean_hz = (alpha * sum_az + beta * g_w) / m
        of_z = -r * mean_hz - w * t * r.square() / m
        by_x = torch.addcmul(-r * (mean_h + of_z * mean), a, r * alpha)
        by_x.addcmul_(g, r * beta).addcmul_(rows, r * of_z)
        by_w = None if weight is None else r * t
        return by_g, _shaped(by_x, x), by_w, None, None, None


def batch_norm(
    x: torch.Tensor,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> torch.Tensor:
    """``torch.nn.functional.batch_norm`` in training mode, of (n, channels, ...)."""
    running = running_mean, running_var, momentum
    out: torch.Tensor = _Norm.apply(x, weight, bias, running, eps)  # type: ignore[no-untyped-call]
    return out
