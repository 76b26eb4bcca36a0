"""What the scripts that make the shipped profiles share: where a profile goes, and their errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...bench.device import parse_profile, read_document
from ...bench.errors import BigLittleError
from ...bench.files import replacing


def write(document: Mapping[str, Any], folder: Path = Path(__file__).parent) -> Path:
    """The file of a profile, whole or not at all, named after its device.

    Args:
        document: the profile as plain JSON.
        folder: where the file goes; as a rule beside the profiles that ship.

    Raises:
        DeviceError: the profile is not one that can be used; what stood in its place stays.
    """
    target = folder / f"{document['device']}.json"
    with replacing(target) as partial:
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        parse_profile(read_document(partial), target.name)
    return target


def run(make: Callable[[], object]) -> None:
    """Runs a script; an error that a user can cause is one line on stderr and exit code 1."""
    try:
        make()
    except BigLittleError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from None
