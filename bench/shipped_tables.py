"""Where the tables that ship are, and what a name or a path of a table stands for."""

from __future__ import annotations

from pathlib import Path

from .errors import TableError, UnknownNameError

SHIPPED = Path(__file__).parent.parent / "data_tables"


def shipped_tables() -> dict[str, Path]:
    """The tables that ship with the package, by name."""
    return {p.parent.name.replace("_", "-"): p for p in SHIPPED.glob("*/table.h5")}


def find_table(name: str | Path) -> Path:
    """The file of a table given by name or by path.

    Raises:
        UnknownNameError: neither a shipped table nor a file.
    """
    if str(name) in shipped_tables():
        return shipped_tables()[str(name)]
    path = Path(name)
    if path.suffix in (".h5", ".hdf5") or path.exists():
        if not path.is_file():
            raise TableError(f"no table file {path}; give the path of a .h5 file.")
        return path
    raise UnknownNameError("table", str(name), shipped_tables())
