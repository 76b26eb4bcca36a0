"""``biglittle table pack`` and ``fetch``: equal tables are equal bytes; what is missing is said."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import TableError
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_archive import read_archive
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.publishing import pack


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a table, with what may lie there."""
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    folder = tmp_path / "made"
    (folder / "surrogate").mkdir(parents=True)
    write_table(folder / "table.h5", synthetic_table(), "1", "2026-01-01")
    (folder / "README.md").write_text("# A table\n\n![Front](front.png) ![](../secret.png)\n")
    for name in ("LICENSE", "front.png", "croissant.json", "notes.txt", "key.pem", "own.toml"):
        (folder / name).write_text(name)
    (folder / "surrogate" / "surrogate.json").write_text("{}")
    return folder


def test_what_is_known_of_the_folder_is_packed(folder: Path) -> None:
    packed = pack(str(folder / "table.h5"), folder.parent / "a.tar")
    assert list(packed.files) == [
        *("LICENSE", "README.md", "croissant.json", "front.png", "own.toml"),
        *("surrogate/surrogate.json", "table.h5", "table.json"),
    ]
    assert read_archive(packed.path).name == "synthetic"
    with tarfile.open(packed.path) as archive:
        manifest = json.loads(archive.extractfile("table.json").read())  # type: ignore[union-attr]
    assert manifest["sha256"] == Benchmark.load(folder / "table.h5").table.sha256


def test_the_same_table_is_the_same_bytes_and_round_trips(folder: Path) -> None:
    first = pack(str(folder / "table.h5"), folder.parent / "a.tar")
    second = pack(str(folder / "table.h5"), folder.parent / "b.tar")
    assert first.sha256 == second.sha256
    again = Benchmark.load(first.path).table.path
    third = pack(str(again), folder.parent / "c.tar")  # an archive of what was unpacked
    assert third.sha256 == first.sha256


def test_of_a_table_by_another_name_nothing_is_taken_unasked(folder: Path) -> None:
    own = folder / "mine.h5"
    write_table(own, synthetic_table(), "1", "2026-01-01")
    with pytest.raises(TableError, match=r"has no card: nothing was named\. Give one with --card"):
        pack(str(own), folder.parent / "a.tar")
    with pytest.raises(TableError, match="has no licence: nothing was named"):
        pack(str(own), folder.parent / "a.tar", card=folder / "README.md")
    packed = pack(str(own), folder.parent / "a.tar", folder / "README.md", folder / "LICENSE")
    assert list(packed.files) == ["LICENSE", "README.md", "front.png", "table.h5", "table.json"]


def test_what_is_missing_is_said_and_nothing_written(folder: Path) -> None:
    (folder / "LICENSE").unlink()
    with pytest.raises(TableError, match=r"has no licence: .*LICENSE is not a file"):
        pack(str(folder / "table.h5"), folder.parent / "a.tar")
    with pytest.raises(TableError, match=r"does not end in \.tar"):
        pack(str(folder / "table.h5"), folder.parent / "a.zip")
    assert not (folder.parent / "a.tar").exists()


def test_the_verbs_say_the_hash_and_take_it(folder: Path, command_line) -> None:  # type: ignore[no-untyped-def]
    out = folder.parent / "a.tar"
    code, text, _ = command_line("table", "pack", str(folder / "table.h5"), "--out", str(out))
    assert code == 0
    sha256 = text.split("SHA-256: ")[1].split()[0]
    code, text, _ = command_line("table", "fetch", f"{out}#sha256={sha256}")
    assert code == 0
    assert Path(text.strip()).parent.name == sha256
    code, text, _ = command_line("front", "--table", str(out), "--device", "synthetic-device")
    assert code == 0
    code, _, err = command_line("table", "fetch", str(out), "--sha256", "0" * 64)
    assert code == 1
    assert "expected 0000" in err
    code, _, err = command_line("table", "fetch", "fbnet-cifar10")
    assert code == 1
    assert "nothing has to be fetched" in err


def test_a_search_of_an_archive_remembers_its_address(folder: Path) -> None:
    from biglittle.searchers.front_question import question_sources

    packed = pack(str(folder / "table.h5"), folder.parent / "a.tar")
    bench = Benchmark.load(packed.path)
    address = f"https://host/a.tar#sha256={packed.sha256}"
    assert question_sources([], bench, address)["table_file"] == address
    assert question_sources([], bench, str(packed.path))["table_file"] == str(packed.path)
