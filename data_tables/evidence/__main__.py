"""The command: measures steps, keeps their figures, and fills the pages that quote them."""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer

from ...bench.errors import EXTRA_OF, BigLittleError, MissingExtraError
from . import _page

USAGE = "usage: python -m biglittle.data_tables.evidence [--list] [STEP ... | STEP --option ...]"
#: Does what a step measures, with the options of the command line.
Measure = Callable[..., Mapping[str, Any] | None]


def command(name: str, keep: Callable[[Any], object] = lambda figures: None) -> Any:
    """The command of one step, whose options are the arguments of its ``measure``.

    Args:
        name: the step, as ``--list`` shows it.
        keep: called with what was measured.

    Raises:
        UnknownNameError: there is no such step.
        BigLittleError: its figures are written by another command.
    """
    measure = _page.step(name).measure
    if measure is None:
        raise BigLittleError(
            f"the step {name!r} measures nothing: its figures are those of other steps or of "
            "another command; without any step this command fills the pages."
        )
    app = typer.Typer(add_completion=False)
    app.command(name)(_kept(measure, keep))
    return typer.main.get_command(app)


def _kept(measure: Measure, keep: Callable[[Any], object]) -> Callable[..., None]:
    """The same function, but what it returns is kept."""

    @functools.wraps(measure)
    def run(*given: Any, **named: Any) -> None:
        keep(measure(*given, **named))

    return run


def run(name: str, options: Sequence[str] = ()) -> int:
    """Measures one step and keeps its figures; returns the exit code."""
    entry = _page.step(name)

    def keep(figures: Mapping[str, Any] | None) -> None:
        if entry.keeps and figures is not None:
            _page.save(name, figures)

    try:
        command(name, keep).main(list(options), prog_name=name)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def listing() -> str:
    """The steps with whether each was run, and the marks of each with the pages that quote it."""
    quotes: dict[str, list[str]] = {}
    for path in _page.pages():
        for match in _page.MARK.finditer(path.read_text(encoding="utf-8")):
            quotes.setdefault(match[1], []).append(path.relative_to(_page.ROOT).as_posix())
    lines = []
    for name in _page.names():
        entry = _page.step(name)
        figures = _page.load(name, entry.file) if entry.keeps else None
        there = "" if figures or not entry.keeps else " (not run)"
        if figures and _page.outdated(entry, figures):
            there = " (of a table before)"
        lines.append(f"{name}{there}")
        lines += [f"    {m}: {', '.join(quotes.get(m, ['nowhere']))}" for m in entry.texts]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the steps that are named and fills the pages; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    steps = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
    options = words[len(steps) :]
    try:
        if options == ["--list"] and not steps:
            sys.stdout.write(listing() + "\n")
            return 0
        if options and len(steps) != 1:
            sys.stderr.write(f"{USAGE}\n")
            return 0 if options == ["--help"] else 2
        for name in steps:
            _page.step(name)  # before the first takes its time
        for name in steps:
            code = run(name, options)
            if code or "--help" in options:
                return code
        for page in _page.fill_pages():
            sys.stderr.write(f"filled {page.relative_to(_page.ROOT)}\n")
    except (BigLittleError, ModuleNotFoundError) as error:
        module = (getattr(error, "name", None) or "").partition(".")[0]
        if module in EXTRA_OF:
            error = MissingExtraError(module, EXTRA_OF[module], "the evidence")
        elif not isinstance(error, BigLittleError):
            raise
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
