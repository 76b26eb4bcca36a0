"""One validation: what is asked, and when a promise counts as kept."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import BigLittleError
from biglittle.searchers import validation_run
from biglittle.searchers.front_files import front_json
from biglittle.searchers.validation import Measuring
from biglittle.searchers.validation_run import Verdict, judge_front, report_folder, target_front

LITTLE, BIG = "8" * 22, "0" * 22


@pytest.fixture
def front(tmp_path: Path) -> Path:
    bench = Benchmark.load("fbnet-cifar10")
    points = bench.query_many([LITTLE], [BIG], ["margin"], [0.2], "raspberry-pi-4", "val")
    path = tmp_path / "front.json"
    path.write_text(json.dumps(front_json({"device": "raspberry-pi-4"}, points)))
    return path


def test_a_front_is_measured_here_or_held_against_a_profile(front: Path) -> None:
    read = target_front(front, "here", None)
    assert read is not None
    assert len(read.points) == 1
    assert target_front(front, "", Path("measured.json")) is not None
    for measure, profile in (("", None), ("here", Path("measured.json"))):
        with pytest.raises(BigLittleError, match="expected one of --measure here and --profile"):
            target_front(front, measure, profile)
    with pytest.raises(BigLittleError, match="--measure there: expected 'here'"):
        target_front(front, "there", None)


@pytest.mark.parametrize(
    ("judged", "equal", "holds"),
    [
        (True, True, True),
        (True, None, True),
        (None, True, True),
        (True, False, False),
        (False, True, False),
    ],
)
def test_a_promise_holds_unless_something_contradicts_it(
    front: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    judged: bool | None,
    equal: bool | None,
    holds: bool,
) -> None:
    read = target_front(front, "here", None)
    assert read is not None
    validation = SimpleNamespace(
        kept=judged,
        device="pi",
        as_dict=lambda: {"kept": judged, "verdict": "one"},
        text=lambda: "one",
    )
    monkeypatch.setattr(
        validation_run, "validate_front", lambda front, *_: (validation, front.points)
    )

    def again(points: Any, device: str) -> list[dict[str, Any]]:
        assert (len(points), device) == (1, "pi")
        return [{"equal": equal, "text": "two"}]

    verdict = judge_front(read, None, None, None, Measuring(tmp_path), 0.1, again)
    assert verdict.holds is holds
    assert verdict.text.startswith("one\ntwo")
    assert verdict.document["kept"] is (False if equal is False else judged)
    assert ("NOT kept: 1 of 1 exported pairs" in verdict.text) is (equal is False)
    assert verdict.document["accuracy"] == [{"equal": equal, "text": "two"}]
    alone = judge_front(read, None, None, None, Measuring(tmp_path), 0.1)
    assert (alone.text, alone.document["accuracy"]) == ("one", [])


def test_a_report_lies_beside_what_it_is_about_and_says_what_it_replaces(
    front: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = tmp_path / "validated"
    assert report_folder(front, None) == report_folder(tmp_path, None) == beside
    assert report_folder(front, Path("elsewhere")) == Path("elsewhere")

    def write(path: Path, document: Any) -> Path:
        path.write_text("")
        return path

    monkeypatch.setattr(validation_run, "write_validation", write)
    path, verdict = tmp_path / "validation.html", Verdict({}, "", True, "front")
    assert verdict.write(path) == f"Written: {path}"
    assert verdict.write(path) == f"Written: {path} (an earlier report there is replaced)"


def test_pairs_that_are_being_trained_are_told_of(tmp_path: Path) -> None:
    checkpoint = tmp_path / "cotrained" / f"{LITTLE}-{BIG}" / "joint" / "pair.h5"
    checkpoint.parent.mkdir(parents=True)
    absent = tmp_path / "cotrained" / "absent"
    with pytest.raises(BigLittleError, match=r"absent: it is not there. .* 'biglittle cotrain'"):
        target_front(absent, "here", None)
    with pytest.raises(BigLittleError, match=r"no pair in .*cotrained is trained yet"):
        target_front(tmp_path / "cotrained", "", None)  # before its first checkpoint
    checkpoint.write_bytes(b"")
    for folder in (tmp_path / "cotrained", checkpoint.parent):
        with pytest.raises(
            BigLittleError, match=r"is trained yet: .* Go on with the 'biglittle cot"
        ):
            target_front(folder, "", None)
