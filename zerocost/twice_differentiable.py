"""A mode in which the operators that cost most have a fast second derivative."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from .batch_norm import batch_norm
from .convolution import CONVOLUTIONS, convolve

_NORM_ARGUMENTS = (
    "x",
    "running_mean",
    "running_var",
    "weight",
    "bias",
    "training",
    "momentum",
    "eps",
)


class TwiceDifferentiable(TorchFunctionMode):
    """Within it convolutions and batch norms, functional ones too, are those of this package."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given = dict(kwargs or {})
        if torch.is_grad_enabled():
            if func in CONVOLUTIONS:
                out = convolve(func, args, given)
                if out is not None:
                    return out
            if func is F.batch_norm:
                out = _normalised(args, given)
                if out is not None:
                    return out
        return func(*args, **given)


def _normalised(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor | None:
    """Batch norm in training mode; None where it has nothing to normalise over, or is not."""
    kwargs = {"x" if key == "input" else key: value for key, value in kwargs.items()}
    given = dict(zip(_NORM_ARGUMENTS, args, strict=False)) | kwargs
    x = given["x"]
    if not given.pop("training", False) or x.numel() == x.shape[1]:
        return None
    return batch_norm(**given)
