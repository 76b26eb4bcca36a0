"""The stages by name; apart, so that the command line refuses a wrong one without PyTorch."""

from __future__ import annotations

from ...bench.errors import BigLittleError, UnknownNameError

STAGES = (
    *("teacher", "train", "evaluate", "assemble", "exits", "trust", "pairs"),
    *("int8", "extend", "oracle", "cascades"),
)
#: What may come before rows are added to a table that is there.
BEFORE_EXTENDING = ("evaluate", "exits", "trust", "pairs", "int8")
#: Not among ``all``: a table with every network in int8 too is twice as large, and a table need not
#: have a teacher.
BY_NAME_ALONE = ("int8", "oracle")


def stages_to_build(name: str) -> tuple[str, ...]:
    """The stages that ``table build --stage`` stands for: one, or all in their order.

    ``all`` is without those of ``BY_NAME_ALONE``.

    Raises:
        UnknownNameError: no stage has this name.
    """
    if name not in (*STAGES, "all"):
        raise UnknownNameError("stage", name, (*STAGES, "all"))
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
