"""Profiles a board over ssh: copies what is needed, runs there, brings the profile back.

Nothing is installed on the board, which needs python3 with numpy, onnx, onnxruntime and msgspec:
the code is copied into a folder of its own below the home folder and removed when the profile is
back. If the board goes away in the middle, the folder stays, and the same command goes on from what
it holds.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import re
import shlex
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ..bench.errors import ProfileError
from ..bench.files import replacing
from ..bench.id_lists import read_pairs
from ..bench.spaces import SPACES, get_space
from ..bench.text_files import read_text
from .meters import METERS
from .profile_file import Profile, read_profile
from .runtimes import RUNTIMES
from .session import ProfileRequest, architectures, further_networks, once_more
from .subject import onnx_files

#: Commands to use instead of ssh and scp, with options, for example "ssh -p 2222 -i key".
SSH_VARIABLE, SCP_VARIABLE = "BIGLITTLE_SSH", "BIGLITTLE_SCP"
#: The interpreter on the board, if not python3.
PYTHON_VARIABLE = "BIGLITTLE_REMOTE_PYTHON"
_HOST = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9_\[][A-Za-z0-9_.:\[\]-]*")
_ROOT = Path(__file__).parent.parent
_FOLDERS = ("bench", "edge_profiler")
PROFILE = "profile.json"


def profile_on_host(
    request: ProfileRequest,
    host: str,
    out: Path,
    log: Callable[[str], object] = lambda _: None,
    board: Board | None = None,
) -> Profile:
    """The profile that was measured on a board, which then lies in ``out`` too.

    Args:
        request: networks and settings; files that it names are read here.
        host: address of the board as ssh takes it, ``user@board``.
        out: file to write, and to go on from.
        log: told what is being done.
        board: how the host is reached; None: by ssh, whose questions and words are the user's.

    Raises:
        ProfileError: no valid host, a board that cannot be reached or lacks a package, or a
            run that failed there; what was measured by then is in ``out``.
    """
    check_host(host)
    ids: list[str] = []
    if request.again:
        request, ids = once_more(request, out)
    space = get_space(request.space)
    if request.files or onnx_files(request.networks):
        raise ProfileError(
            "ONNX files are measured where they lie; copy them to the board and run there: "
            "python -m biglittle.edge_profiler --networks FILE.onnx"
        )
    for option, name, registry in (
        ("runtime", request.runtime, RUNTIMES),
        ("meter", request.meter, METERS),
        ("space", request.space, SPACES),
    ):
        if name in registry.names() and not registry.is_shipped(name):
            raise ProfileError(
                f"the {registry.kind} {name!r} is a plug-in that the board lacks; copy its file "
                f"there and run there: python -m biglittle.edge_profiler --{option} FILE.py"
            )
    if request.blocks:
        ids = further_networks(request, space)
    else:
        ids = ids or architectures(request.networks, space, request.n_classes)
    wanted = read_pairs(request.pairs, space) if request.pairs else []
    there = dataclasses.replace(
        request,
        networks="networks.txt" if ids else request.networks,
        pairs="pairs.txt" if wanted else "",
        again="networks.txt" if request.again else "",
    )
    folder = f".cache/biglittle/profile-{_key(request, ids)}"
    board = board or Board(host)
    with tempfile.TemporaryDirectory() as scratch:
        bundle = Path(scratch) / "bundle.tar.gz"
        texts = {"networks.txt": "\n".join(ids), "pairs.txt": "\n".join(map(" ".join, wanted))}
        if out.exists():
            read_profile(out)
            texts["before.json"] = read_text(out)
        bundle.write_bytes(_bundle(texts))
        log(f"copying to {host}")
        board.run(f"mkdir -p {folder}")
        board.put(bundle, f"{folder}/bundle.tar.gz")
    board.run(
        f"cd {folder} && tar -xzf bundle.tar.gz && "
        f"if [ -f before.json ] && [ ! -f {PROFILE} ]; then mv before.json {PROFILE}; fi"
    )
    blocks = f"the blocks of {space.name}, " if request.blocks else ""
    log(f"measuring on {host}: {blocks}{len(ids)} networks, {len(wanted)} pairs")
    code = board.call(f"cd {folder} && {_command(there)}")
    why = board.why
    returned = _bring_back(board, f"{folder}/{PROFILE}", out)
    if code != 0:
        place = (
            f"what was measured by then is in {out.name}"
            if returned
            else f"what was measured by then is on the board, in {folder}; if nothing was, does it "
            "have numpy, onnx, onnxruntime and msgspec?"
        )
        raise ProfileError(
            f"the run on {host} ended with exit code {code}{why}; {place}. The same command "
            "goes on."
        )
    if not returned:
        raise ProfileError(f"the profile cannot be copied from {host}; it lies in {folder} there.")
    board.call(f"rm -rf {folder}")
    return read_profile(out)


def check_host(host: str) -> None:
    """Nothing, if it is an address that ssh takes for one.

    Raises:
        ProfileError: ssh or a shell might take it for an option or a command.
    """
    if not _HOST.fullmatch(host):
        raise ProfileError(f"{host!r} is not a host for ssh; expected user@board.")


def _key(request: ProfileRequest, ids: Sequence[str]) -> str:
    """The same for the same request, so that a run is found again."""
    return hashlib.sha256(repr((request, list(ids))).encode()).hexdigest()[:12]


def _command(request: ProfileRequest) -> str:
    options: list[str] = []
    for name, value in dataclasses.asdict(request).items():
        if value is True:
            options.append(f"--{name}")
        elif value not in (None, "", (), False):
            options += [f"--{'classes' if name == 'n_classes' else name}", str(value)]
    python = os.environ.get(PYTHON_VARIABLE) or "python3"
    words = [*shlex.split(python), "-m", "biglittle.edge_profiler", *options, "--out", PROFILE]
    return f"PYTHONPATH=. {shlex.join(words)}"


def _bundle(texts: dict[str, str]) -> bytes:
    """A tar of the profiler's code and of some texts."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        files = [_ROOT / "__init__.py"]
        for name in _FOLDERS:
            files += sorted((_ROOT / name).rglob("*.py")) + sorted((_ROOT / name).rglob("*.json"))
        for path in files:
            tar.add(path, f"biglittle/{path.relative_to(_ROOT).as_posix()}")
        for name, text in texts.items():
            content = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _bring_back(board: Board, source: str, out: Path) -> bool:
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with replacing(out) as partial:
            board.get(source, partial)
            read_profile(partial)
    except ProfileError:
        return False
    return True


class Board:
    """A host that plain ssh and scp reach.

    Args:
        host: its address as ssh takes it.
        say: is told every line that ssh or the board writes to stderr, and ssh asks nothing; None:
            it goes to this process's stderr, and ssh may ask for a password.
    """

    def __init__(self, host: str, say: Callable[[str], object] | None = None) -> None:
        self._host, self._say, self._last = host, say, ""
        quiet = () if say is None else ("-o", "BatchMode=yes")
        own_ssh, own_scp = os.environ.get(SSH_VARIABLE), os.environ.get(SCP_VARIABLE)
        self._ssh = shlex.split(own_ssh) if own_ssh else ["ssh", *quiet]
        self._scp = shlex.split(own_scp) if own_scp else ["scp", *quiet]

    @property
    def why(self) -> str:
        """The last line that the last command wrote to stderr, in brackets; "" where it is read."""
        return f" ({self._last})" if self._last else ""

    def call(self, command: str) -> int:
        """The exit code; what the command says to stderr is passed through."""
        return self._start([*self._ssh, self._host, command], quiet=False)

    def run(self, command: str) -> None:
        """Runs a command that has to succeed.

        Raises:
            ProfileError: it failed, or ssh cannot be started.
        """
        code = self.call(command)
        if code != 0:
            raise ProfileError(
                f"{self._ssh[0]} {self._host} failed with exit code {code}{self.why}; does "
                f"'{self._ssh[0]} {self._host} true' work?"
            )

    def put(self, source: Path, target: str) -> None:
        """Copies a file to the board."""
        self._copy(str(source), f"{self._host}:{target}")

    def get(self, source: str, target: Path) -> None:
        """Copies a file from the board."""
        self._copy(f"{self._host}:{source}", str(target))

    def _copy(self, source: str, target: str) -> None:
        code = self._start([*self._scp, "-q", source, target], quiet=True)
        if code != 0:
            raise ProfileError(f"{self._scp[0]} failed with exit code {code} for {self._host}.")

    def _start(self, command: list[str], quiet: bool) -> int:
        heard = subprocess.PIPE if self._say is not None else None
        self._last = ""
        try:
            with subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL if quiet else heard,
                text=True,
                errors="replace",
            ) as process:
                for line in process.stderr or ():
                    if self._say is not None and line.strip():
                        self._last = line.strip()[:200]
                        self._say(line.rstrip())
        except OSError as error:
            raise ProfileError(f"{command[0]} cannot be started: {error.strerror}.") from error
        return process.returncode
