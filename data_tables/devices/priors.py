"""What operators cost on twenty other devices: where a model of a new one starts from.

The file is written by few_anchors.py, which also measures what it gains.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ...bench.errors import SurrogateError
from ...bench.operator_features import NAMES, Array

FILE = Path(__file__).parent / "priors" / "operators.json"
SOURCE = (
    "fitted on whole-network latencies of 900 fbnet networks per device: HayeonLee/HELP@45f70eb9 "
    "(MIT), Lee et al. 2021"
)


def load_priors(path: Path = FILE) -> Array:
    """Coefficients of other devices, shape (n_devices, len(NAMES)).

    Raises:
        SurrogateError: the file is of other features than these.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    if tuple(document["names"]) != NAMES:
        raise SurrogateError(
            f"{path.name} holds coefficients of other features than these; write it anew with "
            "'python -m biglittle.data_tables.devices.few_anchors'."
        )
    return np.array([d["coefficients"] for d in document["devices"].values()], np.float64)
