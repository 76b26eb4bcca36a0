"""What a network of a device's own space takes there, whole or cut at an exit, by its name."""

from __future__ import annotations

import re

import numpy as np

from ...bench import DeviceProfile, get_space
from ...bench.errors import DeviceError
from ...bench.latency_exits import COVERAGE
from ...bench.latency_scaled import Scaled
from ...bench.rows import NetworkKey
from ...bench.spaces import space_of
from ...edge_profiler.onnx_reader import ReadNetwork
from .prediction import Prediction

_ID = re.compile(r"\d+([@:]\w+)*")


def is_name(text: str, profile: DeviceProfile) -> bool:
    """Whether a text is meant to name a network of a profile's space, and not a file."""
    read_name = get_space(profile.space).read_name
    architecture = text.partition("@")[0]
    return bool(_ID.fullmatch(text)) or (
        read_name is not None and read_name(architecture) is not None
    )


def built_elsewhere(name: str, profile: DeviceProfile) -> ReadNetwork | None:
    """A network of another space by its name, as its ONNX file would be read; None: there is none.

    Args:
        name: name of the network, ``ARCHITECTURE[@EXIT]``.
        profile: profile of the device, with whose number of classes it is built.
    """
    usual = get_space(profile.space)
    space = space_of(name, usual)
    if space is usual:
        return None
    architecture, cut = space.split_name(name)
    graph, n_classes = space.graph(architecture, profile.n_classes, cut), profile.n_classes
    first = graph[0].operator
    sizes = {str(i): node.operator.params for i, node in enumerate(graph)}
    return ReadNetwork(
        name=name,
        graph=graph,
        unsupported={},
        input_shape=(1, first.in_channels, first.height, first.width),
        tensors={key: n for key, n in sizes.items() if n},
        notes=(f"a network of space {space.name!r} with {n_classes} classes.",),
    )


def predict_named(profile: DeviceProfile, name: str) -> Prediction:
    """What a network takes on a device: as it was measured, summed or predicted there.

    Args:
        profile: profile of the device.
        name: name of the network, ``ARCHITECTURE[@EXIT][:PRECISION]``.

    Raises:
        ArchitectureError: not of the profile's space, or an exit that it does not have.
        DeviceError: the device only lists networks, and not this one, or says nothing of its
            precision.
    """
    key, space = NetworkKey.parse(name), get_space(profile.space)
    model = profile.latency_in(key.precision)
    genomes, exits = space.parse(key.architecture), space.exit_numbers([key.exit])
    latency, energy = model.latency_and_energy(genomes, exits)
    if isinstance(model, Scaled) and model.factor is None and np.isnan(latency[0]):
        raise DeviceError(
            f"{name}: no figure, since {profile.name!r} was measured in {profile.precision} and "
            f"says nothing of {key.precision}; name the network without :{key.precision}."
        )
    if np.isnan(latency[0]):
        if profile.block_ms is not None:
            lacking = profile.latency.blocks().lacking(space, genomes[0])
            named = ", ".join(lacking) or f"the head of exit {key.exit}"
            raise DeviceError(
                f"{name}: no figure, since the runtime of {profile.name!r} could not run "
                f"{named} (layer.choice, layers counted from 0); choose other blocks there."
            )
        n = len(profile.measured_ms)
        raise DeviceError(
            f"{name}: no figure, since {profile.name!r} lists {n} network{'s' * (n != 1)} and not "
            "this one, too few to predict others from. Measure ten into the same file: biglittle "
            "profile --networks anchors:10."
        )
    low, high = (float(end[0]) for end in model.interval_ms(genomes, exits))
    words = dict(model.provenance(genomes, exits))
    stated = not np.isnan(low) and not np.isnan(high)
    fitted, coverage = "", model.coverage if stated else None
    if isinstance(model, Scaled) and model.factor is not None:
        fitted = model.factor.source if words["latency_ms"] == "predicted" else ""
    elif words["latency_ms"] == "predicted":
        operators = model.operators()
        fitted = operators.fitted_to
        if stated and key.exit:
            coverage = operators.model.coverage if profile.block_ms is None else COVERAGE
    if np.isnan(energy[0]):
        del words["energy_mj"]
    return Prediction(
        network=name,
        device=profile.name,
        latency_ms=float(latency[0]),
        latency_low_ms=low if stated else None,
        latency_high_ms=high if stated else None,
        coverage=coverage,
        energy_mj=None if np.isnan(energy[0]) else float(energy[0]),
        macs=int(space.macs(genomes, profile.n_classes, exits)[0]),
        params=int(space.params(genomes, profile.n_classes, exits)[0]),
        provenance=words,
        fitted_to=fitted,
        notes=_notes(profile, key),
    )


def _notes(profile: DeviceProfile, key: NetworkKey) -> tuple[str, ...]:
    counted = (
        f"MACs and weights are counted with {profile.n_classes:,} classes, those of the networks "
        "that the profile was made with.",
    )
    if not key.exit or profile.block_ms is None or profile.start_ms is not None:
        return counted
    return (
        *counted,
        "blocks before the exit are measured, the exit head and the part of the table's constant "
        "are predicted. The interval lets both be off by as much as nine in ten blocks of a shape "
        "that the model had not seen, and gives what the constant holds beyond its parts to either "
        "end; how the constant is split nobody measured: see data_tables/devices/README.md.",
    )
