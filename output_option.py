"""Where a verb writes: tried before the work, held by one process, and kept when it is stopped."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

Result = TypeVar("Result")

WaitOption = Annotated[
    bool, typer.Option("--wait", help="Wait where another process writes the same, not end.")
]
#: Outputs of the verb that runs from which it goes on when it is stopped.
kept_places: list[Path] = []


def with_output(
    name: str, *, folder: bool | Callable[..., bool] = False, resumes: bool = True
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Gives a verb the option ``--wait``, and runs it while it alone writes where it is told to.

    Args:
        name: parameter of the verb that is the file or folder; where it is None nothing is held.
        folder: whether it is a folder, or what says so of all of the verb's arguments.
        resumes: whether the verb goes on from what is there.
    """

    def decorated(verb: Callable[..., Result]) -> Callable[..., Result]:
        signature = inspect.signature(verb, eval_str=True)
        passes_on = "wait" in signature.parameters

        @functools.wraps(verb)
        def call(**values: Any) -> Result:
            wait = values["wait"] if passes_on else values.pop("wait")
            if values[name] is None:
                return verb(**values)
            is_folder = folder(**values) if callable(folder) else folder
            with writing(values[name], is_folder, wait, f"--{name}", resumes):
                return verb(**values)

        parameters = list(signature.parameters.values())
        if not passes_on:
            parameters.append(
                inspect.Parameter(
                    "wait", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=WaitOption
                )
            )
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {p.name: p.annotation for p in parameters}
        return call

    return decorated


@contextmanager
def writing(
    output: Path,
    folder: bool,
    wait: bool,
    option: str,
    resumes: bool = True,
    shard: tuple[int, int] | None = None,
) -> Iterator[None]:
    """Runs a block that alone writes to an output, which was tried before.

    Args:
        output: file or folder to write.
        folder: whether it is a folder.
        wait: whether to wait for another process that writes there.
        option: option that names the output, for messages.
        resumes: whether the next run goes on from what is there.
        shard: (i, n) for the i-th of n shares of the folder's work; None: all of it.

    Raises:
        BigLittleError: it cannot be written to, or another process writes there.
    """
    from .bench.files import writable_place
    from .bench.locks import holding, holding_share

    with writable_place(output, folder, option):
        hold = (
            holding(output, wait, say_on_stderr)
            if shard is None
            else holding_share(output, *shard, wait, say_on_stderr)
        )
        with hold:
            if resumes:
                kept_places.append(output)
            yield


def written_as(*suffixes: str) -> Callable[..., Any]:
    """A callback of an option that names a file to write, which refuses names of other endings.

    Args:
        suffixes: endings of the names of what the verb writes, in small letters, with their point.
    """

    def checked(parameter: typer.CallbackParam, value: Any) -> Any:
        if value is not None:
            check_suffix(Path(value), suffixes, parameter.opts[0])
        return value

    return checked


def check_suffix(path: Path, suffixes: Sequence[str], option: str) -> None:
    """Refuses a name whose ending says that something else is written than what is.

    Args:
        path: file that is to be written.
        suffixes: endings of the names of what is written, in small letters, with their point.
        option: option that names it, for messages.

    Raises:
        BigLittleError: it has none of the endings.
    """
    if path.suffix.lower() in suffixes:
        return
    from .bench.errors import BigLittleError

    writes = " or ".join(suffixes)
    raise BigLittleError(
        f"{option} {path}: {option} writes {writes} and goes by the end of the name, which is "
        f"{path.suffix or 'missing'!r} here; expected such as {path.with_suffix(suffixes[0])}."
    )


def say_on_stderr(line: str) -> None:
    """Prints a line on stderr as it is."""
    sys.stderr.write(line + "\n")
