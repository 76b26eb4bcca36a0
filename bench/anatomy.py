"""A network layer by layer: what an id stands for, and where its time goes on a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .cost import activation_memory, weights_memory
from .device import DEFAULT_DEVICE, load_device
from .device_profile import DeviceProfile
from .errors import DeviceError, TableError
from .operator_features import network_features
from .operators import Operator
from .precision import PRECISIONS, mib_per_value, split_precision
from .spaces import (
    Exit,
    Layer,
    SearchSpace,
    canonical_name,
    get_space,
    parse_networks,
    space_of,
)

if TYPE_CHECKING:
    from .benchmark import Benchmark

#: What stands for the block of a layer behind the exit at which a network is cut.
NOT_RUN = "not run"


@dataclass(frozen=True)
class LayerFacts:
    """One layer of a network, or its stem or head.

    Attributes:
        name: number of the layer, counted from 1, or "stem" or "head".
        stage: layers of one stage have one shape; 0 is the stem.
        digit: what stands for the layer in the id; empty for stem and head.
        choice: name of the block; ``NOT_RUN`` behind an exit, and ``exit 12`` of an exit's head.
        kernel: side of its largest window; 0 where it has none.
        expansion: widest inner channels as a multiple of what comes in; 1 where nothing expands.
        groups: groups of its first convolution.
        identity: whether it hands on what comes in, so that it costs nothing.
        shape: channels, rows and columns of the output.
        macs: multiply-accumulates of the layer for one image.
        params: number of trained weights of the layer.
        latency_ms: latency on the device; None where nobody knows it of this layer alone.
    """

    name: str
    stage: int
    digit: str
    choice: str
    kernel: int
    expansion: float
    groups: int
    identity: bool
    shape: tuple[int, int, int]
    macs: int
    params: int
    latency_ms: float | None


@dataclass(frozen=True)
class Anatomy:
    """A network, whole or cut at an exit.

    Attributes:
        architecture: name of the network, ``ARCHITECTURE[@EXIT][:PRECISION]``.
        space: name of its search space.
        n_classes: number of classes of its classifier.
        device: name of the device; None where none was asked.
        layers: stem, layers and head in order.
        macs: multiply-accumulates of the whole network.
        params: number of trained weights of the whole network.
        weights_mib: memory of these weights in the network's precision.
        activation_mib: largest activations alive at once, in the same precision.
        latency_ms: latency of the whole network on the device.
        fixed_ms: the device's constant, which stands for stem, head and classifier together and
            came about as the latencies of layers did; None where nobody knows it.
        provenance: how ``latency_ms`` came about.
        layer_provenance: how the latencies of layers came about.
    """

    architecture: str
    space: str
    n_classes: int
    device: str | None
    layers: tuple[LayerFacts, ...]
    macs: int
    params: int
    weights_mib: float
    activation_mib: float
    latency_ms: float | None
    fixed_ms: float | None
    provenance: str | None
    layer_provenance: str | None

    @property
    def parts_ms(self) -> float | None:
        """The latencies of the layers and the constant, added up; None where nobody knows them."""
        if self.fixed_ms is None:
            return None
        return self.fixed_ms + sum(layer.latency_ms or 0.0 for layer in self.layers)

    def record(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self) | {"layers": [asdict(layer) for layer in self.layers]}


def anatomy(
    space: SearchSpace, architecture: str, n_classes: int, profile: DeviceProfile | None = None
) -> Anatomy:
    """The network layer by layer.

    Latencies of layers are terms of the device's sum over blocks or operators: of that sum they are
    exact, and as good as the sum is. They never call themselves measured.

    Args:
        space: search space of the network.
        architecture: name of the network, ``ARCHITECTURE[@EXIT][:PRECISION]``.
        n_classes: number of classes of its classifier.
        profile: profile of the device; None gives no latencies.

    Raises:
        ArchitectureError: no network of this space.
        DeviceError: a profile of another space.
    """
    genome, exits = parse_networks(space, architecture, PRECISIONS)
    name = canonical_name(space, architecture)
    precision = split_precision(name)[1]
    row, place = genome[0], space.get_exit(space.exit_names(exits)[0])
    written = space.format(genome)[0]
    cuts = None if place is None else exits
    runs = [_runs(space, layer, place) for layer in space.layers]
    whole = fixed = provenance = word = None
    terms: list[float | None] = [None] * space.n_layers
    if profile is not None:
        if profile.space_hash != space.hash:
            raise DeviceError(
                f"device {profile.name!r} has figures of space {profile.space!r}, the network is "
                f"of {space.name!r}; name a device of that space."
            )
        model = profile.latency_in(precision)
        whole = _finite(float(model.latency_ms(genome, cuts)[0]))
        provenance = model.provenance(genome, cuts)["latency_ms"]
        try:
            blocks = model.blocks()
        except DeviceError:  # a device that knows whole networks alone
            pass
        else:
            picked = np.where(runs, blocks.blocks_ms[np.arange(space.n_layers), row], 0.0)
            if place is None:
                fixed = _finite(float(blocks.constant_ms))
            elif whole is not None and provenance != "measured" and space.build_body is None:
                fixed = whole - float(picked.sum())
            # An edge's figure is that of all cells, more than a network that is cut runs.
            if place is None or space.build_body is None:
                terms = [_finite(float(value)) for value in picked]
                scaled = provenance == "measured" or precision != profile.precision
                word = "predicted" if scaled else provenance
    layers = [_facts("stem", 0, "", "stem", space.stem_of(row), None)]
    stage = 1
    for layer in space.layers:
        if layer.index and not layer.identity:
            stage += 1
        choice, shape = int(row[layer.index]), layer.height // layer.stride
        ops = _before(space.layer_of(layer, row), space, place)
        run = runs[layer.index]
        facts = _facts(
            str(layer.index + 1),
            stage,
            written[layer.index],
            space.choices[choice] if run else NOT_RUN,
            ops if run else (),
            terms[layer.index] if run else None,
            (ops[-1].out_channels if space.context else layer.out_channels, shape, shape),
        )
        layers.append(facts)
    ops = space.head_of(row, n_classes, place)
    unit = float(mib_per_value(precision))
    params = int(space.params(genome, n_classes, cuts)[0])
    kind = "head" if place is None else f"exit {place.name}"
    layers.append(_facts("head", stage + 1, "", kind, ops, None))
    return Anatomy(
        architecture=name,
        space=space.name,
        n_classes=n_classes,
        device=None if profile is None else profile.name,
        layers=tuple(layers),
        macs=int(space.macs(genome, n_classes, cuts)[0]),
        params=params,
        weights_mib=float(weights_memory(float(params), unit)),
        activation_mib=float(activation_memory(space, genome, cuts, unit)[0]),
        latency_ms=whole,
        fixed_ms=fixed,
        provenance=provenance,
        layer_provenance=word,
    )


def _runs(space: SearchSpace, layer: Layer, place: Exit | None) -> bool:
    """Whether a network that is cut at ``place`` runs a layer; edges are those of every cell."""
    return place is None or space.build_body is not None or layer.index <= place.after


def _before(
    ops: tuple[Operator, ...], space: SearchSpace, place: Exit | None
) -> Sequence[Operator]:
    """Of the operators of an edge in all cells, those of the cells before an exit.

    Exits of a space of cells stand at the end of a stage, and later stages have fewer rows.
    """
    if place is None or space.build_body is None:
        return ops
    return tuple(op for op in ops if op.height >= place.operators[0].height)


def anatomies(
    architectures: Sequence[str],
    device: DeviceProfile | str | None = None,
    bench: Benchmark | None = None,
) -> list[Anatomy]:
    """Networks layer by layer on a device, with as many classes as those of a table have.

    Args:
        architectures: names of the networks, ``ARCHITECTURE[@EXIT][:PRECISION]``.
        device: profile of the device, or its name; None: the Raspberry Pi 4.
        bench: the table; None, or one of another space: as many classes as the device was
            measured with.

    Raises:
        ArchitectureError: no network of the device's space, or networks of a table of which
            nobody knows what they are built of.
    """
    if bench is not None:
        bench.table.check_built(architectures)
    named = device or DEFAULT_DEVICE
    profile = named if isinstance(named, DeviceProfile) else load_device(named)
    space, n_classes = get_space(profile.space), profile.n_classes
    if bench is not None and bench.table.space.hash == space.hash:
        n_classes = bench.table.n_classes
    spaces = [space_of(a, space) for a in architectures]
    return [
        anatomy(space, a, n_classes, profile)
        if own is space
        else _elsewhere(own, a, n_classes, profile)
        for own, a in zip(spaces, architectures, strict=True)
    ]


def _elsewhere(
    space: SearchSpace, architecture: str, n_classes: int, profile: DeviceProfile
) -> Anatomy:
    """A network of another space than the device's, predicted there from its operators alone."""
    network = anatomy(space, architecture, n_classes)
    genomes, exits = parse_networks(space, architecture)
    try:
        features = network_features(space, genomes, n_classes, exits)
        whole = float(profile.latency.operators().model.predict(features)[0])
    except DeviceError:  # too little was measured there to predict from
        return replace(network, device=profile.name)
    return replace(network, device=profile.name, latency_ms=whole, provenance="predicted")


def differing(little: Anatomy, big: Anatomy) -> tuple[bool, ...]:
    """Which layers of two networks of one space are not the same block, one entry a layer.

    Raises:
        TableError: networks of two spaces.
    """
    if little.space != big.space:
        raise TableError(
            f"networks of the spaces {little.space!r} and {big.space!r} have no layers in common; "
            "expected two of one space."
        )
    return tuple(a.choice != b.choice for a, b in zip(little.layers, big.layers, strict=True))


def record(networks: Sequence[Anatomy]) -> dict[str, Any]:
    """One network as plain JSON, or ``little`` and ``big`` of two and which layers ``differ``.

    Raises:
        TableError: the two networks are of different spaces.
    """
    if len(networks) == 1:
        return networks[0].record()
    little, big = networks
    marks = differing(little, big)
    return {"little": little.record(), "big": big.record(), "differs": marks}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _facts(
    name: str,
    stage: int,
    digit: str,
    choice: str,
    ops: Sequence[Operator],
    latency_ms: float | None,
    shape: tuple[int, int, int] | None = None,
) -> LayerFacts:
    convs = [op for op in ops if op.kind == "conv"]
    windows = [op.kernel for op in ops if op.kind in ("conv", "avg_pool", "max_pool")]
    expansion = 1.0
    if digit and len(convs) > 1:
        expansion = max(op.out_channels for op in convs[:-1]) / convs[0].in_channels
    last = ops[-1] if ops else None
    if shape is None:
        assert last is not None
        shape = (last.out_channels, last.out_height, last.out_width)
    return LayerFacts(
        name=name,
        stage=stage,
        digit=digit,
        choice=choice,
        kernel=max(windows, default=0),
        expansion=expansion,
        groups=convs[0].groups if convs else 1,
        identity=not ops,
        shape=shape,
        macs=sum(op.macs for op in ops),
        params=sum(op.params for op in ops),
        latency_ms=latency_ms,
    )
