"""Files of answers in every form that is taken, and those that are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench.errors import AnswersError
from biglittle.data_tables.own.answer_files import (
    networks_in,
    read_answers,
    read_ids,
    read_labels,
)

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], np.float32)
TOP1, CONFIDENCE = PROBABILITIES.argmax(1), PROBABILITIES.max(1)
IDS = np.array(["b.png", "a.png"])


def test_a_npy_file_stays_on_disk(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", PROBABILITIES)
    given = read_answers(tmp_path / "a.npy").given
    assert isinstance(given, np.memmap)
    assert np.array_equal(given, PROBABILITIES)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_npz_file_is_one_network_or_several(tmp_path: Path, compressed: bool) -> None:
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "one.npz", logits=PROBABILITIES, ids=IDS)
    save(tmp_path / "pair.npz", top1=TOP1, confidence=CONFIDENCE)
    save(tmp_path / "two.npz", mobile=PROBABILITIES, large=PROBABILITIES[::-1], labels=TOP1)
    assert networks_in(tmp_path / "one.npz") == networks_in(tmp_path / "pair.npz") == ("",)
    one = read_answers(tmp_path / "one.npz")
    assert (one.kind, np.asarray(one.ids).tolist()) == ("logits", IDS.tolist())
    assert np.array_equal(one.given, PROBABILITIES)
    assert np.array_equal(read_answers(tmp_path / "pair.npz").given[1], CONFIDENCE)
    assert networks_in(tmp_path / "two.npz") == ("mobile", "large")
    assert np.array_equal(read_answers(tmp_path / "two.npz", "large").given, PROBABILITIES[::-1])
    assert read_labels(tmp_path / "two.npz")[0].tolist() == TOP1.tolist()


def _csv(frame: Any, path: Path) -> None:
    frame.to_csv(path.with_suffix(".csv"), index=False)


def _csv_with_index(frame: Any, path: Path) -> None:
    frame.to_csv(path.with_suffix(".csv"))


def _parquet(frame: Any, path: Path) -> None:
    frame.to_parquet(path.with_suffix(".parquet"))


@pytest.mark.parametrize("write", [_csv, _csv_with_index, _parquet])
def test_tables_hold_classes_or_top1_and_confidence(
    tmp_path: Path, write: Callable[[Any, Path], None]
) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(PROBABILITIES, columns=["cat", "dog", "cow"])
    write(frame, tmp_path / "whole")
    write(frame.assign(id=IDS, label=TOP1), tmp_path / "named")
    write(pandas.DataFrame({"top1": TOP1, "confidence": CONFIDENCE, "id": IDS}), tmp_path / "pair")
    write(pandas.DataFrame({"label": TOP1}), tmp_path / "labels")

    def path(name: str) -> Path:
        return next(tmp_path.glob(f"{name}.*"))

    assert networks_in(path("whole")) == ("",)
    assert np.allclose(read_answers(path("whole")).given, PROBABILITIES)
    named = read_answers(path("named"))
    assert np.allclose(named.given, PROBABILITIES)
    assert np.asarray(named.ids).tolist() == IDS.tolist()
    top1, confidence = read_answers(path("pair")).given
    assert top1.tolist() == TOP1.tolist()
    assert np.allclose(confidence, CONFIDENCE)
    assert read_labels(path("labels"))[0].tolist() == TOP1.tolist()
    labels, ids = read_labels(path("named"))
    assert (labels.tolist(), np.asarray(ids).tolist()) == (TOP1.tolist(), IDS.tolist())
    assert read_ids(path("named")).tolist() == IDS.tolist()


def test_a_csv_file_without_a_head_loses_no_row(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    np.savetxt(tmp_path / "a.csv", PROBABILITIES, delimiter=",")
    assert np.allclose(read_answers(tmp_path / "a.csv").given, PROBABILITIES)
    np.savetxt(tmp_path / "y.csv", TOP1 + 1, fmt="%d")
    assert read_labels(tmp_path / "y.csv")[0].tolist() == (TOP1 + 1).tolist()


def _objects(path: Path) -> Path:
    np.save(path / "a.npy", np.array([[1, "x"]], dtype=object), allow_pickle=True)
    return path / "a.npy"


def _objects_in_npz(path: Path) -> Path:
    np.savez(path / "a.npz", np.array([[1, None]], dtype=object))
    return path / "a.npz"


def _cut_short(path: Path) -> Path:
    np.save(path / "a.npy", PROBABILITIES)
    whole = (path / "a.npy").read_bytes()
    (path / "a.npy").write_bytes(whole[:-5])
    return path / "a.npy"


def _text(path: Path) -> Path:
    (path / "a.csv").write_text("id,answer\nx,cat\ny,dog\n")
    return path / "a.csv"


def _pickle(path: Path) -> Path:
    (path / "a.pkl").write_bytes(b"\x80\x04.")
    return path / "a.pkl"


def _no_zip(path: Path) -> Path:
    (path / "a.npz").write_bytes(b"PK nothing")
    return path / "a.npz"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_objects, "holds Python objects"),
        (_objects_in_npz, "holds Python objects"),
        (_cut_short, "declares an array of shape"),
        (_text, "column 'answer' of .*; expected a column of numbers for each class"),
        (_pickle, "is not one of .npy, .npz, .csv, .parquet"),
        (_no_zip, "it is damaged"),
        (lambda path: path / "missing.npy", "No such file|not there|does not exist"),
    ],
)
def test_files_that_hold_no_answers(tmp_path: Path, make: Any, message: str) -> None:
    if make is _text:
        pytest.importorskip("pyarrow")
    path = make(tmp_path)
    with pytest.raises(AnswersError, match=message):
        read_answers(path, networks_in(path)[0])
