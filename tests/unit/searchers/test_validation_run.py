"""One validation: what is asked, and when a promise counts as kept."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import BigLittleError, ConstraintError
from biglittle.searchers import validation_run
from biglittle.searchers.front_files import front_json
from biglittle.searchers.validation import Measuring
from biglittle.searchers.validation_run import (
    Verdict,
    judge_front,
    refuse_unused,
    report_folder,
    target_front,
)

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


@pytest.mark.parametrize(
    ("of_front", "profile", "options", "refused"),
    [
        (False, None, {"--top": 2}, "--top (for a front alone"),
        (
            False,
            None,
            {"--all": True, "--table": "mine.h5"},
            "--all and --table (for a front alone",
        ),
        (False, None, {"--accuracy": 3}, "--accuracy (for a front alone"),
        (False, "p.json", {"--meter": True}, "--meter (nothing is measured here"),
        (True, None, {"--images": 9, "--accuracy": 1}, "--images (exported pairs of a front"),
        (True, None, {"--data": Path()}, "--data (of a front, images are asked with --accuracy"),
        (True, None, {"--all": True, "--top": 2}, "--top (--all measures all points"),
        (True, "p.json", {"--top": 2}, "--top (a profile is compared with all points"),
        (True, "p.json", {"--threads": True}, "--threads (nothing is measured here"),
        (False, None, {"--images": 9, "--data": Path(), "--threads": True, "--meter": True}, ""),
        (False, "p.json", {"--images": 9, "--data": Path(), "--threads": True}, ""),
        (True, None, {"--top": 2, "--table": "mine.h5", "--threads": True, "--meter": True}, ""),
        (True, "p.json", {"--all": True, "--accuracy": 1, "--data": Path(), "--threads": True}, ""),
    ],
)
def test_an_option_that_says_nothing_of_what_is_validated_is_refused(
    of_front: bool, profile: str | None, options: dict[str, object], refused: str
) -> None:
    elsewhere = None if profile is None else Path(profile)
    if not refused:
        refuse_unused(of_front, elsewhere, options)
        return
    with pytest.raises(ConstraintError, match=re.escape(refused)):
        refuse_unused(of_front, elsewhere, options)


def test_an_empty_folder_is_told_what_may_be_given(tmp_path: Path) -> None:
    with pytest.raises(BigLittleError, match=r"holds nothing that can be validated. Expected the"):
        target_front(tmp_path, "", None)


def test_the_command_refuses_options_of_a_front_for_a_card(  # type: ignore[no-untyped-def]
    tmp_path: Path, command_line
) -> None:
    (tmp_path / "card.json").write_text("{}", encoding="utf-8")
    words = ("--top", "5", "--all", "--accuracy", "2")
    code, _, err = command_line("validate", str(tmp_path), *words)
    assert code == 1
    assert "options that would change nothing: --top and --all and --accuracy (for a front" in err
    assert "Leave them out." in err
    assert not (tmp_path / "validated").exists()


def test_the_command_refuses_options_of_pairs_for_a_front(  # type: ignore[no-untyped-def]
    front: Path, command_line
) -> None:
    for words in (("--images", "9"), ("--data", "."), ("--all", "--top", "1")):
        code, _, err = command_line("validate", str(front), "--measure", "here", *words)
        assert code == 1
        assert f"would change nothing: {words[0 if words[0] != '--all' else 1]} (" in err
