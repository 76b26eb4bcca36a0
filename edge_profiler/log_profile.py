"""A device profile from logs of other tools, one a network: phones, and boards we do not run on."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from ..bench.bounded import LimitError
from ..bench.device_document import FORMAT_2, Profile
from ..bench.documents import DocumentError, typed
from ..bench.errors import ArchitectureError, ProfileError
from ..bench.files import why_unreadable
from ..bench.spaces import SearchSpace, get_space
from ..bench.text_files import read_text
from .log_formats import LogFigures, LogFormat, log_formats

MAX_LOG = 2**26  # bytes
_DIGITS = 6


@dataclass(frozen=True)
class LogQuestion:
    """What a profile needs that no log says.

    Attributes:
        name: name of the device.
        space: name of the networks' search space.
        n_classes: classes of their classifiers.
        description: one sentence on the device; "" for its name.
        author: who measured; None: nobody is named.
        precision: of networks whose logs do not say it.
        threads: of networks whose logs do not say it; None: not known.
    """

    name: str
    space: str = "fbnet"
    n_classes: int = 10
    description: str = ""
    author: str | None = None
    precision: str = "fp32"
    threads: int | None = None


def read_log(path: Path) -> tuple[LogFormat, LogFigures]:
    """The tool that wrote a log, and what it says.

    Args:
        path: path of the log, in UTF-8 or, as PowerShell writes it, UTF-16.

    Raises:
        ProfileError: it is of no tool that is known, or ended before the runs did.
    """
    tools = log_formats()
    try:
        text = read_text(path, MAX_LOG).replace("\r\n", "\n")
    except (OSError, LimitError, ValueError) as error:
        why = why_unreadable(error, f"{error}.")
        raise ProfileError(f"log {path} cannot be read: {why}") from error
    tool = next((one for one in tools if any(mark in text for mark in one.marks)), None)
    if tool is None:
        raise ProfileError(
            f"log {path} is of no tool that is known ({', '.join(t.name for t in tools)}), or "
            "ended before the runs did; expected all that the tool printed."
        )
    try:
        return tool, tool.read(text)
    except ValueError as error:
        raise ProfileError(f"log {path} of {tool.name} is not usable: {error}.") from error


def log_profile(logs: Sequence[str], question: LogQuestion) -> dict[str, Any]:
    """A device profile of the networks whose logs are given.

    Args:
        logs: paths of logs, ``ARCH[@EXIT].log`` by the network's name, or ``ARCH[@EXIT]=PATH``.
        question: what no log says.

    Raises:
        ProfileError: a log that is not usable, or logs that do not belong together.
    """
    space = get_space(question.space)
    read: dict[str, tuple[LogFormat, LogFigures]] = {}
    for given in logs:
        prefix, equals, path = given.partition("=")
        tool, figures = read_log(Path(path if equals else given))
        name = _network(prefix if equals else "", Path(path or given), figures, space)
        if name in read:
            raise ProfileError(f"two logs are of network {name}; give the better of them.")
        read[name] = tool, figures
    if not read:
        raise ProfileError("no log was given; expected at least one.")
    names = {tool.name for tool, _ in read.values()}
    if len(names) > 1:
        raise ProfileError(
            f"the logs are of {' and '.join(sorted(names))}, whose latencies are not the same "
            "thing; make a profile of each."
        )
    tool_name = names.pop()
    same = {
        key: _common(read, key, default)
        for key, default in (
            ("runtime", None),
            ("precision", question.precision),
            ("threads", question.threads),
            ("statistic", None),
        )
    }
    notes = {note: None for _, figures in read.values() for note in figures.notes}
    if same["statistic"] == "mean":
        notes[f"latencies are means: these logs of {tool_name} hold no median"] = None
    profile = {
        "format": FORMAT_2,
        "device": question.name,
        "description": question.description or question.name,
        "space": space.name,
        "space_hash": space.hash,
        "n_classes": question.n_classes,
        "runtime": same["runtime"],
        "precision": same["precision"],
        "threads": same["threads"],
        "batch": 1,
        "protocol": {"name": tool_name},
        "source": f"{len(read)} logs of {tool_name}, read by biglittle device import",
        "notes": list(notes),
        "author": question.author,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "tool_version": __version__,
        "networks": [_entry(name, figures) for name, (_, figures) in sorted(read.items())],
    }
    try:
        typed(profile, Profile)
    except DocumentError as error:
        raise ProfileError(f"what the logs say makes no profile: {error}.") from error
    return profile


def _network(given: str, path: Path, figures: LogFigures, space: SearchSpace) -> str:
    """The network of a log, by what was given, by its model's file or by its own name."""
    tried = [given] if given else [Path(figures.model).stem, path.stem]
    for name in tried:
        architecture, cut = space.split_name(name)
        try:
            parsed = space.format(space.parse(architecture))[0]
            space.get_exit(cut)
        except ArchitectureError:
            continue
        return parsed + (f"@{cut}" if cut else "")
    raise ProfileError(
        f"log {path} does not say which network of space {space.name} it is of "
        f"({' and '.join(map(repr, filter(None, tried)))} is none); give it as ARCH={path}."
    )


def _common(read: Mapping[str, tuple[LogFormat, LogFigures]], key: str, default: Any) -> Any:
    """What all logs say of one thing; what none says is as it was given."""
    values = {getattr(figures, key) for _, figures in read.values()} - {None}
    if len(values) > 1:
        listed = " and ".join(sorted(map(str, values)))
        raise ProfileError(
            f"the logs differ in {key} ({listed}); a profile is of one, so make one of each."
        )
    return values.pop() if values else default


def _entry(name: str, figures: LogFigures) -> dict[str, Any]:
    numbers = {
        "latency_ms": figures.latency_ms,
        "latency_p90_ms": figures.latency_p90_ms,
        "peak_memory_mib": figures.peak_memory_mib,
    }
    rounded = {k: None if v is None else round(v, _DIGITS) for k, v in numbers.items()}
    return {"architecture": name, **rounded, "n": figures.n, "provenance": "measured"}
