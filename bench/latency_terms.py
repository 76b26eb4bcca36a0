"""What predicts the networks that a device profile does not list: a sum over layers or operators.

It stands in the file of a predicted profile, or is fitted to what a profile lists.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .documents import DocumentError, typed
from .errors import DeviceError
from .operator_features import NAMES, Array, layer_features, network_features
from .operator_model import OperatorModel, fit_few, load_priors
from .spaces import Exits, Genomes, SearchSpace

if TYPE_CHECKING:
    from .device_document import BlockModel


@dataclass(frozen=True)
class Blocks:
    """A constant, and a term for every choice at every layer.

    Attributes:
        constant_ms: latency of stem, head and classifier.
        blocks_ms: latency of each choice at each layer, shape (n_layers, n_choices); NaN where the
            runtime could not run the block.
    """

    constant_ms: float
    blocks_ms: Array

    def latency_ms(self, genomes: Genomes) -> Array:
        """The sums, shape (n,), of genomes of shape (n, n_layers)."""
        rows = np.atleast_2d(genomes)
        picked = self.blocks_ms[np.arange(self.blocks_ms.shape[0]), rows]
        return np.asarray(picked.sum(axis=1) + self.constant_ms)

    def lacking(self, space: SearchSpace, genome: Genomes | None = None) -> list[str]:
        """Blocks without a figure, as ``LAYER.CHOICE``, layers counted from 0.

        Args:
            space: search space of the blocks.
            genome: choices of one network, (n_layers,), of whose blocks alone; None: of all.
        """
        none = np.isnan(self.blocks_ms)
        if genome is not None:
            none &= np.arange(len(space.choices)) == np.asarray(genome)[:, None]
        return [f"{layer}.{space.choices[choice]}" for layer, choice in np.argwhere(none)]


@dataclass(frozen=True)
class OperatorSum:
    """An operator-level model of one device with what it rests on.

    Attributes:
        model: a sum over operators.
        fitted_to: networks that it was fitted to, in words.
        macs: smallest and largest network it was fitted to, in MACs.
        power_mw: power by which energy is modelled, or None.
        notes: what a reader must know of the fit.
    """

    model: OperatorModel
    fitted_to: str
    macs: tuple[float, float]
    power_mw: float | None
    notes: tuple[str, ...] = ()


def modelled_energy_mj(latency_ms: Array, power_mw: float | None) -> Array:
    """Energy as latency times power, shape (n,); NaN without a power."""
    power = np.nan if power_mw is None else power_mw
    return np.asarray(latency_ms * power / 1000.0)


@dataclass(frozen=True)
class Terms:
    """What predicts the networks that are not listed.

    Attributes:
        latency_ms: predicts latencies, shape (n,), of genomes.
        low: factor of a prediction for the lower end of its interval; NaN: none.
        high: the same for the upper end.
        coverage: nominal share of networks inside, or None.
        power_mw: energy is modelled as latency times this; None: no energy.
        blocks: the same as a sum over layers; None where a space has no layers in a row.
    """

    latency_ms: Callable[[Genomes], Array]
    low: float
    high: float
    coverage: float | None
    power_mw: float | None
    blocks: Blocks | None


def fitted_operators(
    space: SearchSpace,
    n_classes: int,
    genomes: Genomes,
    latency_ms: Array,
    words: str,
    power_mw: float | None,
    notes: tuple[str, ...] = (),
    exits: Exits | None = None,
) -> OperatorSum:
    """A sum over operators fitted to some networks, and to what other devices tell.

    Args:
        space: the search space of the networks.
        n_classes: classes of their classifier.
        genomes: choices of the networks, shape (n, n_layers).
        latency_ms: latencies of the networks, above 0, shape (n,).
        words: description of these networks.
        power_mw: power by which energy is modelled, or None.
        notes: what a reader must know of the fit.
        exits: numbers of the exits at which they are cut, shape (n,); None: they are whole.

    Raises:
        SurrogateError: too few networks, or a latency that is not above 0.
        MissingExtraError: scipy is not installed.
    """
    features = network_features(space, genomes, n_classes, exits)
    model = fit_few(features, latency_ms, load_priors())
    macs = space.macs(genomes, n_classes, exits)
    ends = float(macs.min()), float(macs.max())
    return OperatorSum(
        model, f"{words} and to what twenty other devices tell", ends, power_mw, notes
    )


def terms_of(fitted: OperatorSum, space: SearchSpace, n_classes: int) -> Terms:
    """A sum over operators as what predicts the networks of a space."""
    model, blocks = fitted.model, None
    if space.build_body is None:
        constant, layers = layer_features(space, n_classes)
        blocks = Blocks(float(constant @ model.coefficients), layers @ model.coefficients)

    def latency_ms(genomes: Genomes) -> Array:
        if blocks is not None:
            return blocks.latency_ms(genomes)
        return model.predict(network_features(space, genomes, n_classes))

    certain = model.coverage > 0
    low, high = (model.low, model.high) if certain else (np.nan, np.nan)
    coverage = model.coverage if certain else None
    return Terms(latency_ms, low, high, coverage, fitted.power_mw, blocks)


def check_shape(what: str, blocks: Blocks, space: SearchSpace) -> None:
    """Refuses blocks of another space.

    Raises:
        DeviceError: another number of layers or choices.
    """
    shape, expected = blocks.blocks_ms.shape, (space.n_layers, len(space.choices))
    if shape != expected:
        raise DeviceError(f"{what} has shape {shape}, expected {expected}.")


def held_terms(name: str, raw: Any, space: SearchSpace, coverage: float | None) -> Terms:
    """What a file's own model predicts with.

    Args:
        name: name of the device, for messages.
        raw: object that stands under ``model`` in the file.
        space: the search space of the networks.
        coverage: nominal share of networks inside the interval, or None.

    Raises:
        DeviceError: it is incomplete, has impossible figures, or is of another space.
    """
    model = _read(name, raw)
    blocks = Blocks(model.latency_ms.constant, _rows(name, model.latency_ms.blocks))
    check_shape(f"the model of {name!r}", blocks, space)
    low, high = model.latency_low_factor, model.latency_high_factor
    return Terms(blocks.latency_ms, low, high, coverage, model.power_mw, blocks)


def _read(name: str, raw: Any) -> BlockModel:
    from .device_document import BlockModel  # late: making its types takes 10 ms

    try:
        return typed(raw, BlockModel)
    except DocumentError as error:
        raise DeviceError(f"the model of {name!r} is not usable: {error}.") from error


def _rows(name: str, rows: list[list[float]]) -> Array:
    if len({len(row) for row in rows}) > 1:
        raise DeviceError(f"the model of {name!r} has rows of different lengths.")
    return np.array(rows, np.float64)


def held_operators(name: str, raw: Any, coverage: float | None) -> OperatorSum:
    """A file's own operator-level model; arguments as of `held_terms`.

    Raises:
        DeviceError: it is incomplete or has impossible figures.
    """
    model = _read(name, raw)
    held = model.operators
    if held is None or (unknown := sorted({*held.coefficients_ms} - {*NAMES})):
        raise DeviceError(
            f"the model of {name!r} has "
            + ("no operators." if held is None else f"the unknown operator {unknown[0]!r}.")
        )
    coefficients = np.array([held.coefficients_ms.get(n, 0.0) for n in NAMES], np.float64)
    sums = OperatorModel(
        coefficients, None, model.latency_low_factor, model.latency_high_factor, coverage or 0.0
    )
    return OperatorSum(sums, held.fitted_to, (held.macs_min, held.macs_max), model.power_mw)
