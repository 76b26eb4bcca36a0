"""Compares proxies of a mini-batch with the same of the whole batch, into a working folder."""

from __future__ import annotations

from pathlib import Path

import torch

from .._page import Step
from ._scoring import FEW_CELLS, WORKING, few_step


def few(
    working: Path = WORKING, cells: int = FEW_CELLS, threads: int = 1, data: Path | None = None
) -> None:
    """Leaves ``few.json`` in the working folder, which the step ``zerocost/report`` reads."""
    torch.set_num_threads(threads)
    few_step(working, cells, data)


STEP = Step(few, keeps=False)
