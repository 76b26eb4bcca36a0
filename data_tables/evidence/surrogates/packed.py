"""Networks evaluated in a working folder, packed beside the table: a fit learns from them."""

from __future__ import annotations

from ....bench import Benchmark
from ....bench.errors import BigLittleError
from ....surrogates.evaluated_networks import FILE, write_evaluated
from ...building.searched_points import found_networks
from ...flagship import RECIPE
from .._page import Step
from ._common import TABLE, Working, say


def measure(working: Working) -> None:
    """Packs the networks evaluated in a folder, those of the table left out, beside the table.

    Raises:
        BigLittleError: nothing was evaluated there, or with other weights than those that ship.
    """
    from ...building.evaluate import read_evaluation
    from ...building.plan import TrainedSupernet

    table = Benchmark.load(TABLE).table
    held, origin = (
        {str(a) for a in table.networks["architecture"]},
        TrainedSupernet.kept(RECIPE.weights).sha256,
    )
    evaluations = [read_evaluation(path) for path in sorted(working.glob("inherited-*.npz"))]
    if any(e.key.origin != origin for e in evaluations):
        raise BigLittleError(f"the files in {working} are of another supernet; delete them.")
    new = [e for e in evaluations if e.key.network.architecture not in held]
    if not new:
        raise BigLittleError(f"no network in {working} that the table does not hold.")
    path = table.path.parent / FILE
    write_evaluated(path, table.space, found_networks(new, table.predictions("val").labels))
    say(f"{len(new)} networks in {path}")


STEP = Step(measure, keeps=False)
