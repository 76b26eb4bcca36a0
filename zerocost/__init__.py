"""Zero-cost proxies: what a network at initialisation says about the one that will be trained.

``score(network, images, labels)`` gives every proxy of any ``torch.nn.Module``, or of an
architecture of a search space; ``score_many`` and ``run`` do many, ``run`` into a file that a
stopped run goes on from. The proxies are in ``proxies/``, one equation a file; ``passes.py`` has
the forward and backward passes they share.
"""

from __future__ import annotations

from ..bench.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401 - the error below is the reason for asking here
except ImportError as error:  # pragma: no cover - exercised by the light install
    raise MissingExtraError("torch", "train", "scoring a network by zero-cost proxies") from error

from .batch import Batch, dataset_batch, noise_batch
from .bulk import Columns, read_columns, run
from .pair import pair_features
from .proxies import PROXIES, Proxy, ProxyError, get_proxy
from .rank import az_nas, rank
from .score import Scores, score, score_many

__all__ = [
    "PROXIES",
    "Batch",
    "Columns",
    "Proxy",
    "ProxyError",
    "Scores",
    "az_nas",
    "dataset_batch",
    "get_proxy",
    "noise_batch",
    "pair_features",
    "rank",
    "read_columns",
    "run",
    "score",
    "score_many",
]
