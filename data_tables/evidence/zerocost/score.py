"""Scores one set of networks by every proxy, into a working folder; resumable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer

from .._page import Step
from ._scoring import WORKING, score_step


def score(
    which: Annotated[str, typer.Option(help="Which set of networks.")],
    working: Path = WORKING,
    shard: str = "0/1",
    networks: int | None = None,
    seeds: int | None = None,
    proxies: str = "",
    on: str = "cpu",
    threads: int = 1,
    data: Path | None = None,
) -> None:
    """Scores the set that ``--which`` names; every n-th network from the i-th on by --shard i/n."""
    torch.set_num_threads(threads)
    part, parts = (int(number) for number in shard.split("/"))
    score_step(which, working, (part, parts), networks, seeds, proxies, on, data)


STEP = Step(score, keeps=False)
