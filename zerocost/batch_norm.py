"""Batch norm that can be differentiated twice in a few passes over memory.

With rows x of M values in a channel, mean m, r = 1 / sqrt(variance + eps) and z = (x - m) r, the
gradient g at the output y = w z + b gives

    gx = w r (g - gb / M - z gw / M)        gw = sum g z        gb = sum g

Of what a, c and d say of gx, gw and gb, F = sum a gx + c gw + d gb, the derivatives are

    by g:  w r (a - mean a - z mean(a z)) + c z + d
    by w:  r T,                             T = sum a g - sum(a) gb / M - sum(a z) gw / M
    by x:  r (h - mean h - z mean(h z)) - w T r^2 z / M,
                                            h = c g - w r (a gw + g sum(a z)) / M

h is the derivative by z at a fixed r, the last term that by r. PyTorch's own second derivative goes
through three times as many whole tensors, and leaves them in another order than they came in.
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
    def forward(ctx: Any, x: torch.Tensor, weight: Any, bias: Any, kept: Any, eps: float) -> Any:
        running_mean, running_var, momentum = kept
        out, mean, scale = torch.native_batch_norm(
            x, weight, bias, running_mean, running_var, True, momentum, eps
        )
        ctx.save_for_backward(x, weight, mean, scale)
        ctx.eps = eps
        return out

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        found = _Backward.apply(gradient, *ctx.saved_tensors, ctx.eps)  # type: ignore[no-untyped-call]
        wanted = zip(found, ctx.needs_input_grad[:3], strict=True)
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
        found = torch.ops.aten.native_batch_norm_backward(
            gradient, x, weight, None, None, mean, scale, True, eps, (True, True, True)
        )
        ctx.save_for_backward(gradient, x, weight, mean, scale, found[1], found[2])
        return found

    @staticmethod
    def backward(ctx: Any, a_x: torch.Tensor, c: torch.Tensor, d: torch.Tensor) -> Any:
        gradient, x, weight, mean, r, g_w, g_b = ctx.saved_tensors
        g, a = _rows(gradient), _rows(a_x)
        z = torch.addcmul(-mean * r, _rows(x), r)
        w = torch.ones_like(r) if weight is None else weight
        m = len(a)
        sum_a, sum_az, sum_ag = a.sum(0), (a * z).sum(0), (a * g).sum(0)
        t = sum_ag - sum_a * g_b / m - sum_az * g_w / m
        by_g = torch.addcmul(d - w * r * sum_a / m, a, w * r).addcmul_(z, c - w * r * sum_az / m)
        # h = alpha a + beta g, so that its means are those of a and g
        alpha, beta = -w * r * g_w / m, c - w * r * sum_az / m
        mean_h = (alpha * sum_a + beta * g_b) / m
        mean_hz = (alpha * sum_az + beta * g_w) / m
        by_x = torch.addcmul(-r * mean_h, a, r * alpha).addcmul_(g, r * beta)
        by_x.addcmul_(z, -r * mean_hz - w * t * r.square() / m)
        by_w = None if weight is None else r * t
        return _shaped(by_g, x), _shaped(by_x, x), by_w, None, None, None


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
    kept = running_mean, running_var, momentum
    out: torch.Tensor = _Norm.apply(x, weight, bias, kept, eps)  # type: ignore[no-untyped-call]
    return out
