"""Which pairs of a front are trained, what their reports say, and that a stopped run goes on."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
from rich.console import Console  # noqa: E402

from biglittle.bench import Gate, Points, get_space  # noqa: E402
from biglittle.bench.cost import network_costs  # noqa: E402
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.errors import BigLittleError, CheckpointError, GateError  # noqa: E402
from biglittle.bench.networks import build_network, weights_hash  # noqa: E402
from biglittle.bench.trained_pair import TrainedPair  # noqa: E402
from biglittle.cotrain import front, train_loop  # noqa: E402
from biglittle.cotrain.console import print_reports  # noqa: E402
from biglittle.cotrain.front import FrontJob, FrontProgress, PairCosts, cotrain_front  # noqa: E402
from biglittle.cotrain.recipe import Recipe  # noqa: E402
from biglittle.cotrain.weights import load_network  # noqa: E402

SPACE = get_space("fbnet")
LITTLE, BIG = "8" * 22, "0" + "8" * 20 + "0"
RECIPE = Recipe(
    space="fbnet",
    dataset="digits",
    images=48,
    batch=16,
    peak_lr=0.01,
    end_lr=0.0,
    warmup_share=0.0,
    momentum=0.9,
    weight_decay=0.0,
    label_smoothing=0.1,
    clip_norm=5.0,
    resolutions=((16, 1.0),),
)


def costs_of(little: str, big: str) -> PairCosts:
    """1 ms and 1 ms for every million MACs."""
    genomes = SPACE.parse([little, big])
    macs = SPACE.macs(genomes, 10).astype(float)
    words = {"latency_ms": "measured", "energy_mj": "modelled"}
    nothing = np.full(len(macs), np.nan)
    return network_costs(SPACE, genomes, 10, 1 + macs / 1e6, nothing, 0.0, words), None


@pytest.fixture
def real(front_of):  # type: ignore[no-untyped-def]
    def made(rate: float = 0.3, big: str = BIG) -> Points:
        """A front of one point whose latency is that of the device."""
        little_ms, big_ms = costs_of(LITTLE, big)[0].latency_ms
        return front_of((LITTLE, big, rate, little_ms + rate * big_ms))

    return made


def _job(out: Path, **changes: Any) -> FrontJob:
    def deploy(folder: Path, pair: TrainedPair) -> dict[str, Any]:
        return {
            "images": len(pair.images),
            "ids": list(pair.architectures),
            "threshold": pair.gate.threshold,
        }

    job = FrontJob(
        methods=("independent", "joint"),
        recipe=RECIPE,
        seed=1,
        out=out,
        start=lambda a: build_network(a, 10, seed=5),
        costs_of=costs_of,
        table_point=lambda pair, gate: None,
        deploy=deploy,
        sources={"table": "none"},
    )
    return dataclasses.replace(job, **changes)


@pytest.fixture
def splits(
    few_digits: dict[str, Images], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Images]:
    monkeypatch.setattr(front, "get_dataset", lambda name: digits)
    monkeypatch.setattr(train_loop, "CHECKPOINT_S", 0.0)
    monkeypatch.setattr(train_loop, "LOG_STEPS", 1)
    small = {s: few_digits[s].subset(np.arange(60)) for s in ("val", "test")}
    return {**few_digits, **small}


def test_reports_say_what_was_promised_and_what_came(
    real, tmp_path: Path, splits: dict[str, Images]
) -> None:
    told: list[FrontProgress] = []
    points = real()
    reports = list(cotrain_front(_job(tmp_path), [points[0]], splits, told.append))
    assert [r["config"]["method"] for r in reports] == ["independent", "joint"]
    assert [(p.pair, p.training.step) for p in told] == [(i, s) for i in (0, 1) for s in (1, 2, 3)]
    assert told[2].eta_s > 0 == told[-1].eta_s
    assert "2/2" in told[-1].text()
    for report in reports:
        folder = tmp_path / f"{LITTLE}-{BIG}" / report["config"]["method"]
        assert json.loads((folder / "report.json").read_text()) == report
        assert not (folder / "pair.h5").exists()
        hashes = [
            weights_hash(load_network(folder / f"{n}.safetensors")) for n in ("little", "big")
        ]
        assert hashes == report["weights_sha256"]
        assert report["promised"]["provenance"]["accuracy"] == "predicted"
        assert report["after"]["val"]["latency_ms"] <= points.latency_ms[0] * (1 + 1e-9)
        assert report["after"]["val_latency_within_promise"]
        assert report["deployed"]["threshold"] == report["after"]["threshold"]
        for stage in ("before", "after"):
            for split in ("val", "test"):
                words = report[stage][split]["provenance"]
                assert words["accuracy"] == "measured"
                assert words["latency_ms"] == "modelled"  # of measured parts, not run end to end
        assert report["training"]["images"] == 48
    assert reports[0]["before"] == reports[1]["before"]
    text = io.StringIO()
    print_reports(reports, Console(file=text, width=140))
    for word in ("independent", "predicted", "modelled", f"{LITTLE} -> {BIG}"):
        assert word in text.getvalue()


def test_a_stopped_front_goes_on_and_a_finished_pair_is_not_trained_again(
    real, killed, tmp_path: Path, splits: dict[str, Images]
) -> None:
    point = real()[0]
    whole = list(cotrain_front(_job(tmp_path / "whole"), [point], splits))

    def kill(progress: FrontProgress) -> None:
        if (progress.method, progress.training.step) == ("joint", 2):
            raise killed

    with pytest.raises(killed):
        list(cotrain_front(_job(tmp_path / "cut"), [point], splits, kill))
    told: list[FrontProgress] = []
    resumed = list(cotrain_front(_job(tmp_path / "cut"), [point], splits, told.append))
    assert [(p.method, p.training.step) for p in told] == [("joint", 3)]
    assert [r["weights_sha256"] for r in resumed] == [r["weights_sha256"] for r in whole]
    assert [r["after"] for r in resumed] == [r["after"] for r in whole]
    told.clear()
    assert list(cotrain_front(_job(tmp_path / "cut"), [point], splits, told.append)) == resumed
    assert told == []


def test_from_scratch_nothing_was_before(real, tmp_path: Path, splits: dict[str, Images]) -> None:
    job = _job(tmp_path, start=None, methods=("independent",))
    (report,) = cotrain_front(job, [real()[0]], splits)
    assert report["before"] is None
    assert report["config"]["from"] == "scratch"


def test_what_does_not_deploy_leaves_no_report(
    real, tmp_path: Path, splits: dict[str, Images]
) -> None:
    def deploy(*arguments: object) -> dict[str, Any]:
        raise BigLittleError("answers otherwise")

    with pytest.raises(BigLittleError, match="answers otherwise"):
        list(cotrain_front(_job(tmp_path, deploy=deploy), [real()[0]], splits))
    assert not list(tmp_path.rglob("report.json"))
    assert list(tmp_path.rglob("pair.h5"))


def test_another_run_in_the_folder_is_refused(
    real, tmp_path: Path, splits: dict[str, Images]
) -> None:
    list(cotrain_front(_job(tmp_path, methods=("joint",)), [real()[0]], splits))
    with pytest.raises(CheckpointError, match="its seed is 1, expected 2"):
        list(cotrain_front(_job(tmp_path, seed=2), [real()[0]], splits))
    with pytest.raises(CheckpointError, match=r"its escalation_rate is 0\.3, expected 0\.2"):
        list(cotrain_front(_job(tmp_path, methods=("joint",)), [real(0.2)[0]], splits))
    path = next(tmp_path.rglob("report.json"))
    path.write_text("{}")
    with pytest.raises(CheckpointError, match="as the report of a co-trained pair"):
        list(cotrain_front(_job(tmp_path, methods=("joint",)), [real()[0]], splits))


def test_a_front_of_another_device_is_refused_before_anything_is_trained(
    real, tmp_path: Path, splits: dict[str, Images]
) -> None:
    points = real()
    elsewhere = dataclasses.replace(points, latency_ms=points.latency_ms * 2)
    with pytest.raises(BigLittleError, match="searched for another device"):
        list(cotrain_front(_job(tmp_path), [elsewhere[0]], splits))
    unknown = dataclasses.replace(points, gate=np.array(["oracle"]))
    with pytest.raises(GateError, match="oracle"):
        list(cotrain_front(_job(tmp_path), [unknown[0]], splits))
    assert not list(tmp_path.iterdir())


def test_the_gate_of_a_report_is_a_gate(real, tmp_path: Path, splits: dict[str, Images]) -> None:
    job = _job(tmp_path, methods=("joint",))
    (report,) = cotrain_front(job, [real()[0]], splits)
    Gate(report["promised"]["gate"], report["after"]["threshold"]).cut(10)
