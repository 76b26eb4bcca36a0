"""The live supernet as an evaluator: networks with inherited weights answer the val images.

Slow by nature: a network costs seconds the first time. What it said is kept, so that a pair of two
networks that answered before costs no more than in a table; its figures are exact for the images
that were asked. A lower fidelity asks fewer images, asks at a lower resolution, or trains for fewer
passes where networks are trained before they answer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...bench import Candidates, DeviceProfile, NetworkFigures, Points, SearchSpace
from ...bench.cost import NetworkCosts
from ...bench.coupling import Coupled, coupled_pairs
from ...bench.datasets import Dataset, Images
from ...bench.errors import ConstraintError, UnknownNameError
from ...bench.evaluator import Sweep
from ...bench.gates import get_metric, stored_metrics
from ...bench.measured_pairs import MeasuredPairs
from ...bench.network_names import network_names
from ...bench.spaces import Exits, Genomes
from .answers import Answers, points_of
from .profile_costs import profile_costs

Array = NDArray[np.float64]
Cuts = tuple[Exits, Exits] | None
#: Class probabilities (n_images, n_classes) of an architecture for the first n images.
Answering = Callable[[str, int], Array]
SHARES = (1 / 16, 1 / 4)  # of a full evaluation's cost that a rough one takes
#: What a rough evaluation saves on.
PROXIES = ("images", "resolution", "epochs")
#: What networks answered, by architecture, cost and images.
Answered = dict[Hashable, tuple[NDArray[np.bool_], dict[str, NDArray[np.uint8]]]]


@dataclass(frozen=True)
class Rough:
    """A cheaper way to ask a network.

    Attributes:
        share: share of a full evaluation's cost, in (0, 1).
        images: share of the val images that are asked, in (0, 1].
        answer: gives the network's class probabilities.
    """

    share: float
    images: float
    answer: Answering


def supernet_answers(
    net: object,
    splits: Mapping[str, Images],
    dataset: Dataset,
    passes: float = 0.0,
    shrink: int = 1,
) -> Answering:
    """How a supernet's networks answer val images, batch norms recalibrated on train images.

    Args:
        net: the supernet, with its weights.
        splits: images of ``train`` and ``val``.
        dataset: facts of the images.
        passes: passes over the training images that a network trains for before it answers, by the
            recipe of inherited weights (seed 0); 0: not at all.
        shrink: factor by which images are smaller, in rows and columns, than those of the set.

    Raises:
        MissingExtraError: torch is not installed.
        ConstraintError: negative passes, or a resolution that is not a whole number of rows.
    """
    from ...bench.errors import MissingExtraError

    try:
        from ...cotrain.evaluate import logits_of, probabilities
        from ...cotrain.recalibrate import RECALIBRATION_IMAGES, calibrated
        from ...cotrain.recipe import FINE_TUNE, load_recipe
        from ...cotrain.supernet import Supernet
        from ...cotrain.train_network import train_network
    except ImportError as error:
        raise MissingExtraError("torch", "train", "evaluating a live supernet") from error
    assert isinstance(net, Supernet)
    if not 0 <= passes < np.inf or shrink < 1 or dataset.height % shrink:
        raise ConstraintError(
            f"{passes} passes over the training images and images of 1/{shrink} of "
            f"{dataset.height} rows; expected at least 0 passes, and a divisor of the rows."
        )
    some = np.arange(min(RECALIBRATION_IMAGES, len(splits["train"])))
    train, val = shrunk(splits["train"].subset(some), shrink), shrunk(splits["val"], shrink)
    recipe = load_recipe(FINE_TUNE).for_images(dataset, net.space.name)
    if passes:
        seen = max(recipe.batch, round(passes * len(splits["train"])))
        recipe = replace(recipe, images=seen, resolutions=((dataset.height, 1.0),))

    def answer(architecture: str, n_images: int) -> Array:
        network = net.inherit(architecture)
        if passes:
            with tempfile.TemporaryDirectory() as folder:
                network = train_network(architecture, recipe, splits, Path(folder), network, 0)
        network = calibrated(network, train, dataset)
        images = val.subset(np.arange(n_images))
        return probabilities(logits_of(network, images, dataset))

    return answer


def shrunk(images: Images, factor: int) -> Images:
    """Images of 1/``factor`` of the rows and columns; a pixel is the mean of those it covers."""
    if factor == 1:
        return images
    n, height, width, channels = images.images.shape
    blocks = images.images.reshape(n, height // factor, factor, width // factor, factor, channels)
    means = np.rint(blocks.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)
    return replace(images, images=means)


def rough_answers(
    kind: str,
    net: object,
    splits: Mapping[str, Images],
    dataset: Dataset,
    passes: float = 0.0,
) -> tuple[Rough, ...]:
    """The cheaper ways to ask a supernet's networks, from a sixteenth of the cost up.

    Args:
        kind: one of `PROXIES`: fewer images, all images at a lower resolution, or fewer passes of
            training.
        net: the supernet, with its weights.
        splits: images of ``train`` and ``val``.
        dataset: facts of the images.
        passes: passes of training in a full evaluation.

    Raises:
        UnknownNameError: ``kind`` is not one of `PROXIES`.
        ConstraintError: fewer passes, where a full evaluation has none.
    """
    if kind not in PROXIES:
        raise UnknownNameError("proxy", kind, PROXIES)
    if kind == "epochs":
        if not passes:
            raise ConstraintError(
                "fewer epochs save nothing where networks are not trained; give passes over the "
                "training images, or save on images or resolution."
            )
        return tuple(
            Rough(s, 1.0, supernet_answers(net, splits, dataset, s * passes)) for s in SHARES
        )
    if kind == "images":
        whole = supernet_answers(net, splits, dataset, passes)
        return tuple(Rough(share, share, whole) for share in SHARES)
    ways = []
    for share in SHARES:
        shrink = round(share**-0.5)
        ways.append(Rough(share, 1.0, supernet_answers(net, splits, dataset, passes, shrink)))
    return tuple(ways)


class LiveEvaluator:
    """Evaluates pairs by running their networks.

    Args:
        space: search space of the networks.
        choices: those that the weights were trained for.
        answer: gives the class probabilities of an architecture.
        labels: classes of the val images, shape (n_images,).
        profile: what was measured on the device.
        n_classes: number of classes of the classifier.
        gates: gate metrics; None: those that tables store.
        answered: what networks answered before, shared between fidelities; None: nothing.
        rough: cheaper ways to ask, the cheapest first; None: ``answer`` on fewer images.
        n_images: number of images to ask, from the first on; None: all.
        share: share of a full evaluation's cost that this one takes.
        exits: names of the exits at which the weights have heads; none: all networks are whole.
        apart: whether each network is trained before it answers, so that no two share weights.

    Raises:
        ConstraintError: no image to ask.

    Example::

        net = load_weights("supernet.safetensors")
        answer = supernet_answers(net, splits, dataset)
        live = LiveEvaluator(
            net.space, choices, answer, splits["val"].labels, load_device("raspberry-pi-4"), 10
        )
        outcome = get_searcher("successive_halving").run(live, budget=40)
    """

    def __init__(
        self,
        space: SearchSpace,
        choices: Sequence[str],
        answer: Answering,
        labels: NDArray[np.uint8],
        profile: DeviceProfile,
        n_classes: int,
        gates: Sequence[str] | None = None,
        answered: Answered | None = None,
        rough: Sequence[Rough] | None = None,
        n_images: int | None = None,
        share: float = 1.0,
        apart: bool = False,
        exits: Sequence[str] = (),
    ) -> None:
        self._apart, self._exit_names = apart, tuple(exits)
        self._space, self._choices = space, tuple(choices)
        self._answer, self._labels, self._n_classes = answer, labels, n_classes
        self.profile = profile
        self._gates = tuple(gates or stored_metrics())
        self._n_images = len(labels) if n_images is None else n_images
        if not 0 < self._n_images <= len(labels):
            raise ConstraintError(
                f"{self._n_images} images to ask; expected 1 to {len(labels)}, all of them."
            )
        self._answered: Answered = {} if answered is None else answered
        self._rough = tuple(Rough(s, s, answer) for s in SHARES) if rough is None else tuple(rough)
        self._share = share

    @property
    def space(self) -> SearchSpace:
        """The search space of both networks."""
        return self._space

    @property
    def choices(self) -> tuple[str, ...]:
        """The choices that may be used."""
        return self._choices

    @property
    def gates(self) -> tuple[str, ...]:
        """Gate metrics that a candidate may name by index."""
        return self._gates

    @property
    def n_classes(self) -> int:
        """Classes of the networks' classifiers."""
        return self._n_classes

    @property
    def apart(self) -> bool:
        """Whether no two networks share weights."""
        return self._apart

    @property
    def exits(self) -> NDArray[np.bool_] | None:
        """Which exits there are, by number, whole networks first; None: all are whole."""
        if not self._exit_names:
            return None
        out = np.zeros(len(self._space.exits) + 1, bool)
        out[[0, *self._space.exit_numbers(self._exit_names).tolist()]] = True
        return out

    @property
    def fidelities(self) -> tuple[float, ...]:
        """Shares of a full evaluation's cost that can be spent, rising."""
        return (*(r.share for r in self._rough), 1.0)

    def at(self, fidelity: float) -> LiveEvaluator:
        """The same at another cost."""
        ways = {r.share: r for r in (*self._rough, Rough(1.0, 1.0, self._answer))}
        way = ways[fidelity]
        return LiveEvaluator(
            self._space,
            self._choices,
            way.answer,
            self._labels,
            self.profile,
            self._n_classes,
            self._gates,
            self._answered,
            self._rough,
            max(1, round(way.images * len(self._labels))),
            fidelity,
            self._apart,
            self._exit_names,
        )

    @property
    def answer(self) -> Answering:
        """Class probabilities of an architecture, as they are asked for here."""
        return self._answer

    @property
    def n_answered(self) -> int:
        """Networks that were run so far, each at each fidelity once."""
        return len(self._answered)

    def _answer_codes(
        self, architecture: str
    ) -> tuple[NDArray[np.bool_], dict[str, NDArray[np.uint8]]]:
        key = (architecture, self._share, self._n_images)
        if key not in self._answered:
            chances = self._answer(architecture, self._n_images)
            right = chances.argmax(axis=1) == self._labels[: self._n_images]
            codes = {}
            for gate in self._gates:
                metric = get_metric(gate)
                codes[gate] = metric.encode(metric.compute(chances), self._n_classes)
            self._answered[key] = (right, codes)
        return self._answered[key]

    def _answers(self, *names: NDArray[np.str_]) -> tuple[Answers, list[NDArray[np.intp]]]:
        """Answers of all networks that are named, and the row of each name."""
        ids = [part.tolist() for part in names]
        unique = list(dict.fromkeys(a for part in ids for a in part))
        per_network = [self._answer_codes(a) for a in unique]
        row = {a: i for i, a in enumerate(unique)}
        answers = Answers(
            np.array([right for right, _ in per_network]),
            {g: np.array([codes[g] for _, codes in per_network]) for g in self._gates},
            self._n_classes,
        )
        return answers, [np.array([row[a] for a in part], np.intp) for part in ids]

    def _costs(self, genomes: Genomes, exits: Exits | None = None) -> NetworkCosts:
        return profile_costs(self.profile, self._space, genomes, self._n_classes, exits)

    def _names(self, genomes: Genomes, exits: Exits | None) -> NDArray[np.str_]:
        return network_names(self._space, genomes, exits)

    def _coupled(self, little: Genomes, big: Genomes, exits: Cuts, costs: NetworkCosts) -> Coupled:
        """What pairs share: nothing where each network is trained before it answers."""
        if self._apart:
            return Coupled(np.zeros(len(little), np.int8), None)
        return coupled_pairs(self._space, self._n_classes, little, big, costs, exits)

    def networks(self, genomes: Genomes, exits: Exits | None = None) -> NetworkFigures:
        """Figures of single networks, genomes of shape (n, n_layers)."""
        answers, (rows,) = self._answers(self._names(genomes, exits))
        return NetworkFigures(answers.accuracy[rows], self._costs(genomes, exits), "measured")

    def evaluate(self, candidates: Candidates) -> Points:
        """Operating points of the candidates, in their order."""
        exits = candidates.exits or (None, None)
        ids = self._names(candidates.little, exits[0]), self._names(candidates.big, exits[1])
        answers, (little, big) = self._answers(*ids)
        gate, cut = np.asarray(candidates.gate), np.asarray(candidates.cut)
        genomes = candidates.little, candidates.big
        costs = self._costs(genomes[0], exits[0]), self._costs(genomes[1], exits[1])
        return points_of(
            ids,
            self._gates,
            gate,
            answers.thresholds[gate, cut],
            answers.points(little, big, gate, cut),
            costs,
            "measured",
            "val",
            MeasuredPairs(self.profile.pairs),
            self._coupled(*genomes, candidates.exits, costs[0]),
        )

    def sweep(self, little: Genomes, big: Genomes, exits: Cuts = None) -> Sweep:
        """All operating points of n pairs, genomes of shape (n, n_layers)."""
        cuts = exits or (None, None)
        ids = self._names(little, cuts[0]), self._names(big, cuts[1])
        answers, rows = self._answers(*ids)
        costs = self._costs(little, cuts[0]), self._costs(big, cuts[1])
        measured = MeasuredPairs(self.profile.pairs)
        coupled = self._coupled(little, big, exits, costs[0])
        return answers.sweep(rows[0], rows[1], costs, "measured", "val", measured, ids, coupled)
