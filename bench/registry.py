"""Registries: one file is one entry, its name is the key; listing names imports nothing.

An entry ships with the package, or it is a plug-in: registered in Python, loaded from a file that a
user typed, or announced by an installed package as an entry point of a registry's ``group``. Names
in files of others (tables, profiles, fronts, configs) are looked up and never loaded from a path.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import PluginError, UnknownNameError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def _nothing(entry: Any) -> str:
    return ""


@dataclass(frozen=True)
class Registry:
    """Entries of one kind, one module each, found by looking at a package's folder.

    Args:
        kind: what an entry is called in messages ("search space", "searcher").
        package: dotted name of the package whose modules are the entries.
        folder: folder of that package on disk.
        attribute: name of the one public object every entry module ends with.
        group: group of entry points of installed packages whose objects are entries as well; "":
            there are no plug-ins of this kind.
        hyphens: whether messages write keys with hyphens, as the pages and ``--help`` do.
        complaint: what keeps an object of somebody else from being an entry; "" for one that is.

    A module whose name starts with an underscore is shared by entries and is not one itself.
    A key may contain hyphens where its module has underscores.
    """

    kind: str
    package: str
    folder: Path
    attribute: str
    group: str = ""
    complaint: Callable[[Any], str] = _nothing
    hyphens: bool = False
    _added: dict[str, tuple[Any, str]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def shipped(self) -> tuple[str, ...]:
        """Sorted keys of the entries in the package's own folder; no entry is imported."""
        modules = pkgutil.iter_modules([str(self.folder)])
        return tuple(sorted(m.name for m in modules if not m.name.startswith("_")))

    def names(self) -> tuple[str, ...]:
        """Sorted keys of all entries, plug-ins too; no entry is imported.

        Raises:
            PluginError: a plug-in has the name of another entry.
        """
        return tuple(sorted({*self.shipped(), *self._added, *self._announced()}))

    def load(self, name: str) -> Any:
        """The public object of entry ``name``.

        Raises:
            UnknownNameError: no entry has this name; the message gives the nearest one.
            PluginError: the plug-in of this name is broken.
        """
        key = name.replace("-", "_")
        if key in self.shipped():
            return getattr(importlib.import_module(f"{self.package}.{key}"), self.attribute)
        if key not in self._added:
            announced = self._announced()
            if key not in announced:
                names = self.names()
                shown = [n.replace("_", "-") for n in names] if self.hyphens else names
                raise UnknownNameError(self.kind, name, shown)
            point = announced[key]
            place = _place(point)
            with _told(place, ""):
                entry = point.load()
            self._check(key, entry, place)
            self._added[key] = entry, place
        return self._added[key][0]

    # ---- plug-ins --------------------------------------------------------------------------
    def register(self, name: str, entry: Any, place: str = "") -> str:
        """Adds an entry of one's own for this process; returns its key.

        Args:
            name: its key: small letters, digits and underscores or hyphens.
            entry: the object, of the kind that a shipped module ends with.
            place: where it comes from, for messages.

        Raises:
            PluginError: the name is taken or no name, or the object is not an entry of this kind.
        """
        key, place = name.replace("-", "_"), place or f"the {self.kind} registered as {name!r}"
        if not self.group:
            raise PluginError(f"{place}: a {self.kind} cannot be a plug-in.")
        if not _NAME.fullmatch(key):
            raise PluginError(
                f"{place}: {name!r} is not a usable name; expected small letters, digits and "
                "underscores, a letter first."
            )
        taken = self._taken(key)
        if taken and not (key in self._added and self._added[key] == (entry, place)):
            raise PluginError(
                f"{place}: there is a {self.kind} {key!r} already ({taken}); give it another name."
            )
        self._check(key, entry, place)
        self._added[key] = entry, place
        return key

    def register_file(self, path: str | Path) -> str:
        """Runs a Python file and adds the entry that it ends with; returns its key, the stem.

        The file is what a shipped one is: its public object is ``attribute``. A file that was
        loaded before is not run again.

        Raises:
            PluginError: there is no such file, it fails, or it holds no usable entry.
        """
        path = Path(path)
        place, key = str(path), path.stem.replace("-", "_")
        if key in self._added and self._added[key][1] == place:
            return key
        if not path.is_file():
            raise PluginError(
                f"{place}: there is no such file; expected a Python file with {self.attribute}, as "
                f"biglittle/{'/'.join(self.package.split('.')[1:])} has some."
            )
        if taken := self._taken(key):
            raise PluginError(
                f"{place}: there is a {self.kind} {key!r} already ({taken}); rename the file."
            )
        from .plugin_file import run_file

        with _told(place, place):
            module = run_file(path, f"biglittle_plugin_{self.attribute.lower()}_{key}")
        if not hasattr(module, self.attribute):
            raise PluginError(
                f"{place} has no {self.attribute}; expected it to end with one, as the shipped "
                f"files of {self.package} do."
            )
        return self.register(key, getattr(module, self.attribute), place)

    def typed(self, text: str) -> str:
        """Names as a user typed them, comma-separated; a file became the key of what it holds.

        For what a user typed alone: a part that ends in ``.py`` is a file, and is run.

        Raises:
            PluginError: a file that holds no usable entry.
        """
        parts = [part.strip() for part in text.split(",")]
        return ",".join(self.register_file(p) if p.endswith(".py") else p for p in parts)

    def is_shipped(self, name: str) -> bool:
        """Whether an entry is the package's own, so that its code is that of this version."""
        return name.replace("-", "_") in self.shipped()

    def file_of(self, name: str) -> str:
        """Path of the file that an entry was loaded from; "" for one that every process knows.

        Raises:
            PluginError: it was registered in Python, so that no other process has it.
        """
        key = name.replace("-", "_")
        if key not in self._added or key in self._announced():
            return ""
        place = self._added[key][1]
        if not place.endswith(".py"):
            raise PluginError(
                f"{place} is known to this process alone; to run it in others, put it into a file "
                "and load it with register_file."
            )
        return place

    def _check(self, key: str, entry: Any, place: str) -> None:
        own = getattr(entry, "name", key)
        complaint = self.complaint(entry)
        if not complaint and isinstance(own, str) and own and own.replace("-", "_") != key:
            complaint = f"its name is {own!r}, and its key {key!r}; make them the same"
        if complaint:
            raise PluginError(f"{place}: {self.attribute} is not a {self.kind}: {complaint}.")

    def _taken(self, key: str) -> str:
        """What has this key already; "" for nothing."""
        if key in self.shipped():
            return "it ships with biglittle"
        if key in self._added:
            return f"from {self._added[key][1]}"
        announced = self._announced()
        return f"from {_place(announced[key])}" if key in announced else ""

    def _announced(self) -> dict[str, EntryPoint]:
        """Entry points of installed packages by key."""
        if not self.group:
            return {}
        from .plugin_file import entry_points

        points: dict[str, EntryPoint] = {}
        for point in entry_points(self.group):
            key = point.name.replace("-", "_")
            clash = "the one that ships" if key in self.shipped() else ""
            if key in points and points[key].value != point.value:
                clash = f"that of {_place(points[key])}"
            if clash:
                raise PluginError(
                    f"{_place(point)} has a {self.kind} {key!r} beside {clash}; uninstall that "
                    "package, or have its name changed."
                )
            points[key] = point
        return points


def _place(point: EntryPoint) -> str:
    """An entry point as messages name it: its package, and what it points at."""
    package = point.dist.name if point.dist is not None else "an installed package"
    return f"package {package!r} ({point.value})"


@contextmanager
def _told(place: str, file: str) -> Iterator[None]:
    """Turns whatever the code of a plug-in raises into one line that names it."""
    try:
        yield
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        from .plugin_file import failing_line

        line = failing_line(error, file)
        where = f"{place}, line {line}" if line else place
        text = " ".join(str(error).split()) or "it ended"
        raise PluginError(
            f"{where}: the plug-in cannot be loaded: {type(error).__name__}: {text}"
        ) from error


def instance_of(*kinds: type) -> Callable[[Any], str]:
    """What says of an object that it is of none of some types; see ``Registry.complaint``."""
    names = " or ".join(kind.__name__ for kind in kinds)
    return lambda o: "" if isinstance(o, kinds) else f"got {_type(o)}, expected a {names}"


def with_members(*names: str) -> Callable[[Any], str]:
    """What says of an object which of some attributes it lacks; see ``Registry.complaint``."""

    def complaint(entry: Any) -> str:
        there = {*dir(entry)}  # without asking for any: what a machine lacks may be an error
        missing = [name for name in names if name not in there]
        return f"got {_type(entry)} without {', '.join(missing)}" if missing else ""

    return complaint


def _type(entry: Any) -> str:
    return f"an object of type {type(entry).__name__}"
