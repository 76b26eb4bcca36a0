"""Networks of a first population that are too large are drawn again, as EEEA-Net does it.

The budgets are of each network and not of the pair, as in the source, where a candidate is one
network. What a pair costs depends on the gate (its mean MACs) and on what its networks share (its
parameters), and is known only after an evaluation; what a network has is counted before it. Hard
limits on the pair's figures are those of `SearchSettings.limits`. Evolution is free to leave the
budgets from the second population on.

Where it departs from the source: a budget on MACs beside that on parameters; a network that has
exactly the budget is kept; where two networks are drawn, each of them is drawn again by itself.

Source: Termritthikun et al. 2021, "EEEA-Net: An Early Exit Evolutionary Neural Architecture Search"
(Early Exit Population Initialisation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import ConstraintError
from ..bench.spaces import Exits, Genomes
from .domain import Domain, Genes

TRIES = 400  # draws without enough networks before a budget counts as out of reach
LEAST_DRAWN = 256  # rows a draw: a small population should not give up after few networks


@dataclass(frozen=True)
class InitialBudget:
    """The largest networks of a first population.

    Attributes:
        domain: candidates that are drawn.
        n_classes: classes of the networks' classifier, whose weights count.
        most: largest value by figure, of ``params`` (trained numbers) and ``macs`` of one network.

    Raises:
        ConstraintError: no network of the domain keeps one of the budgets; names the smallest.
    """

    domain: Domain
    n_classes: int
    most: Mapping[str, float]

    def __post_init__(self) -> None:
        least, domain = {name: self._least(name) for name in self.most}, self.domain
        beyond = any(least[name] > most for name, most in self.most.items())
        whole = domain.listed is not None and domain.exits is None
        if beyond or (whole and not self._kept(np.asarray(domain.listed)).any()):
            raise self._out_of_reach("there are", least)

    def keeps(self, x: Genes) -> NDArray[np.bool_]:
        """Whether each network of rows (n, n_genes) keeps every budget, shape (n, n_networks)."""
        networks = self.domain.network_rows(x)
        return np.stack([self._kept(rows[:, :-1], rows[:, -1]) for rows in networks], axis=1)

    def refill(self, rng: np.random.Generator, x: Genes) -> Genes:
        """Rows (n, n_genes) whose networks beyond a budget are drawn again, of all sizes.

        So are the networks of a row that occurs twice, as long as others can be drawn.

        Args:
            rng: random numbers of the draws.
            x: rows whose networks are looked at; they are left as they are.

        Raises:
            ConstraintError: too few of the networks drawn keep all budgets; names the smallest.
        """
        out, bad = x.copy(), ~self.keeps(x)
        least, n_drawn = dict.fromkeys(self.most, np.inf), 0
        for _ in range(TRIES):
            repeated = self._repeated(out)
            if not (bad.any() or repeated.any()):
                return out
            rows = self.domain.sample_sizes(rng, max(len(x), LEAST_DRAWN))
            good = self.keeps(rows)
            if self.domain.coupling is not None:  # what one network is decides on the other
                wrong = bad.any(axis=1)
                others = np.flatnonzero(repeated & ~wrong)
                places = np.concatenate([np.flatnonzero(wrong), others])
                sources = np.flatnonzero(good.all(axis=1))
                n = min(len(places), len(sources))
                out[places[:n]], bad[places[:n]] = rows[sources[:n]], False
                good[:] = False
            for k, part in enumerate(self.domain.parts):
                others = np.flatnonzero(repeated & ~bad[:, k])
                places = np.concatenate([np.flatnonzero(bad[:, k]), others])
                sources = np.flatnonzero(good[:, k])
                n = min(len(places), len(sources))
                out[places[:n], part] = rows[sources[:n], part]
                bad[places[:n], k] = False
            networks = np.concatenate(self.domain.network_rows(rows))
            for name, value in least.items():
                figures = self._figure(name, networks[:, :-1], networks[:, -1])
                least[name] = min(value, float(figures.min()))
            n_drawn += len(networks)
        if bad.any():
            raise self._out_of_reach(f"among {n_drawn:,} that were drawn are", least)
        return out  # some rows more than once: there are hardly others

    def _repeated(self, x: Genes) -> NDArray[np.bool_]:
        """Which rows (n, n_genes) are the same candidate as one before them, shape (n,)."""
        keys = self.domain.keys(x)
        first = {key: i for i, key in reversed(list(enumerate(keys)))}
        return np.array([first[key] != i for i, key in enumerate(keys)], bool)

    def _figure(
        self, name: str, genomes: Genomes, exits: Exits | None = None
    ) -> NDArray[np.float64]:
        """Parameters or MACs of networks, genomes of shape (n, n_layers); shape (n,)."""
        space = self.domain.space
        counted = space.params if name == "params" else space.macs
        cut = exits if exits is not None and exits.any() else None
        return counted(genomes, self.n_classes, cut).astype(np.float64)

    def _kept(self, genomes: Genomes, exits: Exits | None = None) -> NDArray[np.bool_]:
        ok = np.ones(len(genomes), bool)
        for name, most in self.most.items():
            ok &= self._figure(name, genomes, exits) <= most
        return ok

    def _least(self, name: str) -> float:
        """The smallest figure of a network: of those that are listed, or layer by layer."""
        domain = self.domain
        cuts = [0] if domain.exits is None else range(domain.exits.shape[-1])
        if domain.listed is not None:
            return min(self._of_cut(name, domain.listed, cut) for cut in cuts)
        base = np.full((1, domain.space.n_layers), domain.allowed[0], np.uint8)
        best = base.copy()
        for layer in range(domain.space.n_layers):  # figures are sums over layers
            one = np.repeat(base, len(domain.allowed), axis=0)
            one[:, layer] = domain.allowed
            best[0, layer] = domain.allowed[int(np.argmin(self._figure(name, one)))]
        return min(self._of_cut(name, best, cut) for cut in cuts)

    def _of_cut(self, name: str, genomes: Genomes, cut: int) -> float:
        """The smallest figure of networks that are all cut at one exit; 0: they are whole."""
        exits, there = np.full(len(genomes), cut, np.uint8), self.domain.exits
        if cut and there is not None:
            has = there[..., cut] if there.ndim == 2 else np.full(len(genomes), there[cut])
            genomes, exits = genomes[has], exits[has]
        return float(self._figure(name, genomes, exits).min(initial=np.inf))

    def _out_of_reach(self, where: str, least: Mapping[str, float]) -> ConstraintError:
        wanted = " and ".join(f"{name} {most:,.0f}" for name, most in self.most.items())
        reach = ", ".join(f"{name} {value:,.0f}" for name, value in least.items())
        options = ", ".join(f"budget_{name}" for name in self.most)
        return ConstraintError(
            f"no first population keeps the budget of each network ({wanted}). The smallest "
            f"figures {where}, each by itself: {reach}. Raise {options}, or leave it out."
        )
