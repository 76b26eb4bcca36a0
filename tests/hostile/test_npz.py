"""Checkpoints, logs, scores and answers of networks: damaged files of arrays are one sentence."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import CheckpointError, SurrogateError
from biglittle.bench.npz import (
    ArrayFileError,
    Wanted,
    map_npy,
    npz_names,
    parse_npy,
    read_npy,
    read_npz,
)
from biglittle.bench.synthetic import synthetic_table
from biglittle.searchers.log import EvaluationLog, LoggedBatch, logged_population

SPACE = get_space("fbnet")


# ---- .npy and .npz -------------------------------------------------------------------------------
def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def with_header(text: str, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text.encode() + content


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.zeros((0, 4), np.float32),
        np.array(True),
        np.arange(3, dtype=">i4"),
    ],
)
def test_arrays_of_numbers_come_back_writable(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    read = read_npy(tmp_path / "a.npy")
    assert read.dtype == array.dtype
    assert np.array_equal(read, array)
    assert read.flags.writeable


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1 << 40,), }"), "damaged"),
        (with_header("{'descr': '<f8','fortran_order': False,'shape': (2147483648,)}"), "declares"),
        (with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"), "declares"),
        (with_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"1" * 8), "holds"),
        (with_header("{'descr': [('a','<f8')],'fortran_order':False,'shape':(1,)}"), "holds"),
        (with_header("(" * 5000), "damaged"),
        (with_header("{'descr': '|b1','fortran_order':False,'shape':(1,)}", b"\2"), "truth values"),
        (npy(np.array("text")), "holds <U4"),
        (b"PK\x03\x04", "damaged"),
        (b"", "damaged"),
    ],
)
def test_other_arrays_are_refused_before_memory_is_taken(content: bytes, text: str) -> None:
    with pytest.raises(ArrayFileError, match=text):
        parse_npy(content)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.zeros((0, 4), np.float32),
        np.arange(3, dtype=">i4"),
    ],
)
def test_a_mapped_array_is_the_one_that_was_saved(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    mapped = map_npy(tmp_path / "a.npy")
    assert mapped.dtype == array.dtype
    assert np.array_equal(mapped, array)
    if array.size:
        assert isinstance(mapped, np.memmap)
        with pytest.raises(ValueError, match="read-only"):
            mapped[0] = 0


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (npy(np.arange(6.0))[:-1], "declares an array of shape"),
        (npy(np.arange(6.0)) + b"x", "declares an array of shape"),
        (with_header("{'descr': '<f8','fortran_order': False,'shape': (2147483648,)}"), "declares"),
        (with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"), "declares"),
        (with_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"1" * 8), "holds"),
        (npy(np.array([True])), "holds bool"),
        (npy(np.array(["text"])), "holds <U4"),
        (b"PK\3\4", "damaged"),
        (b"", "damaged"),
    ],
)
def test_nothing_is_mapped_that_is_not_an_array_of_numbers(
    tmp_path: Path, content: bytes, text: str
) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ArrayFileError, match=text):
        map_npy(tmp_path / "a.npy")
    with pytest.raises(ArrayFileError, match="a folder, a pipe or a device"):
        map_npy(tmp_path)


def test_names_are_read_of_an_archive_and_of_nothing_else(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", b=np.zeros(2), a=np.ones(3))
    assert npz_names(tmp_path / "a.npz") == ("b", "a")
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-30])
    with pytest.raises(ArrayFileError, match="damaged or too large"):
        npz_names(tmp_path / "b.npz")


def test_text_that_is_not_unicode_is_refused() -> None:
    content = bytearray(npy(np.array(["ab"])))
    content[-4:] = b"\xff\xff\xff\x7f"
    with pytest.raises(ArrayFileError, match="not Unicode"):
        parse_npy(content, "U")


def test_a_zip_bomb_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    header = with_header("{'descr':'|u1','fortran_order':False,'shape':(134217728,)}")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", header + bytes(2**27))
    assert path.stat().st_size < 2**18
    with pytest.raises(ArrayFileError, match="more than 200 times the file"):
        read_npz(path, {"x": Wanted("u", ("n",))})


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"x": np.zeros(3)}, "'y' is missing, unknown or there twice"),
        ({"x": np.zeros(3), "y": np.zeros(3), "z": np.zeros(3)}, "'z' is missing, unknown"),
        ({"x": np.zeros(3), "y": np.zeros(4)}, r"'y' has shape \(4,\), expected .* with n = 3"),
        ({"x": np.zeros(3), "y": np.zeros((3, 1))}, r"'y' has shape \(3, 1\)"),
        ({"x": np.zeros(3), "y": np.zeros(3, int)}, "'y': it holds int64, expected"),
        ({"x": np.zeros(3), "y": np.array([None])}, "'y': it holds object"),
    ],
)
def test_an_archive_holds_what_is_expected(
    tmp_path: Path, arrays: dict[str, np.ndarray], text: str
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    wanted = {name: Wanted("f", ("n",)) for name in ("x", "y")}
    with pytest.raises(ArrayFileError, match=text):
        read_npz(tmp_path / "a.npz", wanted)


# ---- the files that are made of them -------------------------------------------------------------
def search_log(path: Path) -> Path:
    rng = np.random.default_rng(0)
    batches = [
        LoggedBatch(
            genes=rng.integers(0, 5, (4, 46)),
            room=20.0,
            fidelity=1.0,
            ended_s=1.5,
            owner=np.array([0, 1, 1, 2, 3]),
            gate=np.array([0, 1, 2, 0, 1]),
            cut=np.array([0, 256, 3, 4, 5]),
            figures={"accuracy": rng.random(5), "latency_ms": rng.random(5)},
        )
        for _ in range(3)
    ]
    EvaluationLog({"population": 4, "searcher": "nsga2"}, batches).write(path)
    return path


def found_networks(path: Path) -> Path:
    from biglittle.surrogates.evaluated_networks import EvaluatedNetworks, write_evaluated

    contents = synthetic_table(n_networks=4)
    ids = tuple(map(str, contents.networks["architecture"]))
    write_evaluated(path, SPACE, EvaluatedNetworks(ids, contents.predictions["val"]))
    return path


def read_found_networks(path: Path) -> object:
    from biglittle.bench.gates import stored_metrics
    from biglittle.surrogates.evaluated_networks import read_evaluated

    labels = synthetic_table(n_networks=4).predictions["val"].labels
    return read_evaluated(path, SPACE, labels, stored_metrics())


def evaluation(path: Path) -> Path:
    pytest.importorskip("torch")
    from biglittle.bench.rows import NetworkKey
    from biglittle.data_tables.building.evaluate import Evaluation, EvaluationKey, write_evaluation

    predictions = synthetic_table(n_networks=4).predictions
    answers = {
        s: {"top1": p.top1[0], **{g: c[0] for g, c in p.codes.items()}}
        for s, p in predictions.items()
    }
    write_evaluation(path, Evaluation(EvaluationKey(NetworkKey("8" * 22)), "0" * 64, answers))
    return path


def read_network(path: Path) -> object:
    from biglittle.data_tables.building.evaluate import read_evaluation, read_key

    return read_key(path), read_evaluation(path)


def checkpoint(path: Path) -> Path:
    torch = pytest.importorskip("torch")
    from biglittle.cotrain.checkpoint import save_checkpoint

    tensors = {"a": torch.arange(12.0).reshape(3, 4), "b": torch.tensor([True]), "c": torch.ones(2)}
    save_checkpoint(path, {"seed": 0}, {"step": 3}, weights=tensors, momentum={})
    return path


def old_checkpoint(path: Path) -> Path:
    pytest.importorskip("torch")
    with h5py.File(path, "w") as file:
        file.attrs["format"] = "biglittle-checkpoint-1"
        file.attrs["identity"], file.attrs["progress"] = '{"seed": 0}', '{"step": 5}'
        file["weights/stem.0.weight"] = np.arange(6, dtype=np.float32).reshape(2, 3)
        file["weights/n"] = np.int64(7)
    return path


def read_run(path: Path) -> object:
    from biglittle.cotrain.checkpoint import load_checkpoint

    return load_checkpoint(path, {"seed": 0})


def scores(path: Path) -> Path:
    pytest.importorskip("torch")
    from biglittle.zerocost.bulk import SCHEMA, Columns, _write

    names = ("synflow", "naswot")
    values = {name: np.array([1.0, np.nan, 3.0]) for name in names}
    facts = {"schema": SCHEMA, "proxies": list(names)}
    reasons = ({}, {"synflow": "no"}, {})
    columns = Columns(("a", "b", "c"), np.arange(3), values, values, np.ones(3), reasons, facts)
    _write(path, columns)
    return path


def read_scores(path: Path) -> object:
    from biglittle.zerocost.bulk import read_columns

    columns = read_columns(path)
    return columns.column("synflow", ["a", "c"], 0), columns.az_nas(), columns.merged([columns])


def kept(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    np.save(path, np.random.default_rng(0).random((10, 10)).astype(np.float32))
    return path


def read_kept(path: Path) -> object:
    from biglittle.searchers.evaluators.kept_answers import kept_answers

    return kept_answers(lambda *_: np.zeros((10, 10)), path.parent)("8", 10)


FILES: dict[str, tuple[str, Callable[[Path], Path], Callable[[Path], object]]] = {
    "log": ("log.npz", search_log, lambda p: (EvaluationLog.read(p), logged_population(p))),
    "found": ("found.npz", found_networks, read_found_networks),
    "evaluation": ("e.npz", evaluation, read_network),
    "answers": ("8-10.npy", kept, read_kept),
    "checkpoint": ("c.h5", checkpoint, read_run),
    "old checkpoint": ("c.h5", old_checkpoint, read_run),
    "scores": ("s.h5", scores, read_scores),
}


@pytest.mark.parametrize("name", FILES)
def test_a_corpus_of_damaged_files(tmp_path: Path, mutations: Any, answers: Any, name: str) -> None:
    file, write, read = FILES[name]
    path = write(tmp_path / file)
    read(path)
    for content in mutations(path.read_bytes(), 120):
        path.unlink(missing_ok=True)  # HDF5 knows an open file by its inode
        path.write_bytes(content)
        answers.of(lambda: read(path), name)
    assert answers.refused


@pytest.mark.parametrize("name", ["log", "found", "evaluation"])
def test_a_corpus_of_altered_archives(
    tmp_path: Path, count: Callable[[int], int], answers: Any, name: str
) -> None:
    """Arrays that zip's checksum is right for, and that are not what they should be."""
    file, write, read = FILES[name]
    path = write(tmp_path / file)
    with np.load(path) as arrays:
        whole = {key: arrays[key] for key in arrays.files}
    for seed in range(count(120)):
        rng = np.random.default_rng(seed)
        held = dict(whole)
        key = sorted(held)[int(rng.integers(0, len(held)))]
        array = held[key]
        match int(rng.integers(0, 5)):
            case 0:
                del held[key]
            case 1:
                held[key] = array.reshape(-1)[: int(rng.integers(0, array.size + 1))]
            case 2:
                held[key] = np.zeros(array.shape, str(rng.choice(["f4", "i8", "?", "S2", "u1"])))
            case 3 if array.dtype.kind in "iuf" and array.size:
                extreme = [-1.0, 0.0, 255.0, 1e18, np.nan, np.inf][int(rng.integers(0, 6))]
                flat = array.reshape(-1).copy()
                with np.errstate(invalid="ignore"):
                    flat[int(rng.integers(0, flat.size))] = np.float64(extreme).astype(flat.dtype)
                held[key] = flat.reshape(array.shape)
            case _:
                texts = ["{}", "[]", "[" * 50_000, "3", '{"format": 3}', "\ud800", '{"seed": "x"}']
                text = texts[int(rng.integers(0, len(texts)))]
                if array.dtype.kind == "U" and rng.integers(0, 2):
                    head = json.loads(array.item()) if array.item().startswith("{") else {}
                    names = sorted(head) or ["given"]
                    head[names[int(rng.integers(0, len(names)))]] = [None, -1, "x", [1]][seed % 4]
                    text = json.dumps(head)
                held[key] = np.array(text)
        np.savez_compressed(path, **held)
        answers.of(lambda: read(path), (name, seed))
    assert answers.refused


@pytest.mark.parametrize(
    ("index", "text"),
    [
        ([["a", "<f4", [5]]], "declares more than its 16 bytes"),
        ([["a", "<f4", [2**40, 2**40]]], "declares more than"),
        ([["a", "<f4", [-4]]], r"\[0\]\[2\]\[0\] is -4, expected at least 0"),
        ([["a", "|O", [2]]], "expected one of"),
        ([["a", "<f4", [2]]], "declares 8 of its 16 bytes"),
        ([["a", "<f4", [2]], ["a", "<f4", [2]]], "names 'a' twice"),
        ([[1, "<f4", [4]]], "is 1, expected a text"),
        ([3], "is 3, expected a list"),
        ([["a", "|b1", [16]]], "neither 0 nor 1"),
        ({}, "is an object, expected a list"),
    ],
)
def test_tensors_of_a_checkpoint_fit_its_bytes(tmp_path: Path, index: Any, text: str) -> None:
    path = checkpoint(tmp_path / "c.h5")
    with h5py.File(path, "r+") as file:
        del file["momentum"], file["weights"]
        file["weights/index"] = json.dumps(index)
        file["weights/bytes"] = np.arange(16, dtype=np.uint8)
    with pytest.raises(CheckpointError, match=text):
        read_run(path)


def test_tensors_that_do_not_fit_a_network_are_one_sentence(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from biglittle.cotrain.checkpoint import restoring

    net = torch.nn.Linear(2, 2)
    for states in ({}, {"weight": torch.zeros(3, 3)}, {"weight": torch.zeros(2, 2)}):
        with pytest.raises(CheckpointError, match="cannot be read as a checkpoint"):
            with restoring(tmp_path / "c.h5"):
                net.load_state_dict(states)


def test_links_to_other_files_are_refused_everywhere(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.ones(3)
    for name in ("checkpoint", "old checkpoint", "scores"):
        file_name, write, read = FILES[name]
        path = write(tmp_path / f"{name}-{file_name}")
        with h5py.File(path, "r+") as file:
            group = "scores" if name == "scores" else "weights"
            file[f"{group}/more"] = h5py.ExternalLink("other.h5", "/x")
        with pytest.raises(Exception, match="link to another place or another file") as told:
            read(path)
        assert type(told.value).__module__.endswith("bench.errors")


def test_found_networks_of_other_gates_or_types_are_refused(tmp_path: Path) -> None:
    path = found_networks(tmp_path / "found.npz")
    with np.load(path) as arrays:
        held = dict(arrays)
    np.savez(path, **{**held, "top1": held["top1"].astype(np.uint16)})
    with pytest.raises(SurrogateError, match="its answers are not bytes"):
        read_found_networks(path)
