"""Specialisation: the best pair of a trained supernet for a device and limits, without training.

Evolution asks a predictor of accuracy (a surrogate) and the device's latencies about thousands of
pairs. The few best, which are all promised too much, are then run with the supernet's weights on
val; the best of these, at the gate and threshold chosen there, is told on test and handed out.

Source: Cai et al. 2020, Once-for-All (section 3.4: accuracy predictor, latency table, evolution).
Where it departs: a candidate is a pair with its whole curve under every gate; the predictor also
knows how confident networks are; the few best are asked again before one is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import DeviceProfile, Evaluator, OperatingPoint, Pair
from ..bench.coupling import checked_couplings
from ..bench.errors import ConstraintError
from ..bench.evaluator import CutEvaluator
from ..bench.figures import checked_limits, get_figure
from ..bench.network_names import network_names
from ..bench.table_contents import Predictions, encode_predictions
from .algorithms import get_searcher
from .derived_pairs import check_heads, derived_pairs
from .domain import Domain, Genes
from .evaluators.live import LiveEvaluator
from .given_pairs import MOST_ACCURATE, judged
from .outcome import OnProgress, SearchOutcome
from .settings import SearchSettings

Say = Callable[[str], None]
LEAST_USED = 0.01  # escalation rate from which the big network of a pair matters


@dataclass(frozen=True)
class SpecialiseSettings:
    """How a pair is looked for.

    Attributes:
        limits: what the pair has to meet, largest value by figure (for accuracy: smallest).
        budget: pairs that the predictor is asked about.
        few: pairs that are run.
        apart: layers, of both networks together, in which each two of these differ at least: what
            a predictor is wrong about it is wrong about in all neighbours. A big network that
            answers less than a hundredth of the inputs does not count.
        searcher: key of the one that evolves.
        seed: seed of its random numbers.
        couplings: the only couplings that the pair may have; with ``prefix`` networks may be cut
            at the exits of the supernet. None: any pair of whole networks.

    Raises:
        ConstraintError: a number that cannot be searched with.
        UnknownNameError: a limit on no known figure, or no such coupling.
    """

    limits: Mapping[str, float]
    budget: int = 4_000
    few: int = 4
    apart: int = 4
    searcher: str = "regularized_evolution"
    seed: int = 0
    couplings: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "limits", checked_limits(self.limits))
        checked_couplings(self.couplings)  # all by name is more than None: networks may be cut
        if not 1 <= self.few <= self.budget or self.apart < 1:
            raise ConstraintError(
                f"{self.few} pairs of {self.budget}, {self.apart} layers apart; expected at least "
                "1 of each, and no more pairs to run than to ask about."
            )

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return {**asdict(self), "limits": dict(self.limits)}


@dataclass(frozen=True)
class Considered:
    """A pair that was run.

    Attributes:
        pair: the networks that were run.
        predicted: its best operating point within the limits, as the predictor sees it; None where
            it was derived from a pair of whole networks by a predictor that knows no exits.
        val: as the supernet's weights answer the val images; None where no point is within the
            limits.
    """

    pair: Pair
    predicted: OperatingPoint | None
    val: OperatingPoint | None


def evolve(
    predictor: Evaluator,
    settings: SpecialiseSettings,
    on_progress: OnProgress | None = None,
    checkpoint: Path | None = None,
) -> SearchOutcome:
    """The search for accurate pairs within the limits, on predictions.

    Raises:
        ConstraintError: nothing that was asked about is within the limits.
        CheckpointError: the checkpoint is of another search.
    """
    search = SearchSettings(
        limits=settings.limits,
        budget=settings.budget,
        seed=settings.seed,
        soft=MOST_ACCURATE,
        gate="inside",
        couplings=settings.couplings,
    )
    return get_searcher(settings.searcher)(predictor, search, on_progress, checkpoint)


def best_pairs(
    outcome: SearchOutcome, predictor: Evaluator, few: int, apart: int, uncut: bool = True
) -> list[tuple[float, Pair]]:
    """The most accurate different pairs of a search within its limits, the best first.

    Args:
        outcome: outcome of a search with the gate inside, with its log.
        predictor: the evaluator that was searched, whose space the genes are of.
        few: number of pairs to return at most.
        apart: layers in which each two differ at least, as in `SpecialiseSettings`.
        uncut: whether pairs of whole networks alone are returned.

    Returns:
        Each pair with its accuracy, as it was evaluated.
    """
    assert outcome.log is not None
    best: dict[bytes, tuple[float, Genes, float]] = {}
    for batch in outcome.log.batches:
        allowed = np.isfinite(batch.figures["accuracy"])
        for name, limit in outcome.settings.limits.items():
            signed = get_figure(name).minimised
            whole = {**batch.figures, "error": 1.0 - batch.figures["accuracy"]}
            allowed &= signed(whole[name]) <= signed(np.array([limit]))
        for row in np.flatnonzero(allowed).tolist():
            genes = batch.genes[batch.owner[row]]
            accuracy, key = float(batch.figures["accuracy"][row]), genes[:-2].tobytes()
            if key not in best or accuracy > best[key][0]:
                best[key] = (accuracy, genes, float(batch.figures["escalation_rate"][row]))
    ranked = sorted(best.values(), key=lambda entry: -entry[0])
    if not ranked:
        return []
    domain, space = Domain.of(predictor, inside=True), predictor.space
    rows = np.array([genes for _, genes, _ in ranked])
    (little, big), cuts = domain.networks(rows), domain.cuts(rows) or (None, None)
    little_names, big_names = (
        network_names(space, g, e) for g, e in zip((little, big), cuts, strict=True)
    )
    used = np.array([rate >= LEAST_USED for _, _, rate in ranked])
    chosen: list[int] = []
    for row in range(len(ranked)):
        if len(chosen) == few:
            break
        if uncut and any(cut is not None and cut[row] for cut in cuts):
            continue
        other = np.array(chosen, np.intp)
        differ = (little[other] != little[row]).sum(axis=1)
        differ += (big[other] != big[row]).sum(axis=1) * (used[other] & used[row])
        if (differ >= apart).all():
            chosen.append(row)
    ids = little_names[chosen].tolist(), big_names[chosen].tolist()
    return [(ranked[i][0], Pair(a, b)) for i, a, b in zip(chosen, *ids, strict=True)]


def specialise(
    predictor: Evaluator,
    live: LiveEvaluator,
    settings: SpecialiseSettings,
    say: Say = lambda line: None,
    on_progress: OnProgress | None = None,
    checkpoint: Path | None = None,
) -> tuple[OperatingPoint, list[Considered]]:
    """The best pair on val among the few that evolution promised most of, and all of these.

    Where ``prefix`` is asked for and the predictor knows no exits, evolution is of whole networks,
    and the exits of the big networks it ends with are run.

    Args:
        predictor: predicts accuracy, and has the latencies of the device.
        live: the supernet's networks on val, on the same device.
        settings: limits, budget and seed of the search, and how many pairs to run.
        say: called with one line at each step.
        on_progress: called after every batch of the evolution.
        checkpoint: file of the log of the evolution; None: none is kept.

    Raises:
        ConstraintError: nothing is within the limits, predicted or run.
    """
    if predictor.space.hash != live.space.hash or not set(predictor.choices) <= set(live.choices):
        raise ConstraintError(
            f"the predictor knows choices {', '.join(predictor.choices)} of space "
            f"{predictor.space.name!r}, the supernet {', '.join(live.choices)} of "
            f"{live.space.name!r}; expected a predictor of these weights."
        )
    check_heads(live.exits is not None, settings.couplings)
    _check_exits(predictor, live, settings)
    derived = not _knows_exits(predictor) and "prefix" in (settings.couplings or ())
    evolved = replace(settings, couplings=None) if derived else settings
    outcome = evolve(predictor, evolved, on_progress, checkpoint)
    say(f"{outcome.n_evaluations} pairs predicted in {outcome.seconds_total:.1f} s")
    uncut = evolved.couplings is None or live.exits is None
    best = best_pairs(outcome, predictor, settings.few, settings.apart, uncut)
    pairs, considered = [pair for _, pair in best], []
    if derived and settings.couplings is not None:
        pairs = derived_pairs(live, pairs, settings.couplings)
        say(f"{len(pairs)} pairs of coupling {' or '.join(settings.couplings)} are run")
    for number, pair in enumerate(pairs, start=1):
        promised = None
        if not (derived and "@" in pair.little):
            point = judged(predictor, [pair], settings.limits).best
            promised = None if point is None else point[0]
        try:
            points = judged(live, [pair], settings.limits).best
        except ConstraintError:  # it escalates more than it was predicted to
            points = None
        val = None if points is None else points[0]
        considered.append(Considered(pair, promised, val))
        verdict = "beyond the limits" if val is None else f"{100 * val.accuracy:.2f} % on val"
        promise = "" if promised is None else f"predicted {100 * promised.accuracy:.2f} %, "
        say(f"pair {number}: {pair.little} -> {pair.big}, {promise}{verdict}")
    usable = [c.val for c in considered if c.val is not None]
    if not usable:
        raise ConstraintError(
            f"none of the {len(considered)} pairs that were run is within the limits; loosen them, "
            "or let more be run."
        )
    # of equally accurate ones the first, of which more was promised
    return max(usable, key=lambda point: point.accuracy), considered


def _knows_exits(predictor: Evaluator) -> bool:
    return isinstance(predictor, CutEvaluator) and predictor.exits is not None


def _check_exits(predictor: Evaluator, live: LiveEvaluator, settings: SpecialiseSettings) -> None:
    """Nothing, if a predictor knows no other exits than there are, or none are asked for.

    Raises:
        ConstraintError: it knows some that the supernet has no heads for.
    """
    if settings.couplings is None or live.exits is None or not isinstance(predictor, CutEvaluator):
        return
    exits = predictor.exits
    lacking = () if exits is None else np.flatnonzero(np.asarray(exits) & ~live.exits)
    if len(lacking):
        cuts = live.space.exit_names(np.asarray(lacking, np.uint8))
        raise ConstraintError(
            f"the predictor knows exits {', '.join(cuts)}, for which the supernet has no heads; "
            "train them: biglittle table build --stage exits."
        )


def sampled_predictor(
    live: LiveEvaluator,
    labels: NDArray[np.uint8],
    profile: DeviceProfile,
    n_classes: int,
    samples: int,
    seed: int = 0,
    say: Say = lambda line: None,
) -> Evaluator:
    """A predictor fitted on what networks drawn from a supernet answer.

    For weights of which no table was made. The networks are of all sizes.

    Args:
        live: runs the supernet; where it keeps answers, a fit that was killed goes on.
        labels: classes of the val images, shape (n_images,).
        profile: what was measured on the device.
        n_classes: number of classes of the classifier.
        samples: number of networks to draw.
        seed: seed of the draw and the fit.
        say: called with one line every few networks.

    Raises:
        SurrogateError: there are too few samples for a fit.
        MissingExtraError: something that fitting needs is not installed.
    """
    from ..surrogates import FitData, Surrogate, SurrogateEvaluator
    from ..surrogates.fit import fit_models

    space, domain = live.space, Domain.of(live, inside=True)
    rng = np.random.default_rng(seed)
    genomes = np.unique(domain.networks(domain.sample_sizes(rng, samples))[0], axis=0)
    top1 = []
    codes: dict[str, list[NDArray[np.uint8]]] = {}
    for number, architecture in enumerate(space.format(genomes), start=1):
        classes, coded = encode_predictions(live.answer(architecture, len(labels)), labels)
        top1.append(classes)
        for name, values in coded.items():
            codes.setdefault(name, []).append(values)
        if number % 10 == 0 or number == len(genomes):
            say(f"{number} of {len(genomes)} networks answered")
    predictions = Predictions(labels, np.array(top1), {n: np.array(c) for n, c in codes.items()})
    choices = tuple(live.choices)
    data = FitData(space, choices, live.gates, n_classes, genomes, {"val": predictions})
    document, models = fit_models(data, seed)
    return SurrogateEvaluator(Surrogate(document, models), profile)
