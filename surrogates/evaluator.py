"""A surrogate as an evaluator: what a searcher asks about networks outside the table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import (
    Candidates,
    DeviceProfile,
    NetworkFigures,
    Points,
    SearchSpace,
    load_device,
)
from ..bench.cost import NetworkCosts, network_costs, pair_costs
from ..bench.coupling import coupled_pairs
from ..bench.errors import SurrogateError
from ..bench.evaluator import AnswerCurves, Sweep
from ..bench.gates import get_metric
from ..bench.measured_pairs import MeasuredPairs, whole_provenance
from ..bench.network_names import network_names
from ..bench.provenance import answered_pairs
from ..bench.spaces import Exits, Genomes, parse_networks
from .surrogate import PredictedPoints, Surrogate, genome_rows

SWEPT = 4096  # pairs whose curves are worked out together: some 200 MiB


def _words(little: NetworkCosts, big: NetworkCosts, rate: NDArray[Any]) -> Mapping[str, str]:
    return answered_pairs(little.provenance, big.provenance, "predicted", rate)


class SurrogateEvaluator:
    """Evaluates candidates with a surrogate, for one device.

    Accuracy and escalation rate are ``predicted`` (for ``val`` images). Latency and energy are what
    the profile's own latency model gives, with its provenance.

    Args:
        surrogate: predicts accuracy and escalation rate.
        profile: device whose latency and energy count: its profile, name, or the path of a profile.
        outside_penalty: amount that the accuracy of a candidate loses for a network outside the
            surrogate's support, a fraction. A searcher then keeps to networks like those that the
            surrogate learnt from; 0 leaves predictions as they are.
        caution: how many of the model's own standard deviations the accuracy of a candidate loses,
            so that a searcher is not drawn to what is only uncertain.

    Raises:
        SurrogateError: the profile is of another space, or a penalty or caution is not usable.
        DeviceError: the profile lists too few networks to predict others from.
        UnknownNameError: no device has this name.

    Example::

        evaluator = SurrogateEvaluator(Surrogate.load(folder), "raspberry-pi-4")
        points = evaluator.evaluate(candidates)
        swept = evaluator.sweep(little, big)  # every gate of these pairs at once
    """

    def __init__(
        self,
        surrogate: Surrogate,
        profile: DeviceProfile | str | Path,
        *,
        outside_penalty: float = 0.0,
        caution: float = 0.0,
    ) -> None:
        if not (0 <= outside_penalty <= 1 and caution >= 0):
            raise SurrogateError(
                f"outside_penalty {outside_penalty:g} and caution {caution:g} are not usable; "
                "expected a fraction of at most 1, and a number of at least 0."
            )
        if isinstance(profile, str | Path):
            profile = load_device(str(profile))
        for got, kind, what in (
            (surrogate, Surrogate, "a surrogate: Surrogate.load(FOLDER)"),
            (profile, DeviceProfile, "a device: its name, or load_device(NAME)"),
        ):
            if not isinstance(got, kind):
                raise SurrogateError(f"got {got!r:.80}, of type {type(got).__name__}; pass {what}.")
        self.surrogate = surrogate
        self.profile = profile
        self.outside_penalty, self.caution = outside_penalty, caution
        if profile.space_hash != surrogate.space.hash:
            raise SurrogateError(
                f"device profile {profile.name!r} is of space {profile.space!r} "
                f"({profile.space_hash[:8]}), the surrogate of {surrogate.space.name!r} "
                f"({surrogate.space.hash[:8]})."
            )
        profile.check_complete()

    @property
    def space(self) -> SearchSpace:
        """The search space of both networks."""
        return self.surrogate.space

    @property
    def choices(self) -> tuple[str, ...]:
        """The choices the surrogate saw."""
        return self.surrogate.choices

    @property
    def gates(self) -> tuple[str, ...]:
        """Gate metrics that a candidate may name by index."""
        return self.surrogate.gates

    @property
    def n_classes(self) -> int:
        """Classes of the networks' classifiers."""
        return self.surrogate.n_classes

    @property
    def provenance(self) -> dict[str, str]:
        """How the figures of single networks on the device come about."""
        some = np.ones(1, np.uint8) if self.surrogate.exits else None
        return dict(self.profile.latency.provenance(exits=some))

    @cached_property
    def _measured(self) -> MeasuredPairs:
        """The pairs that the device's profile measured end to end."""
        return MeasuredPairs(self.profile.pairs)

    @cached_property
    def _thresholds(self) -> NDArray[np.float64]:
        """Threshold of every gate and cut, shape (n_gates, 257)."""
        n_classes = self.surrogate.n_classes
        return np.stack([get_metric(g).thresholds(n_classes) for g in self.gates])

    @property
    def exits(self) -> NDArray[np.bool_] | None:
        """Which exits the surrogate has seen, whole networks first; None: it has seen none."""
        if not self.surrogate.exits:
            return None
        out = np.zeros(len(self.space.exits) + 1, bool)
        out[[0, *self.space.exit_numbers(self.surrogate.exits).tolist()]] = True
        return out

    def costs(self, genomes: Genomes, exits: Exits | None = None) -> NetworkCosts:
        """Costs of single networks on the device, genomes of shape (n, n_layers)."""
        trunk_ms = None
        if exits is not None and exits.any():
            latency = self.profile.latency_ms(self.space, genomes, exits)
            energy = self.profile.network_energy_mj(self.space, genomes, exits)
            trunk_ms = self.profile.trunk_ms(self.space, genomes, exits)
        else:
            exits = None
            latency, energy = self.profile.latency.latency_and_energy(genomes)
        return network_costs(
            self.space,
            genomes,
            self.surrogate.n_classes,
            latency_ms=latency,
            energy_mj=energy,
            gate_ms=self.profile.gate_ms,
            provenance=self.profile.latency.provenance(exits=exits),
            exits=exits,
            trunk_ms=trunk_ms,
        )

    def networks(self, genomes: Genomes, exits: Exits | None = None) -> NetworkFigures:
        """Figures of single networks, genomes of shape (n, n_layers).

        Raises:
            SurrogateError: genomes of another space, or a choice or exit the surrogate never saw.
        """
        accuracy = self.surrogate.accuracy(genomes, exits)
        if self.outside_penalty or self.caution:
            accuracy = np.clip(accuracy - self._withheld(genomes, exits), 0.0, 1.0)
        return NetworkFigures(accuracy, self.costs(genomes, exits), "predicted")

    def evaluate(self, candidates: Candidates) -> Points:
        """Operating points of the candidates, in their order.

        Raises:
            SurrogateError: genomes of another space, a choice, gate or cut out of range.
        """
        accuracy, rate = self.surrogate.predict(candidates)
        genomes, cuts = (candidates.little, candidates.big), candidates.exits or (None, None)
        both = list(zip(genomes, cuts, strict=True))
        if self.outside_penalty or self.caution:
            little, big = (self._withheld(g, e) for g, e in both)
            accuracy = np.clip(accuracy - (1 - rate) * little - rate * big, 0.0, 1.0)
        gate = np.asarray(candidates.gate)
        names = np.array(self.gates)[gate]
        little_ids, big_ids = (self._ids(g, e) for g, e in both)
        costs = self.costs(*both[0]), self.costs(*both[1])
        coupled = coupled_pairs(self.space, self.n_classes, *genomes, costs[0], candidates.exits)
        shared = self._measured.shared(names, (little_ids, big_ids), costs, coupled.shared)
        return Points(
            little=little_ids,
            big=big_ids,
            gate=names,
            threshold=self._thresholds[gate, np.asarray(candidates.cut)],
            accuracy=accuracy,
            escalation_rate=rate,
            **pair_costs(costs[0], costs[1], rate, shared),
            provenance=whole_provenance(_words(*costs, rate), shared, rate),
            split=None,
            coupling=coupled.names,
        )

    def sweep(
        self, little: Genomes, big: Genomes, exits: tuple[Exits, Exits] | None = None
    ) -> Sweep:
        """Operating points of n pairs at which escalating more pays, genomes (n, n_layers).

        A pair is predicted once; under each gate its points are those at which its predicted curve
        bends, see ``CURVE_RATES``. The first point of a pair is little alone.

        Raises:
            SurrogateError: genomes of another space, or a choice the surrogate never saw.
        """
        little, big = np.atleast_2d(little), np.atleast_2d(big)
        none = np.zeros(len(little), np.uint8)
        cuts = (none, none) if exits is None else exits
        curves = self.answers(little, big, exits)
        owner, gate, cut = curves.owner, curves.gate, curves.cut
        rate, accuracy = curves.escalation_rate, curves.accuracy
        costs = self.costs(little, cuts[0]), self.costs(big, cuts[1])
        both = costs[0].take(owner), costs[1].take(owner)
        coupled = coupled_pairs(self.space, self.n_classes, little, big, costs[0], exits)
        shared = coupled.take(owner).shared
        if self._measured:
            ids = self._ids(little, cuts[0])[owner], self._ids(big, cuts[1])[owner]
            shared = self._measured.shared(np.array(self.gates)[gate], ids, both, shared)
        figures = {
            "threshold": self._thresholds[gate, cut],
            "accuracy": accuracy,
            "escalation_rate": rate,
            **pair_costs(both[0], both[1], rate, shared),
        }
        words = whole_provenance(_words(*both, rate), shared, rate)
        return Sweep(owner, gate, cut, figures, words)

    def answers(
        self, little: Genomes, big: Genomes, exits: tuple[Exits, Exits] | None = None
    ) -> AnswerCurves:
        """What n pairs answer where escalating more pays, whatever that costs; see `sweep`.

        Raises:
            SurrogateError: genomes of another space, or a choice the surrogate never saw.
        """
        little, big = np.atleast_2d(little), np.atleast_2d(big)
        none = np.zeros(len(little), np.uint8)
        cuts = (none, none) if exits is None else exits
        starts = range(0, len(little), SWEPT)
        parts = []
        for part in (slice(i, i + SWEPT) for i in starts):
            parts.append(self._swept(little[part], big[part], (cuts[0][part], cuts[1][part])))
        sizes = np.repeat(starts, [len(part[0]) for part in parts])
        owner, gate, cut, rate, accuracy = (np.concatenate(c) for c in zip(*parts, strict=True))
        return AnswerCurves((owner + sizes).astype(np.intp), gate, cut, accuracy, rate, "predicted")

    def _swept(
        self, little: Genomes, big: Genomes, cuts: tuple[Exits, Exits]
    ) -> tuple[NDArray[Any], ...]:
        """Pair, gate, cut, escalation rate and accuracy of points, pair by pair."""
        curves = self.surrogate.predict_curves(little, big, cuts)
        accuracy, rate = curves.accuracy, curves.escalation_rate
        if self.outside_penalty or self.caution:
            both = zip((little, big), cuts, strict=True)
            low, high = (self._withheld(g, e)[:, None, None] for g, e in both)
            accuracy = np.clip(accuracy - (1 - rate) * low - rate * high, 0.0, 1.0)
        pays = np.ones(accuracy.shape, bool)
        pays[..., 1:] = accuracy[..., 1:] > np.maximum.accumulate(accuracy, axis=-1)[..., :-1]
        pays[:, 1:, 0] = False  # little alone, once for all gates
        owner, gate, place = np.nonzero(pays)
        at = (owner, gate, place)
        return owner, gate, curves.cut[at], rate[at], accuracy[at]

    def intervals(self, points: Points) -> PredictedPoints:
        """Intervals of accuracy and escalation rate of points, and which are outside the support.

        For reports: what a search found, with how far it may be off.

        Args:
            points: operating points of this space, under gates the surrogate knows.

        Raises:
            SurrogateError: a gate or a network the surrogate never saw.
        """
        unknown = sorted({str(g) for g in points.gate} - set(self.gates))
        if unknown:
            raise SurrogateError(
                f"gates {', '.join(unknown)} are unknown to the surrogate; expected some of "
                f"{', '.join(self.gates)}."
            )
        gate = np.array([self.gates.index(str(g)) for g in points.gate], np.int64)
        cut = np.array(
            [
                int(get_metric(str(g)).cut(float(t), self.surrogate.n_classes))
                for g, t in zip(points.gate, points.threshold, strict=True)
            ],
            np.int64,
        )
        little, big = (parse_networks(self.space, names) for names in (points.little, points.big))
        exits = little[1], big[1]
        return self.surrogate.predict_points(Candidates(little[0], big[0], gate, cut, exits))

    def _withheld(self, genomes: Genomes, exits: Exits | None = None) -> NDArray[np.float64]:
        """What caution and the penalty take from each network's accuracy, shape (n,)."""
        rows = np.atleast_2d(genomes)
        cuts = np.zeros(len(rows), np.uint8) if exits is None else exits
        both, where = genome_rows(np.column_stack([rows, cuts]))
        unique = both[:, :-1], both[:, -1]
        taken = np.zeros(len(both))
        if self.caution:
            taken += self.caution * self.surrogate.network_std(*unique)
        if self.outside_penalty:
            taken += self.outside_penalty * self.surrogate.outside(*unique)
        return np.asarray(taken[where])

    def _ids(self, genomes: Genomes, exits: Exits | None = None) -> NDArray[np.str_]:
        if exits is not None and exits.any():
            return network_names(self.space, genomes, exits)
        digits = np.array(list(self.space.digits))[np.atleast_2d(genomes)]
        return np.ascontiguousarray(digits).view(f"U{self.space.n_layers}").ravel()
