"""The genes that say what little and big share: whether they have one trunk, and where each is cut.

Three genes stand behind the networks of a candidate: whether little is an exit of big (then big's
architecture decides for both), the exit of little, and the exit of big. Every candidate is written
in one way alone (`CouplingGenes.repaired`), so that none is asked about twice; the same brings a
row into the couplings that were asked for, with as few changes as that takes.

Where networks have no exits there are no such genes, and couplings can be restricted all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import Evaluator, SearchSpace
from ..bench.coupling import NESTED, PREFIX, SIBLING, pair_kinds
from ..bench.errors import ConstraintError
from ..bench.evaluator import CutEvaluator, shares_nothing
from ..bench.rows import COUPLINGS
from ..bench.spaces import Exits, Genomes

Genes = NDArray[np.int64]
Mask = NDArray[np.bool_]

N_GENES = 3  # one trunk or not, the exit of little, the exit of big
WHOLE = 0.5  # of drawn networks that are not cut, if they need not be
WHOLE_BIG = 0.8  # of drawn big networks that are not cut: what is escalated needs a good answer
STEP = 3.0  # numbers of exits; two heads stand at one place, so this is one or two places
MOVED = (0.5, 0.15, 0.1)  # of mutations: exit of little, exit of big, one trunk or two
STAYS = 0.3  # of mutated prefix candidates keep their trunk, and are cut elsewhere


@dataclass(frozen=True)
class CouplingGenes:
    """What the genes of coupling mean, and the moves among them.

    Attributes:
        space: search space of both networks.
        source: what the genes of a network point at: listed genomes, shape (n_listed, n_layers),
            or the allowed choices, shape (k,).
        exits: whether there are networks cut at each exit, by its number with whole ones first,
            shape (n_exits + 1,), or (n_listed, n_exits + 1); None: no network is cut.
        couplings: the only ones that pairs may have; None: all.
        little: where the little network stands in a row.
        big: where the big network stands in a row.
    """

    space: SearchSpace
    source: Genomes
    exits: Mask | None
    couplings: tuple[str, ...] | None
    little: slice
    big: slice

    # ---- what rows mean --------------------------------------------------------------------
    @property
    def at(self) -> int:
        """Where the first gene of coupling stands."""
        return int(self.big.stop)

    @property
    def n_exits(self) -> int:
        """Exits of the space; 0 where no network is cut."""
        return 0 if self.exits is None else self.exits.shape[-1] - 1

    @property
    def options(self) -> tuple[int, ...]:
        """How many values each gene of coupling can have."""
        if self.exits is None:
            return ()
        free = self.couplings is None or (len(self.couplings) > 1 and "prefix" in self.couplings)
        return (2 if free else 1, self.n_exits + 1, self.n_exits + 1)

    def tied(self, x: Genes) -> Mask:
        """Whether little is to be an exit of big, shape (n,)."""
        if self.exits is None or (self.couplings is not None and "prefix" not in self.couplings):
            return np.zeros(len(x), bool)
        return np.ones(len(x), bool) if self.options[0] == 1 else x[:, self.at] == 1

    def cuts(self, x: Genes) -> tuple[Exits, Exits] | None:
        """Numbers of the exits of little and big, each (n,); None where no network is cut."""
        if self.exits is None:
            return None
        return x[:, self.at + 1].astype(np.uint8), x[:, self.at + 2].astype(np.uint8)

    def _genomes(self, x: Genes, part: slice) -> Genomes:
        return np.asarray(self.source[x[:, part]], np.uint8).reshape(len(x), self.space.n_layers)

    def kinds(self, x: Genes) -> NDArray[np.int8]:
        """Couplings of candidates as indices of ``COUPLINGS``, shape (n,)."""
        both = self._genomes(x, self.little), self._genomes(x, self.big)
        return pair_kinds(self.space, *both, self.cuts(x))

    def is_prefix(self, x: Genes) -> Mask:
        """Whether little is an exit of big, whatever the gene says, shape (n,)."""
        return np.asarray(self.kinds(x) == PREFIX)

    def check(self) -> None:
        """Nothing, if some pair has one of the couplings.

        Raises:
            ConstraintError: siblings are asked for, and any two networks share weights.
        """
        if self.couplings == ("sibling",) and self._slices.all():
            raise ConstraintError(
                "any two of these networks share weights, so that there is no sibling pair; add "
                "nested to the couplings."
            )

    # ---- one way to write a candidate ------------------------------------------------------
    def repaired(self, x: Genes) -> Genes:
        """Rows (n, n_genes) as they are written, and in the couplings that are asked for."""
        out = x.copy()
        if self.exits is not None and len(x):
            self._cut(out)
        if self.couplings is not None and len(x):
            self._keep_to(out, [COUPLINGS.index(name) for name in self.couplings])
        return out

    def _there(self, x: Genes, part: slice) -> Mask:
        """Exits that a network of each row has, whole first, shape (n, n_exits + 1)."""
        assert self.exits is not None
        if self.exits.ndim == 2:
            return self.exits[x[:, part.start]]
        return np.repeat(self.exits[None], len(x), axis=0)

    def _cut(self, out: Genes) -> None:
        tied, rows = self.tied(out), np.arange(len(out))
        assert self.exits is not None
        if self.exits.ndim == 2:  # one that is never cut gives way to the nearest that is
            cut = np.repeat(self.exits[None, :, 1:].any(axis=2), len(out), axis=0)
            nearest = _nearest(cut, out[:, self.big.start])[0]
            out[:, self.big.start] = np.where(tied, nearest, out[:, self.big.start])
        out[tied, self.little] = out[tied, self.big]
        after, number = self.space.exit_after, np.arange(self.n_exits + 1)
        little, big = out[:, self.at + 1], out[:, self.at + 2]
        first, second = self._there(out, self.little), self._there(out, self.big)
        big = np.where(second[rows, big], big, 0)

        def before(place: Genes) -> Mask:
            return first & (number > 0) & (after[number] < after[place][:, None])

        big = np.where(tied & ~before(big).any(axis=1), 0, big)
        earlier = before(big)
        n_earlier = earlier.sum(axis=1)
        tied &= n_earlier > 0
        order = np.argsort(~earlier, axis=1, kind="stable")
        another = order[rows, little % np.maximum(n_earlier, 1)]
        little = np.where(first[rows, little], little, 0)
        little = np.where(tied & ~earlier[rows, little], another, little)
        if self.couplings is None or "prefix" in self.couplings:  # by chance
            same = (out[:, self.little] == out[:, self.big]).all(axis=1)
            tied |= same & (little > 0) & (after[big] > after[little])
        out[:, self.at] = tied if self.options[0] == 2 else 0
        out[:, self.at + 1], out[:, self.at + 2] = little, big

    def _keep_to(self, out: Genes, allowed: list[int]) -> None:
        bad = np.flatnonzero(~np.isin(self.kinds(out), allowed))
        if len(bad) and NESTED in allowed:
            out[bad] = self._nested(out[bad])
        elif len(bad) and SIBLING in allowed:
            out[bad] = self._parted(out[bad])

    @cached_property
    def _slices(self) -> Mask:
        """Whether a is a slice of b: networks of a list (n, n), or a layer's choices (., k, k)."""
        space, source = self.space, self.source
        if source.ndim == 2:
            return space.nested(source[:, None], source[None])
        test = space.is_slice
        return np.array(
            [[[a == b or (test is not None and test(ly, int(a), int(b))) for b in source]
              for a in source] for ly in space.layers]
        )  # fmt: skip

    def _without_exits(self, x: Genes) -> Genes:
        if self.exits is not None:
            x[:, self.at : self.at + N_GENES] = 0
        return x

    def _nested(self, x: Genes) -> Genes:
        """Rows whose little is the nearest slice of big there is."""
        x = self._without_exits(x)
        little, big = x[:, self.little], x[:, self.big]
        if self.source.ndim == 2:
            x[:, self.little] = _nearest(self._slices.T[big[:, 0]], little[:, 0])[0][:, None]
        else:
            good = self._slices[np.arange(self.space.n_layers), little, big]
            x[:, self.little] = np.where(good, little, big)
        return x

    def _parted(self, x: Genes) -> Genes:
        """Rows whose networks share nothing: little and big change places, or one of them moves."""
        x[:, self.little], x[:, self.big] = x[:, self.big], x[:, self.little].copy()
        if self.exits is not None:
            x[:, self.at] = 0
            x[:, [self.at + 1, self.at + 2]] = x[:, [self.at + 2, self.at + 1]]
        bad = self.kinds(x) != SIBLING
        if not bad.any():
            return x
        some = self._without_exits(x[bad])
        if self.source.ndim == 2:
            first, second = self.little.start, self.big.start
            little, big = some[:, first].copy(), some[:, second].copy()
            moved, there = _nearest(~self._slices.T[big], little)
            other, _ = _nearest(~self._slices[big], big)
            some[:, first] = np.where(there, moved, big)
            some[:, second] = np.where(there, big, other)
        else:
            for row in some:
                self._part_whole(row)
        x[bad] = some
        return x

    def _part_whole(self, row: Genes) -> None:
        """Changes one layer of a row's networks so that little is no slice of big."""
        big, layers = row[self.big], np.arange(self.space.n_layers)
        wider = ~self._slices[layers, :, big]  # (n_layers, k): choices that are no slice of big's
        smaller = ~self._slices[layers, big]  # and those of which big's is none
        both = wider if wider.any() else smaller
        layer, choice = (int(i) for i in np.argwhere(both)[0])
        row[self.little] = big
        row[(self.little if wider.any() else self.big).start + layer] = choice

    # ---- moves -----------------------------------------------------------------------------
    def drawn(self, rng: np.random.Generator, x: Genes) -> Genes:
        """Rows whose exits are drawn anew; whether there is one trunk stays as it is."""
        if self.exits is not None:
            cut = rng.integers(1, self.n_exits + 1, size=(len(x), 2))
            whole = rng.random((len(x), 2)) < (WHOLE, WHOLE_BIG)
            whole[self.tied(x), 0] = False
            x[:, self.at + 1 : self.at + N_GENES] = np.where(whole, 0, cut)
        return self.repaired(x)

    def moved(self, rng: np.random.Generator, before: Genes, x: Genes, fresh: Genes) -> Genes:
        """Mutated rows whose genes of coupling move as well.

        What was mutated in little alone of a prefix candidate is mutated in its one architecture;
        some of these keep their trunk and are cut elsewhere. Where one trunk becomes two, little
        is another network.

        Args:
            rng: random numbers of the moves.
            before: rows before they were mutated, shape (n, n_genes).
            x: rows whose networks were mutated, of the same shape.
            fresh: rows drawn anew, of the same shape.
        """
        out = x.copy()
        if self.exits is None:
            return self.repaired(out)
        tied = self.tied(before)
        alone = tied & (x[:, self.big] == before[:, self.big]).all(axis=1)
        out[alone, self.big] = x[alone, self.little]
        stays = tied & (rng.random(len(x)) < STAYS)
        out[stays, self.big] = before[stays, self.big]
        little, big, trunk = (rng.random(len(x)) < share for share in MOVED)
        steps = np.rint(rng.normal(0.0, STEP, len(x))).astype(np.int64)
        steps = np.where(steps == 0, rng.choice([-1, 1], len(x)), steps)
        exit_ = out[:, self.at + 1]
        lowest = np.where(tied, 1, 0)
        moved = np.clip(exit_ + steps, lowest, self.n_exits)
        moved = np.where(moved == exit_, np.where(exit_ > lowest, exit_ - 1, exit_ + 1), moved)
        out[:, self.at + 1] = np.where(little | stays, moved, exit_)
        out[:, self.at + 2] = np.where(big & ~stays, fresh[:, self.at + 2], out[:, self.at + 2])
        if self.options[0] == 2:
            flip = trunk & ~stays
            out[flip, self.at] = 1 - out[flip, self.at]
            parted = flip & tied
            out[parted, self.little] = fresh[parted, self.little]
        return self.repaired(out)

    def neighbours(self, row: Genes) -> list[tuple[int, int]]:
        """Genes of coupling of a row and the values next to theirs."""
        if self.exits is None:
            return []
        tied = bool(self.tied(row[None])[0])
        little, big = int(row[self.at + 1]), int(row[self.at + 2])
        near = range(max(little - 4, 1), min(little + 4, self.n_exits) + 1)
        moves = [(self.at + 1, v) for v in (*near, *(() if tied else (0,))) if v != little]
        near = range(max(big - 2, 0), min(big + 2, self.n_exits) + 1)
        moves += [(self.at + 2, v) for v in dict.fromkeys((0, *near)) if v != big]
        return [*moves, (self.at, 1)] if self.options[0] == 2 and not tied else moves

    def features(self, x: Genes) -> list[NDArray[np.float64]]:
        """Columns for a model: one trunk or not, and of each network how deep it is cut."""
        cuts = self.cuts(x)
        if cuts is None:
            return []
        columns: list[Any] = [self.tied(x)]
        for exits in cuts:
            columns += [exits == 0, self.space.exit_after[exits] / self.space.n_layers]
        return [np.asarray(column, np.float64)[:, None] for column in columns]


def _nearest(good: Mask, place: Genes) -> tuple[Genes, Mask]:
    """The nearest good place in each row of a mask (n, k), and whether there is any."""
    far = good.shape[1] + 1
    distance = np.where(good, np.abs(np.arange(good.shape[1]) - place[:, None]), far)
    return distance.argmin(axis=1).astype(np.int64), np.asarray(good.any(axis=1))


def exits_of(evaluator: Evaluator, couplings: tuple[str, ...] | None) -> Mask | None:
    """Which exits pairs can be searched with, of an evaluator; None where there are none.

    Args:
        evaluator: says which networks there are, and what they share.
        couplings: the only ones that pairs may have; None: all.

    Raises:
        ConstraintError: a coupling that none of its pairs has.
    """
    exits = evaluator.exits if isinstance(evaluator, CutEvaluator) else None
    if not evaluator.gates:
        if couplings is not None:
            raise ConstraintError(
                f"coupling {','.join(couplings)} is asked of single networks, which are no pairs; "
                "leave it out, or search in a table, on a surrogate or live."
            )
        return None
    there = exits is not None and bool(np.asarray(exits)[..., 1:].any())
    if couplings is not None and "prefix" in couplings and not there:
        raise ConstraintError(
            "coupling prefix needs networks that are cut at exits, and there are none here; search "
            "in a table that has exits (--on table), or leave prefix out."
        )
    if couplings is not None and "sibling" not in couplings and shares_nothing(evaluator):
        raise ConstraintError(
            f"coupling {','.join(couplings)} needs networks that share weights, and here each is "
            "trained before it answers; leave out --epochs, or add sibling."
        )
    if couplings == ("nested",):
        if evaluator.space.is_slice is None:
            raise ConstraintError(
                f"no network of space {evaluator.space.name!r} is a slice of another, so that "
                "there is no nested pair; search for sibling ones."
            )
        return None
    return np.asarray(exits, bool) if there else None
