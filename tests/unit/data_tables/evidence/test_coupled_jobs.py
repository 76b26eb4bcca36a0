"""The jobs of the comparison of co-training: records, answers, and a run that goes on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.spaces import get_space  # noqa: E402
from biglittle.cotrain.exit_heads import ExitHeads  # noqa: E402
from biglittle.cotrain.recipe import FINE_TUNE, load_recipe  # noqa: E402
from biglittle.cotrain.supernet import Supernet  # noqa: E402
from biglittle.cotrain.weights import load_network  # noqa: E402
from biglittle.data_tables.evidence._coupled_jobs import (  # noqa: E402
    Log,
    Records,
    Site,
    recipe_of,
    train_all,
    work_of,
)
from biglittle.data_tables.evidence._coupled_plan import ALONE, Job  # noqa: E402

BIG, LITTLE = "0" + "8" * 21, "8" * 22
JOBS = [
    Job(BIG, f"{BIG}@4s", "independent", 0),
    Job(BIG, f"{BIG}@4s", "joint", 0),
    Job(BIG, LITTLE, "distilled", 0),
    Job(f"{BIG}@4s", "", ALONE, 1),
]


@pytest.fixture
def site(digits: Dataset, digit_splits: dict[str, Images], tmp_path: Path, monkeypatch) -> Site:  # type: ignore[no-untyped-def]
    from dataclasses import replace

    for module in ("train_network", "train_pair"):
        monkeypatch.setattr(f"biglittle.cotrain.{module}.get_dataset", lambda name: digits)
    recipe = replace(
        load_recipe(FINE_TUNE), dataset="digits", images=48, batch=16, resolutions=((8, 1.0),)
    )
    splits = {s: images.subset(np.arange(40)) for s, images in digit_splits.items()}
    return Site(tmp_path, Supernet(get_space("fbnet"), 10), splits, digits, recipe)


def test_every_job_leaves_a_record_and_is_made_once(site: Site, tmp_path: Path) -> None:
    log, records = Log(tmp_path / "log.txt"), Records(tmp_path, {}, {})
    train_all(site, JOBS, records, {f"{BIG}@4s"}, log, 1000.0)
    again = Records(tmp_path, {}, {})
    assert set(again.records) == {job.name for job in JOBS}
    for job in JOBS:
        record, answers = again.records[job.name], again.answers[job.name]
        roles = {"little", "big"} if job.little else {ALONE}
        assert set(answers.right) == set(record["accuracy"]) == roles
        for role, right in answers.right.items():
            assert len(right) == 80
            assert record["accuracy"][role]["test"] == pytest.approx(right[40:].mean(), abs=1e-4)
        assert len(answers.margin) == 1
        assert record["images"] == 48
        assert json.loads(json.dumps(record)) == record
    folder = tmp_path / "runs" / JOBS[1].name
    assert load_network(folder / "little.safetensors").name == f"{BIG}@4s"
    assert not list(folder.glob("*.h5"))
    assert not (tmp_path / "runs" / JOBS[3].name / "alone.safetensors").exists()  # seed 1
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert sum(" done: " in line for line in lines) == len(JOBS)
    train_all(site, JOBS, again, set(), log, 1000.0)
    assert (tmp_path / "log.txt").read_text().splitlines() == lines  # nothing was left to do


def test_a_committed_job_is_not_made_again_and_time_may_be_up(site: Site, tmp_path: Path) -> None:
    records = Records(tmp_path, {JOBS[0].name: {"accuracy": {}}}, {})
    log = Log(tmp_path / "log.txt")
    train_all(site, JOBS[:1], records, set(), log, 1000.0)
    train_all(site, JOBS, records, set(), log, 0.0)
    assert set(records.records) == {JOBS[0].name}
    train_all(site, JOBS[:2], records, set(), log, 1e-3)  # stops at or within the second job
    assert set(records.records) == {JOBS[0].name}
    assert "time is up" in (tmp_path / "log.txt").read_text()


def test_exits_start_from_the_heads_of_the_supernet_where_it_has_some(site: Site) -> None:
    name = f"{BIG}@4s"
    one, other = site.start(name, 0), site.start(name, 1)
    assert site.fresh_heads
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    site.net.exit_heads = ExitHeads(site.net.space, 10)
    one, other = site.start(name, 0), site.start(name, 1)
    assert not site.fresh_heads
    assert torch.equal(one.classifier.weight, other.classifier.weight)


def test_work_and_budget_are_those_of_the_plan() -> None:
    assert recipe_of(45_000).images == 135_000
    prefix, apart = (work_of(j, "fbnet", 10) for j in (JOBS[1], JOBS[0]))
    assert 0 < apart < prefix < work_of(JOBS[2], "fbnet", 10)
