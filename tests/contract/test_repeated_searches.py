"""Every searcher repeats itself, and goes on where it was stopped. A script prints the fronts."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from biglittle.bench import Candidates, Points
from biglittle.bench.errors import (
    CheckpointError,
)
from biglittle.searchers import (
    SEARCHERS,
    Progress,
    SearchSettings,
    get_searcher,
)

NAMES = SEARCHERS.names()
KINDS = ("points", "curves", "listed")
SMALL = {"budget": 210, "population": 40}  # no multiple: the last batch has to be trimmed
Kinds = dict[str, Any]  # classes of evaluators


def front_of(kinds: Kinds, name: str, **settings: Any) -> list[dict[str, object]]:
    settings = {**SMALL, **settings}
    return get_searcher(name)(kinds["curves"](), SearchSettings(**settings)).front.records()


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_front_and_global_state_is_left_alone(name: str, kinds: Kinds) -> None:
    np.random.seed(1)  # noqa: NPY002  (that it has no influence is what is tested)
    first = front_of(kinds, name, seed=3)
    np.random.seed(2)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert front_of(kinds, name, seed=3) == first
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert front_of(kinds, name, seed=4) != first


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
        [sys.executable, __file__, "5"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    for name in NAMES:
        assert printed[name] == json.loads(json.dumps(front_of(kinds, name, seed=5))), name


class KilledError(Exception):
    pass


@pytest.mark.parametrize("kind", ["points", "curves"])
@pytest.mark.parametrize("name", NAMES)
def test_a_killed_search_goes_on_as_if_nothing_had_been(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kinds: Kinds
) -> None:
    monkeypatch.setattr("biglittle.searchers.search.SAVE_EVERY_S", -1.0)
    settings, path, evaluator = SearchSettings(**SMALL, seed=2), tmp_path / "log.npz", kinds[kind]()

    def killer(progress: Progress) -> None:
        if progress.n_evaluations > 120:
            raise KilledError

    with pytest.raises(KilledError):
        get_searcher(name)(evaluator, settings, killer, checkpoint=path)
    before = evaluator.spent
    resumed = get_searcher(name)(evaluator, settings, checkpoint=path)
    assert evaluator.spent - before < SMALL["budget"] - 70  # what is logged is not asked again
    whole = get_searcher(name)(kinds[kind](), settings)
    assert resumed.front.records() == whole.front.records()
    assert resumed.n_evaluations == whole.n_evaluations
    assert resumed.n_infeasible == whole.n_infeasible
    dead = kinds[kind]()  # the search is finished: it is asked for no candidate
    dead.points = lambda candidates: pytest.fail("asked again")
    again = get_searcher(name)(dead, settings, checkpoint=path)
    assert again.front.records() == whole.front.records()
    for other in (
        {"seed": 3},
        {"limits": {"latency_ms": 9.0}},
        {"population": 50},
        {"budget_macs": 3e7},
    ):
        changed = SearchSettings(**{**SMALL, "seed": 2, **other})
        with pytest.raises(CheckpointError, match=next(iter(other))):
            get_searcher(name)(kinds[kind](), changed, checkpoint=path)
    with pytest.raises(CheckpointError, match="domain_sha256"):
        get_searcher(name)(kinds[kind](choices=("k3_e1", "skip")), settings, checkpoint=path)
    with pytest.raises(
        CheckpointError, match="cheapest_network"
    ):  # a device on which latency is another
        get_searcher(name)(kinds[kind](slower=1.5), settings, checkpoint=path)


def _printed(seed: int) -> None:
    """Prints the front of every searcher, with the evaluators of conftest.py beside this file."""
    spec = importlib.util.spec_from_file_location(
        "made_up", Path(__file__).with_name("conftest.py")
    )
    assert spec is not None
    assert spec.loader is not None
    made_up = importlib.util.module_from_spec(spec)
    sys.modules["made_up"] = made_up
    spec.loader.exec_module(made_up)
    kinds = {"curves": made_up.Curves}
    print(json.dumps({name: front_of(kinds, name, seed=seed) for name in NAMES}))


if __name__ == "__main__":
    _printed(int(sys.argv[1]))
