"""A cascade of the bench as one ONNX graph, from the names of its networks and its gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bench.cascade import Cascade
from ..bench.errors import ArchitectureError, GateError
from ..bench.router_gate import RouterGate, check_fits
from ..bench.rows import NetworkKey
from ..bench.spaces import SearchSpace
from ..bench.trained_pair import Weights
from .named_couplings import named_couplings
from .onnx_cascade import chained_model
from .onnx_gates import GateForm
from .onnx_network import onnx_model

if TYPE_CHECKING:
    import onnx


def cascade_graph(
    space: SearchSpace,
    cascade: Cascade,
    n_classes: int,
    weights: Sequence[Weights] | None = None,
    routers: Mapping[int, RouterGate] | None = None,
    calibration: NDArray[np.float32] | None = None,
) -> onnx.ModelProto:
    """The graph of a cascade, as `onnx_cascade.chained_model` writes it, on normalised images.

    Networks of one architecture and precision run in common what stands before their exits.

    Args:
        space: search space of the networks.
        cascade: names of the networks, and the gates between them.
        n_classes: number of classes of the classifiers.
        weights: trained weights of each network, as of `onnx_network.onnx_model`; None: random
            ones, the same for networks of one architecture.
        routers: learned routers by the place of the network behind which they stand, from 0, in
            place of the cascade's gates; None: none.
        calibration: images that networks in int8 are calibrated on, as `onnx_network.onnx_model`
            takes them.

    Raises:
        ArchitectureError: a network that is not of the space, or other numbers of networks and
            weights.
        GateError: a metric without ONNX form, or a router that stands nowhere or was trained on
            other features.
        ProfileError: weights that are missing, or that differ before a common exit, or trained ones
            of a network in int8 without images to calibrate on.
        MissingExtraError: ``onnx`` is not installed.

    >>> from biglittle.bench import get_space
    >>> cascade = Cascade.exits_of("8" * 22, ["4s", "12"], [("margin", 0.6), ("margin", 0.4)])
    >>> [o.name for o in cascade_graph(get_space("fbnet"), cascade, 10).graph.output]
    ['logits', 'escalated', 'answered']
    """
    keys = [NetworkKey.parse(name) for name in cascade.networks]
    if weights is not None and len(weights) != len(keys):
        raise ArchitectureError(
            f"{len(weights)} sets of weights were given for {len(keys)} networks; expected one for "
            "each, in their order."
        )
    # A runtime may share equal weights, so that only what is shared has one seed.
    kinds = [(key.architecture, key.precision) for key in keys]
    seeds = list(dict.fromkeys(kinds))
    networks = [
        onnx_model(
            space,
            key.name,
            n_classes,
            seed=seeds.index(kinds[k]),
            weights=None if weights is None else weights[k],
            calibration=calibration,
        )
        for k, key in enumerate(keys)
    ]
    gates: list[GateForm] = [(gate.metric, gate.threshold) for gate in cascade.gates]
    for place, router in (routers or {}).items():
        if not 0 <= place < len(gates):
            raise GateError(
                f"a router stands behind network {place} of {len(keys)}, counted from 0; expected "
                f"0 to {len(gates) - 1}: behind the last network there is no gate."
            )
        check_fits(space, router, cascade.networks[place])
        gates[place] = router
    return chained_model(networks, gates, named_couplings(space, cascade.networks))
