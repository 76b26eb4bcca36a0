"""RAM and flash of networks on a microcontroller, and of the pairs and cascades made of them.

Flash holds the weights of all networks that any input reaches, shared ones once. In fp32 a value
takes four bytes, a batch norm two values a channel. In int8 a weight takes one byte, and a channel
a bias and a scale of four bytes each. Code, graphs and what a runtime stores of them do not count.

RAM is one arena for the activations of all networks (``bench/arena.py`` has the schedule). They
run one after the other in it, so that it is as large as the most that any of them has alive, with
what is kept meanwhile for a later one: the image, where that begins from it, or the features at the
exit from which it goes on. Networks of two precisions each have an image of their own. What a
runtime needs beside tensors does not count.

A pair's figure is exactly what is alive by this schedule. In a cascade of three or four a network
that goes on from an exit is taken with its whole trunk, which may be too much where features of
another network are kept meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .precision import BYTES_PER_VALUE, FP32
from .spaces import Exits, Genomes, SearchSpace

KIB_PER_MIB = 1024.0
_COLUMNS = ("image_kib", "reading_kib", "others_kib", "exit_kib", "flash_kib")


@dataclass(frozen=True)
class Footprint:
    """Parts of RAM and flash of n networks, arrays of shape (n,) or numbers, all in KiB.

    Attributes:
        image_kib: the image in the network's precision.
        reading_kib: the most that is alive up to the image's last reader, the image included.
        others_kib: the most that is alive at any time, the image left out.
        exit_kib: the most while the head of an exit runs and the features there are kept; 0 for a
            whole network.
        flash_kib: what is stored of the network.
    """

    image_kib: NDArray[np.float64]
    reading_kib: NDArray[np.float64]
    others_kib: NDArray[np.float64]
    exit_kib: NDArray[np.float64]
    flash_kib: NDArray[np.float64]

    def take(self, index: ArrayLike) -> Footprint:
        """Those of the networks at ``index``."""
        at = np.asarray(index)
        return Footprint(**{name: getattr(self, name)[at] for name in _COLUMNS})

    def one(self, index: int) -> Footprint:
        """That of one network, in plain numbers."""
        return Footprint(**{name: getattr(self, name).item(index) for name in _COLUMNS})

    def without(self, missing: NDArray[np.bool_]) -> Footprint:
        """The same with NaN for the networks that are ``missing``, shape (n,)."""
        columns = {name: np.where(missing, np.nan, getattr(self, name)) for name in _COLUMNS}
        return Footprint(**columns)


def footprint(
    space: SearchSpace,
    genomes: Genomes,
    n_classes: int,
    exits: Exits | None = None,
    precisions: NDArray[np.str_] | None = None,
) -> Footprint:
    """RAM and flash of networks, counted from their operators.

    Args:
        space: search space of the networks.
        genomes: choices of the networks, shape (n, n_layers).
        n_classes: number of classes of the classifier.
        exits: numbers of the exits at which networks are cut, shape (n,); None: all are whole.
        precisions: precision of each network, shape (n,); None: all are fp32.
    """
    words = np.full(len(genomes), FP32) if precisions is None else np.asarray(precisions)
    alive = space.arena(genomes, n_classes, exits) * _bytes_of(words)[:, None] / 2**10
    params = space.params(genomes, n_classes, exits)
    stored = _stored(words, params, lambda: space.int8_bytes(genomes, n_classes, exits))
    image, reading, others, at_exit = alive.T
    return Footprint(image, reading, others, at_exit, stored)


def trunk_flash_kib(
    space: SearchSpace,
    genomes: Genomes,
    exits: Exits,
    precisions: NDArray[np.str_] | None = None,
) -> NDArray[np.float64]:
    """Flash of stem and layers before each exit in KiB, shape (n,); arguments as of `footprint`."""
    words = np.full(len(genomes), FP32) if precisions is None else np.asarray(precisions)
    params = space.trunk_params(genomes, exits)
    return _stored(words, params, lambda: space.trunk_int8_bytes(genomes, exits))


def _bytes_of(words: NDArray[np.str_]) -> NDArray[np.float64]:
    out = np.full(words.shape, np.nan)
    for name, n_bytes in BYTES_PER_VALUE.items():
        out[words == name] = n_bytes
    return out


def _stored(
    words: NDArray[np.str_], params: NDArray[np.int64], in_int8: Callable[[], NDArray[np.int64]]
) -> NDArray[np.float64]:
    """KiB of parameters, shape (n,); ``in_int8`` gives the bytes in int8, where any is."""
    whole = words == FP32
    stored = params if whole.all() else in_int8()
    return np.asarray(np.where(whole, params * BYTES_PER_VALUE[FP32], stored) / 2**10)


class _Costs(Protocol):
    """What is needed of the `NetworkCosts` of a stage."""

    @property
    def weights_mib(self) -> Any: ...
    @property
    def activation_mib(self) -> Any: ...
    @property
    def footprint(self) -> Footprint | None: ...


class _Shared(Protocol):
    """What is needed of the `SharedCosts` of a stage and those before it."""

    @property
    def weights_mib(self) -> Any: ...
    @property
    def features_mib(self) -> Any: ...
    @property
    def flash_kib(self) -> Any: ...
    @property
    def since(self) -> int | None: ...


#: A stage after the first: its network, the share of inputs that reaches it, and what it shares.
Stage = tuple[_Costs, Any, _Shared]


def ram_kib(first: _Costs, later: Sequence[Stage]) -> Any:
    """RAM of cascades in KiB: the largest arena of the networks that any input reaches.

    Args:
        first: costs of the networks that are asked first.
        later: the stages after them; numbers and arrays broadcast.
    """
    value = _arena([first], [])
    for stage, (_, reach, _) in enumerate(later, 1):
        some = later[:stage]
        whole = _arena([first, *(more for more, _, _ in some)], [both for *_, both in some])
        value = resident(reach, whole, value)
    return value


def flash_kib(first: _Costs, later: Sequence[Stage]) -> Any:
    """Flash of cascades in KiB: of all networks that any input reaches, shared weights once.

    Args:
        first: costs of the networks that are asked first.
        later: the stages after them; numbers and arrays broadcast.
    """
    value = total = _of(first).flash_kib
    for more, reach, both in later:
        shared = both.weights_mib * KIB_PER_MIB if both.flash_kib is None else both.flash_kib
        total = total + _of(more).flash_kib - shared
        value = resident(reach, total, value)
    return value


def _of(costs: _Costs) -> Footprint:
    """The parts that are known of networks; of given ones the sums alone, and no image."""
    if costs.footprint is not None:
        return costs.footprint
    others: Any = costs.activation_mib * KIB_PER_MIB
    zero = others * 0.0
    return Footprint(zero, zero, others, others, costs.weights_mib * KIB_PER_MIB)


def _arena(networks: Sequence[_Costs], shared: Sequence[_Shared]) -> Any:
    """The most that is alive while any of the networks runs, each after the one before it."""
    parts, most = [_of(costs) for costs in networks], None
    for stage, own in enumerate(parts):
        features: dict[int, Any] = {}
        images: list[Any] = []
        for until, both in enumerate(shared, 1):
            if stage >= until:
                continue
            since = until - 1 if both.since is None else both.since
            waiting = both.features_mib * KIB_PER_MIB
            if since <= stage:
                features[since] = larger(features.get(since, 0.0), waiting)
            images.append(_where(waiting == 0.0, parts[until].image_kib, 0.0))
        alive = _running(own, images)
        if stage in features:
            at_exit = _where(features[stage] > 0.0, own.exit_kib, 0.0)
            if networks[stage].footprint is None:
                at_exit = at_exit + features[stage]
            alive = larger(alive, at_exit + _each(images))
        alive = alive + sum(size for since, size in features.items() if since < stage)
        most = alive if most is None else larger(most, alive)
    return most


def _running(own: Footprint, images: Sequence[Any]) -> Any:
    """The most that is alive while one network runs and images are kept for later ones."""
    waiting = _each(images)
    same: Any = False
    for image in images:
        same = same | ((image == own.image_kib) & (image > 0.0))
    apart = larger(own.reading_kib, own.others_kib) + waiting
    at_once = larger(own.reading_kib + waiting - own.image_kib, own.others_kib + waiting)
    return _where(same, at_once, apart)


def _each(images: Sequence[Any]) -> Any:
    """The sum of the images, those of one size once: they are of one precision."""
    total: Any = 0.0
    for i, image in enumerate(images):
        new: Any = True
        for before in images[:i]:
            new = new & (before != image)
        total = total + _where(new, image, 0.0)
    return total


def _where(test: Any, yes: Any, no: Any) -> Any:
    if isinstance(test, bool):
        return yes if test else no
    return np.where(test, yes, no)


def larger(one: Any, other: Any) -> Any:
    """The larger of two figures, numbers or arrays; NaN where one of them is not known."""
    if isinstance(one, float) and isinstance(other, float):
        return one if one != one or one > other else other
    return np.maximum(one, other)


def resident(reach: Any, whole: Any, before: Any) -> Any:
    """What is resident with a further network where any input reaches it, else what was before."""
    if isinstance(reach, float):  # one point: a tenth of what numpy takes to choose
        return whole if reach > 0 else before
    return np.where(reach > 0, whole, before)


#: The figures by name: of the networks that are asked first and the stages after them, of none for
#: what the first take alone.
FIGURES: Mapping[str, Callable[[_Costs, Sequence[Stage]], Any]] = {
    "ram_kib": ram_kib,
    "flash_kib": flash_kib,
}
