"""Options whose value may be the file of a plug-in: it is loaded, and its name takes its place.

A file is run where a user typed it, and nowhere else: what a config, a front or the environment
says is a name and stays one.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from .bench.registry import Registry

#: Module and name of each registry, by the group of its entry points.
REGISTRIES = {
    "datasets": ("bench.datasets", "DATASETS"),
    "gates": ("bench.gates", "GATES"),
    "meters": ("edge_profiler.meters", "METERS"),
    "methods": ("cotrain.methods", "METHODS"),
    "pair_models": ("surrogates.pairs", "PAIR_MODELS"),
    "proxies": ("zerocost.proxies", "PROXIES"),
    "runtimes": ("edge_profiler.runtimes", "RUNTIMES"),
    "searchers": ("searchers.algorithms", "SEARCHERS"),
    "spaces": ("bench.spaces", "SPACES"),
    "surrogates": ("surrogates.members", "MEMBERS"),
}


def registry_of(group: str) -> Registry:
    """The registry whose entry points are the group ``biglittle.GROUP``."""
    module, name = REGISTRIES[group]
    registry: Registry = getattr(import_module(f"{__package__}.{module}"), name)
    return registry


def plugins(group: str) -> Callable[..., Any]:
    """A callback of an option of names, of which each may be a Python file, as in ``./mine.py``.

    Args:
        group: what the option names, one of `REGISTRIES`.
    """

    def named(context: typer.Context, parameter: typer.CallbackParam, value: Any) -> Any:
        source = context.get_parameter_source(str(parameter.name))
        typed = source is not None and source.name == "COMMANDLINE"
        parts = value if isinstance(value, list) else [value]
        if not typed or not any(isinstance(p, str) and ".py" in p for p in parts):
            return value
        registry = registry_of(group)
        names = [registry.typed(part) for part in parts]
        return names if isinstance(value, list) else names[0]

    return named
