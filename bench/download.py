"""Downloads of files whose SHA-256 is known before: gone on with, and never unverified."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import shutil
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from .errors import DownloadError

#: What ends the name of a file that is not whole yet.
PART = ".part"
TIMEOUT_S = 30
#: How often a connection that broke is made again, as long as each brings something.
MOST_ATTEMPTS = 20
#: A server that does not say how much it sends is stopped here.
MAX_BYTES = 2**36
_AT_ONCE = 1 << 20
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_BROKEN = (
    *(http.client.HTTPException, ConnectionError, TimeoutError),
    *(ssl.SSLError, urllib.error.URLError),
)


class Progress(Protocol):
    """What is told of a download: bytes that are there, and bytes in all or None."""

    def __call__(self, done: int, total: int | None) -> object:
        """Moves a bar, for example."""


def download(url: str, sha256: str, path: Path, on_progress: Progress | None = None) -> None:
    """Leaves the file of an address at ``path``, if its hash is right, and otherwise nothing there.

    What came before a connection broke is kept beside ``path`` and gone on from, by this call and
    by the next one.

    Args:
        url: address, by https or http.
        sha256: hash that the whole file has, 64 hexadecimal digits.
        path: path of the file to make; its folder is there.
        on_progress: is told how far it is.

    Raises:
        DownloadError: another address, no answer, another hash, or no room on the disk.
    """
    if urlsplit(url).scheme not in ("https", "http") or not urlsplit(url).hostname:
        raise DownloadError(f"{url} is not an address that starts with https:// or http://.")
    try:
        _download(url, sha256, path.with_name(path.name + PART), on_progress)
        os.replace(path.with_name(path.name + PART), path)
    except OSError as error:
        raise DownloadError(
            f"{path.name} cannot be written to {path.parent} ({error.strerror or error}); make "
            "room or set BIGLITTLE_DATA to another folder."
        ) from error


def _download(url: str, sha256: str, partial: Path, on_progress: Progress | None) -> None:
    there = partial.stat().st_size if partial.exists() else 0
    resumed = there > 0
    for _ in range(MOST_ATTEMPTS):
        before = _size(partial)
        answer = _Part(url, partial, on_progress)
        try:
            answer.fetch()
        except _BROKEN as error:
            if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                raise DownloadError(_refused(url, error)) from error
            if _size(partial) > before:
                continue
            n_bytes = _size(partial)
            again = f" {n_bytes:,} bytes are kept: run the same again to go on." if n_bytes else ""
            raise DownloadError(f"{url} cannot be fetched ({_why(error)}).{again}") from error
        got = answer.digest.hexdigest()
        if got == sha256:
            return
        partial.unlink()
        if resumed:  # what was there may be of another version of the file
            resumed = False
            continue
        raise DownloadError(
            f"{url} has SHA-256 {got}, expected {sha256}: it was changed or is another file, and "
            "was not kept. Ask whoever gave you the hash."
        )
    raise DownloadError(
        f"{url} broke off {MOST_ATTEMPTS} times; {_size(partial):,} bytes are kept: run the same "
        "again to go on."
    )


@dataclass
class _Part:
    """One request for what is missing of a file."""

    url: str
    partial: Path
    on_progress: Progress | None
    digest: Any = field(default_factory=hashlib.sha256)
    done: int = 0

    def fetch(self) -> None:
        """Appends what the server sends."""
        with self.partial.open("a+b") as file:
            self._hash(file)
            with self._open() as answer:
                total = self._placed(answer, file)
                self._check_room(total)
                while block := answer.read(_AT_ONCE):
                    if self.done + len(block) > (MAX_BYTES if total is None else total):
                        raise DownloadError(f"{self.url} sends more than {self.done:,} bytes.")
                    file.write(block)
                    self.digest.update(block)
                    self.done += len(block)
                    if self.on_progress is not None:
                        self.on_progress(self.done, total)
                if total is not None and self.done < total:
                    raise ConnectionError(f"{self.done:,} of {total:,} bytes came")
            file.flush()
            os.fsync(file.fileno())

    def _hash(self, file: Any) -> None:
        file.seek(0)
        while block := file.read(_AT_ONCE):
            self.digest.update(block)
            self.done += len(block)

    def _open(self) -> Any:
        request = urllib.request.Request(self.url, headers={"Accept-Encoding": "identity"})
        if self.done:
            request.add_header("Range", f"bytes={self.done}-")
        try:
            return urllib.request.urlopen(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            if error.code != 416 or not self.done:
                raise
            return contextlib.closing(_Nothing())  # there is nothing beyond what is here

    def _placed(self, answer: Any, file: Any) -> int | None:
        """Bytes of the whole file, if it is said; the file starts anew where the server does."""
        if isinstance(answer, _Nothing):
            return self.done
        length = answer.headers.get("Content-Length", "")
        sent = int(length) if length.isdigit() else None
        if answer.status == 206:
            match = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            if match is not None and int(match[1]) == self.done:
                return None if sent is None else self.done + sent
        if self.done:
            file.truncate(0)
            self.digest, self.done = hashlib.sha256(), 0
            if answer.status == 206:  # another part than the one that was asked for
                raise ConnectionError("it sends another part of the file than was asked for")
        return sent

    def _check_room(self, total: int | None) -> None:
        if total is None:
            return
        free = shutil.disk_usage(self.partial.parent).free
        if total > MAX_BYTES or total - self.done > free:
            raise DownloadError(
                f"{self.url} has {total:,} bytes, and {self.partial.parent} has room for "
                f"{min(free, MAX_BYTES):,}; make room or set BIGLITTLE_DATA to another folder."
            )


class _Nothing:
    """An answer without contents."""

    def read(self, size: int) -> bytes:
        return b""

    def close(self) -> None:
        pass


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _why(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error).rstrip(".") or type(error).__name__


def _refused(url: str, error: urllib.error.HTTPError) -> str:
    advice = {404: "check the address", 401: "it needs a login", 403: "it may not be read"}
    return f"{url} answers {error.code} {error.reason}; {advice.get(error.code, 'ask its owner')}."
