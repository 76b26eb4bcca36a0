"""In which number format a training computes, and which is faster on this processor.

bf16 autocast is several times faster than fp32 where the processor multiplies bf16 by itself (AMX,
AVX512-BF16), and many times slower where it does not. So it is chosen by a trial of seconds at the
start of a run, never by a constant.

Some convolutions have no fast backward pass in bf16 on a processor: depthwise ones with a stride or
with a kernel wider than 3, which take 3 to 80 times as long as in fp32 (torch 2 with oneDNN). They
stay fp32 (evidence ``training_speed``).
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

WIDEST_BF16 = 3  # kernel of a depthwise convolution that bf16 is fast for
TURNS = 3  # of each precision in a trial


class Precision(enum.Enum):
    """Number format of forward and backward passes; weights and sums stay float32."""

    FP32 = "fp32"
    BF16 = "bf16"

    def autocast(self, device: torch.device) -> AbstractContextManager[None]:
        """The context in which a forward pass computes in this format."""
        if self is Precision.BF16 and device.type == "cpu":
            return _bf16_on_cpu()
        return torch.autocast(device.type, torch.bfloat16, enabled=self is Precision.BF16)


@contextmanager
def _bf16_on_cpu() -> Iterator[None]:
    with torch.autocast("cpu", torch.bfloat16), _SlowOnesInFp32():
        yield


class _SlowOnesInFp32(TorchFunctionMode):
    """Computes the convolutions in fp32 whose backward pass is slow in bf16."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is not F.conv2d or len(args) < 2 or not _slow_in_bf16(*args, **kwargs):
            return func(*args, **kwargs)
        x, weight, *rest = args
        with torch.autocast("cpu", enabled=False):
            return func(x.float(), weight.float(), *rest, **kwargs)


def _slow_in_bf16(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: object = None,
    stride: int | tuple[int, ...] = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> bool:
    depthwise = groups > 1 and weight.shape[1] == 1
    strided = max((stride,) if isinstance(stride, int) else stride) > 1
    return depthwise and (strided or max(weight.shape[2:]) > WIDEST_BF16)


def images_per_s(step: Callable[[], int], seconds: float) -> float:
    """Images a second of ``step``, which trains one batch and returns its size.

    One step comes before the clock starts: the first allocates what later ones use again.
    """
    step()
    begun, images = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begun) < seconds:
        images += step()
    return images / elapsed


def fastest(
    step_in: Callable[[Precision], Callable[[], int]], seconds: float
) -> tuple[Precision, dict[str, float]]:
    """The precision in which a step is fastest, and images a second in each, by name.

    They take turns, and the best turn of each counts: what else the machine does slows some turns.

    Args:
        step_in: gives a step in a precision; the step trains one batch and returns its size.
        seconds: seconds that the trial of each precision takes.
    """
    turns = [
        (p, images_per_s(step_in(p), seconds / TURNS)) for _ in range(TURNS) for p in Precision
    ]
    rates = {p: max(rate for other, rate in turns if other is p) for p in Precision}
    return max(rates, key=lambda p: rates[p]), {p.value: rate for p, rate in rates.items()}


def trial_text(rates: Mapping[str, float], threads: int, chosen: Precision) -> str:
    """A line for a log: how fast each precision was, and which one was taken."""
    each = ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items())
    return f"trial: {each} images/s with {threads} threads; training in {chosen.value}"
