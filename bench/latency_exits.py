"""Latency of networks that are cut at an exit, where nobody measured one.

Stem and layers before an exit take what they take in the whole network. What the exit's head takes
is predicted by a model of operators that was fitted to the device's own figures. A block table has
one constant for all that its networks have in common, unless stem and heads were measured like
blocks (`MeasuredExitTerms`): what a network takes whatever is in it, the
stem, the head, and layers whose cheapest choice is given as 0 though it has operators, as a skip
that changes the shape. It is split as the same model predicts these parts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .errors import SurrogateError
from .latency_terms import Blocks, OperatorSum
from .operator_features import NAMES, Array, chain_features, end_features, trunk_features
from .operator_model import OperatorModel, fit_robust, load_priors
from .spaces import Exits, Genomes, Layer, SearchSpace

#: Share of left-out blocks inside the interval of an exit on a block table.
COVERAGE = 0.9

_DENSE = [i for i, name in enumerate(NAMES) if name.startswith("dense.")]
_POINTWISE = [NAMES.index(NAMES[i].replace("dense.", "pointwise.")) for i in _DENSE]


def with_dense(coefficients: Array) -> Array:
    """Coefficients in which dense convolutions count, shape (len(NAMES),).

    Blocks of many spaces have none but in the stem, which is the same in all networks, so that
    nothing says what they cost. They then cost what pointwise ones of the same MACs, channels,
    weights and traffic do.
    """
    if coefficients[_DENSE].any():
        return coefficients
    out = coefficients.copy()
    out[_DENSE] = coefficients[_POINTWISE]
    return out


@dataclass(frozen=True)
class Parts:
    """A device's latencies by what is run, in milliseconds.

    Attributes:
        start_ms: latency of the stem, and what a network takes whatever is in it.
        layers_ms: latency of each choice at each layer, shape (n_layers, n_choices).
        heads_ms: latency of head and classifier by number of the exit, 0 of whole networks,
            shape (n_exits + 1,).
        offsets_ms: part of each layer that is predicted and was in the constant, shape (n_layers,).
        unscaled_ms: start, offsets together and head as they are predicted before they are scaled
            to the constant, shape (3,).
    """

    start_ms: float
    layers_ms: Array
    heads_ms: Array
    offsets_ms: Array
    unscaled_ms: Array


def parts_of(space: SearchSpace, n_classes: int, blocks: Blocks, coefficients: Array) -> Parts:
    """What a sum over layers is made of; stem, offsets and head add up to its constant.

    Args:
        space: search space of the networks; its layers follow one another.
        n_classes: number of classes of the classifier.
        blocks: constant and latencies of the layers of whole networks.
        coefficients: coefficients of a model of operators, shape (len(NAMES),).
    """
    costs = with_dense(coefficients)
    heads = end_features(space, n_classes) @ costs
    start = float(costs[0] + chain_features(space.stem) @ costs)
    offsets = np.zeros(space.n_layers)
    for layer in space.layers:
        for choice in np.flatnonzero(blocks.blocks_ms[layer.index] == 0):
            features = chain_features(space.build_layer(layer, int(choice)))
            offsets[layer.index] = max(offsets[layer.index], features @ costs)
    unscaled = np.array([start, offsets.sum(), heads[0]])
    scale = blocks.constant_ms / unscaled.sum() if unscaled.sum() > 0 else 0.0
    heads[0] *= scale
    layers = blocks.blocks_ms + scale * offsets[:, None]
    return Parts(scale * start, layers, heads, scale * offsets, unscaled)


def left_out_ratios(
    space: SearchSpace, blocks_ms: Array, group: Callable[[Layer], Hashable]
) -> Array:
    """Blocks over what a model predicts that was not fitted to them, (n_layers, n_choices - 1).

    All count relative to the last choice of their layer; NaN where one takes no longer than that.

    Args:
        space: search space of the blocks; its layers follow one another.
        blocks_ms: latencies of each choice at each layer, shape (n_layers, n_choices).
        group: layers of which it says the same are left out together.

    Raises:
        SurrogateError: too few blocks are above the last choice.
        MissingExtraError: scipy is not installed.
    """
    n, priors = len(space.choices), load_priors()
    features = np.array(
        [[chain_features(space.build_layer(ly, c)) for c in range(n)] for ly in space.layers]
    )
    relative, truth = features[:, :-1] - features[:, [-1]], blocks_ms[:, :-1] - blocks_ms[:, [-1]]
    keys, ratios = [group(layer) for layer in space.layers], np.full(truth.shape, np.nan)
    for key in dict.fromkeys(keys):
        of_group = np.array([k == key for k in keys])[:, None]
        here, rest = of_group & (truth > 0), ~of_group & (truth > 0)
        costs = fit_robust(relative[rest], truth[rest], priors)
        predicted = relative[here] @ costs
        ratios[here] = np.divide(
            truth[here], predicted, out=np.full(len(predicted), np.nan), where=predicted > 0
        )
    return ratios


def shape_of(layer: Layer) -> Hashable:
    """What a layer's blocks have in common with those of others of its shape."""
    return layer.in_channels, layer.out_channels, layer.height, layer.stride


@dataclass(frozen=True)
class ExitTerms:
    """What a sum over layers lacks for networks that are cut.

    Attributes:
        space: search space of the networks; its layers follow one another.
        n_classes: number of classes of the classifier.
        blocks: constant and latencies of the layers of whole networks.
        operators: gives a model of operators that was fitted to the same device.
    """

    space: SearchSpace
    n_classes: int
    blocks: Blocks
    operators: Callable[[], OperatorSum]

    @cached_property
    def model(self) -> OperatorModel:
        """The model of operators, made when it is first needed."""
        return self.operators().model

    @cached_property
    def parts(self) -> Parts:
        """The constant split, and the heads of exits."""
        return parts_of(self.space, self.n_classes, self.blocks, self.model.coefficients)

    @property
    def stem_ms(self) -> float:
        """Latency of the stem, and what a network takes whatever is in it."""
        return self.parts.start_ms

    def _run(self, exits: Exits) -> Array:
        """Which layers are run, of shape (n, n_layers)."""
        return np.asarray(np.arange(self.space.n_layers) <= self.space.exit_after[exits][:, None])

    def trunk_ms(self, genomes: Genomes, exits: Exits) -> Array:
        """Latency of stem and layers before each exit, shape (n,); of whole networks all layers."""
        rows = np.atleast_2d(genomes)
        picked = self.parts.layers_ms[np.arange(self.space.n_layers), rows]
        return np.asarray((picked * self._run(exits)).sum(axis=1) + self.parts.start_ms)

    def latency_ms(self, genomes: Genomes, exits: Exits) -> Array:
        """Latency of networks, shape (n,), whole ones as the blocks say."""
        cut = self.trunk_ms(genomes, exits) + self.parts.heads_ms[exits]
        return np.where(exits > 0, cut, self.blocks.latency_ms(genomes))

    def interval_ms(self, genomes: Genomes, exits: Exits) -> tuple[Array, Array]:
        """Ends of the interval of networks that are cut, each (n,); NaN for whole ones.

        Blocks stand as they were measured. Start, head, and layers that were in the constant are
        predicted, and off by as much as nine in ten blocks of a shape that the model was not fitted
        to. How the constant is split nobody measured: what it holds beyond its parts as they are
        predicted may be all of the start, or not the start's at all.
        """
        parts, cut = self.parts, exits > 0
        start, layers, head = parts.unscaled_ms
        rest = self.blocks.constant_ms - float(start + layers + head)
        scale = np.divide(layers, parts.offsets_ms.sum() or 1.0)
        run = self._run(exits) @ parts.offsets_ms
        ends = run * min(scale, 1.0), run * max(scale, 1.0)
        low, high = self._factors
        heads = parts.heads_ms[exits]
        measured = np.where(cut, self.latency_ms(genomes, exits) - parts.start_ms - run - heads, 0)
        least = measured + low * (min(start, parts.start_ms) + ends[0] + heads)
        most = measured + high * (start + ends[1] + heads) + max(rest, 0.0)
        return np.where(cut, least, np.nan), np.where(cut, most, np.nan)

    @cached_property
    def _factors(self) -> tuple[float, float]:
        """Factors that hold nine in ten blocks of a shape that was left out; NaN: none can be."""
        try:
            ratios = left_out_ratios(self.space, self.blocks.blocks_ms, shape_of)
        except SurrogateError:  # of blocks that take nothing
            return float("nan"), float("nan")
        low, high = np.nanquantile(ratios, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        return min(float(low), 1.0), max(float(high), 1.0)


@dataclass(frozen=True)
class Ends:
    """What stands before and behind the layers where it was measured like the blocks.

    Attributes:
        start_ms: latency of the stem, and what a network takes whatever is in it.
        heads_ms: latency of the heads of exits, classifiers included, by name; None: no figure.
    """

    start_ms: float
    heads_ms: Mapping[str, float | None]


@dataclass(frozen=True)
class MeasuredExitTerms:
    """What `ExitTerms` predicts, where stem and heads are blocks of the table as well.

    Attributes:
        space: search space of the networks; its layers follow one another.
        blocks: constant and latencies of the layers of whole networks.
        ends: what stands before and behind the layers.
    """

    space: SearchSpace
    blocks: Blocks
    ends: Ends

    @property
    def stem_ms(self) -> float:
        """Latency of the stem, and what a network takes whatever is in it."""
        return self.ends.start_ms

    @cached_property
    def heads_ms(self) -> Array:
        """Latency of head and classifier by number of the exit, (n_exits + 1,); NaN: no figure."""
        cuts = (self.ends.heads_ms.get(cut.name) for cut in self.space.exits)
        heads = [self.blocks.constant_ms - self.ends.start_ms, *cuts]
        return np.array([np.nan if ms is None else ms for ms in heads], np.float64)

    def trunk_ms(self, genomes: Genomes, exits: Exits) -> Array:
        """Latency of stem and layers before each exit, shape (n,); of whole networks all layers."""
        layers = np.arange(self.space.n_layers)
        picked = self.blocks.blocks_ms[layers, np.atleast_2d(genomes)]
        run = layers <= self.space.exit_after[exits][:, None]
        return np.asarray(np.where(run, picked, 0.0).sum(axis=1) + self.ends.start_ms)

    def latency_ms(self, genomes: Genomes, exits: Exits) -> Array:
        """Latency of networks, shape (n,), whole ones as the blocks say."""
        cut = self.trunk_ms(genomes, exits) + self.heads_ms[exits]
        return np.where(exits > 0, cut, self.blocks.latency_ms(genomes))

    def interval_ms(self, genomes: Genomes, exits: Exits) -> tuple[Array, Array]:
        """Nobody states an interval of a sum of measured blocks: NaN, each (n,)."""
        none = np.full(len(np.atleast_2d(genomes)), np.nan)
        return none, none


@dataclass(frozen=True)
class GraphTerms:
    """The same for networks that are not a sum over layers: everything is predicted from graphs.

    Attributes:
        space: search space of the networks, whose exits stand between cells.
        n_classes: number of classes of the classifier.
        operators: gives a model of operators that was fitted to the same device.
    """

    space: SearchSpace
    n_classes: int
    operators: Callable[[], OperatorSum]

    @cached_property
    def model(self) -> OperatorModel:
        """The model of operators, made when it is first needed."""
        return self.operators().model

    @cached_property
    def heads_ms(self) -> Array:
        """Latency of head and classifier by number of the exit, shape (n_exits + 1,)."""
        heads: Array = end_features(self.space, self.n_classes) @ self.model.coefficients
        return heads

    @property
    def stem_ms(self) -> float:
        """Latency of the stem, and what a network takes whatever is in it."""
        costs = self.model.coefficients
        return float(costs[0] + chain_features(self.space.stem) @ costs)

    def trunk_ms(self, genomes: Genomes, exits: Exits) -> Array:
        """Latency of what is run before each exit, shape (n,); of whole networks all cells."""
        features = trunk_features(self.space, np.atleast_2d(genomes), exits)
        return np.asarray(features @ self.model.coefficients)

    def latency_ms(self, genomes: Genomes, exits: Exits) -> Array:
        """Latency of networks, whole or cut, shape (n,)."""
        return self.trunk_ms(genomes, exits) + self.heads_ms[exits]
