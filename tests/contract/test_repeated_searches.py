"""Every searcher repeats itself, and goes on where it was stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from threadpoolctl import threadpool_info, threadpool_limits

from biglittle.bench import Candidates, Points
from biglittle.searchers import (
    SEARCHERS,
    SearchSettings,
    get_searcher,
)
from biglittle.testing.analytic import Kinds
from biglittle.testing.searchers import front_of

NAMES = SEARCHERS.shipped()
#: Prints the front of every searcher.
SCRIPT = """
import json, sys
from biglittle.testing.analytic import KINDS
from biglittle.testing.searchers import front_of
print(json.dumps({name: front_of(KINDS, name, seed=5) for name in sys.argv[1:]}))
"""


def test_blas_has_one_thread_within_a_search_and_what_it_had_before_after_it(kinds: Kinds) -> None:
    def threads() -> list[int]:
        return [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]

    class Looking(kinds["points"]):
        def evaluate(self, candidates: Candidates) -> Points:
            within.append(threads())
            return super().evaluate(candidates)

    within: list[list[int]] = []
    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        get_searcher("random")(Looking(), SearchSettings(budget=20, population=20))
        assert threads() == before
    assert within
    assert all(n == 1 for pools in within for n in pools)


def test_same_seed_same_front_in_another_process(kinds: Kinds) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *NAMES], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    for name in NAMES:
        assert printed[name] == json.loads(json.dumps(front_of(kinds, name, seed=5))), name
