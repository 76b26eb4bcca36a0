"""The contract of every member: fitted on networks, predicts with a spread, is ONNX and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...bench.errors import SurrogateError
from ..networks import Networks

Array = NDArray[np.float64]
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Prediction:
    """Targets that a member predicts, and how far off it may be.

    Attributes:
        mean: predicted targets, shape (n, t).
        std: standard deviation that the member gives each target, shape (n, t); not calibrated,
            conformal intervals are made of it.
    """

    mean: Array
    std: Array


class FittedMember(Protocol):
    """A member that has learnt."""

    @property
    def document(self) -> dict[str, Any]:
        """Everything but arrays of weight, as plain JSON."""
        ...

    @property
    def files(self) -> Files:
        """ONNX models by local name; may be empty."""
        ...

    def predict(self, networks: Networks) -> Prediction:
        """Targets of networks, in batches of any size.

        Raises:
            SurrogateError: further columns that it was fitted on are missing.
            MissingExtraError: onnxruntime is not installed.
        """
        ...

    def mean(self, networks: Networks) -> Array:
        """Targets without their spread, shape (n, t): quicker than ``predict``."""
        ...


class Member(Protocol):
    """A kind of model of networks."""

    @property
    def name(self) -> str:
        """Key of the member: the name of its file."""
        ...

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        ...

    def fit(
        self, networks: Networks, targets: Array, seed: int = 0, noise: Array | None = None
    ) -> FittedMember:
        """Learns targets of shape (n, t); the same arguments give the same member.

        Args:
            networks: networks to learn from.
            targets: values to learn for each network, shape (n, t).
            seed: seeds every random choice of the fit.
            noise: variance of the targets that is known to be noise, shape (n, t); members without
                a model of noise do not use it. None: the noise is unknown.

        Raises:
            SurrogateError: too few networks, or a target that is not a number.
            MissingExtraError: something that fitting needs is not installed.
        """
        ...

    def load(self, document: Mapping[str, Any], files: Files) -> FittedMember:
        """The inverse of a fitted member's ``document`` and ``files``."""
        ...


MIN_ROWS = 10


def checked(networks: Networks, targets: Array) -> Array:
    """The targets as float64, shape (n, t).

    Raises:
        SurrogateError: too few networks, other numbers of rows, or a target that is not a number.
    """
    values = np.asarray(targets, np.float64)
    if len(networks) < MIN_ROWS:
        raise SurrogateError(
            f"{len(networks)} networks are too few to fit a model on; expected at least {MIN_ROWS}."
        )
    if values.ndim != 2 or len(values) != len(networks):
        raise SurrogateError(
            f"targets of shape {values.shape} do not go with {len(networks)} networks; expected "
            f"({len(networks)}, t)."
        )
    if not np.isfinite(values).all():
        raise SurrogateError("a target is not a finite number; leave such networks out.")
    return values


def check_columns(document: Mapping[str, Any], networks: Networks) -> None:
    """Raises unless the networks have the further columns that a member was fitted on.

    Raises:
        SurrogateError: the columns are missing, or others.
    """
    wanted, got = tuple(document["columns"]), networks.column_names
    if wanted != got:
        raise SurrogateError(
            f"the model was fitted with the further columns {', '.join(wanted) or '(none)'}, the "
            f"networks come with {', '.join(got) or '(none)'}; give the same, or use a model "
            "without."
        )


def with_spread(mean: Array, document: Mapping[str, Any]) -> Prediction:
    """Predicted targets with the spread of a member's document, the same for every network."""
    return Prediction(mean, np.broadcast_to(np.array(document["spread"]), mean.shape))


def rounded(values: Array) -> Any:
    """Nested lists with nine significant digits, so that JSON stays small and exact enough."""
    shaped = np.asarray(values, np.float64)
    return np.array([float(f"{v:.9g}") for v in shaped.ravel()]).reshape(shaped.shape).tolist()
