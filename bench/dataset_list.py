"""The data sets that are known, and which of them are on this machine."""

from __future__ import annotations

from typing import Any

from .datasets import DATASETS, data_folder, get_dataset, prepared_names
from .errors import BigLittleError


def listed_datasets() -> dict[str, dict[str, Any]]:
    """The folder of every data set, whether it is ``here``, and a ``problem`` or None, by name."""
    listed: dict[str, dict[str, Any]] = {}
    for name in (*DATASETS.names(), *prepared_names()):
        folder = data_folder() / name
        here, problem = False, None
        try:
            here = get_dataset(name).read(folder) is not None
        except BigLittleError as error:
            problem = str(error)
        listed[name] = {"folder": str(folder), "problem": problem, "here": here}
    return listed


def datasets_text() -> list[str]:
    """One line for every data set, with the command that fetches it if it is not here."""
    lines = []
    for name, facts in listed_datasets().items():
        state = "here" if facts["here"] else f"not here; biglittle data fetch {name}"
        lines.append(f"{name}: {facts['problem'] or state} ({facts['folder']})")
    return lines
