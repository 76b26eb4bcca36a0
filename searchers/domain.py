"""What a searcher moves in: rows of integers that stand for candidates, and the moves among them.

A row of genes is [little | big | gate | cut]. Where networks are cut at exits, three genes that say
what the two share stand behind big (``coupling_genes.py``). In a whole space a network is one gene
per layer, the index of an allowed choice. Where only some architectures are known, as in a table, a
network is one gene, its place in the list, which is ordered by MACs so that neighbours cost about
the same. Where there are no gates (single networks) there is no big, and gate and cut are always 0.

Where the gate is optimised inside an evaluation, gate and cut of a row that is asked about mean
nothing; the rows a searcher is told about carry those of the operating points that were found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..bench import Candidates, Evaluator, SearchSpace
from ..bench.errors import ConstraintError
from ..bench.evaluator import ListedEvaluator
from ..bench.gates import N_CODES
from ..bench.spaces import Exits, Genomes
from .coupling_genes import N_GENES, CouplingGenes, Genes, Mask, exits_of

__all__ = ["Domain", "Genes"]

SWAP_WHOLE = 0.25  # of matings: a good little network should meet other big ones, unbroken
CUT_STEP = 16.0  # codes; a sixteenth of the range, so neighbouring cuts are tried often
CUT_MUTATION = 0.5  # of children: one evaluation of another cut of the same pair is a cheap step
ALIKE = 8  # listed networks that count as neighbours because few of their layers differ
RANK_STEP = 1 / 24  # of the list; the deviation of a step along its order
N_ALIKE_MOVES = 0.3  # of moves in a list: to a network that looks alike; the rest go along the list
N_FAR_MOVES = 0.1  # of moves in a list: anywhere
TRIES = 8  # mutations of one row before it may stay as it is


def first_of_each(keys: Iterable[bytes], without: Iterable[bytes] = ()) -> list[int]:
    """Places of the first of equal keys, rising, of those that are not among others.

    Args:
        keys: what tells rows apart, one of each row.
        without: keys whose rows are left out.

    >>> first_of_each([b"a", b"b", b"a", b"c"], without=[b"c"])
    [0, 1]
    """
    before, places = {*without}, []
    for place, key in enumerate(keys):
        if key not in before:
            before.add(key)
            places.append(place)
    return places


@dataclass(frozen=True)
class Domain:
    """The candidates of one evaluator as rows of integers, and the moves among them.

    Attributes:
        space: search space of both networks.
        allowed: indices of the choices that may be used, shape (k,).
        listed: the only architectures there are, ordered by MACs; None: all of the space's.
        n_gates: gates a candidate may name; 0: single networks.
        inside: whether gate and cut are optimised inside an evaluation.
        exits: whether there are networks cut at each exit, as in ``CutEvaluator``; None: none are.
        couplings: the only ones that pairs may have; None: all.
    """

    space: SearchSpace
    allowed: Genomes
    listed: Genomes | None
    n_gates: int
    inside: bool
    exits: Mask | None = None
    couplings: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls, evaluator: Evaluator, inside: bool, couplings: tuple[str, ...] | None = None
    ) -> Domain:
        """The domain of an evaluator.

        Args:
            evaluator: says which networks and gates there are.
            inside: whether gate and cut are optimised inside an evaluation.
            couplings: the only ones that pairs may have; None: all.

        Raises:
            ConstraintError: an evaluator that lists no architectures, or none of whose pairs has
                one of the couplings.
        """
        space, listed = evaluator.space, None
        exits = exits_of(evaluator, couplings)
        if isinstance(evaluator, ListedEvaluator) and evaluator.listed is not None:
            genomes = np.ascontiguousarray(evaluator.listed, np.uint8)
            if couplings == ("prefix",) and exits is not None and exits.ndim == 2:
                cut = exits[:, 1:].any(axis=1)  # the others have no pair to offer
                genomes, exits = genomes[cut], exits[cut]
            if not len(genomes):
                raise ConstraintError("the evaluator knows no architecture with all figures.")
            order = np.argsort(space.sizes(genomes), kind="stable")
            listed = genomes[order]
            exits = exits[order] if exits is not None and exits.ndim == 2 else exits
        n_gates, allowed = len(evaluator.gates), space.allowed(evaluator.choices)
        domain = cls(space, allowed, listed, n_gates, inside or not n_gates, exits, couplings)
        if domain.coupling is not None:
            domain.coupling.check()
        return domain

    # ---- the shape of a row ----------------------------------------------------------------
    @property
    def n_network_genes(self) -> int:
        """Genes of one network."""
        return 1 if self.listed is not None else self.space.n_layers

    @property
    def parts(self) -> tuple[slice, ...]:
        """Where the networks of a candidate stand in a row: little and big, or one network."""
        n = self.n_network_genes
        return (slice(0, n), slice(n, 2 * n)) if self.n_gates else (slice(0, n),)

    @cached_property
    def coupling(self) -> CouplingGenes | None:
        """The genes of coupling; None where pairs are of whole networks and of any coupling."""
        if not self.n_gates or (self.exits is None and self.couplings is None):
            return None
        source = self.allowed if self.listed is None else self.listed
        return CouplingGenes(self.space, source, self.exits, self.couplings, *self.parts)

    @property
    def gate(self) -> int:
        """Where the gate stands in a row."""
        return int(self.parts[-1].stop) + (0 if self.exits is None else N_GENES)

    @property
    def cut(self) -> int:
        """Where the cut stands in a row."""
        return self.gate + 1

    @property
    def n_genes(self) -> int:
        """Length of a row: the genes of the networks, the gate and the cut."""
        return self.cut + 1

    @cached_property
    def options(self) -> Genes:
        """How many values each gene can have, shape (n_genes,)."""
        out = np.full(self.n_genes, len(self.allowed), np.int64)
        if self.listed is not None:
            out[:] = len(self.listed)
        out[self.gate], out[self.cut] = (1, 1) if self.inside else (self.n_gates, N_CODES + 1)
        if self.coupling is not None:
            out[self.parts[-1].stop : self.gate] = self.coupling.options
        return out

    @property
    def size(self) -> float:
        """How many different candidates there are (a float: whole spaces are beyond integers)."""
        return float(np.prod(self.options.astype(np.float64)))

    @cached_property
    def sha256(self) -> str:
        """Of everything that decides what a row means."""
        text = repr((self.space.hash, self.allowed.tolist(), self.n_gates, self.inside))
        if self.coupling is not None:
            exits = None if self.exits is None else self.exits.tolist()
            text += repr((exits, self.couplings))
        listed = b"" if self.listed is None else self.listed.tobytes()
        return hashlib.sha256(text.encode() + listed).hexdigest()

    # ---- what rows stand for ---------------------------------------------------------------
    def networks(self, x: Genes) -> tuple[Genomes, Genomes]:
        """Genomes of little and big of rows (n, n_genes), each (n, n_layers)."""
        source = self.allowed if self.listed is None else self.listed
        parts = [np.asarray(source[x[:, part]], np.uint8) for part in self.parts]
        flat = [g.reshape(len(x), self.space.n_layers) for g in parts]
        return flat[0], flat[-1]

    def cuts(self, x: Genes) -> tuple[Exits, Exits] | None:
        """Numbers of the exits of little and big of rows, each (n,); None: all are whole."""
        return None if self.coupling is None else self.coupling.cuts(x)

    def network_rows(self, x: Genes) -> list[Genomes]:
        """Each network of rows, genome and number of its exit, each (n, n_layers + 1)."""
        genomes, cuts = self.networks(x)[: len(self.parts)], self.cuts(x)
        exits = cuts or (np.zeros(len(x), np.uint8),) * len(genomes)
        return [np.column_stack(both) for both in zip(genomes, exits, strict=False)]

    def candidates(self, x: Genes) -> Candidates:
        """What rows of shape (n, n_genes) stand for."""
        little, big = self.networks(x)
        return Candidates(little, big, x[:, self.gate], x[:, self.cut], self.cuts(x))

    def repaired(self, x: Genes) -> Genes:
        """Rows as every candidate is written, within the couplings that are asked for."""
        return x if self.coupling is None else self.coupling.repaired(x)

    def genes(self, candidates: Candidates) -> Genes:
        """Rows that stand for candidates; those that lie outside the domain are left out."""
        ok = np.ones(len(candidates), bool)
        x = np.zeros((len(candidates), self.n_genes), np.int64)
        for part, genomes in zip(self.parts, (candidates.little, candidates.big), strict=False):
            if self.listed is None:
                place = np.searchsorted(self.allowed, genomes).clip(0, len(self.allowed) - 1)
                ok &= (self.allowed[place] == genomes).all(axis=1)
                x[:, part] = place
            else:
                at = {row.tobytes(): i for i, row in enumerate(self.listed)}
                rows = [at.get(g.tobytes(), -1) for g in np.ascontiguousarray(genomes, np.uint8)]
                x[:, part.start] = rows
                ok &= x[:, part.start] >= 0
        if not self.inside:
            x[:, self.gate], x[:, self.cut] = candidates.gate, candidates.cut
        if candidates.exits is not None and self.exits is None:
            ok &= (candidates.exits[0] == 0) & (candidates.exits[1] == 0)
        x = x[ok]
        if self.coupling is None:
            return x
        if candidates.exits is not None and self.exits is not None:
            x[:, self.gate - 2], x[:, self.gate - 1] = (part[ok] for part in candidates.exits)
            x[:, self.gate - N_GENES] = self.coupling.is_prefix(x)
        same = [np.ones(len(x), bool)]  # what is not in the domain becomes another candidate
        repaired = self.repaired(x)
        for a, b in zip(self.network_rows(x), self.network_rows(repaired), strict=True):
            same.append((a == b).all(axis=1))
        return repaired[np.all(same, axis=0)]

    def keys(self, x: Genes) -> list[bytes]:
        """What tells rows apart that are asked about; gate and cut do not where they are inside."""
        rows = np.ascontiguousarray(x[:, : self.gate] if self.inside else x, np.int64)
        return [row.tobytes() for row in rows]

    def features(self, x: Genes) -> NDArray[np.float64]:
        """What a model may learn from before anything is evaluated, shape (n, n_features).

        One-hot choices of each network, its MACs and their logarithm; where networks are cut, also
        how deep; where the gate is a gene, also which gate and the cut with its square.
        """
        columns, cuts = [], self.cuts(x) or (None, None)
        for genomes, exits in zip(self.networks(x)[: len(self.parts)], cuts, strict=False):
            size = self.space.sizes(genomes, exits).astype(np.float64)[:, None] / 1e8
            columns += [self.space.encode(genomes).astype(np.float64), size, np.log(size)]
        if self.coupling is not None:
            columns += self.coupling.features(x)
        if not self.inside:
            cut = x[:, [self.cut]] / N_CODES
            columns += [np.eye(self.n_gates)[x[:, self.gate]], cut, cut**2]
        return np.concatenate(columns, axis=1)

    # ---- moves -----------------------------------------------------------------------------
    def sample(self, rng: np.random.Generator, n: int) -> Genes:
        """``n`` rows drawn uniformly."""
        x = np.asarray(rng.integers(0, self.options, size=(n, self.n_genes)))
        return x if self.coupling is None else self.coupling.drawn(rng, x)

    def sample_sizes(self, rng: np.random.Generator, n: int) -> Genes:
        """``n`` rows of networks of all sizes.

        In a whole space uniform networks are all of middling size; in half of the rows each network
        has its own share of cheapest choices. A list has the sizes it has.
        """
        x = self.sample(rng, n)
        if self.listed is None:
            whole = np.repeat(self.allowed[:, None], self.space.n_layers, axis=1)
            cheapest = int(np.argmin(self.space.macs(whole, n_classes=1)))
            for part in self.parts:
                genes = x[n // 2 :, part]
                share = rng.random((len(genes), 1))
                genes[rng.random(genes.shape) < share] = cheapest
        return self.repaired(x)

    @cached_property
    def _known_alike(self) -> dict[int, Genes]:
        return {}

    def _alike(self, place: int) -> Genes:
        """The listed networks of which the fewest layers differ from those of one, (k,)."""
        assert self.listed is not None
        if place not in self._known_alike:
            n = len(self.listed)
            k = min(ALIKE, max(n - 1, 1))
            distance = (self.listed != self.listed[place]).sum(axis=1, dtype=np.int64) * n
            distance += abs(np.arange(n) - place)  # of equally many the nearest in MACs
            distance[place] = np.iinfo(np.int64).max if n > 1 else 0
            near = np.argpartition(distance, k - 1)[:k]
            self._known_alike[place] = near[np.argsort(distance[near])]
        return self._known_alike[place]

    def _move_listed(self, rng: np.random.Generator, rows: Genes) -> Genes:
        assert self.listed is not None
        n = len(self.listed)
        step = np.rint(rng.normal(0.0, max(1.0, RANK_STEP * n), len(rows))).astype(np.int64)
        step = np.where(step == 0, rng.choice([-1, 1], len(rows)), step)
        moved = np.abs(rows + step)  # reflected at both ends
        moved = np.where(moved > n - 1, np.maximum(2 * (n - 1) - moved, 0), moved)
        picks = rng.random(len(rows))
        near = [self._alike(i) for i in rows.tolist()]
        alike = np.array([k[int(p * len(k))] for k, p in zip(near, picks, strict=True)], np.int64)
        kind, far = rng.random(len(rows)), rng.integers(0, n, len(rows))
        out = np.where(kind < N_ALIKE_MOVES, alike, moved)
        out = np.where(kind > 1 - N_FAR_MOVES, far, out)
        return np.asarray(np.where(out == rows, (rows + 1) % n, out))

    def mutate(self, rng: np.random.Generator, x: Genes) -> Genes:
        """A changed copy of rows: at least one gene of a network where the gate is inside.

        In a whole space each gene is replaced with probability 1 / n; in a list one network or both
        move. Where the gate is a gene, the cut also takes a gaussian step.
        """
        out = self._mutated(rng, x)
        if self.coupling is None:
            return out
        out = self.coupling.moved(rng, x, out, self.sample(rng, len(x)))
        for _ in range(TRIES):  # a repair may have taken a mutation back
            pairs = zip(self.keys(out), self.keys(x), strict=True)
            same = np.flatnonzero([a == b for a, b in pairs])
            if not len(same):
                break
            fresh = self._mutated(rng, x[same]), self.sample(rng, len(same))
            out[same] = self.coupling.moved(rng, x[same], *fresh)
        return out

    def _mutated(self, rng: np.random.Generator, x: Genes) -> Genes:
        """Rows whose networks are changed, and gate and cut where they are genes."""
        out, width = x.copy(), int(self.parts[-1].stop)
        if self.listed is None:
            genes = np.r_[:width] if self.inside else np.r_[:width, self.gate : self.n_genes]
            options = self.options[genes]
            # an offset of 1 .. options - 1 modulo options is another value, each equally likely
            offset = rng.integers(1, np.maximum(options, 2), size=out[:, genes].shape)
            hit = rng.random(offset.shape) < 1.0 / offset.shape[1]
            if self.inside:
                at = rng.integers(0, width, len(x))
                hit[np.arange(len(x)), at] |= ~hit.any(axis=1)
            out[:, genes] = np.where(hit, (out[:, genes] + offset) % options, out[:, genes])
        else:
            which = rng.random(len(x))
            chosen = [which < 0.6, which > 0.4] if len(self.parts) == 2 else [which >= 0.0]
            if not self.inside:  # some children only have another gate or cut
                stays = rng.random(len(x)) < CUT_MUTATION
                chosen = [c & ~stays for c in chosen]
                other = rng.integers(0, self.n_gates, len(x))
                gates = out[:, self.gate]
                out[:, self.gate] = np.where(rng.random(len(x)) < 0.2, other, gates)
            for part, mask in zip(self.parts, chosen, strict=True):
                moved = self._move_listed(rng, out[:, part.start])
                out[:, part.start] = np.where(mask, moved, out[:, part.start])
        if not self.inside:
            step = np.rint(rng.normal(0.0, CUT_STEP, len(x))).astype(np.int64)
            step *= rng.random(len(x)) < CUT_MUTATION
            out[:, self.cut] = np.clip(out[:, self.cut] + step, 0, N_CODES)
        return out

    def cross(self, rng: np.random.Generator, a: Genes, b: Genes) -> tuple[Genes, Genes]:
        """Two children of each two parents, all of shape (n, n_genes).

        Uniform, two-point or whole exchange of each network; gate and cut travel together.
        """
        n, layers = len(a), self.n_network_genes
        swap = np.zeros(a.shape, bool)
        for part in self.parts:
            uniform = rng.random((n, layers)) < 0.5
            ends = np.sort(rng.integers(0, layers + 1, size=(n, 2)), axis=1)
            at = np.arange(layers)
            two_point = (at >= ends[:, :1]) & (at < ends[:, 1:])
            whole = np.broadcast_to(rng.random((n, 1)) < 0.5, (n, layers))
            kind = rng.random((n, 1))
            mixed = np.where(kind < (1 + SWAP_WHOLE) / 2, uniform, two_point)
            swap[:, part] = np.where(kind < SWAP_WHOLE, whole, mixed)
        swap[:, [self.gate, self.cut]] = rng.random((n, 1)) < 0.5
        if self.exits is not None:
            swap[:, self.parts[-1].stop : self.gate] = rng.random((n, 1)) < 0.5
        return self.repaired(np.where(swap, b, a)), self.repaired(np.where(swap, a, b))

    def neighbours(self, row: Genes) -> Genes:
        """Every row one small move away from ``row`` of shape (n_genes,), shape (n, n_genes).

        In a whole space: another choice in one layer. In a list: the networks next to each of the
        two in MACs, and those that look alike. Where the gate is a gene: other gates, near cuts.
        """
        moves = [] if self.coupling is None else self.coupling.neighbours(row)
        for part in self.parts:
            for gene in range(part.start, part.stop):
                if self.listed is None:
                    others: list[int] = list(range(int(self.options[gene])))
                else:
                    here, n = int(row[gene]), len(self.listed)
                    near = [i for i in range(here - 2, here + 3) if 0 <= i < n]
                    others = list(dict.fromkeys([*near, *self._alike(here).tolist()]))
                moves += [(gene, v) for v in others if v != row[gene]]
        if not self.inside:
            gate, cut = int(row[self.gate]), int(row[self.cut])
            moves += [(self.gate, g) for g in range(self.n_gates) if g != gate]
            near_cuts = {int(np.clip(cut + s, 0, N_CODES)) for s in (-32, -8, -2, 2, 8, 32)}
            moves += [(self.cut, c) for c in sorted(near_cuts) if c != cut]
        out = np.repeat(row[None], len(moves), axis=0)
        for i, (gene, value) in enumerate(moves):
            out[i, gene] = value
        return out if self.coupling is None else self._others(row, self.repaired(out))

    def _others(self, row: Genes, x: Genes) -> Genes:
        """Rows that are other candidates than ``row``, each once."""
        return x[first_of_each(self._whole_keys(x), self._whole_keys(row[None]))]

    def _whole_keys(self, x: Genes) -> list[bytes]:
        return [line.tobytes() for line in np.ascontiguousarray(x, np.int64)]
