"""The steps from the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from .agreement import ROUNDS
from .report import FOLDER, PAGE, report_step
from .scoring import FEW_CELLS, few_step, score_step
from .sets import SETS


def main(arguments: Sequence[str] | None = None) -> None:
    """The steps from the command line."""
    parser = argparse.ArgumentParser(prog="python -m biglittle.data_tables.evidence.zerocost")
    steps = parser.add_subparsers(dest="step", required=True)
    one = steps.add_parser("score", help="score a set, resumable")
    one.add_argument("set", choices=tuple(SETS))
    one.add_argument("--shard", default="0/1", help="i/n: every n-th network from the i-th on")
    one.add_argument("--networks", type=int, help="of the sample")
    one.add_argument("--seeds", type=int, help="initialisations")
    one.add_argument(
        "--proxies", default="", help="all, or of a set like another data set those published"
    )
    one.add_argument("--on", default="cpu", help="cpu or cuda")
    few = steps.add_parser("few", help="a mini-batch against the whole batch")
    few.add_argument("--cells", type=int, default=FEW_CELLS)
    two = steps.add_parser("report", help="figures, tables and heat map from the scores")
    two.add_argument("--out", type=Path, default=FOLDER)
    two.add_argument("--rounds", type=int, default=ROUNDS, help="of the bootstrap")
    for each in (one, few):
        each.add_argument("--threads", type=int, default=1)
        each.add_argument("--data", type=Path, default=None, help="folder of the images")
    for each in (one, few, two):
        each.add_argument("--working", type=Path, default=Path("build/zerocost"))
    given = parser.parse_args(arguments)
    if given.step == "report":
        # The project's page is for the project's figures, not for those of another folder.
        page = PAGE if given.out == FOLDER else None
        report_step(given.working, given.out, given.rounds, page)
        return
    torch.set_num_threads(given.threads)
    if given.step == "few":
        few_step(given.working, given.cells, given.data)
        return
    part, parts = (int(number) for number in given.shard.split("/"))
    score_step(
        given.set,
        given.working,
        (part, parts),
        given.networks,
        given.seeds,
        given.proxies,
        given.on,
        given.data,
    )


if __name__ == "__main__":
    main()
