"""What the profiler is asked to measure where a user names a whole table, or a front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..bench import Benchmark, get_space
from ..bench.errors import ArchitectureError, BigLittleError
from ..bench.figures import counted
from ..bench.text_files import parse_csv, read_text
from ..edge_profiler.session import ProfileRequest
from ..edge_profiler.validate import joined_pairs, networks_of, pairs_of
from .front_document import NAMED
from .front_files import read_front
from .front_question import OF_FRONT
from .judge import DEFAULT_TABLE
from .validation import TOP, check_buildable, proposed


def is_front(text: str) -> bool:
    """Whether a text is the path of a front: its folder, a ``.json``, or a CSV with its columns."""
    path = Path(text)
    try:
        if path.is_dir():
            return any((path / name).is_file() for name in ("front.json", "front.csv"))
        if not path.is_file():
            return False
        if path.suffix.lower() == ".csv":
            return {"little", "big"} <= {*parse_csv(read_text(path), NAMED).columns}
    except (OSError, ValueError):  # a list of ids may be longer than a name; it is no front anyway
        return False
    return path.suffix.lower() == ".json"


def requests_for(
    request: ProfileRequest,
    table: str,
    say: Callable[[str], None],
    top: int | None = None,
    every: bool = False,
) -> list[ProfileRequest]:
    """What to measure one after another into one file, with "table" and fronts written out as ids.

    Networks have as many classes as those of the table, or of the front's. Of a front it is what
    ``validate --measure here`` measures: the networks and pairs of the points that the search
    proposes, the pairs of each gate in a request of their own.

    Args:
        request: what the user asked for; ``networks`` may be "table" or the path of a front.
        table: name or file of the table that "table" stands for.
        say: called with a line for the reader.
        top: points of a front to measure at most; None: as many as validate does.
        every: whether all points of a front are measured.

    Raises:
        ArchitectureError: a front with networks that are known by their answers alone.
        BigLittleError: no such table, no front, pairs or blocks beside a front, or
            ``top`` or ``every`` without one.
    """
    of_front = not request.again and is_front(request.networks)
    if (every or top is not None) and not of_front:
        what = "--again names" if request.again else f"--networks {request.networks[:60]!r} is"
        raise BigLittleError(
            f"{'--all' if every else '--top'} says how many points of a front are measured, and "
            f"{what} no front; leave it out, or name a front.json to --networks."
        )
    if every and top is not None:
        raise BigLittleError(
            f"got --top {top} and --all, which measures all points of the front; leave one out."
        )
    if request.networks == "table":
        bench = Benchmark.load(table)
        networks = ",".join(bench.architectures)
        space, n_classes = bench.table.space.name, bench.table.n_classes
        return [replace(request, networks=networks, space=space, n_classes=n_classes)]
    if not of_front:
        return [request]
    if request.pairs or request.blocks:
        raise BigLittleError(
            f"{request.networks} is a front, which names networks and pairs; leave out --pairs and "
            "--blocks, or give ids to --networks."
        )
    front = read_front(request.networks)
    points = proposed(front, None if every else top or TOP)
    pairs, ids = pairs_of(points), networks_of(points)
    first = replace(request, networks=",".join(ids))
    why = "as --classes says"
    try:
        device = front.question.profiles()[0]
    except ArchitectureError:  # networks known by their answers alone cannot be built
        raise
    except BigLittleError:  # its profile is elsewhere: --space says what they are
        if front.question.n_classes is not None:
            first, why = replace(first, n_classes=front.question.n_classes), OF_FRONT
    else:
        n_classes, why = front.question.classes(device, None, DEFAULT_TABLE)
        first = replace(first, space=device.space, n_classes=n_classes)
    check_buildable(get_space(first.space), ids, first.n_classes)
    n_pairs = sum(map(len, pairs.values()))
    say(
        f"Of {request.networks}: {counted(len(ids), 'network')} and {counted(n_pairs, 'pair')}, "
        f"those of {len(points)} of {counted(len(front.points), 'point')}, with "
        f"{first.n_classes:,} classes ({why})."
        f"{' --all measures the rest.' if len(points) < len(front.points) else ''}"
    )
    with_pairs = [
        replace(first, pairs=joined_pairs(members), gate=gate) for gate, members in pairs.items()
    ]
    return with_pairs or [first]
