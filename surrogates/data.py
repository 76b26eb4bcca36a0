"""What a surrogate is fitted on: the inherited networks of a table and their predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..bench import SearchSpace, Table
from ..bench.errors import SurrogateError
from ..bench.gates import stored_metrics
from ..bench.rows import is_held_out
from ..bench.spaces import Exits, Genomes
from ..bench.table_contents import Predictions
from .curve import escalation_rates, exact_accuracy
from .features import check_genomes
from .networks import Networks

MOST_CUT = 600  # networks that are cut at exits, in a fit
MIN_NETWORKS = 20  # five folds of four; cross-validation on fewer means nothing

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class FitData:
    """The inherited networks of a table, as the fit sees them.

    Attributes:
        space: search space of the networks.
        choices: names of the space's choices that were trained.
        gates: names of the gate metrics.
        n_classes: number of classes of the classifier.
        genomes: one genome a row, shape (n, n_layers).
        predictions: classes and confidence codes by split, rows in the order of ``genomes``.
        exits: numbers of the exits at which they are cut, 0 for whole ones, shape (n,); None: all
            are whole.
    """

    space: SearchSpace
    choices: tuple[str, ...]
    gates: tuple[str, ...]
    n_classes: int
    genomes: Genomes
    predictions: dict[str, Predictions]
    exits: Exits | None = None

    def __len__(self) -> int:
        return len(self.genomes)

    @property
    def networks(self) -> Networks:
        """The networks as members see them."""
        facts = self.space, self.choices, self.n_classes, self.genomes
        return Networks(*facts, exits=self.exits)

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Which networks are whole, shape (n,)."""
        return np.ones(len(self), bool) if self.exits is None else self.exits == 0

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """Which networks no shipped surrogate may be fitted on, shape (n,)."""
        return np.array([is_held_out(a) for a in self.space.format(self.genomes)], bool)

    def accuracy(self, split: str = "val") -> Array:
        """Accuracy of every network, shape (n,)."""
        return np.asarray(self.predictions[split].correct.mean(axis=1), np.float64)

    def codes(self, split: str) -> list[NDArray[np.uint8]]:
        """Confidence codes by metric, shape (n, n_images) each."""
        return [self.predictions[split].codes[g] for g in self.gates]

    def take(self, rows: Rows) -> FitData:
        """Only the networks at ``rows``."""
        predictions = {
            split: Predictions(p.labels, p.top1[rows], {g: c[rows] for g, c in p.codes.items()})
            for split, p in self.predictions.items()
        }
        exits = None if self.exits is None else self.exits[rows]
        facts = self.space, self.choices, self.gates, self.n_classes, self.genomes[rows]
        return FitData(*facts, predictions, exits)


def fit_data(table: Table, exits: bool = True) -> FitData:
    """The inherited networks of a table, each architecture once, then some that are cut at exits.

    Of cut networks `MOST_CUT` are drawn where there are more: a fit takes the cube of their number.

    Args:
        table: holds the inherited networks.
        exits: whether networks that are cut at exits are among them, where the table has some.

    Raises:
        SurrogateError: the table holds too few networks.
    """
    ids, inherited = table.networks["architecture"], table.rows()
    _, first = np.unique(ids[inherited], return_index=True)
    rows = inherited[np.sort(first)]
    if len(rows) < MIN_NETWORKS:
        raise SurrogateError(
            f"table {table.name!r} has {len(rows)} inherited networks; a surrogate needs at least "
            f"{MIN_NETWORKS}."
        )
    cut = table.rows(exits=True) if exits else rows[:0]
    cut = cut[table.exits[cut] > 0]
    drawn = np.random.default_rng(0).permutation(len(cut))[:MOST_CUT]
    rows = np.concatenate([rows, cut[np.sort(drawn)]])
    genomes = check_genomes(
        table.space, table.space.parse([str(a) for a in ids[rows]]), table.choices
    )
    predictions = {
        split: Predictions(p.labels, p.top1[rows], {g: c[rows] for g, c in p.codes.items()})
        for split, p in ((s, table.predictions(s)) for s in ("val", "test"))
    }
    return FitData(
        table.space,
        table.choices,
        stored_metrics(),
        table.n_classes,
        genomes,
        predictions,
        table.exits[rows] if len(drawn) else None,
    )


def sample_pairs(n_networks: int, n_pairs: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Ordered pairs (little, big) of different networks, all of them or ``n_pairs`` drawn."""
    little, big = np.nonzero(~np.eye(n_networks, dtype=bool))
    if len(little) > n_pairs:
        drawn = np.sort(rng.permutation(len(little))[:n_pairs])
        little, big = little[drawn], big[drawn]
    return little, big


def exact(
    data: FitData,
    split: str,
    little: Rows,
    big: Rows,
    gate: NDArray[np.int64],
    cut: NDArray[np.int64],
) -> tuple[Array, Array]:
    """Accuracy and escalation rate of networks of the table, each of shape (n,).

    Args:
        data: networks with their predictions.
        split: images that count, ``val`` or ``test``.
        little: row of each little network.
        big: row of each big network.
        gate: index of each gate metric.
        cut: threshold of each gate as a code, 0 to 256.
    """
    predictions, codes = data.predictions[split], data.codes(split)
    accuracy, rate = np.empty(len(little)), np.empty(len(little))
    for g in np.unique(gate):
        for row in np.unique(little[gate == g]):
            here = np.flatnonzero((gate == g) & (little == row))
            bigs, position = np.unique(big[here], return_inverse=True)
            curves = exact_accuracy(
                predictions.correct[row], predictions.correct[bigs], codes[g][row]
            )
            accuracy[here] = curves[position, cut[here]]
            rate[here] = escalation_rates(codes[g][row][None])[0][cut[here]]
    return accuracy, rate
