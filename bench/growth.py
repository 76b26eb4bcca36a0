"""How a table grew: out of which tables, and by rows of which kinds.

A table that only got further rows still answers what was asked of the rows that it had. What was
found with it, and names it by its hash, therefore stays valid where no row was added that the
question looked at. A row's kind is its precision; that of a network with a training of its own,
which no front and no surrogate looks at, is that training, and such rows may have replaced others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from .documents import Sha256, typed

#: Where it stands in the facts of a table (``Table.training``).
GROWN_FROM = "grown_from"


class Growth(msgspec.Struct):
    """One table that another grew out of.

    Attributes:
        sha256: hash of the table before.
        added: how many rows it got, by their kind.
    """

    sha256: Sha256
    added: dict[str, int]


def grown(
    training: Mapping[str, Any], sha256: str | None, added: Iterable[str] | None
) -> dict[str, Any]:
    """The facts of a table that got further rows.

    Args:
        training: facts of the table before.
        sha256: its hash; None where it was not checked.
        added: kinds of the new rows, one a row; None where rows that it had are not there any
            more.
    """
    before = {key: value for key, value in training.items() if key != GROWN_FROM}
    if sha256 is None or added is None:
        return before
    step = {"sha256": sha256, "added": dict(sorted(Counter(added).items()))}
    return {**before, GROWN_FROM: [*training.get(GROWN_FROM, ()), step]}


def unchanged_since(
    training: Mapping[str, Any], own: str | None, sha256: str | None, kinds: Iterable[str]
) -> bool:
    """Whether a table's rows of some kinds are those of an earlier one, no more and no fewer.

    Args:
        training: facts of the table, ``Table.training``.
        own: its hash; None where it was not checked.
        sha256: hash of the earlier table.
        kinds: precisions or trainings whose rows are meant.

    Raises:
        DocumentError: the facts do not say in a known way how it grew.
    """
    if sha256 is not None and sha256 == own:
        return True
    steps = typed(list(training.get(GROWN_FROM, ())), list[Growth], GROWN_FROM)
    begins = next((i for i, step in enumerate(steps) if step.sha256 == sha256), None)
    looked_at = set(kinds)
    return begins is not None and not any(looked_at & {*step.added} for step in steps[begins:])
