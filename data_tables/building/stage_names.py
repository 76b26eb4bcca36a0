"""The stages by name; apart, so that the command line refuses a wrong one without PyTorch."""

from __future__ import annotations

from pathlib import Path

from ...bench.errors import BigLittleError, UnknownNameError
from ...unused_options import check_unused

STAGES = (
    *("teacher", "train", "evaluate", "assemble", "exits", "trust", "pairs"),
    *("int8", "extend", "oracle", "cascades"),
)
#: What may come before rows are added to a table that is there.
BEFORE_EXTENDING = ("evaluate", "exits", "trust", "pairs", "int8")
#: Not among ``all``: a table with every network in int8 too is twice as large, and a table need not
#: have a teacher.
BY_NAME_ALONE = ("int8", "oracle")
#: Those that do not look at the supernet of the working folder.
WITHOUT_SUPERNET = ("teacher", "oracle", "cascades")


def stages_to_build(
    name: str, start: Path | None = None, earlier: Path | None = None
) -> tuple[str, ...]:
    """The stages that ``table build --stage`` stands for: one, or all in their order.

    ``all`` is without those of ``BY_NAME_ALONE``.

    Args:
        name: name of a stage, or ``all``.
        start: weights of a supernet that the build goes on from; None: none were given.
        earlier: table whose trained networks the new one keeps; None: none was given.

    Raises:
        UnknownNameError: no stage has this name.
        ConstraintError: the stage has no use for what was given.
    """
    if name not in (*STAGES, "all"):
        raise UnknownNameError("stage", name, (*STAGES, "all"))
    why = {}
    if name in WITHOUT_SUPERNET:
        why["--start"] = f"it is for train and what uses its supernet, which {name} does not"
    if name not in ("assemble", "all"):
        why["--earlier"] = f"it is for assemble and all, and this is {name}"
    check_unused({"--start": start, "--earlier": earlier}, why, "name another --stage")
    every = tuple(stage for stage in STAGES if stage not in BY_NAME_ALONE)
    return every if name == "all" else (name,)


def stages_to_extend(name: str) -> tuple[str, ...]:
    """The stages that ``table extend --stage`` stands for: the last is always ``extend``.

    Raises:
        UnknownNameError: no such stage comes before rows are added.
    """
    if name not in ("none", *BEFORE_EXTENDING):
        raise UnknownNameError("stage", name, ("none", *BEFORE_EXTENDING))
    return ("extend",) if name == "none" else (name, "extend")


def parse_shard(text: str) -> tuple[int, int]:
    """The share of a stage's jobs in ``i/n``: every n-th one from the i-th on.

    Raises:
        BigLittleError: the text is not of this form.

    >>> parse_shard("0/2")
    (0, 2)
    """
    try:
        part, parts = (int(number) for number in text.split("/"))
    except ValueError as error:
        raise BigLittleError(f"shard {text!r} is not of the form i/n, for example 0/2.") from error
    return part, parts
