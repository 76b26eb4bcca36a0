"""Tables of networks that are known by name, altered by somebody: an error that names the place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import TableError
from biglittle.bench.files import file_hash

N, K = 400, 300
Change = Callable[[h5py.File], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, K, N)
    answers = {}
    for name, skill in (("a", 5.0), ("bé", 8.0)):
        logits = rng.normal(size=(N, K))
        logits[np.arange(N), labels] += skill
        answers[name] = logits
    path = tmp_path_factory.mktemp("given") / "mine.h5"
    Benchmark.from_answers(answers, labels, {"a": 1.0, "bé": 9.0}, out=path, kind="logits")
    return path


def replaced(place: str, **named: Any) -> Change:
    def change(file: h5py.File) -> None:
        del file[place]
        file.create_dataset(place, **named)

    return change


def attribute(name: str, value: Any) -> Change:
    return lambda file: file.attrs.__setitem__(name, value)


PLACE = "predictions/val/top1"
CHANGES: dict[str, tuple[Change, str]] = {
    "not UTF-8": (
        replaced("networks/architecture", data=np.array([b"a", b"b\xff"])),
        "'utf-8' codec can't decode",
    ),
    "two of one name": (
        replaced("networks/architecture", data=np.array([b"a", b"a"])),
        "two networks are called 'a'",
    ),
    "another name": (
        replaced("networks/architecture", data=np.array([b"a", b"c"])),
        "was made for another version of space 'given'",
    ),
    "a name of two lines": (
        replaced("networks/architecture", data=np.array([b"a", b"b\nc"])),
        "expected one line of at most 200 printable characters",
    ),
    "no name": (
        replaced("networks/architecture", data=np.array([b"a", b""])),
        "is not the name of a network",
    ),
    "narrow labels": (
        replaced("splits/val_labels", data=np.zeros(N // 2, np.uint8)),
        "is of type uint8, expected uint16 for 300 classes",
    ),
    "wide answers": (
        replaced(PLACE, data=np.zeros((2, N // 2), np.uint32)),
        "is of type uint32, expected uint16",
    ),
    "a class too many": (
        replaced(PLACE, data=np.full((2, N // 2), K, np.uint16)),
        "has class 300, expected less than 300",
    ),
    "endless classes": (attribute("n_classes", 2**40), "expected 1 to 16777216"),
    "an older version": (attribute("schema_version", 2), "'n_classes' is 300, expected 1 to 256"),
    "a newer version": (
        attribute("schema_version", 7),
        "reads 1 and 2 and 3 and 4 and 5 and 6",
    ),
    "a metric of one split": (
        lambda file: file.pop("predictions/test/margin"),
        "'predictions/test/margin' is missing",
    ),
    "an endless value": (
        lambda file: file["predictions/val/log_sum_exp"].__setitem__((0, 3), np.inf),
        "'predictions/val/log_sum_exp' has NaN or infinity",
    ),
    "a value of one split": (
        lambda file: file.pop("predictions/val/log_sum_exp"),
        "'predictions/val/log_sum_exp' is missing",
    ),
    "no metric": (
        lambda file: [file.pop(f"predictions/{s}/max_prob") for s in ("val", "test")],
        "'predictions/val/max_prob' is missing",
    ),
    "no latency": (
        replaced("devices/given/latency_ms", data=np.array([0.0, 1.0])),
        "has 0.0, expected finite",
    ),
    "another word": (
        lambda file: file["devices/given"].attrs.__setitem__(
            "provenance", json.dumps({"latency_ms": "guessed"})
        ),
        "is 'guessed', expected",
    ),
    "negative MACs": (
        replaced("networks/macs", data=np.array([0, -1])),
        "has -1, expected at least 0",
    ),
    "a memory of text": (
        lambda file: file.create_dataset("devices/given/weights_mib", data=np.array([b"a", b"b"])),
        "is of type",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_such_a_table_may_not_hold_is_named(whole: Path, tmp_path: Path, name: str) -> None:
    change, message = CHANGES[name]
    path = tmp_path / "mine.h5"
    shutil.copy(whole, path)
    with h5py.File(path, "r+") as file:
        change(file)
    path.with_suffix(".json").write_text(json.dumps({"sha256": file_hash(path)}))
    with pytest.raises(TableError, match=message):
        use(path)


def use(path: Path) -> None:
    bench = Benchmark.load(path)
    bench.accuracy("val")
    bench.costs("given")


def test_unaltered_it_is_read(whole: Path) -> None:
    assert Benchmark.load(whole).accuracy("val").min() > 0.5
