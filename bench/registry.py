"""Registries: one file is one entry, its name is the key; listing names imports nothing."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import UnknownNameError


@dataclass(frozen=True)
class Registry:
    """Entries of one kind, one module each, found by looking at a package's folder.

    Args:
        kind: what an entry is called in messages ("search space", "searcher").
        package: dotted name of the package whose modules are the entries.
        folder: folder of that package on disk.
        attribute: name of the one public object every entry module ends with.

    A module whose name starts with an underscore is shared by entries and is not one itself.
    A key may contain hyphens where its module has underscores.
    """

    kind: str
    package: str
    folder: Path
    attribute: str

    def names(self) -> tuple[str, ...]:
        """Sorted keys; no entry is imported."""
        modules = pkgutil.iter_modules([str(self.folder)])
        return tuple(sorted(m.name for m in modules if not m.name.startswith("_")))

    def load(self, name: str) -> Any:
        """The public object of entry ``name``.

        Raises:
            UnknownNameError: no entry has this name; the message gives the nearest one.
        """
        key = name.replace("-", "_")
        if key not in self.names():
            raise UnknownNameError(self.kind, name, self.names())
        return getattr(importlib.import_module(f"{self.package}.{key}"), self.attribute)
