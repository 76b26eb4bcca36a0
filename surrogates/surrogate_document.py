"""What ``surrogate.json`` has to hold, as types."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from ..bench.document_problems import ENDS
from ..bench.documents import Line, NonNegative, Sha256, Share
from .link import Link


class NamedFiles(Struct):
    """The files that a document of any version names, which lie beside it."""

    files: dict[Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*" + ENDS)], Sha256]


class _Features(Struct):
    network: list[Line]


class _Accuracy(Struct):
    member: Line
    link: Link


class _PairModel(Struct):
    model: Line


class _Support(Struct):
    architectures: list[Line]
    threshold: NonNegative


class SurrogateDocument(NamedFiles, kw_only=True):
    """What ``surrogate.json`` has to hold; what belongs to one member, that member reads."""

    space: Line
    space_hash: Sha256
    choices: list[Line]
    gates: list[Line]
    n_classes: Annotated[int, Meta(ge=1, le=1_000_000)]
    features: _Features
    grid: list[Share]
    accuracy: _Accuracy
    pairs: _PairModel
    support: _Support
    intervals: dict[Line, float] | None  # empty where none were calibrated
    exits: list[Line] = []
    luck: dict[Line, float] = {}
    report: dict[str, Any] | None = None
    sha256: Sha256 | None = None
