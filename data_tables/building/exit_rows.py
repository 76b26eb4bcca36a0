"""Chooses the exits that a table holds among all that were evaluated.

Answers of all exits of all architectures do not fit a file that ships. Those are kept that the
exact fronts (error against latency on every shipped device, and against MACs) ask for, the most
often asked first, then those of the architectures that are nearest to the front of whole networks.
"""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from pathlib import Path

from ...bench import Benchmark
from ...bench.errors import TableError
from ...bench.rows import key_of
from ...bench.table import Table
from ...bench.table_writer import write_table
from .assemble import added, devices_of
from .chosen_exits import chosen_exits, write_chosen_exits
from .evaluate import Evaluation, read_evaluation
from .exits import ExitsJob, exit_jobs
from .front_counts import asked_for
from .plan import Plan

log = logging.getLogger(__name__)


def evaluated_exits(plan: Plan, origin: str) -> list[Evaluation]:
    """All fp32 evaluations of inherited exits in the working folder, with these weights."""
    everything = (read_evaluation(path) for path in sorted(plan.networks.glob("inherited-*@*.npz")))
    return [
        e
        for e in everything
        if e.key.origin == origin and e.key.network.exit and e.key.network.precision == "fp32"
    ]


def choose_exits(plan: Plan, table: Path, origin: str) -> tuple[str, ...]:
    """The names of the exits that belong into the table, which are kept in ``exits.json``.

    Args:
        plan: the build whose exits were evaluated.
        table: table of whole networks; exits that it holds already are looked at anew.
        origin: SHA-256 of the supernet whose weights they have.

    Raises:
        TableError: no exit was evaluated with these weights.
    """
    evaluated = evaluated_exits(plan, origin)
    if not evaluated:
        raise TableError(
            f"no exit in {plan.networks} was evaluated with these supernet weights; run "
            "'biglittle table build --stage exits' first, it goes on where it stopped."
        )
    whole = Table(table).contents().without_exits()
    with tempfile.TemporaryDirectory(dir=plan.working) as folder:
        path = Path(folder) / "exits.h5"
        write_table(
            path,
            added(whole, evaluated, plan.images(), devices_of(plan.recipe.design, plan.space)),
            "",
            "",
        )
        counts = asked_for(Benchmark.load(path))
        used = Counter({name: n for name, n in counts.items() if "@" in name})
    there = {e.key.network.name for e in evaluated}
    near = (
        network.name
        for job in exit_jobs(plan, table)
        if isinstance(job, ExitsJob)
        for network in job.networks
    )
    order = [name for name, _ in used.most_common()]
    order += [name for name in near if name in there and name not in used]
    chosen = tuple(order[: plan.recipe.exits.rows_max])
    log.info("%d exits evaluated, %d on a front, %d kept", len(there), len(used), len(chosen))
    write_chosen_exits(plan.working, chosen, origin)
    return chosen


def exits_there(plan: Plan, table: Path, origin: str) -> frozenset[str]:
    """The names of the exits that a table has, or gets when it is extended; in fp32.

    Args:
        plan: the build of the table.
        table: the table's file, or where one is going to be.
        origin: SHA-256 of the supernet whose weights they have.
    """
    chosen = chosen_exits(plan.working, origin)
    if chosen or not table.exists():
        return chosen
    present = Table(table)
    networks, rows = present.networks, present.rows(exits=True)
    keys = [key_of(networks, int(row))[0] for row in rows if networks["exit"][row]]
    return frozenset(key.name for key in keys)
