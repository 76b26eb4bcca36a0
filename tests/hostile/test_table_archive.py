"""Archives of tables that somebody altered: one line, and nothing outside one folder."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import TableError
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_archive import archived_table, read_archive
from biglittle.bench.table_writer import write_table


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    """The files of a whole archive."""
    path = tmp_path / "table.h5"
    write_table(path, synthetic_table(4, 50, 50), "1", "2026-01-01")
    return {"table.h5": path.read_bytes(), "table.json": path.with_suffix(".json").read_bytes()}


def contents(members: dict[str, bytes], **changes: Any) -> dict[str, Any]:
    named = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in members.items()
    }
    return {
        "format": "biglittle-table-archive",
        "version": 1,
        "name": "t",
        "files": named,
    } | changes


def write(path: Path, document: object, members: list[tuple[str, bytes, bytes, str]]) -> Path:
    """An archive of a document and members, each (name, content, type, link)."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    with tarfile.open(path, "w") as archive:
        for name, content, kind, link in [("archive.json", text, b"0", ""), *members]:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, link
            archive.addfile(info, io.BytesIO(content))
    return path


def refused(path: Path, text: str) -> None:
    """The archive is refused for a reason, and nothing of it is left."""
    with pytest.raises(TableError, match=text) as error:
        archived_table(path)
    assert "\n" not in str(error.value)
    folder = path.parent / "data" / "tables"
    assert list(folder.iterdir()) == []
    assert not (path.parent / "outside").exists()


NAMES = [
    *("../outside", "../../outside", "/outside", "a/../../outside", "a/b/outside", ".hidden"),
    *("a\\..\\outside", "C:outside", "archive.json", "", "TABLE.h5", "x\n", "ä"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_elsewhere_is_refused(
    tmp_path: Path, files: dict[str, bytes], name: str
) -> None:
    files = {**files, name: b"evil"}
    members = [(n, content, b"0", "") for n, content in files.items()]
    refused(write(tmp_path / "t.tar", contents(files), members), "expected a file in it")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, b"5", b"x"])
def test_links_and_devices_are_refused(
    tmp_path: Path, files: dict[str, bytes], kind: bytes
) -> None:
    """In the place of a file that the contents name, in front of it, and behind all others."""
    members = [(n, content, b"0", "") for n, content in files.items()]
    link = ("table.h5", b"", kind, "../outside")
    empty = contents({**files, "table.h5": b""})
    refused(write(tmp_path / "t.tar", empty, [link, members[1]]), "a link, a folder or a device")
    refused(write(tmp_path / "t.tar", contents(files), [link, *members]), "a link, a folder")
    further = [*members, ("outside", b"", kind, "../outside")]
    refused(write(tmp_path / "t.tar", contents(files), further), "do not name its member")


def test_other_bytes_than_the_contents_say_are_refused(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    altered = bytearray(files["table.h5"])
    altered[len(altered) // 2] ^= 1
    members = [
        ("table.h5", bytes(altered), b"0", ""),
        ("table.json", files["table.json"], b"0", ""),
    ]
    refused(write(tmp_path / "t.tar", contents(files), members), "'table.h5' has another SHA-256")
    refused(write(tmp_path / "t.tar", contents(files), members[::-1]), "stands where its contents")
    refused(write(tmp_path / "t.tar", contents(files), members[:1]), "stands where|another SHA")


def test_sizes_are_possible(tmp_path: Path, files: dict[str, bytes]) -> None:
    huge = contents(files)
    huge["files"]["table.h5"]["bytes"] = 2**62
    refused(write(tmp_path / "t.tar", huge, []), "its contents say more than its")
    refused(write(tmp_path / "t.tar", b" " * (2**20 + 1), []), "its first member is")
    many = contents({**files, **{f"f{i}": b"" for i in range(1001)}})
    members = [(n, content, b"0", "") for n, content in files.items()]
    members += [(f"f{i}", b"", b"0", "") for i in range(1001)]
    refused(write(tmp_path / "t.tar", many, members), "more than 1000 members")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"format": "zip"}, "format"),
        ({"version": 2}, "it is of version 2, and this biglittle reads 1; install a newer one"),
        ({"files": {}}, r"lack table\.h5 or table\.json"),
        ({"files": 5}, "files"),
        ({"name": "a\nb"}, "name"),
    ],
)
def test_contents_of_another_form_are_refused(
    tmp_path: Path, files: dict[str, bytes], changes: dict[str, Any], text: str
) -> None:
    refused(write(tmp_path / "t.tar", contents(files, **changes), []), text)


@pytest.mark.parametrize("content", [b"", b"text", b"\0" * 10240, b"[" * 100_000])
def test_what_is_not_an_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.tar"
    path.write_bytes(content)
    refused(path, "not an archive of a table")
    refused(write(path, content, []), "not an archive of a table")


def test_an_archive_that_is_cut_short_is_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    members = [(n, content, b"0", "") for n, content in files.items()]
    whole = write(tmp_path / "t.tar", contents(files), members).read_bytes()
    for n_bytes in (100, 600, 1500, len(whole) // 2):
        (tmp_path / "t.tar").write_bytes(whole[:n_bytes])
        refused(tmp_path / "t.tar", "not an archive of a table, or is damaged")


def test_a_corpus_of_damaged_archives(
    tmp_path: Path, files: dict[str, bytes], mutations: Any, answers: Any
) -> None:
    members = [(n, content, b"0", "") for n, content in files.items()]
    path = tmp_path / "t.tar"
    whole = write(path, contents(files), members).read_bytes()
    for content in (
        *mutations(whole, 60),
        *(m + whole[2048:] for m in mutations(whole[:2048], 60)),
    ):
        path.write_bytes(content)
        answers.of(lambda: read_archive(path))
    path.write_bytes(whole)
    assert len(Benchmark.load(path)) == 4
    assert answers.refused > 0
