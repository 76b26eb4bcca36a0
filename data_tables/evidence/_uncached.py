"""A while without kept fronts, for steps that time how long one takes."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from unittest import mock

from ...bench.kept_front import CACHE_FOLDER_VARIABLE


@contextlib.contextmanager
def nothing_kept() -> Iterator[None]:
    """Within it no front is read from the user's cache or left there."""
    with (
        tempfile.TemporaryDirectory() as empty,
        mock.patch.dict(os.environ, {CACHE_FOLDER_VARIABLE: empty}),
    ):
        yield
