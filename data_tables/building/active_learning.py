"""Active learning: search a surrogate, evaluate what was found, fit it again, round by round.

A surrogate is fitted on networks that nobody chose for being good, and asked about those that a
search picks because it thinks well of them. So a round searches it, evaluates a batch of networks
of the front it promises with the weights that they inherit, adds them to a copy of the table, and
fits it again. Of a batch one half is spread over the front, the other half are those of the front's
networks about which the surrogate is the least sure.

Two errors are kept. What a round *found* was predicted before it was evaluated: the honest figure
of that round, but each round finds other networks. Of all that were found, one in five (by the hash
of its id, as everywhere) is never fitted on: on these *held-out* networks the surrogates of all
rounds are compared.

Everything lies in one folder, and a run goes on from what is there::

    active_learning.json    what was asked, and of each round what was predicted and what is true
    networks/               what each network said about every image
    table.h5, table.json    the table with what was added; the table it began with stays as it is
    found.npz               the same networks alone, where they were asked about val alone
    surrogates/round-K/     the surrogate after K rounds

A surrogate learns from val, so asking about val alone is enough for it and takes a third of the
time; then no table is made, for a table has answers on test as well.

Source: Settles 2009, "Active Learning Literature Survey" (section 3.1, uncertainty sampling); for
searches, White et al. 2021, "BANANAS".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...bench import DeviceProfile, Table
from ...bench.errors import ConstraintError
from ...bench.figures import counted
from ...bench.locks import holding
from ...bench.networks import weights_hash
from ...bench.rows import NetworkKey
from .evaluate import (
    Evaluation,
    EvaluationKey,
    NetworkEvaluator,
)
from .handed_out import weights_of
from .rounds import (
    EVERY,
    SURROGATES,
    VAL_ALONE,
    Ask,
    ImproveSettings,
    Run,
    Say,
)

__all__ = [
    "EVERY",
    "SURROGATES",
    "VAL_ALONE",
    "ImproveSettings",
    "improve",
    "inherited_answers",
    "lines",
]


def inherited_answers(
    table: Table,
    data: Path | None = None,
    threads: int = 1,
    splits: Sequence[str] = EVERY,
) -> Ask:
    """Asks networks with the weights of the supernet that lies beside a table.

    Args:
        table: the table whose networks inherit; its weights lie beside it.
        data: folder of the images; None for the usual place.
        threads: threads of torch and of ONNX Runtime.
        splits: whose images to ask about: ``EVERY`` that a table reports, or ``VAL_ALONE``.

    Raises:
        TableError: there are no weights beside the table.
        DatasetError: the images are not in that folder.
    """
    from ...bench.datasets import get_dataset

    supernet, dataset = weights_of(table), get_dataset(table.dataset)
    live = NetworkEvaluator(dataset, dataset.load(data), threads, splits)
    origin = supernet.sha256

    def ask(architecture: str) -> Evaluation:
        network = live.inherited(supernet.net, architecture)
        key = EvaluationKey(NetworkKey(architecture), origin=origin)
        return Evaluation(key, weights_hash(network), live.answers(network))

    return ask


def improve(
    table: Table,
    folder: str | Path,
    ask: Ask,
    profile: DeviceProfile,
    rounds: int = 3,
    settings: ImproveSettings | None = None,
    progress: Say | None = None,
) -> dict[str, Any]:
    """Improves a surrogate where searches go; returns what ``active_learning.json`` holds.

    Args:
        table: the table to begin with; it is read and never written.
        folder: folder of the run, which goes on from what is in it.
        ask: asks a network about every image of val and test.
        profile: profile of the device to search for.
        rounds: number of rounds in all, those that are there already included.
        settings: size of a round, its search and its surrogate; None for the defaults.
        progress: called with a line at each step.

    Raises:
        CheckpointError: the folder holds a run on another table, device or settings.
        ConstraintError: nothing lies within the limit of latency, or no round is wanted.
        SurrogateError: there are too few networks to fit a surrogate on.
    """
    if rounds < 1:
        raise ConstraintError(f"{rounds} rounds are not usable; expected at least 1.")
    say = progress or (lambda line: None)
    Path(folder).mkdir(parents=True, exist_ok=True)
    with holding(Path(folder)):
        run = Run(table, Path(folder), ask, profile, settings or ImproveSettings(), say)
        return run.run(rounds)


def lines(run: Mapping[str, Any]) -> list[str]:
    """The figures of a run as text, one line per round."""

    def shown(figures: Mapping[str, Any] | None) -> str:
        if not figures:
            return "none"
        return (
            f"{figures['n']:3d}, off by {100 * figures['mae']:5.2f} points, "
            f"optimism {100 * figures['optimism']:+5.2f}"
        )

    out = ["found in each round, predicted before it was evaluated:"]
    for record in run["rounds"]:
        figures = record.get("figures", {})
        out.append(
            f"  round {record['round']}, fitted on {record['n_fitted']}: networks "
            f"{shown(figures.get('networks'))}; operating points {shown(figures.get('points'))}"
        )
    if not run["held_out"]:
        return [*out, "none of them is held out by its hash, so rounds cannot be compared"]
    out.append("the same networks for all rounds, found by some round and never fitted on:")
    for row in run["held_out"]:
        after = counted(row["after_rounds"], "round")
        out.append(f"  after {after}, fitted on {row['n_fitted']}: {shown(row)}")
    return out
