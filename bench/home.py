"""The folders of a user; whoever has no home folder, such as a container's user, is told so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .errors import NoHomeError


def home_folder(of: Callable[[], Path], variable: str) -> Path:
    """A folder below the user's home.

    Args:
        of: gives it, as `Path.home` or a function of ``platformdirs`` does.
        variable: environment variable that names another one, for the message.

    Raises:
        NoHomeError: the user has no home.
    """
    try:
        folder = of()
    except RuntimeError as error:
        raise NoHomeError(variable) from error
    if not folder.is_absolute():  # a tilde that stands for nothing
        raise NoHomeError(variable)
    return folder
