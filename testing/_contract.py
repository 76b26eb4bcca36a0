"""What every contract is: a class of tests, each run for every entry that it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import pytest

from ..bench.registry import Registry

Test = TypeVar("Test", bound=Callable[..., None])


class Contract:
    """Tests that every entry of a registry has to pass; a test takes the key as ``name``.

    A subclass whose name starts with ``Test`` says which entries it is about: ``names``, or
    ``entry`` alone, an object of one's own, which is registered under its name.

    Attributes:
        registry: where the entries are.
        names: keys of the entries that are tested.
        entry: object of one's own to register and test; None: those of ``names``.
    """

    registry: ClassVar[Registry]
    names: Sequence[str] = ()
    entry: Any = None

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The keys of the entries that are tested."""
        if cls.entry is None:
            return tuple(cls.names)
        key = str(getattr(cls.entry, "name", "") or cls.__name__.removeprefix("Test").lower())
        if key in cls.registry.names() and cls.registry.load(key) is cls.entry:
            return (key,)  # its package is installed
        place = f"the entry of {cls.__name__}"
        return (cls.registry.register(key, cls.entry, place),)

    @classmethod
    def of_kind(cls, kind: str) -> tuple[str, ...]:
        """The keys that a test marked ``only(kind)`` is about; a contract says which these are."""
        return cls.keys()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Gives every test the keys that it is about."""
        if "name" in metafunc.fixturenames:
            kind = getattr(metafunc.function, "only_kind", "")
            metafunc.parametrize("name", self.of_kind(kind) if kind else self.keys(), scope="class")


def only(kind: str) -> Callable[[Test], Test]:
    """Marks a test that is for entries of one kind alone."""

    def marked(test: Test) -> Test:
        test.only_kind = kind  # type: ignore[attr-defined]
        return test

    return marked
