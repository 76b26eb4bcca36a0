"""Tables: with the checksum made to fit, whatever is in the file is an answer or a TableError."""

from __future__ import annotations

import gc
import json
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from biglittle.bench import Table
from biglittle.bench.errors import TableError
from biglittle.bench.files import file_hash
from biglittle.bench.hdf5 import CheckedFile, Column, Hdf5Error, stored_chunks
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_info import table_info
from biglittle.bench.table_writer import write_table


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "table.h5"
    write_table(path, CONTENTS, "1", "2026-01-01")
    return path


@pytest.fixture(scope="module")
def without_checksums(whole: Path) -> Path:
    """The same in HDF5's oldest form, in which damaged headers have no checksums to betray them."""
    path = whole.with_name("old.h5")
    with h5py.File(whole) as file, h5py.File(path, "w", libver="earliest") as old:
        old.attrs.update(file.attrs)

        def again(name: str, item: h5py.Dataset | h5py.Group) -> None:
            if isinstance(item, h5py.Dataset):
                stored = {"chunks": item.chunks, "compression": item.compression}
                made = old.create_dataset(name, data=item[()], **stored)
            else:
                made = old.require_group(name)
            made.attrs.update(item.attrs)

        file.visititems(again)
    use(path)
    return path


def signed(path: Path) -> Path:
    """A table with a manifest that says the hash it has."""
    path.with_suffix(".json").write_text(json.dumps({"sha256": file_hash(path)}))
    return path


def use(path: Path) -> None:
    """Everything that a table gives."""
    table = Table(signed(path))
    table_info(table)
    table.cotrained()
    for split in ("val", "test"):
        table.predictions(split)
    for device in table.devices:
        table.costs(device)
    table.contents()


Change = Callable[[h5py.File], object]


def replaced(place: str, **named: Any) -> Change:
    def change(file: h5py.File) -> None:
        if place in file:
            del file[place]
        file.create_dataset(place, **named)

    return change


def values(place: str, at: Any, value: Any) -> Change:
    def change(file: h5py.File) -> None:
        array = file[place][()]
        array[at] = value
        attributes = dict(file[place].attrs)
        del file[place]
        file[place] = array
        file[place].attrs.update(attributes)

    return change


def attribute(place: str, name: str, value: Any) -> Change:
    return lambda file: file[place].attrs.__setitem__(name, value)


def link(place: str, target: Any) -> Change:
    def change(file: h5py.File) -> None:
        if place in file:
            del file[place]
        file[place] = target if not isinstance(target, str) else file[target]

    return change


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((N,), "f8")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "x", (N,))
    del file["devices/synthetic-device/latency_ms"]
    file.create_virtual_dataset("devices/synthetic-device/latency_ms", layout)


CONTENTS = synthetic_table(n_pairs=1)
N, N_VAL = len(CONTENTS.networks["seed"]), len(CONTENTS.val_index)
LATENCY = "devices/synthetic-device/latency_ms"
CHANGES: dict[str, tuple[Change, str]] = {
    "external link": (
        link(LATENCY, h5py.ExternalLink("other.h5", "/x")),
        r"latency_ms' is a link to another place",
    ),
    "soft link": (link(LATENCY, h5py.SoftLink("/networks/macs")), "is a link to another place"),
    "soft link to itself": (link(LATENCY, h5py.SoftLink(f"/{LATENCY}")), "is a link to another"),
    "hard link": (link(LATENCY, "networks/macs"), "under two names"),
    "loop": (link("devices/loop", "devices"), "under two names"),
    "loop at the root": (link("networks/loop", "/"), "under two names"),
    "virtual": (virtual, "keeps its data in another file"),
    "external storage": (
        replaced(LATENCY, shape=(1,), dtype="f8", external=[("/etc/hostname", 0, 8)]),
        r"has shape \(1,\), expected",
    ),
    "external storage of labels": (
        replaced(
            "splits/test_labels", shape=(300,), dtype="u1", external=[("/etc/passwd", 0, 300)]
        ),
        "keeps its data in another file",
    ),
    "20 TiB": (
        replaced("packing/margin", shape=(20 * 2**40,), dtype="u1", chunks=(2**20,)),
        "would make the file take more than 32 times",
    ),
    "never written": (
        replaced("splits/val_index", shape=(N_VAL,), dtype="i8"),
        "bytes and has others stored",
    ),
    "never written in chunks": (
        replaced("splits/val_index", shape=(N_VAL,), dtype="i8", chunks=(N_VAL,)),
        "lacks some of its data",
    ),
    "shuffled": (
        replaced("splits/val_index", data=np.arange(N_VAL), shuffle=True, compression="gzip"),
        "another way than plain or by gzip",
    ),
    "large chunks": (
        replaced("splits/val_index", shape=(N_VAL,), dtype="i8", chunks=(2**27,), maxshape=(None,)),
        "more than it holds",
    ),
    "objects": (
        replaced("networks/role", data=["a"] * N, dtype=h5py.string_dtype()),
        "is of type object",
    ),
    "fields": (
        replaced("networks/seed", data=np.zeros(N, [("a", "i4")])),
        "is of type .* expected one of kind",
    ),
    "references": (
        replaced("networks/seed", shape=(N,), dtype=h5py.ref_dtype),
        "is of type object",
    ),
    "a type in the tree": (lambda f: f.__setitem__("t", np.dtype("f8")), "neither a group nor"),
    "another name": (replaced("networks/best", data=np.zeros(N)), "is not part of such a file"),
    "missing": (lambda f: f.pop("networks/macs"), "'networks/macs' is missing"),
    "a group instead": (
        lambda f: (f.pop("splits/val_index"), f.create_group("splits/val_index")),
        "'splits/val_index' is missing",
    ),
    "other rank": (replaced("networks/macs", data=np.zeros((N, 2), int)), r"has shape \(\d+, 2\)"),
    "other length": (replaced("networks/macs", data=np.zeros(3, int)), r"has shape \(3,\)"),
    "negative latency": (values(LATENCY, 3, -1.0), "has -1.0, expected finite numbers above 0"),
    "no latency": (values(LATENCY, 3, 0.0), "has 0.0, expected finite"),
    "endless latency": (values(LATENCY, 3, np.inf), "has inf, expected finite"),
    "labels": (values("splits/val_labels", 3, 10), "has class 10, expected less than 10"),
    "answers": (values("predictions/val/top1", (0, 3), 10), "has class 10, expected less than"),
    "duplicate rows": (
        lambda f: [
            values(f"networks/{n}", 1, f[f"networks/{n}"][0])(f)
            for n in ("architecture", "training", "seed")
        ],
        "is there twice",
    ),
    "duplicate images": (values("splits/val_index", 1, 0), "an image twice|is missing"),
    "negative macs": (values("networks/macs", 0, -5), "has -5, expected at least 0"),
    "architecture": (
        values("networks/architecture", 0, b"x" * 22),
        "contains 'x'",
    ),
    "no ASCII": (values("networks/architecture", 0, b"\xff" * 22), "codec|ordinal"),
    "training": (values("networks/training", 0, b"dreamt"), "training must be one of"),
    "classes": (attribute("/", "n_classes", 0), "'n_classes' is 0, expected 1 to 256"),
    "classes as text": (attribute("/", "n_classes", "ten"), "is not a whole number"),
    "schema as text": (attribute("/", "schema_version", "two"), "is not a whole number"),
    "an array of names": (attribute("/", "name", ["a", "b"]), "is not a text or a number"),
    "name": (attribute("/", "name", "a\nb"), "is not one line of text"),
    "long name": (attribute("/", "name", "a" * 5000), "is not one line of text"),
    "choices": (attribute("/", "choices", "[1]"), r"'choices'\[0\] is 1"),
    "JSON": (attribute("/", "training", "["), "'training' is not JSON"),
    "JSON of another kind": (attribute("/", "training", "[]"), "is a list, expected an object"),
    "deep JSON": (attribute("/", "training", "[" * 60_000), "'training' is nested more than"),
    "empty attribute": (attribute("/", "training", h5py.Empty("f")), "is not a text|is empty"),
    "gate": (
        attribute("devices/synthetic-device", "gate_ms", "-1"),
        "gate_ms is -1, expected at least 0",
    ),
    "gate as text": (attribute("devices/synthetic-device", "gate_ms", '"x"'), "gate_ms is 'x'"),
    "provenance": (attribute("devices/synthetic-device", "provenance", "3"), "provenance"),
    "packing of itself": (
        attribute("packing/margin", "given", '["margin"]'),
        r"'packing/\w+' is given by metrics that are not there",
    ),
    "packing of others": (
        attribute("packing/margin", "given", '["max_prob"]]'),
        "not JSON",
    ),
    "packing of two": (
        attribute("packing/margin", "given", '["max_prob", "max_prob"]'),
        r"has shape \(256,\), expected 256 for each",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_table_may_not_hold_is_named(whole: Path, tmp_path: Path, name: str) -> None:
    change, text = CHANGES[name]
    path = Path(shutil.copy(whole, tmp_path / "t.h5"))
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(TableError, match=text) as told:
        use(path)
    assert str(path) in str(told.value)


def test_no_byte_of_another_file_is_read(whole: Path, tmp_path: Path) -> None:
    """The hash of a table covers its figures: no other file changes them."""
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.ones(N)
    for target in (h5py.ExternalLink("other.h5", "/x"), h5py.ExternalLink("other.h5", "/")):
        path = Path(shutil.copy(whole, tmp_path / "t.h5"))
        with h5py.File(path, "r+") as file:
            link(LATENCY, target)(file)
        with pytest.raises(TableError, match="link to another place or another file"):
            use(path)


def test_a_small_file_does_not_expand_beyond_its_size(
    tmp_path: Path, in_a_cell: Callable[..., str]
) -> None:
    """A chunk that inflates to 1 GB, where the data set declares a few bytes."""
    path, packer = tmp_path / "bomb.h5", zlib.compressobj(1)
    chunk = b"".join(packer.compress(bytes(2**20)) for _ in range(1000)) + packer.flush()
    with h5py.File(path, "w") as file:
        made = file.create_dataset("x", (1000,), "u1", chunks=(1000,), compression="gzip")
        made.id.write_direct_chunk((0,), chunk)
    assert path.stat().st_size < 2**23
    code = """
import sys
from pathlib import Path
from biglittle.bench.hdf5 import CheckedFile, Column, Hdf5Error, stored_chunks
try:
    CheckedFile(Path(sys.argv[1]), {"x": Column("u", ("n",))}).read("x")
except Hdf5Error as error:
    print(error)
"""
    assert "expands to more than it declares" in in_a_cell(code, path, memory_mib=600)


def test_one_text_that_is_in_many_rows_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "texts.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=["a" * 1000] + ["b"] * 99, dtype=h5py.string_dtype())
    content = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        at = file["x"].id.get_offset()
    content[at : at + 1600] = content[at : at + 16] * 100
    path.write_bytes(content)
    with (
        CheckedFile(path, {"x": Column("O", ("n",))}) as file,
        pytest.raises(Hdf5Error, match="declares more text than the file has"),
    ):
        file.read("x")


def test_a_heap_without_an_end_is_not_walked(
    without_checksums: Path, tmp_path: Path, in_a_cell: Callable[..., str]
) -> None:
    """A free object of size 0, at which the library itself stays for ever."""
    content = bytearray(without_checksums.read_bytes())
    at = content.index(b"GCOL") + 16
    while int.from_bytes(content[at : at + 2], "little"):
        length = int.from_bytes(content[at + 8 : at + 16], "little")
        at += 16 + length + -length % 8
    content[at + 8 : at + 16] = bytes(8)
    (tmp_path / "t.h5").write_bytes(content)
    code = """
import sys
from pathlib import Path
from biglittle.bench import Table
from biglittle.bench.errors import TableError
try:
    Table(Path(sys.argv[1]), check=False)
except TableError as error:
    print(error)
"""
    told = in_a_cell(code, tmp_path / "t.h5", time_s=20)
    assert "has an object of an impossible size" in told


def test_a_damaged_index_of_chunks_does_no_harm_to_the_process(
    without_checksums: Path, tmp_path: Path, in_a_cell: Callable[..., str]
) -> None:
    """``read_direct_chunk`` wrote beyond its buffer where an index named one chunk twice."""
    content = without_checksums.read_bytes()
    (tmp_path / "whole.h5").write_bytes(content)
    code = """
import sys
from pathlib import Path
import numpy as np
from biglittle.bench.hdf5 import CheckedFile, Column, Hdf5Error
whole = Path(sys.argv[1]).read_bytes()
nodes = [at for at in range(len(whole)) if whole[at : at + 5] == b"TREE\\1"]
columns = {"**": Column("biufS", None)}
refused = 0
for seed in range(150):
    rng, data = np.random.default_rng(seed), bytearray(whole)
    at = nodes[int(rng.integers(0, len(nodes)))] + int(rng.integers(24, 400))
    data[at] = int(rng.integers(0, 256))
    path = Path(sys.argv[1]).with_name(f"{seed}.h5")
    path.write_bytes(data)
    try:
        with CheckedFile(path, columns) as file:
            for place in file:
                file.read(place)
    except Hdf5Error:
        refused += 1
    path.unlink()
print(refused)
"""
    assert int(in_a_cell(code, tmp_path / "whole.h5")) > 0


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "t.h5")
    (tmp_path / "t.json").write_text(f'{{"sha256": "{"0" * 64}"}}')
    for check in (True, False):
        with pytest.raises(TableError, match="a folder, a pipe or a device"):
            Table(tmp_path / "t.h5", check=check)


@pytest.mark.parametrize(
    "text", ["[]", "3", '{"sha256": 3}', '{"sha256": null}', "[" * 50_000, "", "{}", " " * 10**5]
)
def test_a_manifest_of_anything_is_an_error(whole: Path, tmp_path: Path, text: str) -> None:
    path = Path(shutil.copy(whole, tmp_path / "t.h5"))
    path.with_suffix(".json").write_text(text)
    with pytest.raises(TableError, match="has no manifest"):
        Table(path)


def test_chunks_are_listed_alike_by_old_and_new_libraries(whole: Path) -> None:
    with h5py.File(whole) as file:
        dataset = file["predictions/val/top1"]
        new, old = (stored_chunks(dataset, at_once) for at_once in (True, False))
    assert sorted(map(tuple, new)) == sorted(map(tuple, old))
    assert len(new) == N


def test_a_table_that_nobody_holds_is_closed(whole: Path) -> None:
    def n_open() -> int:
        return int(h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_ALL))

    gc.collect()
    before = n_open()
    for _ in range(3):
        use(whole)
        assert n_open() == before


def altered(file: h5py.File, rng: np.random.Generator) -> None:
    """Moves, copies, deletes, retypes or renames something in the tree."""
    places: list[str] = []
    file.visit(places.append)
    place, other = (places[int(i)] for i in rng.integers(0, len(places), 2))
    item = file[place]
    match int(rng.integers(0, 7)):
        case 0:
            del file[place]
        case 1 if not other.startswith(place) and not place.startswith(other):
            del file[other]
            file.copy(file[place], other)
        case 2 if place != other:
            file[f"{place if isinstance(item, h5py.Group) else ''}/more"] = file[other]
        case 3 if isinstance(item, h5py.Dataset):
            dtype = str(rng.choice(["u1", "i8", "f4", "S3", "?"]))
            shape = tuple(int(n) for n in rng.integers(0, 20, int(rng.integers(0, 3))))
            replaced(place, data=np.zeros(shape, dtype))(file)
        case 4 if isinstance(item, h5py.Dataset) and item.dtype.kind in "iuf" and item.size:
            extreme = [-1, 0, 255, 2**40, float("nan"), float("inf")][int(rng.integers(0, 6))]
            at = np.unravel_index(int(rng.integers(0, item.size)), item.shape)
            with np.errstate(invalid="ignore"):
                array = item[()]
                array[at] = np.float64(extreme).astype(array.dtype)
            replaced(place, data=array)(file)
        case 5:
            where = file if rng.integers(0, 2) else item
            names = list(where.attrs) or ["given"]
            value = [3, "x", "[]", '{"a": 1}', [1, 2], b"\xff", 1.5][int(rng.integers(0, 7))]
            where.attrs[names[int(rng.integers(0, len(names)))]] = value
        case _:
            names = list(file.attrs)
            del file.attrs[names[int(rng.integers(0, len(names)))]]


def test_a_corpus_of_altered_tables(
    whole: Path, tmp_path: Path, count: Callable[[int], int], answers: Any
) -> None:
    path = tmp_path / "t.h5"
    for seed in range(count(60)):
        path.unlink(missing_ok=True)  # HDF5 knows an open file by its inode
        shutil.copy(whole, path)
        with h5py.File(path, "r+") as file:
            try:
                altered(file, np.random.default_rng(seed))
            except (OSError, ValueError, RuntimeError, TypeError, KeyError):
                continue  # an alteration that HDF5 itself does not make
        answers.of(lambda: use(path), seed)
    assert answers.refused


def test_a_corpus_of_damaged_tables(
    without_checksums: Path, tmp_path: Path, mutations: Any, answers: Any
) -> None:
    content, path = without_checksums.read_bytes(), tmp_path / "t.h5"
    for damaged in mutations(content, 60):
        path.unlink(missing_ok=True)
        path.write_bytes(damaged)
        answers.of(lambda: use(path))
    assert answers.refused


def test_a_corpus_of_flipped_bits(
    without_checksums: Path, tmp_path: Path, count: Callable[[int], int], answers: Any
) -> None:
    """One bit each, half of them among the headers, which damage elsewhere seldom reaches."""
    content, path = without_checksums.read_bytes(), tmp_path / "t.h5"
    for seed in range(count(80)):
        rng = np.random.default_rng(seed)
        data = bytearray(content)
        at = int(rng.integers(0, len(data) if seed % 2 else 6000))
        data[at] ^= 1 << int(rng.integers(0, 8))
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        answers.of(lambda: use(path), seed)


def test_a_trunk_may_cost_nothing_and_not_less(tmp_path: Path) -> None:
    path, trunk = tmp_path / "table.h5", "devices/synthetic-device/trunk_ms"
    contents = synthetic_table(n_networks=8, seed=1, n_exits=2)
    for value, refused in ((0.0, False), (-1.0, True), (np.inf, True)):
        write_table(path, contents, "test", "2020-01-01")
        with h5py.File(path, "r+") as file:
            row = int(np.flatnonzero(~np.isnan(file[trunk][:]))[0])
            file[trunk][row] = value
        if refused:
            with pytest.raises(TableError, match=r"trunk_ms' has .* numbers of at least 0"):
                Table(signed(path))
        else:
            Table(signed(path))
