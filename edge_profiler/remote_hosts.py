"""Profiles several boards at once over ssh, one file each; a board that fails keeps no other back.

Every board works at its own pace and is asked by one connection at a time, so that it measures as
if it were alone. Nobody can answer a question of several at once: ssh is told not to ask any, and
boards are reached by keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..bench.errors import BigLittleError, ProfileError
from ..bench.locks import holding
from .profile_file import Profile
from .remote import Board, check_host, profile_on_host
from .session import ProfileRequest, earlier, summary

Say = Callable[[str], object]


@dataclass(frozen=True)
class BoardProfiles:
    """What came of several boards.

    Attributes:
        out: file of every board's profile, by host.
        profiles: profile by host of the boards that were measured to the end.
        failures: error by host of the others; what they had measured by then is in their file.
        before: profile by host of the boards that was gone on with; None: it is a new one.
    """

    out: dict[str, Path]
    profiles: dict[str, Profile]
    failures: dict[str, str]
    before: dict[str, Profile | None] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        files = {host: str(path) for host, path in self.out.items() if path.exists()}
        return {"profiles": self.profiles, "files": files, "failures": self.failures}

    def text(self) -> list[str]:
        """What each profile came to, as lines for a reader."""
        lines: list[str] = []
        for host, profile in self.profiles.items():
            text = summary(profile, self.out[host], self.before.get(host))
            lines += [f"{host}:", *(f"  {line}" for line in text)]
        return lines

    def check(self) -> None:
        """Nothing, if every board was measured.

        Raises:
            ProfileError: names every board that failed, with its error.
        """
        if not self.failures:
            return
        n = len(self.out)
        head = f"{len(self.failures)} of {n} boards failed; the profiles of the others are kept:"
        lines = (f"  {host}: {error}" for host, error in self.failures.items())
        raise ProfileError("\n".join([head, *lines]))


def profile_on_hosts(
    requests: Sequence[ProfileRequest],
    hosts: Sequence[str],
    out: Path,
    say: Say = lambda _: None,
) -> BoardProfiles:
    """Profiles of the same networks, measured on several boards at once.

    A board that fails at one request is asked none of the later ones, as is a board on its own.

    Args:
        requests: networks and settings, the same for every board, measured one after another into
            one file: those of a front have a request for each gate.
        hosts: addresses of the boards as ssh takes them, ``user@board``; each board once.
        out: file that theirs are called after: ``profile-board.json`` for ``profile.json``.
        say: told what is being done, and what each board says.

    Raises:
        ProfileError: no host, one that ssh would not take, or a board named twice.
    """
    files = files_of(hosts, out)
    before = {host: earlier(path) for host, path in files.items()}

    def measured(host: str) -> Profile | str:
        def say_of(line: str) -> None:
            say(f"{host}: {line}")

        try:
            files[host].parent.mkdir(parents=True, exist_ok=True)
            with holding(files[host]):
                board = Board(host, say_of)
                for request in requests:
                    profile = profile_on_host(request, host, files[host], say_of, board)
                return profile
        except (BigLittleError, OSError) as error:
            return str(error) or type(error).__name__

    with ThreadPoolExecutor(len(files)) as pool:
        results = dict(zip(files, pool.map(measured, files), strict=True))
    failures = {host: result for host, result in results.items() if isinstance(result, str)}
    profiles = {host: result for host, result in results.items() if not isinstance(result, str)}
    return BoardProfiles(files, profiles, failures, before)


def files_of(hosts: Sequence[str], out: Path) -> dict[str, Path]:
    """The file of every board's profile, by host.

    Raises:
        ProfileError: no host, one that ssh would not take, or a board named twice.
    """
    if not hosts:
        raise ProfileError("--hosts names no board; expected for example pi@kitchen,pi@garage.")
    files: dict[str, Path] = {}
    for host in hosts:
        check_host(host)
        board = re.sub(r"[^A-Za-z0-9_.-]+", "-", host.rpartition("@")[2]).strip("-.")
        path = out.with_name(f"{out.stem}-{board}.json")
        if path in files.values():
            raise ProfileError(
                f"--hosts names the board {board!r} twice, and two runs at once would disturb each "
                "other; name every board once."
            )
        files[host] = path
    return files
