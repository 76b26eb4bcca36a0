"""The one reader of what a user may give as a list of ids or as a file that holds one.

A text is a list if one of its words is an id of the space; otherwise it names a file. So a list of
any length never reaches the file system, where a name may have 255 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from .bounded import LimitError, read_bounded
from .errors import ArchitectureError, BigLittleError
from .precision import PRECISIONS
from .spaces import SearchSpace, canonical_name

#: Larger files are refused unread.
MAX_BYTES = 16 * 2**20
#: A colon stands between the networks of a pair, and before a precision.
_SEPARATORS = re.compile(rf"(?:[\s,]|:(?!(?:{'|'.join(PRECISIONS)})\b))+")
_PRECISION = re.compile(rf":(?:{'|'.join(PRECISIONS)})\b")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_ids(text: str, space: SearchSpace) -> list[str]:
    """Names of the networks that a user lists, each once, in the order given.

    Args:
        text: names ``ARCHITECTURE[@EXIT][:PRECISION]`` separated by commas or blanks, or the path
            of a UTF-8 file of such lines, in which ``#`` begins a comment.
        space: the search space of the ids.

    Raises:
        ArchitectureError: a word that is not an id of ``space``, or an exit that it does not have;
            the word's place is named.
        BigLittleError: a file that cannot be read, or a text that names nothing.

    >>> from biglittle.bench.spaces import get_space
    >>> read_ids("333333, 123432,333333", get_space("nb201"))
    ['333333', '123432']
    >>> read_ids("333333@4s", get_space("nb201"))
    ['333333@4s']
    """
    ids = [_id(word, space, place) for place, word in _entries(text, space, _words)]
    if not ids:
        raise BigLittleError(
            f"{text[:60]!r} names no network; expected ids of space {space.name!r} separated by "
            "commas, or a file with one id a line."
        )
    return list(dict.fromkeys(ids))


def read_pairs(text: str, space: SearchSpace) -> list[tuple[str, str]]:
    """(little, big) of the pairs that a user names, each once, in the order given.

    Args:
        text: ``LITTLE:BIG`` separated by commas, or the path of a UTF-8 file in which a line is
            ``LITTLE BIG``, ``LITTLE,BIG`` or such a list.
        space: the search space of the ids.

    Raises:
        ArchitectureError: a word that is not an id of ``space``, or an exit that it does not have;
            the word's place is named.
        BigLittleError: a file that cannot be read, a line that is not a pair, or a text that names
            nothing.

    >>> from biglittle.bench.spaces import get_space
    >>> read_pairs("000000:333333", get_space("nb201"))
    [('000000', '333333')]
    """
    pairs = []
    for place, entry in _entries(text, space, _pairs):
        ids = [_id(word, space, place) for word in _words(entry)]
        if len(ids) != 2:
            raise BigLittleError(
                f"{place}: {entry.strip()[:60]!r} is not a pair; expected LITTLE:BIG, or "
                "'LITTLE BIG' on a line of a file."
            )
        pairs.append((ids[0], ids[1]))
    if not pairs:
        raise BigLittleError(
            f"{text[:60]!r} names no pair; expected LITTLE:BIG separated by commas, or a file with "
            "'LITTLE BIG' a line."
        )
    return list(dict.fromkeys(pairs))


def _words(line: str) -> list[str]:
    return [word for word in _SEPARATORS.split(line) if word]


def _pairs(line: str) -> list[str]:
    paired = ":" in re.sub(_PRECISION, "", line)
    return [part for part in (line.split(",") if paired else [line]) if _words(part)]


def _id(word: str, space: SearchSpace, place: str) -> str:
    try:
        return canonical_name(space, word)
    except ArchitectureError as error:
        raise ArchitectureError(f"{place}: {error}") from error


def _is_id(word: str, space: SearchSpace) -> bool:
    try:
        space.parse(re.split("[@:]", word)[0])
    except ArchitectureError:
        return False
    return True


def _entries(
    text: str, space: SearchSpace, split: Callable[[str], list[str]]
) -> Iterator[tuple[str, str]]:
    """(place, entry) of everything but comments, in the list or in the file."""
    words = _words(text)
    listed = any(_is_id(word, space) for word in words)
    path = None if listed else _file(text)
    n = 0
    for number, line in enumerate((text if path is None else _read(path)).splitlines(), start=1):
        for entry in split(line.partition("#")[0]):
            n += 1
            if path is not None:
                yield f"{path.name}, line {number}", entry
            elif len(words) == 1 and not listed:
                yield f"there is no file {text.strip()[:60]!r}", entry
            else:
                yield f"entry {n} of the list", entry


def _file(text: str) -> Path | None:
    """The path that a text is; None where there is nothing of that name."""
    path = Path(text.strip())
    try:
        if text.strip() and path.exists():
            return path
    except (OSError, ValueError):  # longer than a name may be, or with a character of no name
        pass
    return None


def _read(path: Path) -> str:
    try:
        content = read_bounded(path, MAX_BYTES)
    except (OSError, LimitError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise BigLittleError(
            f"{path} cannot be read: {reason or error}. Expected a file of ids."
        ) from error
    try:
        if content.startswith(_UTF16):
            raise ValueError("it is UTF-16")
        lines = content.decode("utf-8-sig")
        if "\0" in lines:
            raise ValueError("it holds zero bytes")
    except ValueError as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise BigLittleError(
            f"{path.name} is not a list of ids: {reason}. Save it as text in UTF-8, one id a line."
        ) from error
    return lines
