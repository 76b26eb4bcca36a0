"""Packs a table for others: one archive with its card, its licence and the hash of every file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..bench import Benchmark
from ..bench.errors import TableError
from ..bench.files import file_hash
from ..bench.shipped_tables import SHIPPED, shipped_tables
from ..bench.table_archive import (
    CONTENTS,
    MANIFEST,
    NAME,
    TABLE,
    Member,
    contents_json,
    read_archive,
)
from ..bench.tar import write_tar

CARD, LICENCE = "README.md", "LICENSE"
#: What is packed of the folder of a table, beside the pictures of its card.
COMPANIONS = (
    *("croissant.json", "networks.csv", "found.npz", "*.toml", "*.safetensors"),
    *("surrogate/*.json", "surrogate/*.onnx"),
    *("cascades/*.json", "cascades/*.onnx"),
)
_PICTURE = re.compile(r"!\[[^\]]*\]\((\w[\w.-]*\.(?:png|svg|jpg))\)")


@dataclass(frozen=True)
class Packed:
    """An archive that was written.

    Attributes:
        path: path of the archive.
        sha256: hash of the archive.
        files: bytes of each file in it by name.
    """

    path: Path
    sha256: str
    files: dict[str, int]

    def text(self) -> list[str]:
        """Lines that say what is in it and how others load it."""
        total = sum(self.files.values())
        return [
            *(f"  {name}: {n_bytes:,} bytes" for name, n_bytes in self.files.items()),
            f"Written: {self.path} ({len(self.files)} files, {total / 1e6:.1f} MB)",
            f"SHA-256: {self.sha256}",
            "Once it is published, others fetch it by: biglittle table fetch "
            f"'https://YOUR-HOST/{self.path.name}#sha256={self.sha256}'",
        ]


def pack(name: str, out: Path, card: Path | None = None, licence: Path | None = None) -> Packed:
    """Packs a table into a plain tar file; the same files make the same bytes.

    A table called ``table.h5`` brings what is known of its folder: card, licence, weights,
    schedules, surrogate, Croissant metadata and the pictures of the card. Of one by another name
    nothing is taken that was not named.

    Args:
        name: name of a table, or path of its file.
        out: archive to write, ``.tar``.
        card: page that says what the table holds; None: ``README.md`` beside it.
        licence: text of the licence; None: ``LICENSE`` beside it, or the package's of a table that
            ships.

    Raises:
        TableError: a table that does not open, lacks a card or a licence, or changed meanwhile.
    """
    if out.suffix != ".tar":
        raise TableError(f"--out {out} does not end in .tar, which readers know an archive by.")
    table = Benchmark.load(name).table
    folder = table.path.parent if table.path.name == TABLE else None
    files = dict(_beside(folder)) if folder else {}
    files |= {
        CARD: _given("card", card, folder and folder / CARD),
        LICENCE: _given("licence", licence, _licence(name, folder)),
    }
    for picture in _pictures(files[CARD]):
        files[picture.name] = picture
    files[TABLE] = table.path
    manifest = {"file": TABLE, "name": table.name, "sha256": table.sha256}
    contents: dict[str, Path | bytes] = {
        **dict(sorted(files.items())),
        MANIFEST: (json.dumps(manifest, indent=2) + "\n").encode(),
    }
    members = {n: _member(content) for n, content in contents.items()}
    first = contents_json(table.name, members)
    try:
        sha256 = write_tar(out, {CONTENTS: first, **contents})
    except ValueError as error:
        raise TableError(f"{name} cannot be packed: {error}.") from error
    try:
        read_archive(out)
    except TableError as error:
        out.unlink()
        raise TableError(f"{name} changed while it was packed; pack it again. {error}") from error
    return Packed(out, sha256, {n: member.bytes for n, member in members.items()})


def _beside(folder: Path) -> Iterator[tuple[str, Path]]:
    for pattern in COMPANIONS:
        for path in folder.glob(pattern):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and NAME.fullmatch(name):
                yield name, path


def _given(what: str, given: Path | None, beside: Path | None) -> Path:
    path = given or beside
    if path is None or not path.is_file():
        raise TableError(
            f"the table has no {what}: "
            + (f"{path} is not a file. " if path else "nothing was named. ")
            + f"Give one with --{what} FILE; who uses the table has to know it."
        )
    return path


def _licence(name: str, folder: Path | None) -> Path | None:
    if folder is None:
        return None
    ours = SHIPPED.parent / LICENCE
    return ours if name in shipped_tables() and ours.exists() else folder / LICENCE


def _pictures(card: Path) -> Iterator[Path]:
    """The pictures that a card shows and that lie beside it."""
    for name in dict.fromkeys(_PICTURE.findall(card.read_text(encoding="utf-8"))):
        if (card.parent / name).is_file():
            yield card.parent / name


def _member(content: Path | bytes) -> Member:
    import hashlib

    if isinstance(content, bytes):
        return Member(len(content), hashlib.sha256(content).hexdigest())
    return Member(content.stat().st_size, file_hash(content))
