"""Networks of a table as models ready to deploy: those of its space, and its teacher.

A network of the space inherits its weights, and need not be a row of the table. The teacher is none
of the space; its weights lie beside the table, and are known again by their hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...bench.errors import ArchitectureError, TableError
from ...bench.external_networks import names_of
from ...bench.files import file_hash
from ...bench.networks import weights_hash
from ...bench.precision import FP32, PRECISIONS, split_precision
from ...bench.rows import EXTERNAL
from ...bench.shipped_tables import companion
from ...bench.spaces import canonical_name, parse_networks
from ...bench.table import Table
from ...cotrain.teacher import load_teacher
from ...edge_profiler.named_couplings import named_couplings
from .evaluate import NetworkEvaluator
from .onnx_teacher import teacher_model
from .plan import TrainedSupernet, of_another_supernet
from .quantise import in_precision
from .recipe import TEACHER_NAME, WEIGHTS_NAME

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class HandedOut:
    """A network ready to deploy.

    Attributes:
        name: the network's name in its table.
        model: its ONNX model on normalised images, batch norms folded.
        weights_sha256: SHA-256 of its weights.
        training: how they came about, ``inherited`` or ``external``.
    """

    name: str
    model: onnx.ModelProto
    weights_sha256: str
    training: str

    @property
    def precision(self) -> str:
        """Number format of its weights and activations."""
        return FP32 if self.training == EXTERNAL else split_precision(self.name)[1]


def weights_of(table: Table) -> TrainedSupernet:
    """The supernet whose weights ship beside a table.

    Raises:
        TableError: there are no weights beside the table.
        CheckpointError: they are not those the table was built from.
    """
    path = companion(table, WEIGHTS_NAME)
    if not path.exists():
        raise TableError(
            f"{table.path} has no weights {path.name} beside it; copy both files, or build the "
            "table: biglittle table build."
        )
    supernet = TrainedSupernet.kept(path)
    if table.training.get("supernet_sha256", supernet.sha256) != supernet.sha256:
        raise of_another_supernet(f"the networks of {table.path}")
    return supernet


def checked_name(table: Table, architecture: str) -> str:
    """The name of a network whose weights can be had from a table.

    Args:
        table: table with its weights beside it.
        architecture: name of the network, ``ARCHITECTURE[@EXIT][:PRECISION]``, or of its teacher.

    Raises:
        ArchitectureError: it is not of the table's space, has an exit that the space lacks, runs
            choices that were never trained, or is known by its answers alone.
    """
    if teacher_of(table, architecture) is not None:
        return architecture
    space = table.space
    table.check_built([architecture])
    (genome,), exits = parse_networks(space, architecture, PRECISIONS)
    run = np.arange(space.n_layers) <= space.exit_after[exits[0]]
    if space.build_body is not None:
        run[:] = True  # layers are edges, which every cell has
    bad = np.flatnonzero(run & ~np.isin(genome, space.allowed(table.choices)))
    if len(bad):
        raise ArchitectureError(
            f"architecture {architecture} has {space.choices[genome[bad[0]]]} at layer {bad[0]}, "
            f"whose weights were never trained; expected only {', '.join(table.choices)}."
        )
    return canonical_name(space, architecture)


def teacher_of(table: Table, name: str) -> Path | None:
    """The file beside a table whose weights a network outside of its space has; None: no such one.

    Args:
        table: table that may have a teacher among its rows.
        name: name of the network.
    """
    if table.given or name not in names_of(table.networks):
        return None
    row = int(np.flatnonzero(table.networks["architecture"] == name)[0])
    path = companion(table, TEACHER_NAME)
    same = path.exists() and file_hash(path) == str(table.networks["weights_sha256"][row])
    return path if same else None


def handed_out(table: Table, names: Sequence[str], evaluator: NetworkEvaluator) -> list[HandedOut]:
    """Networks as they would be deployed, in the order of their names.

    Args:
        table: table with its weights beside it.
        names: names as of `checked_name`.
        evaluator: knows the data set and its training images, on which batch norms are
            recalibrated.

    Raises:
        TableError: there are no weights beside the table.
        CheckpointError: they are not those the table was built from.
    """
    supernet: TrainedSupernet | None = None
    networks = []
    for name in names:
        file = teacher_of(table, name)
        if file is not None:
            teacher = load_teacher(file, evaluator.train, evaluator.dataset)
            model = teacher_model(teacher, evaluator.dataset)
            networks.append(HandedOut(name, model, file_hash(file), EXTERNAL))
            continue
        supernet = supernet or weights_of(table)
        network = evaluator.inherited(supernet.net, split_precision(name)[0])
        model = in_precision(name, network, evaluator)
        networks.append(HandedOut(name, model, weights_hash(network), "inherited"))
    return networks


def coupling_of(table: Table, names: tuple[str, str]) -> str:
    """What the two networks of a pair share when they are handed out.

    Args:
        table: table of the networks.
        names: names as of `checked_name`.
    """
    if any(teacher_of(table, name) is not None for name in names):
        return "sibling"
    (coupling,) = named_couplings(table.space, names)
    return coupling
