"""Optional modules, imported only when they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from ..bench.errors import MissingExtraError

FITTING = "fitting a surrogate"
PREDICTING = "predicting with a surrogate"


def import_extra(module: str, purpose: str = FITTING) -> Any:
    """The module called ``module``.

    Raises:
        MissingExtraError: it is not installed; gives the pip line.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(module, "train", purpose) from error
