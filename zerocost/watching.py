"""What operations of a forward pass say, whichever module or function calls them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A mode that looks at operations without the compiler, whose import takes seconds."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


class ReluPatterns(Watch):  # type: ignore[no-untyped-call]
    """Notes which outputs of ReLUs are positive, also of functional ones; one tensor a call."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        aten = torch.ops.aten
        self.positive: list[torch.Tensor] = []
        self._watched = {aten.relu.default, aten.relu_.default, aten.leaky_relu.default}
        self._watched |= {aten.leaky_relu_.default, aten.hardtanh.default, aten.hardtanh_.default}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in self._watched:
            clipped = "hardtanh" in str(func)
            if not clipped or (len(args) > 1 and args[1] == 0):  # hardtanh from 0 on is ReLU6
                positive = out.detach() > 0
                if positive.ndim == 4:  # as they lie in memory, where channels come last
                    positive = positive.permute(0, 2, 3, 1)
                self.positive.append(positive.flatten(1))
        return out


#: Matrix products that torch's own table of formulas lacks, by the shapes of their operands.
_PRODUCTS: dict[str, Callable[..., int]] = {
    "mv": lambda a, x: a.numel(),
    "addmv": lambda bias, a, x, **_: a.numel(),
    "dot": lambda x, y: x.numel(),
    "vdot": lambda x, y: x.numel(),
    "addbmm": lambda bias, a, b, **_: a.numel() * b.shape[-1],
    "mkldnn_rnn_layer": lambda x, w, v, *_: x.shape[0] * x.shape[1] * (w.numel() + v.numel()),
    "_trilinear": lambda x, w, y, *_, **__: x.shape[0] * w.numel(),  # nn.Bilinear
}
#: Operations on several tensors in which none is multiplied by another and summed, or which no
#: proxy counts (norms, interpolation); beside those that torch calls pointwise, and views.
_FREE = re.compile(
    r"""_?(native_|cudnn_|miopen_|fused_)*(batch|layer|group|rms|instance)_norm.*
    |cat|stack|copy_?|set_|clone|_to_copy|where|equal|nonzero.*|sort|topk|unique.*|histc
    |_?index.*|_?unsafe_index.*|_?unsafe_masked.*|gather|scatter.*|take.*|put_?|masked_.*|isin
    |searchsorted|bucketize|repeat_interleave|embedding|_embedding_bag.*|max_unpool.*|.*_scatter
    |_prelu_kernel|rrelu_with_noise.*|native_dropout|_?fused_dropout|lerp.*|_foreach_.*
    |(nll|mse|l1|smooth_l1|huber|soft_margin|binary_cross_entropy).*|nested_.*|_pack_padded.*
    |upsample_.*|grid_sampler.*|.*pool.*""",
    re.VERBOSE,
)
#: Operations on a single tensor that multiply matrices inside.
_COSTLY = re.compile(
    r"_?(linalg|fft|cdist|pdist|cholesky|matrix|lu|qr|ormqr|svd|eig|inverse|householder|stft).*"
)
_CHECK = "_linalg_check_errors"


class Macs(Watch):  # type: ignore[no-untyped-call]
    """Adds up the multiply-accumulates of convolutions and matrix products, functional ones too.

    Attention is taken apart into its two products.

    Attributes:
        total: multiply-accumulates of all operations that have a formula.
        uncounted: operations that may multiply and have none; where there are any, ``total`` is
            not all.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0
        self.uncounted: set[str] = set()

    @classmethod
    @contextmanager
    def counting(cls) -> Iterator[Macs]:
        """Within it operations are counted, and attention is not fused."""
        with sdpa_kernel(SDPBackend.MATH), cls() as counter:
            yield counter

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given = dict(kwargs or {})
        with self:  # what arrives whole, as it does in inference mode, is counted by its parts
            parts = func.decompose(*args, **given)
        if parts is not NotImplemented:
            return parts
        out = func(*args, **given)
        name = func._schema.name.partition("::")[2]
        if (count := flop_registry.get(func._overloadpacket)) is not None:
            self.total += count(*args, **given, out_val=out) // 2
        elif func.namespace == "aten" and name in _PRODUCTS:
            self.total += _PRODUCTS[name](*args, **given)
        elif _may_multiply(func, name, args):
            self.uncounted.add(func._schema.name)
        return out


def _may_multiply(func: Any, name: str, args: tuple[Any, ...]) -> bool:
    """Whether an operation without a formula could be a product of matrices.

    One of another library could, whatever it takes; one of torch's if it takes several tensors.
    """
    if func.namespace != "aten":
        return func.namespace not in ("prim", "prims", "profiler")
    if func.is_view or torch.Tag.pointwise in func.tags or name == _CHECK:
        return False
    if _COSTLY.fullmatch(name):
        return True
    flat = [x for a in args for x in (a if isinstance(a, (list, tuple)) else (a,))]
    several = sum(isinstance(x, torch.Tensor) and x.numel() > 0 for x in flat) > 1
    return several and not _FREE.fullmatch(name)
