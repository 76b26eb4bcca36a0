"""``biglittle table`` and ``biglittle data``: what they print, and one line for every mistake."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.datasets import DATASETS, get_dataset
from biglittle.bench.datasets._dataset import array_hash


@pytest.fixture
def run(command_line):  # type: ignore[no-untyped-def]
    """Runs ``biglittle``."""
    return command_line


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative outputs, and the locks beside them, lie in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("build", "fbnet-cifar"), "Did you mean 'fbnet-cifar10'"),
        (("build", "--stage", "bake"), "unknown stage"),
        (("extend", "--stage", "train"), "unknown stage"),
        (("build", "--shard", "two"), "not of the form i/n"),
        (("verify", "missing.h5"), "no table file"),
        (("extract", "123", "--out", "x.onnx"), "22 digits"),
        (("extract", "7" * 22, "--out", "x.onnx"), "never trained"),
        (("design", "--networks", "3"), "give the number of pairs"),
    ],
)
@pytest.mark.usefixtures("elsewhere")
def test_mistakes_get_one_line(run, arguments: tuple[str, ...], text: str) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("torch")
    code, out, err = run("table", *arguments)
    assert code != 0
    assert out == ""
    assert text in " ".join(err.split())
    assert "Traceback" not in err


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("arguments", [("verify",), ("extract", "8" * 22, "--out", "x.onnx")])
def test_without_images_it_says_how_to_get_them(run, tmp_path: Path, arguments) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("torch")
    code, _, err = run("table", *arguments, "--data", str(tmp_path))
    assert code != 0
    assert "biglittle data fetch cifar10" in " ".join(err.split())


@pytest.mark.parametrize("precision", ["", "int8", "fp32,int8"])
def test_verify_draws_networks_of_the_precisions_that_are_named(  # type: ignore[no-untyped-def]
    run, monkeypatch, precision: str
) -> None:
    pytest.importorskip("torch")
    from biglittle.data_tables.building import reproduce

    seen = []

    def verify(table, *_):  # type: ignore[no-untyped-def]
        seen.append(table.precisions)
        return {"ok": True}

    monkeypatch.setattr(reproduce, "verify", verify)
    code, _, err = run("table", "verify", "--precision", precision, "--json")
    assert (code, err) == (0, "")
    assert seen == [tuple(precision.split(",")) if precision else ("fp32",)]


@pytest.mark.parametrize("ok", [True, False])
def test_verify_says_by_its_exit_code_what_it_found(run, monkeypatch, ok: bool) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("torch")
    from biglittle.data_tables.building import reproduce

    row = {"architecture": "8" * 22, "weights_equal": ok}
    shares = {"equal_bytes": 0.5, "disagreeing_answers": 0.25, "far_codes": 0.0}
    tolerance = {"disagreeing_answers": 0.001, "far_codes": 0.001}
    found = {"rows": [row | shares], "ok": ok, "tolerance": tolerance, **shares}
    monkeypatch.setattr(reproduce, "verify", lambda *_: found)
    code, out, _ = run("table", "verify", "--json")
    assert code == (0 if ok else 1)
    assert json.loads(out) == found
    code, out, _ = run("table", "verify")
    assert code == (0 if ok else 1)
    assert ("NOT verified" in out) != ok
    assert "50.000 % of bytes equal" in out


def test_data_is_fetched_from_a_folder_and_listed(run, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.integers(0, 256, (20, 32, 32, 3), np.uint8),
        "y_train": np.tile(np.arange(10, dtype=np.uint8), 2),
        "x_test": rng.integers(0, 256, (10, 32, 32, 3), np.uint8),
        "y_test": np.arange(10, dtype=np.uint8),
    }
    hashes = {key: array_hash(array) for key, array in arrays.items()}
    tiny = dataclasses.replace(get_dataset("cifar10"), hashes=hashes, n_val=10)
    monkeypatch.setattr(type(DATASETS), "load", lambda *_: tiny)
    source, kept = tmp_path / "source", tmp_path / "kept"
    source.mkdir()
    for key, array in arrays.items():
        np.save(source / f"{key}.npy", array)
    monkeypatch.setenv("BIGLITTLE_DATA", str(kept))
    assert json.loads(run("data", "list", "--json")[1])["cifar10"]["here"] is False
    code, _, err = run("data", "fetch", "cifar10", "--from", str(source))
    assert code == 0
    assert "hashes checked" in " ".join(err.split())
    assert json.loads(run("data", "list", "--json")[1])["cifar10"]["here"] is True
    (kept / "cifar10" / "x_test.npy").write_bytes(b"\x93NUMPY")
    listed = json.loads(run("data", "list", "--json")[1])["cifar10"]
    assert not listed["here"]
    assert "cannot be read" in listed["problem"]
