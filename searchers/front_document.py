"""What a front's document has to hold, as types: JSON of any version, or what a CSV becomes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

from ..bench.documents import Line, Name, NonNegative, Share
from ..bench.figures import FIGURES, POINT_FIGURES
from ..bench.provenance import Word

NAMED = ("little", "big", "gate")
COUPLING = "coupling"  # of a pair; earlier versions did not write it, and single networks have none
NEWEST = ("ram_kib", "flash_kib")
LATER = ("latency_worst_ms", "params", *NEWEST)  # figures that earlier versions did not write
MAX_POINTS = 1_000_000

Words = dict[Line, Word]
Coupling = Literal["sibling", "nested", "prefix", ""] | None
#: Any finite number that a figure may have; MACs are the largest.
Cost = Annotated[float, Meta(ge=0, le=1e18)]
_Threshold = Annotated[float, Meta(ge=-1e9, le=1e9)]


class SingleRecord(Struct):
    """A single network that a pair is compared with."""

    architecture: Line
    accuracy: Share
    provenance: Words
    latency_ms: Cost | None
    energy_mj: Cost | None
    macs: Cost | None
    peak_memory_mib: Cost | None
    ram_kib: Cost | None = None
    flash_kib: Cost | None = None


class BigRecord(SingleRecord, kw_only=True):
    """The big network of a pair alone, and what the pair is more accurate."""

    gain: float
    gain_low: float
    gain_high: float
    latency_share: Cost | None = None


class _Record(Struct, kw_only=True):
    little: Line
    big: Line
    gate: Line
    threshold: _Threshold
    provenance: Words
    coupling: Coupling = None


def _figures(later: tuple[str, ...]) -> list[Any]:
    """A field of every figure of an operating point; those of ``later`` may be missing."""
    fields: list[Any] = []
    for name in POINT_FIGURES:
        kind = Share if FIGURES[name].unit == "fraction" else Cost
        if name in later:
            fields.append((name, kind | None, None))
        else:
            fields.append((name, kind if name == "accuracy" else kind | None))
    return fields


class _Beside(_Record, kw_only=True):
    answers_alone: Name | None = None
    best_single: SingleRecord | UnsetType | None = UNSET


#: A point of a front, and the pair of a recommendation.
PointRecord = defstruct("PointRecord", _figures(LATER), bases=(_Beside,), kw_only=True)
PairRecord = defstruct(
    "PairRecord", _figures(NEWEST), bases=(_Record,), kw_only=True, forbid_unknown_fields=True
)


class RecommendationRecord(Struct):
    """What a search answered at one budget."""

    why: Line
    budget: dict[Line, Cost]
    aim: Line
    verdict: Literal["pair", "single", "nothing"]
    source: Literal["search", "table"]
    row: Annotated[int, Meta(ge=0, le=MAX_POINTS)] | None
    pair: PairRecord | None  # type: ignore[valid-type]
    single: SingleRecord | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    gain_interval: Line | None
    verdict_on_val: Literal["pair", "single", "nothing"] | None = None
    pairs: bool = True
    single_by_test: SingleRecord | None = None
    big_alone: BigRecord | None = None

    def __post_init__(self) -> None:
        if unknown := sorted({self.aim, *self.budget} - {*FIGURES}):
            raise ValueError(f"is about {unknown[0]!r}, expected some of {', '.join(FIGURES)}")


class Sources(Struct):
    """What the figures of a search rest on, as far as it is read."""

    evaluator: Line = ""
    device: Name = ""
    device_files: dict[Line, Line] = {}
    table: Line | None = None
    table_file: Line | None = None
    table_sha256: Line | None = None
    n_classes: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    latency_warning: Name = ""
    warm_start: bool = False
    proxy: Line | None = None
    training_passes: NonNegative | None = None


class FrontConfig(Sources):
    """The config of a front: that of a search has its sources apart, that of ``front`` has not."""

    sources: Sources | None = None
    objectives: list[Line] = []
    limits: dict[Line, Cost] = {}
    soft: Name = ""


class FrontDocument(Struct):
    """The document of a front."""

    config: FrontConfig
    front: Annotated[list[PointRecord], Meta(max_length=MAX_POINTS)]  # type: ignore[valid-type]
    recommended: Annotated[list[RecommendationRecord], Meta(max_length=1000)] | None = None
    marked: list[int] = []


class SearchSources(Sources, kw_only=True):
    """Those of a search, which always names what it asked."""

    evaluator: Line


class RunConfig(Struct, forbid_unknown_fields=True):
    """The ``config.toml`` of a search."""

    searcher: Line
    sources: SearchSources
    objectives: list[Line] = []
    limits: dict[Line, Cost] = {}
    gates: list[Line] = []
    couplings: list[Line] = []
    budget: Annotated[int, Meta(ge=1, le=2**53)] | UnsetType = UNSET
    population: Annotated[int, Meta(ge=1, le=2**53)] | UnsetType = UNSET
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] | UnsetType = UNSET
    soft: Name = ""
    gate: Line | UnsetType = UNSET
    budget_params: Cost | UnsetType = UNSET
    budget_macs: Cost | UnsetType = UNSET
    biglittle_version: Line = ""
    space: Line = ""
    space_sha256: Line = ""
    choices: list[Line] = []
    run: dict[Line, float] = {}
