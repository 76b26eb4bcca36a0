"""``biglittle table join``: a network of one's own beside those of a table."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table and the logits of a network, in the folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "table.h5", synthetic_table(12), "0", "2026-01-01")
    table, rng = Benchmark.load("table.h5").table, np.random.default_rng(0)
    for split in ("val", "test"):
        labels = table.predictions(split).labels
        logits = rng.normal(size=(len(labels), table.n_classes)).astype(np.float32)
        logits[np.arange(len(labels)), labels] += 3
        np.save(f"{split}.npy", logits)
    return tmp_path


FILES = ("--val", "val.npy", "--test", "test.npy", "--table", "table.h5")


def test_the_table_is_written_and_the_next_command_runs(place: Path, command_line: Run) -> None:
    cost = ("--cost", "raspberry-pi-4=42", "--macs", "1000000000")
    options = (*FILES, "--kind", "logits", *cost, "--out", "my tables/joined.h5")
    code, out, err = command_line("table", "join", "my oracle", *options)
    assert (code, err) == (0, "")
    assert "(given)" in out
    follows = shlex.split(out.splitlines()[-1])
    assert follows[:2] == ["biglittle", "query"]
    options = ("--device", "raspberry-pi-4", "--threshold", "1", "--json")
    code, out, _ = command_line(*follows[1:], *options)
    assert code == 0
    point = json.loads(out)
    assert point["provenance"]["latency_ms"] == "given"
    assert point["escalation_rate"] == 1.0
    truth = Benchmark.load("table.h5").table.predictions("test").labels
    assert point["accuracy"] == (np.load("test.npy").argmax(axis=1) == truth).mean()


def test_json_says_what_was_written(place: Path, command_line: Run) -> None:
    code, out, _ = command_line("table", "join", "mine", *FILES, "--kind", "logits", "--json")
    assert code == 0
    record = json.loads(out)
    assert record["table"] == "joined.h5"
    assert record["provenance"] == {"accuracy": "given"}
    assert record["sha256"] == Benchmark.load("joined.h5").table.sha256


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("--out", "mine.txt"), "expected one that ends in .h5"),
        (("--out", "table.h5"), "add --replace, or another --out"),
        (("--cost", "42"), "is not DEVICE=MS"),
        (("--cost", "my-board=42"), "my-board"),
        (("--kind", "probabilities"), "give kind 'logits' (--kind logits)"),
        (("--val", "test.npy"), "400 answers of val and there are 300"),
        (("--val", "none.npy"), "none.npy"),
        (("--val", "ids.csv"), "and no ids"),
    ],
)
def test_what_does_not_fit_is_one_line(
    place: Path, command_line: Run, change: tuple[str, str], text: str
) -> None:
    rows = "".join(f"{i},{i % 3},0.5\n" for i in range(300))
    (place / "ids.csv").write_text("id,top1,confidence\n" + rows, encoding="utf-8")
    before = (place / "table.h5").read_bytes()
    code, out, err = command_line("table", "join", "mine", *FILES, "--kind", "logits", *change)
    assert (code, out) == (1, "")
    assert text in " ".join(err.split())
    assert (place / "table.h5").read_bytes() == before
    assert not (place / "joined.h5").exists()
