"""A layer as the loops of an accelerator, and how these are spread over the array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...bench.operators import Operator
from .description import LOOPS, Accelerator

Loops = Mapping[str, int]


def loops_of(operator: Operator) -> dict[str, int]:
    """Iterations of every loop of a convolution or linear layer; batch is one.

    >>> loops_of(Operator("conv", 16, 32, 8, 8, kernel=3))["K"]
    32
    """
    groups = operator.groups
    sizes = (
        groups,
        operator.out_channels // groups,
        operator.in_channels // groups,
        operator.out_height,
        operator.out_width,
        operator.kernel,
        operator.kernel_width or operator.kernel,
    )
    return dict(zip(LOOPS, sizes, strict=True))


def layers_of(operators: Sequence[Operator]) -> list[Operator]:
    """Of a block what the array works on: convolutions and linear layers."""
    return [op for op in operators if op.kind in ("conv", "linear")]


def spread(accelerator: Accelerator, loops: Loops) -> tuple[dict[str, int], dict[str, int]]:
    """Iterations of loops that run at once, on each side of the array.

    Each side is filled with its loops in order, each with as many iterations as it has and the
    side has room for.
    """
    left, sides = dict(loops), []
    for units, allowed in zip(accelerator.sides, accelerator.spread, strict=True):
        side: dict[str, int] = {}
        for loop, most in allowed:
            n = min(left[loop], most, units)
            if n > 1:
                # As many as it takes anyway, spread evenly: 24 on 16 units are two times 12.
                times = -(-left[loop] // n)
                n = -(-left[loop] // times)
                side[loop] = n
                left[loop], units = times, units // n
        sides.append(side)
    return sides[0], sides[1]
