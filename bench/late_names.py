"""Names of a package that are imported when they are first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def late_names(
    package: str, namespace: dict[str, Any], files: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """What a package takes as its ``__getattr__`` and its ``__dir__``.

    Args:
        package: full name of the package, its ``__name__``.
        namespace: the ``globals()`` of the package; a name that was asked for is kept there.
        files: the module of every name, without the package's own.
    """

    def get(name: str) -> Any:
        if name not in files:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{files[name]}"), name)
        namespace[name] = value
        return value

    def listed() -> list[str]:
        return sorted({*namespace, *files})

    return get, listed
