"""Versions of everything that matters, for a bug report."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

from .. import __version__

PACKAGES = (
    "numpy", "h5py", "pymoo", "onnxruntime", "typer", "rich", "torch", "xgboost",
    "xgboost-cpu", "scikit-learn", "onnx",
)  # fmt: skip


def versions() -> dict[str, Any]:
    """Versions of BigLittle, Python, the system and the packages, as plain JSON.

    A package that is not installed has the version None.
    """
    packages: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            packages[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            packages[package] = None
    return {
        "biglittle": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages,
    }


def versions_text() -> list[str]:
    """The same as `versions`, as lines for a reader."""
    facts = versions()
    return [
        f"biglittle {facts['biglittle']}, Python {facts['python']}, {facts['platform']}",
        *(
            f"  {name:14} {version or 'not installed'}"
            for name, version in facts["packages"].items()
        ),
    ]
