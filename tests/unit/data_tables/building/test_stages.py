"""Stages on a tiny data set: they go on where they were interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.errors import TableError, UnknownNameError  # noqa: E402
from biglittle.data_tables.building import stages as build  # noqa: E402
from biglittle.data_tables.building.evaluate import EvaluationKey, NetworkEvaluator  # noqa: E402
from biglittle.data_tables.building.plan import Plan  # noqa: E402

NETWORKS = ["8" * 22, "0" + "8" * 21, "8" * 21 + "0"]


def test_build_resumes_and_its_table_says_what_the_networks_said(
    plan: Plan, table_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate, seen = NetworkEvaluator.evaluate, []

    def interrupted(self: NetworkEvaluator, network, key: EvaluationKey, folder: Path) -> float:  # type: ignore[no-untyped-def]
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(key.network.architecture)
        return evaluate(self, network, key, folder)

    with pytest.raises(TableError, match="--stage evaluate"):
        build.run_stage("assemble", plan, table_file)
    monkeypatch.setattr(NetworkEvaluator, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build.run_stage("evaluate", plan, table_file)
    monkeypatch.undo()
    assert seen == NETWORKS[:2]  # in the order of the design
    assert not table_file.exists()


def test_an_unknown_stage_is_refused(plan: Plan, table_file: Path) -> None:
    with pytest.raises(UnknownNameError, match="stage"):
        build.run_stage("bake", plan, table_file)


def test_what_a_recipe_does_not_ask_for_is_not_made(plan: Plan, table_file: Path) -> None:
    """A new table has neither a taught phase nor ``cascades.toml``: its build passes over both."""
    assert "none trained" in build.run_stage("teacher", plan)
    assert build.run_stage("cascades", plan, table_file) == "cascades ready to run: none"
    assert sorted(path.name for path in plan.working.iterdir()) == ["supernet.h5"]
