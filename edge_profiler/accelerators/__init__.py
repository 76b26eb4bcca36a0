"""Accelerators, one file each: which there are, and how one is read.

A file is in zigzag's YAML (``description.py``), or holds the numbers of a parametric one in TOML
(``parametric.py``). Its name without suffix is the key.
"""

from __future__ import annotations

from pathlib import Path

from ...bench.documents import DocumentError, read_toml
from ...bench.errors import AcceleratorError, UnknownNameError
from ...bench.files import why_unreadable
from .description import Accelerator, parse_accelerator, read_yaml
from .parametric import Parameters, from_parameters, parse_parameters

__all__ = [
    "Accelerator",
    "Parameters",
    "accelerator_file",
    "accelerators",
    "from_parameters",
    "load_accelerator",
    "parse_accelerator",
    "parse_parameters",
]

FOLDER = Path(__file__).parent
SUFFIXES = (".yaml", ".yml", ".toml")


def accelerators() -> tuple[str, ...]:
    """Names of the accelerators that ship; none is read."""
    return tuple(sorted(p.stem for p in FOLDER.iterdir() if p.suffix in SUFFIXES))


def accelerator_file(name: str | Path) -> Path:
    """The file of an accelerator: one that ships, or a path that ends in .yaml or .toml.

    Raises:
        UnknownNameError: no accelerator of that name ships.
    """
    if Path(name).suffix in SUFFIXES:
        return Path(name)
    if str(name) not in accelerators():
        raise UnknownNameError("accelerator", str(name), accelerators())
    return next(p for p in FOLDER.iterdir() if p.stem == str(name) and p.suffix in SUFFIXES)


def load_accelerator(name: str | Path) -> Accelerator:
    """An accelerator by name, or from a file.

    Raises:
        UnknownNameError: no accelerator of that name ships, and it is not a path of one.
        AcceleratorError: the file cannot be read, or does not describe an accelerator.

    >>> load_accelerator("eyeriss-like").sides
    (14, 12)
    """
    path = accelerator_file(name)
    try:
        if path.suffix == ".toml":
            return from_parameters(parse_parameters(read_toml(path, dict), path.name))
        return parse_accelerator(read_yaml(path), path.name)
    except (OSError, DocumentError, ValueError) as error:
        why = why_unreadable(error, str(error)) if isinstance(error, OSError) else str(error)
        raise AcceleratorError(f"accelerator {path} cannot be read: {why}") from error
