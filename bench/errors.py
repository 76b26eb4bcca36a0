"""The errors of BigLittle: every one says what was got, what was expected and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


class BigLittleError(Exception):
    """Base of every error a user can cause; the command line prints it on one line."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _as_raised, (type(self), self.args, self.__dict__)  # of a worker, to its parent


def _as_raised(
    kind: type[BigLittleError], args: tuple[Any, ...], attributes: Mapping[str, Any]
) -> BigLittleError:
    """An error as another process raised it; its constructor may take something else than text."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class ArchitectureError(BigLittleError):
    """An architecture id that its search space does not contain."""


class GateError(BigLittleError):
    """A gate whose metric or threshold is not usable."""


class TableError(BigLittleError):
    """A benchmark table that is missing, truncated, foreign, edited or of another version."""


class DeviceError(BigLittleError):
    """A device profile that is missing, malformed, or does not cover what is asked of it."""


class AcceleratorError(BigLittleError):
    """An accelerator that cannot be, or figures of one that cannot be had."""


class AnswersError(BigLittleError):
    """Answers, labels or costs of somebody's networks that do not fit together."""


class DownloadError(BigLittleError):
    """A file that cannot be fetched, or is not the one whose hash was given."""


class DatasetError(BigLittleError):
    """Images that are missing or are not the ones expected."""


class ConstraintError(BigLittleError):
    """A constraint that nothing reachable satisfies, or that is not a usable number."""


class CheckpointError(BigLittleError):
    """A checkpoint of another space, schedule or version."""


class TrainingError(BigLittleError):
    """A training run that cannot go on (for example a loss that is not finite)."""


class SurrogateError(BigLittleError):
    """A surrogate that is missing, tampered with, or asked about what it never saw."""


class ProfileError(BigLittleError):
    """A measurement that could not be made on this machine."""


class InUseError(BigLittleError):
    """An output that another process is writing; the message says which, and since when."""


class PluginError(BigLittleError):
    """An entry of somebody else that is broken, or has a name that is taken."""


class NoHomeError(BigLittleError):
    """A user without a home folder, asked for what is kept there."""

    def __init__(self, variable: str) -> None:
        super().__init__(
            f"this user has no home folder; set HOME, or {variable} to a folder to keep things in."
        )


def nearest_name(got: str, names: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The name that is most like another, the first in the alphabet among equals; None if none is.

    Args:
        got: name that was given.
        names: names to choose from.
        cutoff: least likeness, from 0 to 1, the ratio of `difflib.SequenceMatcher`.

    >>> nearest_name("nsga", ["nsga3", "random", "nsga2"])
    'nsga2'
    """
    near = difflib.get_close_matches(got, listed := sorted(names), len(listed) or 1, cutoff)
    likeness = {name: difflib.SequenceMatcher(None, name, got).ratio() for name in near}
    return min(near, key=lambda name: (-likeness[name], name), default=None)


class UnknownNameError(BigLittleError):
    """A name that no registry entry carries; names the nearest match, and gives further advice."""

    def __init__(self, kind: str, got: str, names: Iterable[str], advice: str = "") -> None:
        listed = sorted(names)
        near = nearest_name(got, listed)
        hint = f" Did you mean {near!r}?" if near else ""
        listing = f"Known: {', '.join(listed) or 'none'}. {advice}".rstrip()
        super().__init__(f"unknown {kind} {got!r}.{hint} {listing}")
        self.kind = kind
        self.got = got


#: The extra that brings a module, by the module's name.
EXTRA_OF = {
    "msgspec": "profiler",
    "onnx": "profiler",
    "matplotlib": "frames",
    "pandas": "frames",
    "pyarrow": "frames",
    "ray": "cluster",
    "PIL": "train",
    "safetensors": "train",
    "sklearn": "train",
    "torch": "train",
    "torch_geometric": "train",
    "xgboost": "train",
    "yaml": "accelerator",
    "zigzag": "accelerator",
}


class MissingExtraError(BigLittleError):
    """An optional dependency that is not installed; gives the exact pip line."""

    def __init__(self, module: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the Python module {module!r}, which is not installed. "
            "Install it from a clone of BigLittle, in its folder: "
            f"pip install --constraint constraints.txt '.[{extra}]'"
        )
        self.extra = extra
