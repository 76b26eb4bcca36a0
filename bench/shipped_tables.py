"""Where the tables that ship are, and what a name or a path of a table stands for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .errors import TableError, UnknownNameError
from .files import file_hash
from .table_archive import archived_table, is_archive
from .table_manifest import checked_hash

if TYPE_CHECKING:
    from .table import Table

_HDF5 = b"\x89HDF\r\n\x1a\n"
SHIPPED = Path(__file__).parent.parent / "data_tables"


def shipped_tables() -> dict[str, Path]:
    """The tables that ship with the package, by name."""
    return {p.parent.name.replace("_", "-"): p for p in SHIPPED.glob("*/table.h5")}


def recipe_names() -> tuple[str, ...]:
    """Names of the tables that have a recipe, and the settings of a training with it, sorted."""
    folders = (p.parent for p in SHIPPED.glob("*/recipe.py") if any(p.parent.glob("*.toml")))
    return tuple(sorted(folder.name.replace("_", "-") for folder in folders))


def find_table(name: str | Path, sha256: str | None = None) -> Path:
    """The file of a table given by name, by path, or by an archive's path or address.

    Args:
        name: "fbnet-cifar10", the path of a ``.h5`` file, or a ``.tar`` archive by its path or its
            address; behind an archive may stand ``#sha256=`` and its hash.
        sha256: hash that the file or the archive has; None compares none, and fetches nothing.

    Raises:
        UnknownNameError: neither a shipped table nor a file.
        TableError: no such file, a table that is not built yet, another hash, or a damaged archive.
        DownloadError: an archive that cannot be fetched.
    """
    if is_archive(name):
        return archived_table(name, sha256)
    path = _table_file(name)
    if sha256 is not None and (got := file_hash(path)) != sha256.lower():
        raise TableError(f"{path} has SHA-256 {got}, expected {sha256}; it is another table.")
    return path


def companion(table: Table, name: str) -> Path:
    """What lies beside a table under a name: its weights, its surrogate, its cascades.

    A table that grew out of one that ships by rows that change nothing for the others goes on with
    what lies beside that one, where it has nothing of its own. It need not exist.

    Args:
        table: the table that was opened.
        name: name of the file or folder beside it.
    """
    own = table.path.with_name(name)
    if own.exists():
        return own
    for path in shipped_tables().values():
        there = path.with_name(name)
        if there.exists() and table.unchanged_since(checked_hash(path)):
            return there
    return own


def _table_file(name: str | Path) -> Path:
    if str(name) in shipped_tables():
        return shipped_tables()[str(name)]
    path = Path(name)
    if path.suffix in (".h5", ".hdf5") or path.exists():
        if not path.is_file():
            raise TableError(f"no table file {path}; give the path of a .h5 file.")
        if path.suffix not in (".h5", ".hdf5") and not _is_hdf5(path):
            raise TableError(
                f"{path} is not a table; expected a .h5 file with its manifest beside it, an "
                f"archive (.tar, https://...), or a name: {', '.join(shipped_tables())}."
            )
        return path
    if str(name) in recipe_names():
        raise TableError(
            f"table {name} has a recipe and is not built yet; build it: biglittle table build "
            f"{name}."
        )
    raise UnknownNameError("table", str(name), shipped_tables())


def _is_hdf5(path: Path) -> bool:
    """Whether a file begins as HDF5 does; one that cannot be read may be."""
    try:
        with path.open("rb") as file:
            return file.read(len(_HDF5)) == _HDF5
    except OSError:
        return True
