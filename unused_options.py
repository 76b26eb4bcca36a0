"""Options that were given and would change nothing: a verb refuses them in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

from .bench.errors import ConstraintError


def check_unused(options: Mapping[str, object], why: Mapping[str, str], instead: str = "") -> None:
    """Refuses options that were given and say nothing of what is asked.

    Args:
        options: value of each option by its name, such as ``--top``; None or False where it was
            not given.
        why: why an option has no use here, by its name; all others have one.
        instead: what may be done rather than leaving them out, as "name a pair"; empty: nothing.

    Raises:
        ConstraintError: one of them was given; says which and why.

    >>> check_unused({"--top": None}, {"--top": "all points are measured"})
    """
    reasons: dict[str, list[str]] = {}
    for option, reason in why.items():
        value = options.get(option)
        if value is not None and value is not False:
            reasons.setdefault(reason, []).append(option)
    if not reasons:
        return
    one = sum(map(len, reasons.values())) == 1
    what, them = ("an option", "it") if one else ("options", "them")
    listed = ", ".join(f"{' and '.join(some)} ({reason})" for reason, some in reasons.items())
    advice = f", or {instead}" if instead else ""
    raise ConstraintError(
        f"got {what} that would change nothing: {listed}. Leave {them} out{advice}."
    )
