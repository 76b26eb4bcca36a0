"""Searchers: each takes an evaluator and a budget and returns the front it found.

Importing this package does not import pymoo; a searcher is loaded when asked for.
"""

from ..bench.hypervolume import hypervolume
from .algorithms import SEARCHERS, get_searcher
from .domain import Domain
from .front_files import FrontFile, front_json, read_front, resolved_config, write_results
from .log import EvaluationLog
from .search import (
    Batch,
    CountingEvaluator,
    Problem,
    Progress,
    Scores,
    Searcher,
    SearchOutcome,
    SearchSettings,
    SingleNetworks,
    Snapshot,
    Strategy,
)
from .summary import best_single

__all__ = [
    "SEARCHERS",
    "Batch",
    "CountingEvaluator",
    "Domain",
    "EvaluationLog",
    "FrontFile",
    "Problem",
    "Progress",
    "Scores",
    "SearchOutcome",
    "SearchSettings",
    "Searcher",
    "SingleNetworks",
    "Snapshot",
    "Strategy",
    "best_single",
    "front_json",
    "get_searcher",
    "hypervolume",
    "read_front",
    "resolved_config",
    "write_results",
]
