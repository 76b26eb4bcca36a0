"""``--searcher darts`` and ``--searcher ofa``: searches in a supernet's weights, called as others.

Both end with pairs and not with a front, so that the evaluator is asked about these, once, under
every gate and cut; from there on all is as for any searcher: limits, front, files and commands to
go on with. ``biglittle darts`` and ``biglittle ofa`` have more settings, and ``ofa`` there leaves
ONNX files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..bench import Candidates, Evaluator, Pair, load_device
from ..bench.datasets import Dataset, Images
from ..bench.errors import ConstraintError
from .derived_pairs import derived_pairs
from .evaluators.live import LiveEvaluator
from .given_pairs import judged
from .outcome import OnProgress, Progress, SearchOutcome
from .settings import SearchSettings

if TYPE_CHECKING:
    from ..cotrain.supernet import Supernet

#: Budgets where none are asked for: steps of the architecture, and pairs asked of a predictor.
BUDGETS = {"darts": 120, "ofa": 4_000}


@dataclass(frozen=True)
class Weights:
    """A supernet and the images it is asked about.

    Attributes:
        net: the supernet with its weights.
        splits: images of ``train`` and ``val``, by split.
        dataset: facts of the images: classes, size, normalisation.
        surrogate: folder of the one that was fitted on these weights.
    """

    net: Supernet
    splits: dict[str, Images]
    dataset: Dataset
    surrogate: Path


@dataclass(frozen=True)
class WithWeights:
    """A search that needs weights, called as a `Searcher` is.

    Attributes:
        name: name of the searcher, ``darts`` or ``ofa``.
        weights: the supernet to search in, and its images.
        devices: names or profiles; it can be one alone.

    Raises:
        ConstraintError: there are several devices, or none.
    """

    name: str
    weights: Weights
    devices: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.devices) != 1:
            raise ConstraintError(
                f"{self.name} searches for one device, got {len(self.devices)}; name one, or take "
                "another searcher."
            )

    def __call__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        on_progress: OnProgress | None = None,
        checkpoint: Path | None = None,
        warm: Candidates | None = None,
    ) -> SearchOutcome:
        """The front of the pairs it ends with; of those with a coupling, where some are asked for.

        Where ``prefix`` is among these, the exits of their big networks are evaluated as well, with
        the exit heads of the supernet.

        Args:
            evaluator: the live supernet on val, on the one device.
            settings: limits, budget (steps of ``darts``, pairs predicted for ``ofa``), seed.
            on_progress: called after every step with how far the search is.
            checkpoint: none; it keeps no log of evaluations.
            warm: must be None; it begins with no candidates.

        Raises:
            ConstraintError: a checkpoint, a warm start, budgets of a first population, or nothing
                within the limits.
        """
        if checkpoint is not None or warm is not None:
            raise ConstraintError(
                f"{self.name} keeps no log of evaluations and begins with no candidates; leave out "
                "--checkpoint and --warm-start."
            )
        if settings.initial:
            raise ConstraintError(
                f"{self.name} has no first population; leave out "
                f"{' and '.join(f'--budget-{name}' for name in settings.initial)}, or take another "
                "searcher, such as nsga2."
            )
        assert isinstance(evaluator, LiveEvaluator)
        began = time.perf_counter()
        find: Callable[..., Sequence[Pair]] = {"darts": self._darts, "ofa": self._ofa}[self.name]
        pairs = find(evaluator, settings, on_progress)
        if settings.couplings is not None:
            pairs = derived_pairs(evaluator, pairs, settings.couplings)
        outcome = judged(evaluator, pairs, settings=settings)
        return replace(
            outcome,
            settings=settings,
            best=outcome.best if settings.soft else None,
            seconds_total=time.perf_counter() - began,
        )

    def _darts(
        self, live: LiveEvaluator, settings: SearchSettings, on_progress: OnProgress | None
    ) -> Sequence[Pair]:
        from .darts import search
        from .darts_settings import WARM, DartsSettings

        began, aim = time.perf_counter(), settings.limits.get("latency_ms")
        options = replace(
            WARM,
            choices=live.choices,
            steps=settings.budget,
            latency_ms=aim,
            latency_weight=DartsSettings.latency_weight if aim is None else WARM.latency_weight,
            seed=settings.seed,
        )

        def told(step: int, figures: dict[str, float]) -> None:
            if on_progress is not None:
                on_progress(Progress(step + 1, options.steps, 0, time.perf_counter() - began))

        weights = self.weights
        profile = load_device(self.devices[0])
        derived = search(
            weights.net, weights.splits["train"], weights.dataset, profile, options, told
        )
        return [Pair(derived.little, derived.big)]

    def _ofa(
        self, live: LiveEvaluator, settings: SearchSettings, on_progress: OnProgress | None
    ) -> Sequence[Pair]:
        from ..surrogates import Surrogate, SurrogateEvaluator
        from .specialise import SpecialiseSettings, specialise

        if not settings.limits:
            raise ConstraintError(
                "ofa looks for the most accurate pair within limits; give at least one, for "
                "example --latency-ms-max 20."
            )
        profile = load_device(self.devices[0])
        predictor = SurrogateEvaluator(Surrogate.load(self.weights.surrogate), profile)
        few = min(SpecialiseSettings.few, settings.budget)
        options = SpecialiseSettings(settings.limits, settings.budget, few, seed=settings.seed)
        _, considered = specialise(predictor, live, options, on_progress=on_progress)
        return [c.pair for c in considered]
