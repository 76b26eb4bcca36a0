"""The admission test of a device profile: what is wrong with it, in words one can act on."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bench.device import parse_profile, profile_kind, read_document
from ..bench.device_document import FORMAT, FORMAT_2, Profile
from ..bench.device_profile import DeviceProfile
from ..bench.document_problems import problems
from ..bench.errors import DeviceError
from ..bench.plain_text import CONTROL
from .check_figures import figure_findings
from .finding import Finding

SHOWN = 20  # problems of form that are listed one by one

# A field of text that begins a path, or hides one among words.
_PATH = re.compile(r"(^|[\s\"'(=,;])(~?/\w|\.\.?[/\\]|[A-Za-z]:\\|\\\\\w|file:)")


@dataclass(frozen=True)
class Admission:
    """What the test found about one profile.

    Attributes:
        label: name of the profile's file, as messages give it.
        findings: what was noticed: errors first, then warnings, then notes.
        profile: the profile as loaded; None where it could not be.
    """

    label: str
    findings: tuple[Finding, ...]
    profile: DeviceProfile | None

    @property
    def passed(self) -> bool:
        """Whether nothing keeps it out."""
        return not any(f.severity == "error" for f in self.findings)

    def text(self) -> str:
        """The findings, one a line, under a line that says whether it passed."""
        n = Counter(f.severity for f in self.findings)
        head = f"{self.label}: {'passes' if self.passed else 'does not pass'}"
        counts = ", ".join(f"{n[s]} {s}{'s' * (n[s] != 1)}" for s in ("error", "warning") if n[s])
        lines = [
            f"  {f.severity}: {f.message} [{f.code}]" + (f"\n    {f.advice}" if f.advice else "")
            for f in self.findings
        ]
        return "\n".join([f"{head} ({counts})" if counts else head, *lines])

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "file": self.label,
            "passed": self.passed,
            "findings": [vars(f) for f in self.findings],
        }


def check_file(path: Path) -> Admission:
    """What is wrong with the profile in a file, which may come from anyone."""
    try:
        raw = read_document(path)
    except DeviceError as error:
        return Admission(path.name, (Finding("error", "unreadable", str(error)),), None)
    return check_document(raw, path.name, path)


def check_document(raw: Any, label: str, path: Path | None = None) -> Admission:
    """What is wrong with a profile, as from ``json.loads``.

    Args:
        raw: the profile as JSON gives it, of any type.
        label: name by which messages call it.
        path: the file that it came from, for the commands of the advice.
    """
    findings = list(_form(raw))
    profile = None
    if not any(f.severity == "error" and f.code == "schema" for f in findings):
        try:
            profile = parse_profile(raw, label)
        except DeviceError as error:
            findings.append(Finding("error", "document", str(error)))
    if profile is not None:
        findings += figure_findings(profile, raw, shlex.quote(str(path or label)))
    order = ("error", "warning", "note")
    return Admission(label, tuple(sorted(findings, key=lambda f: order.index(f.severity))), profile)


def _form(raw: Any) -> Iterator[Finding]:
    if not isinstance(raw, dict):
        got = type(raw).__name__
        yield Finding("error", "schema", f"the document is a {got}, expected an object.")
        return
    if "format" not in raw:
        message = "the document is not a device profile: it has no field 'format', expected "
        message += f"{FORMAT_2!r}, as 'biglittle profile --out my-board.json' writes it."
        yield Finding("error", "schema", message)
        return
    if raw["format"] == FORMAT:
        yield Finding(
            "note",
            "format",
            f"{FORMAT!r} is an older format, which is read; {FORMAT_2!r} is that of today.",
        )
    wrong = list(problems(raw, profile_kind(raw) or Profile))
    for problem in wrong[:SHOWN]:
        yield Finding("error", "schema", problem + ".")
    if len(wrong) > SHOWN:
        yield Finding("error", "schema", f"{len(wrong) - SHOWN} further problems of this kind.")
    for place, text in _texts(raw, ""):
        if _PATH.search(text):
            message = f"{place} names a path ({text[:60]!r}); take it out, since it says something "
            yield Finding("error", "path", message + "of your machine and nothing of the device.")
        if CONTROL.search(text):
            message = f"{place} has control characters ({text[:60]!r}); write plain text."
            yield Finding("error", "control-characters", message)


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    todo = [(value, place)]
    while todo:
        here, at = todo.pop()
        if isinstance(here, str):
            yield at, here
        elif isinstance(here, dict):
            todo += [(v, f"{at}.{k}" if at else str(k)) for k, v in here.items()]
            todo += [(str(k), f"a field name in {at or 'the document'}") for k in here]
        elif isinstance(here, list):
            todo += [(v, f"{at}[{i}]") for i, v in enumerate(here)]
