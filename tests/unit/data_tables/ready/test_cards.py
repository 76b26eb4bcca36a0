"""The cascades that ship: each runs, answers as its card says, and is handed out whole."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console

from biglittle.bench import Benchmark
from biglittle.bench.datasets import data_folder, get_dataset
from biglittle.bench.device import find_device
from biglittle.bench.documents import read_json
from biglittle.bench.errors import TableError, UnknownNameError
from biglittle.bench.shipped_tables import shipped_tables
from biglittle.data_tables.ready.cards import (
    FOLDER,
    Card,
    Ready,
    hand_out,
    ready_cascade,
    ready_cascades,
)
from biglittle.data_tables.ready.images import N_MADE, made_images
from biglittle.data_tables.ready.listing import card_records, print_cards

TABLES = {name: Benchmark.load(name).table for name in shipped_tables()}
SHIPPED = [(name, r) for name, table in TABLES.items() for r in ready_cascades(table)]
each = pytest.mark.parametrize(
    ("table", "ready"), SHIPPED, ids=[f"{name}/{r.card.name}" for name, r in SHIPPED]
)


@pytest.fixture
def copied(tmp_path: Path) -> Ready:
    """A cascade that ships, in a folder that a test may damage."""
    ready = SHIPPED[0][1]
    folder = tmp_path / FOLDER
    folder.mkdir()
    for path in (ready.graph, ready.folder / f"{ready.card.name}.json"):
        shutil.copy(path, folder / path.name)
    return Ready(ready.card, folder)


def listed(folder: Path) -> tuple[Ready, ...]:
    """What is listed beside a table that lies in a folder."""

    class Somewhere:
        path = folder / "table.h5"

    return ready_cascades(Somewhere())  # type: ignore[arg-type]


def test_some_ship_and_they_are_small() -> None:
    assert SHIPPED
    sizes = {ready.graph: ready.card.bytes for _, ready in SHIPPED}
    assert sum(sizes.values()) <= 8 * 2**20


def test_a_graph_lies_once_under_its_hash_and_cards_name_it() -> None:
    graphs = {ready.graph for _, ready in SHIPPED}
    folders = {ready.folder for _, ready in SHIPPED}
    assert {path for folder in folders for path in folder.glob("*.onnx")} == graphs
    for graph in graphs:
        assert graph.name == f"{hashlib.sha256(graph.read_bytes()).hexdigest()[:16]}.onnx"


def test_two_cards_with_one_graph_are_listed_and_handed_out(copied: Ready, tmp_path: Path) -> None:
    ort = pytest.importorskip("onnxruntime")
    twin = msgspec.structs.replace(copied.card, name="twin", device="elsewhere")
    card = json.dumps(msgspec.to_builtins(twin))
    (copied.folder / "twin.json").write_text(card, encoding="utf-8")
    both = {ready.card.name: ready for ready in listed(tmp_path)}
    assert set(both) == {copied.card.name, "twin"}
    assert {ready.graph for ready in both.values()} == {copied.graph}
    for name, ready in both.items():
        hand_out(ready, tmp_path / name)
        assert f"# {name}\n" in (tmp_path / name / "README.md").read_text(encoding="utf-8")
        graph = (tmp_path / name / "cascade.onnx").read_bytes()
        session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
        (source,) = session.get_inputs()
        (logits,) = session.run(["logits"], {source.name: made_images(*source.shape[1:])[:1]})
        np.testing.assert_allclose(logits[0], ready.card.made[0].logits, atol=2e-3)


@each
def test_a_card_is_of_the_table_that_ships(table: str, ready: Ready) -> None:
    card = ready.card
    assert TABLES[table].unchanged_since(str(card.origin["table_sha256"]))
    assert card.bytes == ready.graph.stat().st_size
    for name, limit in card.limits.items():
        assert card.point[name] <= limit * 1.05  # chosen on val, reported on test
    assert card.accuracy_low < card.accuracy < card.accuracy_high
    assert set(card.point["provenance"]) <= {k for k, v in card.point.items() if v is not None}


@each
def test_it_answers_the_made_images_as_its_card_says(table: str, ready: Ready) -> None:
    ort = pytest.importorskip("onnxruntime")
    session = ort.InferenceSession(ready.content(), providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    assert source.shape == ready.card.input["shape"]
    images = made_images(*source.shape[1:])
    assert len(images) == len(ready.card.made) == N_MADE
    for image, wanted in zip(images, ready.card.made, strict=True):
        logits, escalated = session.run(["logits", "escalated"], {source.name: image[None]})
        assert bool(escalated) == wanted.escalated
        np.testing.assert_allclose(logits[0], wanted.logits, atol=2e-3)
    assert {said.escalated for said in ready.card.made} == {True, False}


@pytest.mark.cifar10
@each
def test_it_has_the_stored_accuracy_on_the_test_images(table: str, ready: Ready) -> None:
    pytest.importorskip("onnxruntime")
    from biglittle.edge_profiler.accuracy import rerun

    dataset = get_dataset("cifar10")
    if dataset.read(data_folder() / "cifar10") is None:
        pytest.skip(f"no CIFAR-10 in {data_folder()}: biglittle data fetch cifar10")
    done = rerun(ready.content(), dataset.load()["test"])
    assert done.right / done.n == pytest.approx(ready.card.accuracy, abs=1e-3)
    assert done.escalated / done.n == pytest.approx(ready.card.escalation_rate, abs=2e-3)


def test_made_images_are_the_same_everywhere() -> None:
    images = made_images(32, 32, 3)
    assert images.shape == (10, 32, 32, 3)
    digest = hashlib.sha256(images.tobytes()).hexdigest()
    assert digest == "06373db082a2020f908551191776b7a5aa405a477812272ba63833e0fa742533"
    assert len({image.tobytes() for image in images}) == 10


def test_what_is_handed_out_explains_itself_and_runs(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    out = tmp_path / "mine"
    files = hand_out(SHIPPED[0][1], out)
    assert {path.name for path in files} == {"cascade.onnx", "card.json", "README.md"}
    assert read_json(out / "card.json", Card) == SHIPPED[0][1].card
    text = (out / "README.md").read_text(encoding="utf-8")
    program = text.split("```python\n")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=out, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[0] in json.loads(
        pytest.importorskip("onnxruntime")
        .InferenceSession(out / "cascade.onnx", providers=["CPUExecutionProvider"])
        .get_modelmeta()
        .custom_metadata_map["classes"]
    )
    assert f"{100 * SHIPPED[0][1].card.accuracy:.2f} %" in text
    assert "measured" in text


def test_a_changed_graph_is_not_handed_out(copied: Ready, tmp_path: Path) -> None:
    content = bytearray(copied.graph.read_bytes())
    content[len(content) // 2] ^= 1
    copied.graph.write_bytes(bytes(content))
    told = rf"the card of cascade {copied.card.name} says .*table build --stage cascades"
    with pytest.raises(TableError, match=told):
        hand_out(copied, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    copied.graph.unlink()
    told = rf"{copied.card.name} is missing: .*{copied.graph.name}.*table build --stage cascades"
    with pytest.raises(TableError, match=told):
        copied.content()
    copied.graph.mkdir()
    with pytest.raises(TableError, match=rf"{copied.graph.name}: "):
        copied.content()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[:100], "card of a cascade"),
        (lambda text: text.replace("biglittle-ready-1", "biglittle-ready-9"), "biglittle-ready-9"),
        (lambda text: text.replace('"accuracy": 0.', '"accuracy": 7.', 1), "accuracy"),
    ],
)
def test_a_damaged_card_is_refused(copied: Ready, tmp_path: Path, change, said: str) -> None:  # type: ignore[no-untyped-def]
    card = copied.folder / f"{copied.card.name}.json"
    card.write_text(change(card.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(TableError, match=said):
        listed(tmp_path)


def test_the_command_line_lists_and_hands_out(command_line, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    name, ready = SHIPPED[0][1].card.name, SHIPPED[0][1]
    code, out, _ = command_line("table", "cascades")
    assert code == 0
    assert name in out
    code, out, _ = command_line("table", "cascades", "--json")
    listed = {row["name"]: row for row in json.loads(out)["cascades"]}
    assert listed[name]["sha256"] == ready.card.sha256
    assert listed[name]["provenance"]["accuracy"] == "measured"
    code, _, err = command_line("table", "extract", name, "--out", str(tmp_path / "got"))
    assert code == 0, err
    assert (tmp_path / "got" / "cascade.onnx").read_bytes() == ready.content()
    code, _, _ = command_line("table", "extract", name, "--out", str(tmp_path / "got"))
    assert code == 0  # again, into the folder that is there


def test_another_device_has_its_own_latencies_and_the_cheapest_comes_first(tmp_path: Path) -> None:
    """No cascade was chosen for a board of one's own, and each that ships runs there."""
    cards = {ready.card.name: ready.card for _, ready in SHIPPED}
    at_home = {row["name"]: row for row in card_records("fbnet-cifar10")}
    for card in cards.values():
        there = {row["name"]: row for row in card_records("fbnet-cifar10", card.device)}
        assert there[card.name]["latency_ms"] == pytest.approx(at_home[card.name]["latency_ms"])
        assert there[card.name]["provenance"] == at_home[card.name]["provenance"]
    profile = json.loads(find_device("raspberry-pi-4").read_text(encoding="utf-8"))
    path = tmp_path / "board.json"
    path.write_text(json.dumps({**profile, "device": "my-board"}), encoding="utf-8")
    rows = card_records("fbnet-cifar10", str(path))
    assert {row["device"] for row in rows} == {"my-board"}
    assert [row["latency_ms"] for row in rows] == sorted(row["latency_ms"] for row in rows)
    assert {row["name"]: row["chosen_for"] for row in rows} == {
        name: card.device for name, card in cards.items()
    }
    out = io.StringIO()
    print_cards(card_records("fbnet-cifar10", "jetson-nano"), Console(file=out, width=100))
    text = " ".join(out.getvalue().split())
    assert text.count("may be off by more than a factor") == 1
    assert "pi4-5ms: chosen for raspberry-pi-4 with mean latency of at most 5.000 ms" in text
    with pytest.raises(UnknownNameError, match="jetson-nano"):
        card_records("fbnet-cifar10", "nano")


def test_an_unknown_name_is_told_the_nearest() -> None:
    name, ready = SHIPPED[0]
    with pytest.raises(UnknownNameError, match=ready.card.name):
        ready_cascade(TABLES[name], ready.card.name + "s")


@pytest.mark.parametrize("width", [80, 120])
def test_the_list_cuts_no_word_in_a_narrow_terminal(width: int) -> None:
    records = card_records("fbnet-cifar10")
    out = io.StringIO()
    print_cards(records, Console(file=out, width=width))
    text = out.getvalue()
    assert "…" not in text
    assert max(map(len, text.splitlines()[:-1])) <= width
    for row in records:
        assert all(str(row[key]) in text for key in ("name", "device", "training"))
        assert row["provenance"]["latency_ms"] in text
        assert f"{row['name']}: {row['limits_text']}." in " ".join(text.split())
        assert f"{row['name']} {100 * row['gain']:+.2f}" in " ".join(text.split())
    best = max(records, key=lambda row: row["gain"])["name"]
    assert text.rstrip().endswith(f"biglittle table extract {best} --out {best}")
