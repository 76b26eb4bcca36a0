"""In which number format a training computes, and which is faster on this processor.

bf16 autocast is several times faster than fp32 where the processor multiplies bf16 by itself (AMX,
AVX512-BF16), and many times slower where it does not. So it is chosen by a trial of seconds at the
start of a run, never by a constant.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import torch


class Precision(enum.Enum):
    """Number format of forward and backward passes; weights and sums stay float32."""

    FP32 = "fp32"
    BF16 = "bf16"

    def autocast(self, device: torch.device) -> AbstractContextManager[None]:
        """The context in which a forward pass computes in this format."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self is Precision.BF16)


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

    Args:
        step_in: gives a step in a precision; the step trains one batch and returns its size.
        seconds: seconds that the trial of each precision takes.
    """
    rates = {p: images_per_s(step_in(p), seconds) for p in Precision}
    return max(rates, key=lambda p: rates[p]), {p.value: rate for p, rate in rates.items()}


def trial_text(rates: Mapping[str, float], threads: int, chosen: Precision) -> str:
    """A line for a log: how fast each precision was, and which one was taken."""
    each = ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items())
    return f"trial: {each} images/s with {threads} threads; training in {chosen.value}"
