"""Plug-ins that travel to the workers of a runner, which know those that are installed alone."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from .registry import Registry


@dataclass(frozen=True)
class PluginFile:
    """A file that a user typed and that another process loads as well.

    Attributes:
        package: module of the registry that the file is an entry of.
        attribute: name that its entries end with, by which the registry is known.
        path: path of the file.
        text: content of the file, for a machine that does not have it; None: it is read there.
    """

    package: str
    attribute: str
    path: str
    text: str | None = None

    def load(self) -> None:
        """Registers what the file holds, unless this process knows it already."""
        registry = next(
            r
            for r in vars(importlib.import_module(self.package)).values()
            if isinstance(r, Registry)
            and (r.package, r.attribute) == (self.package, self.attribute)
        )
        path = Path(self.path)
        if path.stem.replace("-", "_") in registry.names():
            return
        if self.text is None:
            registry.register_file(path)
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / path.name
            copy.write_text(self.text, encoding="utf-8")
            registry.register_file(copy)

    def sent(self) -> PluginFile:
        """The same with its content."""
        return replace(self, text=Path(self.path).read_text(encoding="utf-8"))


def plugin_files(registry: Registry, names: Iterable[str]) -> tuple[PluginFile, ...]:
    """The files of those entries that no other process knows by itself.

    Args:
        registry: registry of the entries.
        names: keys of the entries that are going to be used.

    Raises:
        PluginError: one that was registered in Python, and so is known to this process alone.
    """
    paths = (registry.file_of(name) for name in names)
    return tuple(PluginFile(registry.package, registry.attribute, path) for path in paths if path)
