"""Lists of ids as users give them: on the line, or in a file of any editor."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from biglittle.bench import BigLittleError, get_space
from biglittle.bench.errors import ArchitectureError
from biglittle.bench.id_lists import read_ids, read_pairs

SPACE = get_space("fbnet")
A, B, C = "8" * 22, "0" * 22, "4" * 22
LINES = f"{A}\n{B}\n{C}\n"


@pytest.mark.parametrize(
    "content",
    [
        LINES.encode(),
        LINES.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + LINES.rstrip().replace("\n", "\r\n").encode(),
        f"# chosen by hand\n\n{A},\n{B}, # the largest\n   \n{C}\n{A}".encode(),
        f"{A},{B} {C}".encode(),
    ],
    ids=["plain", "crlf", "bom", "comments", "one-line"],
)
def test_every_way_to_write_three_ids(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "my ids, chosen.txt"
    path.write_bytes(content)
    assert read_ids(str(path), SPACE) == [A, B, C]
    assert read_ids(path.read_text(encoding="utf-8-sig"), SPACE) == [A, B, C]


def test_a_long_list_never_reaches_the_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda self: pytest.fail(f"looked for {self}"))
    ids = [f"{i:022o}" for i in range(300)]
    assert read_ids(",".join(ids), SPACE) == ids
    pairs = [(a, A) for a in ids]
    assert read_pairs(",".join(":".join(p) for p in pairs), SPACE) == pairs
    with pytest.raises(ArchitectureError, match="entry 301 of the list: architecture '99'"):
        read_ids(",".join([*ids, "99"]), SPACE)


@pytest.mark.parametrize("text", ["x" * 5000, "no\0name", "~" * 300])
def test_what_no_file_can_be_called_is_an_unknown_id(text: str) -> None:
    with pytest.raises(ArchitectureError, match="there is no file"):
        read_ids(text, SPACE)


def test_an_unknown_id_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text(f"# mine\n{A}\n{'9' * 22}\n")
    with pytest.raises(ArchitectureError, match=r"ids\.txt, line 3: .*contains '9'"):
        read_ids(str(path), SPACE)
    path.write_text(f"{A} {B}\n{A} 7\n")
    with pytest.raises(ArchitectureError, match=r"ids\.txt, line 2: .*has 1 character;"):
        read_pairs(str(path), SPACE)
    with pytest.raises(ArchitectureError, match=r"no file 'absent\.txt'.*22 digits"):
        read_ids("absent.txt", SPACE)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (LINES.encode("utf-16"), "it is UTF-16"),
        (LINES.encode("utf-16-le"), "zero bytes"),
        (b"\xe9t\xe9", "it is not UTF-8"),
    ],
)
def test_another_encoding_is_refused_by_name(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_bytes(content)
    with pytest.raises(BigLittleError, match=f"{reason}. Save it as text in UTF-8"):
        read_ids(str(path), SPACE)


def test_a_text_or_a_file_that_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# nothing yet\n")
    for text in ("", " , ", "# none", str(tmp_path / "empty.txt")):
        with pytest.raises(BigLittleError, match="names no network"):
            read_ids(text, SPACE)
        with pytest.raises(BigLittleError, match="names no pair"):
            read_pairs(text, SPACE)
    with pytest.raises(BigLittleError, match="cannot be read"):
        read_ids(str(tmp_path), SPACE)


def test_pairs_of_a_file_and_of_the_line(tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text(f"{A} {B}\r\n{B},{A} # turned\n{A}:{B},{A}:{C}\n")
    assert read_pairs(str(path), SPACE) == [(A, B), (B, A), (A, C)]
    assert read_pairs(f"{A}:{B},{B}:{A}", SPACE) == [(A, B), (B, A)]
    assert read_pairs(f"{A} {B}", SPACE) == [(A, B)]
    with pytest.raises(BigLittleError, match=r"entry 1 of the list.* is not a pair"):
        read_pairs(f"{A}:{B}:{C}", SPACE)


def test_names_of_the_spaces_authors_are_ids_too() -> None:
    cells = get_space("nb201")
    (name,) = cells.names(cells.parse("123432"))
    assert read_ids(f"{name},123432", cells) == ["123432"]


def test_networks_that_are_cut_are_named_with_their_exit(tmp_path: Path) -> None:
    path = tmp_path / "networks.txt"
    path.write_text(f"{A}@12s {B}\n{A}@12,{A}\n")
    assert read_pairs(str(path), SPACE) == [(f"{A}@12s", B), (f"{A}@12", A)]
    assert read_ids(f"{A}@12,{A}", SPACE) == [f"{A}@12", A]
    with pytest.raises(ArchitectureError, match=r"entry 1 of the list: .* no exit '3'.*@20s"):
        read_ids(f"{A}@3", SPACE)
    name = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|@4"
    assert read_ids(name, get_space("nb201")) == ["300001@4"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on POSIX systems alone")
def test_a_pipe_a_device_or_a_folder_is_no_list_of_ids(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(BigLittleError, match="cannot be read: it is a folder, a pipe"):
            read_ids(str(path), get_space("fbnet"))
