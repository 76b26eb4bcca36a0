"""What operations of a forward pass say, whichever module or function calls them."""

from __future__ import annotations

from typing import Any

import torch
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


class Macs(Watch):  # type: ignore[no-untyped-call]
    """Adds up the multiply-accumulates of convolutions and matrix products, functional ones too."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=out) // 2
        return out
