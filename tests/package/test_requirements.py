"""What ``make`` installs is held by hash and is that of constraints.txt; licences are listed."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ("search.txt", "full.txt")
#: Installed by version alone, since its build depends on where it comes from.
WITHOUT_HASH = {"torch"}


def pins(text: str) -> dict[str, str]:
    """Versions by the name of a package, as indexes spell it."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\\n]+)", text, flags=re.M)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


CONSTRAINTS = pins((ROOT / "constraints.txt").read_text())


@pytest.mark.parametrize("name", FILES)
def test_every_package_has_hashes_and_no_place(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    assert "://" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) == len(pins(text))
    for entry in entries:
        lines = entry.split("\n")
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", h) for h in lines[1:])
        assert len(lines) > 1, entry


@pytest.mark.parametrize("name", FILES)
def test_versions_are_those_of_the_constraints(name: str) -> None:
    held = pins((ROOT / "requirements" / name).read_text())
    assert {n: CONSTRAINTS[n] for n in held if n in CONSTRAINTS} == {
        n: v for n, v in held.items() if n in CONSTRAINTS
    }


def test_what_the_project_asks_for_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = {
        "search.txt": project["dependencies"],
        "full.txt": sum((extras[e] for e in ("train", "profiler", "dev")), project["dependencies"]),
    }
    for file, requirements in wanted.items():
        names = {re.match(r"[A-Za-z0-9-]+", r)[0].lower() for r in requirements}  # type: ignore[index]
        held = pins((ROOT / "requirements" / file).read_text())
        assert names - {*held} <= WITHOUT_HASH
        assert "setuptools" in held  # which builds the package, without a download of its own


def test_the_list_of_licences_is_that_of_the_packages() -> None:
    place = ROOT / "tests" / "lint" / "licences.py"
    spec = importlib.util.spec_from_file_location("licences", place)
    assert spec is not None
    assert spec.loader is not None
    licences = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(licences)
    try:
        page = licences.page()
    except importlib.metadata.PackageNotFoundError as error:
        pytest.skip(f"{error.name} is not installed here")
    assert licences.PAGE.read_text() == page
