"""Networks with bits per stage: their names, their stages, and what they cost.

A network with bits per stage is named ``ARCHITECTURE[@EXIT]:BITS``, where ``BITS`` is as in
``bits.py``. A stage begins where channels or rows change. The image, the stem and the classifier
have 8 bits always, as is usual: they are small, and the first and last layers suffer most.

The names of other precisions, ``fp32`` and ``int8``, are those of tables and devices
(``precision.py``), which know nothing of other bits: these are simulated.

Source: Wang et al. 2019, "HAQ" (8 bits in the first and last layer); Wu et al. 2018, "Mixed
Precision Quantization of ConvNets via Differentiable Neural Architecture Search" (bits block by
block).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bits import StageBits, bits_text, is_bits, parse_bits, whole_text
from .errors import ArchitectureError
from .operators import Operator
from .spaces import SearchSpace, get_space

#: Bits of the image, the stem and the classifier.
FIXED_BITS = 8


def stages_of(space: SearchSpace, cut: str = "") -> tuple[tuple[int, ...], ...]:
    """Layers of each stage that a network runs, which begins where channels or rows change.

    Args:
        space: search space of the network, a chain.
        cut: exit at which the network ends; "": it is whole.

    Raises:
        ArchitectureError: the space is not a chain, or has no such exit.

    >>> [len(stage) for stage in stages_of(get_space("fbnet"))]
    [1, 4, 4, 4, 4, 4, 1]
    """
    if space.build_body is not None or space.context is not None or not space.layers:
        raise ArchitectureError(
            f"space {space.name!r} has no stages that follow one another, so that its networks "
            "have no bits per stage; expected one such as fbnet."
        )
    place = space.get_exit(cut)
    layers = space.layers if place is None else space.layers[: place.after + 1]
    stages: list[tuple[int, ...]] = []
    for layer in layers:
        if stages and layer.identity:
            stages[-1] = (*stages[-1], layer.index)
        else:
            stages.append((layer.index,))
    return tuple(stages)


@dataclass(frozen=True, order=True)
class MixedNetwork:
    """A network with bits per stage.

    Attributes:
        space: name of its search space.
        architecture: id in the space.
        exit: name of the exit where it ends; "": it is whole.
        bits: bits of weights and of what is read, one pair for each stage and one for the head.

    >>> network = MixedNetwork.parse("8" * 22 + "@4:w4a8.w8a8.w8a6")
    >>> network.exit, network.bits
    ('4', ((4, 8), (8, 8), (8, 6)))
    """

    space: str
    architecture: str
    exit: str
    bits: StageBits

    @classmethod
    def parse(cls, name: str, space: str = "fbnet") -> MixedNetwork:
        """The network that is named ``ARCHITECTURE[@EXIT]:BITS``.

        Raises:
            ArchitectureError: no bits or others than 4, 6 and 8, entries for another number of
                stages, or a network that is not in the space.
        """
        plain, _, text = name.partition(":")
        if not is_bits(text):
            got = f"is in {text}" if text else "says no bits"
            raise ArchitectureError(
                f"{name[:80]!r} {got}; expected bits per stage, as in {plain[:40]}:w8a8."
            )
        return cls.of(plain, text, space)

    @classmethod
    def of(cls, network: str, bits: str | Sequence[tuple[int, int]], space: str) -> MixedNetwork:
        """A network, ``ARCHITECTURE[@EXIT]``, with bits that are written or listed.

        Args:
            network: name of the network without bits.
            bits: text as behind the colon of a name, or pairs of bits, one an entry.
            space: name of the search space.

        Raises:
            ArchitectureError: bits or a network that `parse` would refuse.
        """
        own = get_space(space)
        architecture, cut = own.split_name(network)
        text = bits if isinstance(bits, str) else whole_text(bits)
        n_entries = len(stages_of(own, cut)) + 1
        id_ = own.format(own.parse(architecture))[0]
        return cls(own.name, id_, cut, parse_bits(text, n_entries))

    @property
    def network(self) -> str:
        """The network without its bits, ``ARCHITECTURE[@EXIT]``."""
        return f"{self.architecture}@{self.exit}" if self.exit else self.architecture

    @property
    def name(self) -> str:
        """The network as a user writes it, ``ARCHITECTURE[@EXIT]:BITS``."""
        return f"{self.network}:{bits_text(self.bits)}"

    def costs(self, n_classes: int) -> BitCosts:
        """What its stages cost at any bits, for so many classes."""
        return bit_costs(self.space, self.network, n_classes)


@dataclass(frozen=True)
class BitCosts:
    """What the stages of a network cost, whatever their bits; the head is the last entry.

    Attributes:
        macs: multiply-accumulates of each stage, shape (n_entries,).
        params: trained numbers of each stage, shape (n_entries,).
        fixed_macs: multiply-accumulates of stem and classifier, which have 8 bits.
        fixed_params: trained numbers of stem and classifier.
    """

    macs: NDArray[np.int64]
    params: NDArray[np.int64]
    fixed_macs: int
    fixed_params: int

    @cached_property
    def idle(self) -> NDArray[np.bool_]:
        """Stages that compute nothing, since all of their layers are skipped, (n_entries,)."""
        return np.asarray(self.macs == 0)

    def bitops(self, bits: ArrayLike) -> NDArray[np.int64]:
        """BitOps of one image, shape (n,): sum of MACs x bits of weights x bits of what is read.

        A MAC of 8 by 8 bits counts 64, one of fp32 would count 1,024.

        Args:
            bits: bits of weights and of what is read, shape (n, n_entries, 2).

        Source: Baskin et al. 2021, "UNIQ" (bit operations, leading term); Habi et al. 2020, "HMQ".
        """
        pairs = np.asarray(bits, np.int64)
        return np.asarray(
            (self.macs * pairs[..., 0] * pairs[..., 1]).sum(axis=-1)
            + self.fixed_macs * FIXED_BITS**2
        )

    def weights_mib(self, bits: ArrayLike) -> NDArray[np.float64]:
        """Memory of the weights in MiB, shape (n,), counted as that of other precisions is.

        Args:
            bits: bits of weights and of what is read, shape (n, n_entries, 2).
        """
        pairs = np.asarray(bits, np.int64)
        n_bits = (self.params * pairs[..., 0]).sum(axis=-1) + self.fixed_params * FIXED_BITS
        return np.asarray(n_bits / 8 / 2**20)


def staged_operators(
    space: SearchSpace, network: str, n_classes: int
) -> tuple[list[list[Operator]], list[Operator]]:
    """Operators of each stage and of the head, and those of stem and classifier.

    Args:
        space: search space of the network, a chain.
        network: name of the network, ``ARCHITECTURE[@EXIT]``.
        n_classes: number of classes of the classifier.

    Raises:
        ArchitectureError: the network is not in the space, or the space has no stages.
    """
    architecture, cut = space.split_name(network)
    row, place = space.parse(architecture)[0], space.get_exit(cut)
    *head, classifier = space.head_of(row, n_classes, place)
    groups: list[list[Operator]] = [
        [op for layer in stage for op in space.layer_of(space.layers[layer], row)]
        for stage in stages_of(space, cut)
    ]
    return [*groups, head], [*space.stem_of(row), *space.between, classifier]


@lru_cache(maxsize=256)
def bit_costs(space: str, network: str, n_classes: int) -> BitCosts:
    """What the stages of a network cost, counted from its operators.

    Args:
        space: name of the search space.
        network: name of the network, ``ARCHITECTURE[@EXIT]``.
        n_classes: number of classes of the classifier.

    Raises:
        ArchitectureError: the network is not in the space, or the space has no stages.

    >>> costs = bit_costs("fbnet", "8" * 22, 10)
    >>> int(costs.macs.sum()) + costs.fixed_macs
    11473600
    """
    groups, fixed = staged_operators(get_space(space), network, n_classes)
    return BitCosts(
        macs=np.array([sum(op.macs for op in group) for group in groups], np.int64),
        params=np.array([sum(op.params for op in group) for group in groups], np.int64),
        fixed_macs=sum(op.macs for op in fixed),
        fixed_params=sum(op.params for op in fixed),
    )
