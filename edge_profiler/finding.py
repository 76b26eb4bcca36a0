"""What the admission test of a device profile says about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing about a profile.

    Attributes:
        severity: an ``error`` keeps the profile out, a ``warning`` wants an explanation, a
            ``note`` is for information.
        code: a short key, for programs.
        message: what is wrong, and in most cases what to do.
        advice: a command that may mend it; empty where there is none.
    """

    severity: Severity
    code: str
    message: str
    advice: str = ""
