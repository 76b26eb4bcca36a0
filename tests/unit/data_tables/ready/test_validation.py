"""A cascade against its card: by made-up figures, and once with real files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from biglittle.bench.datasets import Dataset, Images
from biglittle.bench.errors import DatasetError
from biglittle.data_tables.ready.cards import FORMAT, Card, MadeAnswer
from biglittle.data_tables.ready.validation import (
    CardValidation,
    HandedOut,
    _Point,
    validate_card,
)
from biglittle.edge_profiler.accuracy import Rerun
from biglittle.edge_profiler.profile_file import read_profile
from biglittle.searchers.validation_report import write_card_validation
from biglittle.searchers.validation_run import card_of

A, B = "8" * 22, "1" + "8" * 21
HASH = "f" * 64
N = 1000
WORDS = {"accuracy": "measured", "escalation_rate": "measured", "latency_ms": "predicted"}
MADE = [MadeAnswer([0.5, -0.25], False), MadeAnswer([-1.0, 2.0], True)]
PI = {"runtime": "as published (a CPU)", "soc": "Broadcom"}


def card(**changes: Any) -> Card:
    """The card of a made-up cascade of a Pi: 80 % right, a quarter escalates, 3 ms."""
    latencies = {"latency_ms": 3.0, "latency_p95_ms": 6.0, "latency_worst_ms": 6.0}
    point = {"little": A, "big": B, "gate": "margin", "threshold": 0.2, "provenance": WORDS}
    fields: dict[str, Any] = {
        "format": FORMAT,
        "name": "tiny",
        "table": "fbnet-cifar10",
        "device": "raspberry-pi-4",
        "limits": {"latency_ms": 5.0},
        "training": "joint",
        "accuracy": 0.8,
        "accuracy_low": 0.77,
        "accuracy_high": 0.83,
        "escalation_rate": 0.25,
        "n_images": N,
        "point": point | latencies,
        "single": {},
        "gain": 0.0,
        "gain_low": None,
        "gain_high": None,
        "interval": None,
        "sha256": HASH,
        "bytes": 1,
        "input": {},
        "made": MADE,
        "origin": {"dataset": "cifar10", "onnxruntime": "1.0"},
    }
    return Card(**fields | changes)


def profile(
    device: str = "raspberry-pi-4-model-b",
    runtime: str = "onnxruntime 1.0 CPUExecutionProvider",
    both_ms: float | None = 6.0,
) -> dict[str, Any]:
    """A profile in which both branches were measured, or only one of them."""
    models: list[dict[str, Any]] = [
        {"sha256": HASH, "branch": "kept", "latency_ms": 2.0},
        {"sha256": HASH, "branch": "escalated", "latency_ms": both_ms},
    ]
    if both_ms is None:
        models[1]["error"] = "no kernel."
    facts = {"device": device, "runtime": runtime, "precision": "fp32", "threads": 1}
    return {**facts, "models": models}


def validation(
    right: int | None = 800,
    escalated: int = 250,
    n: int = N,
    made: list[MadeAnswer] = MADE,
    measured: dict[str, Any] | None = None,
    facts: dict[str, Any] = PI,
    of: Card | None = None,
    elsewhere: bool = False,
) -> CardValidation:
    of = of or card()
    ours = HandedOut(of, Path("x"), msgspec.convert(of.point, _Point), "cifar10", "fbnet")
    answers = None if right is None else Rerun(right, escalated, n)
    why = "its images are not here"
    measured = measured or profile()
    return validate_card(ours, made, answers, measured, facts, "desk", why, elsewhere)


def test_a_cascade_that_is_as_its_card_says() -> None:
    got = validation()
    assert got.kept
    assert got.verdict == "Kept: tiny answers, and takes on raspberry-pi-4, what its card says."
    document = got.as_dict()
    assert [document[f"{name}_kept"] for name in ("answers", "accuracy", "latency")] == [True] * 3
    assert document["problems"] == []
    assert document["made"] == {"images": 2, "equal": 2, "largest_difference": 0.0}
    accuracy = document["accuracy"]
    assert (accuracy["card"], accuracy["here"], accuracy["images"]) == (0.8, 0.8, N)
    assert (accuracy["card_low"], accuracy["card_high"]) == (0.77, 0.83)
    latency = document["latency"]
    assert latency["mean"] == {"card": 3.0, "here": pytest.approx(0.75 * 2 + 0.25 * 6)}
    assert (latency["p95"]["here"], latency["worst"]["here"]) == (6.0, 6.0)
    assert (latency["card_provenance"], latency["provenance"]) == ("predicted", "measured")
    text = got.text()
    for line in (
        "card is of raspberry-pi-4; answered on desk, measured on raspberry-pi-4-model-b",
        "2 of 2 answered as the card says, logits within 0",
        "card 80.00% (measured, 77.00% to 83.00%), here 80.00% of 1,000 test images (measured)",
        "card 25.00% (measured), here 25.00% of 1,000 test images (measured)",
        "card 3 ms (predicted), measured 3 ms: 2 ms where the little network answers, 6 ms where",
        "rest on the profile raspberry-pi-4: as published (a CPU). Measured: onnxruntime 1.0",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("changes", "promise", "problem"),
    [
        ({"right": 790}, "accuracy", "its accuracy is 79.00% here, 80.00% on the card"),
        ({"right": 810}, "accuracy", "its accuracy is 81.00% here"),
        ({"escalated": 300}, "accuracy", "escalation rate is 30.00% here, 25.00% on the card"),
        ({"right": 10, "n": 100, "escalated": 25}, "accuracy", "2 standard errors of 100 images"),
        ({"made": MADE[:1]}, "answers", "1 of 2 made images are answered otherwise"),
        ({"made": [MADE[0], MADE[0]]}, "answers", "another branch, or logits that differ"),
        (
            {"made": [MADE[0], MadeAnswer([-1.0, 2.01], True)]},
            "answers",
            "logits that differ by more than 0.002",
        ),
        ({"measured": profile(both_ms=8.0)}, "latency", "the mean latency is +16.7% against"),
        ({"measured": profile(both_ms=None)}, "latency", "not be measured: no kernel."),
        (
            {"measured": profile() | {"models": profile()["models"][:1]}},
            "latency",
            "not be measured: a branch is not in the profile.",
        ),
    ],
)
def test_what_differs_is_named(changes: dict[str, Any], promise: str, problem: str) -> None:
    got = validation(**changes)
    assert got.kept is False
    (sentence,) = got.problems
    assert problem in sentence
    document = got.as_dict()
    others = {"answers", "accuracy", "latency"} - {promise}
    assert document[f"{promise}_kept"] is False
    assert all(document[f"{name}_kept"] for name in others)
    assert got.verdict == f"NOT kept: what the card of tiny says of {promise}."
    assert f"  NOT kept: {sentence}" in got.text()


def test_another_device_or_another_kind_of_processor_is_not_compared() -> None:
    gpu = {"runtime": "TensorRT, as in the source"}
    for changes, why in (
        ({"measured": profile("a-laptop", both_ms=600.0)}, "another device than raspberry-pi-4"),
        ({"facts": gpu}, "the card's is of TensorRT, as in the source, and onnxruntime 1.0 CPU"),
        ({"of": card(point=card().point | {"latency_ms": None})}, "the card has none"),
    ):
        got = validation(**changes)  # type: ignore[arg-type]
        assert got.kept is None
        assert got.problems == ()
        head, _, tail = got.verdict.partition(": ")
        assert head == "Answers and accuracy kept, latency not judged"
        assert why in tail
        assert "judged" not in tail  # the head has said so
    assert "If they are one, set 'device'" in validation(measured=profile("a-laptop")).text()
    alike = profile(runtime="onnxruntime 1.0 TensorrtExecutionProvider")
    assert validation(facts=gpu, measured=alike).kept
    missed = validation(right=790, measured=profile("a-laptop"))
    assert missed.kept is False
    assert missed.verdict.startswith(
        "NOT kept: what the card of tiny says of accuracy; latency is not judged, because"
    )


def test_without_images_what_can_be_judged_is() -> None:
    got = validation(right=None)
    assert got.kept is None
    assert got.verdict == "Answers and latency kept, accuracy not judged: its images are not here."
    both = validation(right=None, measured=profile("a-laptop")).verdict
    assert both == (
        "Answers kept, accuracy and latency not judged: accuracy, because its images are not here; "
        "latency, because another device than raspberry-pi-4 measured; run the same command there."
    )
    document = got.as_dict()
    assert (document["accuracy"]["here"], document["accuracy"]["provenance"]) == (None, None)
    assert document["latency"]["mean"]["here"] == pytest.approx(3.0)
    assert any("weighed by the escalation rate of the card" in note for note in got.notes)
    assert "card 25.00% (measured), not asked here" in got.text()
    assert not any("weighed" in note for note in validation().notes)


def test_some_of_the_images_are_allowed_chance_and_do_not_weigh() -> None:
    got = validation(right=84, escalated=30, n=100)
    assert got.kept
    assert got.latency["mean"]["here"] == pytest.approx(3.0)  # by the card's rate, 25 %
    assert any("100 of 1,000 test images were asked" in note for note in got.notes)


def test_what_a_reader_must_beware_of_is_said() -> None:
    notes = validation(of=card(warning="it may rain."), elsewhere=True).notes
    assert "of raspberry-pi-4 the card warns: it may rain." in notes
    assert any(note.startswith("desk answered, and not the machine whose") for note in notes)
    assert not any("desk" in note for note in validation().notes)


def test_the_page_shows_both_sides_with_their_provenance(tmp_path: Path) -> None:
    path = tmp_path / "validation.html"
    write_card_validation(path, validation(right=790).as_dict())
    text = path.read_text(encoding="utf-8")
    assert '<b class="word">NOT kept</b> What the card of tiny says of accuracy.' in text
    assert "<li>Its accuracy is 79.00% here, 80.00% on the card" in text
    assert "80.00% <small>measured</small></td><td>79.00% <small>measured</small>" in text
    assert (
        "<td>3 <small>predicted</small></td><td>3 <small>measured</small></td><td>yes</td>" in text
    )
    write_card_validation(path, validation(None, measured=profile("<b>")).as_dict())
    text = path.read_text(encoding="utf-8")
    assert "80.00% <small>measured</small></td><td>-</td><td>not judged</td>" in text
    assert "measured on &lt;b&gt;" in text
    write_card_validation(path, validation(measured=profile(both_ms=None)).as_dict())
    assert "<td>3 <small>predicted</small></td><td>-</td><td>no</td>" in path.read_text()


def test_a_card_is_looked_for_where_no_front_is(tmp_path: Path) -> None:
    assert card_of(tmp_path) is None
    assert card_of(tmp_path / "card.json") is None
    (tmp_path / "card.json").write_text("{}", encoding="utf-8")
    assert card_of(tmp_path) == card_of(tmp_path / "card.json") == tmp_path / "card.json"
    (tmp_path / "front.json").write_text("{}", encoding="utf-8")
    assert card_of(tmp_path) is None
    assert card_of(tmp_path / "card.json") == tmp_path / "card.json"


def _images() -> Images:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 32, 32, 3), np.uint8)
    return Images(pixels, rng.integers(0, 10, 40).astype(np.uint8))


@pytest.fixture
def handed_out(tmp_path: Path) -> Path:
    """A folder with a real cascade of random weights, and its card."""
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")

    from biglittle.bench import Gate, get_space
    from biglittle.bench.datasets import get_dataset
    from biglittle.data_tables.ready.images import answers_to_made
    from biglittle.edge_profiler import onnx_model
    from biglittle.edge_profiler.accuracy import rerun
    from biglittle.edge_profiler.deployable import describe, with_pixels
    from biglittle.edge_profiler.onnx_cascade import cascade_model

    space, cifar = get_space("fbnet"), get_dataset("cifar10")
    little, big = (onnx_model(space, a, 10, seed=i) for i, a in enumerate((A, B)))
    model = with_pixels(cascade_model(little, big, "margin", 0.2), cifar)
    describe(model, "cascade", {"little": A, "big": B}, space, cifar, {}, Gate("margin", 0.2))
    folder = tmp_path / "tiny"
    folder.mkdir()
    onnx.save(model, folder / "cascade.onnx")
    graph = (folder / "cascade.onnx").read_bytes()
    answers = rerun(graph, _images())
    about = card(
        accuracy=answers.right / answers.n,
        escalation_rate=answers.escalated / answers.n,
        n_images=answers.n,
        sha256=hashlib.sha256(graph).hexdigest(),
        made=answers_to_made(graph),
    )
    _write(folder, about)
    return folder


def _write(folder: Path, about: Card) -> None:
    text = json.dumps(msgspec.to_builtins(about))
    (folder / "card.json").write_text(text, encoding="utf-8")


@pytest.fixture
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few runs are a measurement, and the test images are forty made-up ones."""
    from biglittle.edge_profiler.protocol import Protocol

    tiny = Protocol(warm_up=1, rounds=1, runs_per_round=2, idle_gap_s=0, max_drift=2.0)
    monkeypatch.setattr("biglittle.edge_profiler.session.Protocol", lambda **given: tiny)
    monkeypatch.setattr(Dataset, "load", lambda self, folder: {"test": _images()})
    monkeypatch.setattr("biglittle.data_tables.ready.validation.same_device", lambda *_: False)


def test_the_command_holds_a_folder_against_its_card(  # type: ignore[no-untyped-def]
    handed_out: Path, command_line, in_no_time: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, text, err = command_line("validate", str(handed_out), "--json")
    assert code == 0, err
    assert "Asking 1 pair about 40 test images each, then measuring both branches" in err
    document = json.loads(text)
    assert (document["kept"], document["accuracy_kept"], document["latency_kept"]) == (
        None, True, None,
    )  # fmt: skip
    assert document["accuracy"]["here"] == document["accuracy"]["card"]
    assert document["latency"]["escalated_ms"] > 0
    measured = handed_out / "validated" / "deployed.json"
    page = (handed_out / "validated" / "validation.html").read_text(encoding="utf-8")
    assert "Answers and accuracy kept, latency not judged" in page

    again = ("--profile", str(measured), "--images", "30", "--out", str(handed_out / "again"))
    reads = list[Path]()
    monkeypatch.setattr(
        "biglittle.searchers.validation.read_profile",
        lambda path: reads.append(path) or read_profile(path),  # type: ignore[func-returns-value]
    )
    code, text, err = command_line("validate", str(handed_out / "card.json"), *again)
    assert code == 0, err
    assert reads == [measured]  # once
    assert "30 of 40 test images were asked about" in text
    assert not (handed_out / "again" / "deployed.json").exists()

    def nothing(self: Dataset, folder: Path | None) -> dict[str, Images]:
        raise DatasetError("no cifar10 images there")

    monkeypatch.setattr(Dataset, "load", nothing)
    there: list[Any] = [None]
    lookup = property(lambda self: lambda folder: there[0])
    monkeypatch.setattr(Dataset, "read", lookup, raising=False)
    code, text, err = command_line("validate", str(handed_out), *again[:2], "--json")
    assert code == 0, err
    assert "The test images of cifar10 are not here: asking made ones." in err
    document = json.loads(text)
    assert (document["answers_kept"], document["accuracy_kept"]) == (True, None)
    assert document["made"]["equal"] == 10
    for asked in (("--data", str(handed_out)), ("--images", "30")):
        code, _, err = command_line("validate", str(handed_out), *again[:2], *asked)
        assert (code, "no cifar10 images there" in err) == (1, True)  # they were asked for
    there[0] = {}  # images, and damaged ones
    code, _, err = command_line("validate", str(handed_out), *again[:2])
    assert (code, "no cifar10 images there" in err) == (1, True)


def test_a_cascade_that_answers_otherwise_ends_with_exit_code_1(  # type: ignore[no-untyped-def]
    handed_out: Path, command_line, in_no_time: None
) -> None:
    about = msgspec.json.decode((handed_out / "card.json").read_bytes(), type=Card)
    less = about.accuracy - 0.1 if about.accuracy > 0.5 else about.accuracy + 0.1
    _write(handed_out, msgspec.structs.replace(about, accuracy=less))
    code, text, _ = command_line("validate", str(handed_out))
    assert code == 1
    assert "NOT kept: what the card of tiny says of accuracy; latency is not judged" in text


def test_what_is_no_cascade_with_its_card_is_refused_in_one_line(  # type: ignore[no-untyped-def]
    handed_out: Path, command_line, in_no_time: None, tmp_path: Path
) -> None:
    whole = (handed_out / "card.json").read_text(encoding="utf-8")
    other = tmp_path / "other.json"

    def damaged(text: str) -> Callable[[], Any]:
        return lambda: (handed_out / "card.json").write_text(text, encoding="utf-8")

    assert command_line("validate", str(handed_out))[0] == 0
    measured = (handed_out / "validated" / "deployed.json").read_text(encoding="utf-8")
    other.write_text(json.dumps(json.loads(measured) | {"models": []}), encoding="utf-8")
    steps: tuple[tuple[Callable[[], Any], tuple[str, ...], str], ...] = (
        (lambda: None, ("--device", "jetson-nano"), "for raspberry-pi-4, but --device is jetson"),
        (lambda: None, ("--profile", str(other)), "has no measurement of this cascade; copy"),
        (
            lambda: None,
            ("--profile", str(other), "--measure", "here"),
            "expected one of --measure here and --profile",
        ),
        (damaged(whole[:200]), (), "it is not JSON"),
        (damaged(whole.replace(FORMAT, "x-1")), (), "format is 'x-1', expected"),
        (damaged(whole.replace('"little"', '"small"')), (), "point has no field 'little'"),
        (damaged(whole.replace('"dataset"', '"data"')), (), "origin has no field 'dataset'"),
        (
            damaged(whole.replace(json.loads(whole)["sha256"], HASH)),
            (),
            "the card is of another graph, or the graph was changed. Write both anew: biglittle "
            "table extract tiny --out",
        ),
        (
            lambda: (damaged(whole)(), (handed_out / "cascade.onnx").unlink()),
            (),
            "which cannot be read beside it",
        ),
        (
            lambda: (
                (handed_out / "cascade.onnx").write_bytes(b"x"),
                (handed_out / "card.json").unlink(),
            ),
            (),
            "holds cascade.onnx but no card.json that belongs to it. Expected the folder that",
        ),
    )
    for change, options, message in steps:
        change()
        code, out, err = command_line("validate", str(handed_out), *options)
        assert (code, out) == (1, "")
        assert message in err
        assert err.startswith("error: ")
        assert len(err.splitlines()) == 1
    code, _, err = command_line("validate", str(handed_out / "cascade.onnx"))
    assert code == 1
    assert "is a graph, which holds no figures to compare with" in err


def test_a_graph_that_cannot_be_run_here_says_what_it_was_made_with(  # type: ignore[no-untyped-def]
    handed_out: Path, command_line, in_no_time: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(graph: bytes) -> None:
        raise RuntimeError("opset 99 is not\nknown")

    monkeypatch.setattr("biglittle.data_tables.ready.validation.answers_to_made", fails)
    code, _, err = command_line("validate", str(handed_out))
    assert code == 1
    assert "cannot be run by ONNX Runtime here; its card was made with version 1.0" in err
