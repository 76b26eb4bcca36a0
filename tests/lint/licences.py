"""Lists the licences of what ``requirements/full.txt`` installs, from the packages' own metadata.

``python tests/lint/licences.py`` writes ``requirements/LICENCES.md`` anew; a test compares it.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections import defaultdict
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"
PAGE = REQUIREMENTS / "LICENCES.md"
#: Names in older metadata of what others call otherwise.
SAME = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF",
}
#: Read in the package's licence file, since its metadata do not name one, or it is not installed
#: on every system.
READ = {
    "appnope": "BSD-2-Clause",
    "colorama": "BSD-3-Clause",
    "graphemeu": "MIT",
    "mlcroissant": "Apache-2.0",
    "nvidia-nccl-cu12": "BSD-3-Clause",
    "torch": "BSD-3-Clause",
    "xgboost": "Apache-2.0",
    "xgboost-cpu": "Apache-2.0",
}


def packages(name: str) -> list[str]:
    """Packages that a file of requirements pins."""
    text = (REQUIREMENTS / name).read_text(encoding="utf-8")
    return re.findall(r"^([a-z0-9.-]+)==", text, flags=re.M)


def licence(package: str) -> str:
    """The licence that a package states."""
    if package in READ:
        return READ[package]
    facts = importlib.metadata.metadata(package)
    named = facts.get("License-Expression")
    heads = [c.split(" :: ")[-1] for c in facts.get_all("Classifier", []) if c[:7] == "License"]
    stated = str(named or " AND ".join(heads) or facts.get("License", ""))
    return SAME.get(stated, stated)


def page() -> str:
    """The page, packages by licence."""
    light = {*packages("search.txt")}
    by_licence = defaultdict(list)
    for package in ["torch", *packages("full.txt")]:
        by_licence[licence(package)].append(f"{package}{'' if package in light else '*'}")
    rows = [f"| {name} | {', '.join(sorted(by_licence[name]))} |" for name in sorted(by_licence)]
    head = [
        "# Licences of what `make` installs",
        "",
        "As the packages state them (`python tests/lint/licences.py` writes this page). With *",
        "only the full set-up has it, for training, measuring and tests. Nothing of them is in",
        "this repository, which is under Apache-2.0.",
        "",
        "`moocore` comes with pymoo and is under the LGPL: it is used as it is, as a library of",
        "its own that whoever installs it can replace. The MPL asks the same of those files.",
        "",
        "| licence | packages |",
        "|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
