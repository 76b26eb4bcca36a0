"""Options of a verb that come from elsewhere: from a dataclass, or from the catalogue of figures.

Typer makes an option of every parameter of a function. These decorators let a function take a whole
dataclass of options, or all limits at once, and show Typer the options one by one.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from .bench.figures import FIGURES, Figure

Result = TypeVar("Result")


def with_options(verb: Callable[..., Result]) -> Callable[..., Result]:
    """Makes an option of every field of a dataclass that ``verb`` takes, and hands it an instance.

    The fields are annotated as Typer wants it, ``Annotated[TYPE, typer.Option(...)] = DEFAULT``.
    """
    signature = inspect.signature(verb, eval_str=True)
    for parameter in signature.parameters.values():
        if dataclasses.is_dataclass(parameter.annotation):
            options: Any = parameter.annotation
            verb = _expanded(verb, parameter.name, _fields(options), _filled(options))
    return verb


def with_limits(verb: Callable[..., Result]) -> Callable[..., Result]:
    """Makes an option of the limit on every figure, and hands ``verb`` those given as ``limits``.

    ``limits`` is a dictionary of the limit by figure, as ``SearchSettings`` and ``Benchmark.front``
    take it.
    """
    options = [
        inspect.Parameter(
            figure.limit,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                float | None,
                typer.Option(*_names(figure), help=figure.limit_help, rich_help_panel="Limits"),
            ],
        )
        for figure in FIGURES.values()
    ]

    def given(values: dict[str, Any]) -> dict[str, float]:
        limits = {name: values[figure.limit] for name, figure in FIGURES.items()}
        return {name: limit for name, limit in limits.items() if limit is not None}

    return _expanded(verb, "limits", options, given)


def _names(figure: Figure) -> list[str]:
    """What the limit on a figure is called on the command line, where it has two names."""
    return [f"--{figure.limit.replace('_', '-')}", figure.short] if figure.short else []


def _fields(options: Any) -> list[inspect.Parameter]:
    """The fields of a dataclass as parameters."""
    hints = get_type_hints(options, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=(
                inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
            ),
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(options)
    ]


def _filled(options: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda values: options(**values)


def _expanded(
    verb: Callable[..., Result],
    name: str,
    parameters: Sequence[inspect.Parameter],
    gather: Callable[[dict[str, Any]], Any],
) -> Callable[..., Result]:
    """``verb`` with ``parameters`` in place of the one called ``name``, which ``gather`` makes."""
    signature = inspect.signature(verb, eval_str=True)

    @functools.wraps(verb)
    def call(**values: Any) -> Result:
        gathered = gather({p.name: values.pop(p.name) for p in parameters})
        return verb(**{name: gathered}, **values)

    flat: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.name == name:
            flat += parameters
        else:
            flat.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    call.__signature__ = signature.replace(parameters=flat)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in flat}
    return call
