"""What device profiles list, as types: networks, ONNX models, blocks, pairs measured end to end."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from .document_problems import ENDS
from .documents import NonNegative, Positive, Sha256

Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]*" + ENDS, max_length=80)]
Architecture = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-z]+(@[0-9]+[a-z]?)?(:int8)?" + ENDS,
        max_length=400,
        description="Id of an architecture; of a network that is cut at an exit, "
        "ARCHITECTURE@EXIT; with :int8 where that is not the precision of the profile.",
    ),
]
Word = Literal["measured", "block-sum", "predicted", "modelled", "simulated"]
#: What may be measured; null: it was not.
Figure = Positive | None
Difference = Annotated[float, Meta(ge=-1e9, le=1e9)]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}" + ENDS)]
Text = Annotated[str, Meta(max_length=4000)]
LongLine = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^[^\n\r\t]*" + ENDS)]
ShortLine = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"^[^\n\r\t]*" + ENDS)]
#: A row for every layer, a column for every choice.
LayerTable = Annotated[
    list[Annotated[list[NonNegative], Meta(min_length=1, max_length=1000)]],
    Meta(min_length=1, max_length=1000),
]
Whole = Annotated[int, Meta(ge=0, le=2**53)]
Count = Annotated[int, Meta(ge=1, le=2**53)]


_Moment = Annotated[float, Meta(ge=-1e12, le=1e12)]
#: Beginning and end in seconds, by the clock of the session.
Window = tuple[_Moment, _Moment]


class Network(Struct):
    """A network of the space; what is not named here is kept and not read."""

    architecture: Architecture
    latency_ms: Annotated[
        Figure, Meta(description="Median; null with an error where it could not be measured.")
    ]
    provenance: Annotated[
        Word | dict[Slug, Word],
        Meta(
            description="One word for every figure of the network, or a word by field: "
            "latency_ms, energy_mj, peak_memory_mib."
        ),
    ]
    latency_p90_ms: Figure = None
    latency_ms_low: Figure = None
    latency_ms_high: Figure = None
    cold_start_ms: Annotated[Figure, Meta(description="First run after the idle gap.")] = None
    n: Annotated[Count | None, Meta(description="Runs that count.")] = None
    energy_mj: Annotated[
        Figure,
        Meta(description="Per run, everything the rail delivers, idle power included."),
    ] = None
    energy_net_mj: Annotated[
        Difference | None,
        Meta(description="The same less idle power times duration."),
    ] = None
    energy_mj_low: Figure = None
    energy_mj_high: Figure = None
    peak_memory_mib: Annotated[
        Figure,
        Meta(
            description="Growth of resident memory at its peak, from loading to the first answer."
        ),
    ] = None
    resident_memory_mib: Annotated[
        Figure, Meta(description="What was still resident after the first answer.")
    ] = None
    ratio: Annotated[Figure, Meta(description="To the reference that brackets it.")] = None
    ratio_spread: NonNegative | None = None
    raw_median_ms: Figure = None
    raw_p90_ms: Figure = None
    reference_ms: Figure = None
    dropped_rounds: Whole | None = None
    energy_window_s: Annotated[
        Window | None, Meta(description="When it ran under an external meter.")
    ] = None
    energy_runs: Annotated[Count | None, Meta(description="Runs in that time.")] = None
    times_measured: Count | None = None
    error: Text | None = None

    def __post_init__(self) -> None:
        if self.latency_ms is None:
            return
        words = self.words
        for name in ("latency_ms", "energy_mj", "peak_memory_mib"):
            if getattr(self, name) is not None and name not in words:
                raise ValueError(f"{self.architecture} has no provenance for its {name}")
        if self.latency_ms_low is not None:
            high = -1.0 if self.latency_ms_high is None else self.latency_ms_high
            if not self.latency_ms_low <= self.latency_ms <= high:
                raise ValueError(
                    f"{self.architecture} has latency {self.latency_ms:g} ms outside of its own "
                    f"interval from {self.latency_ms_low:g} to {self.latency_ms_high} ms"
                )

    @property
    def words(self) -> dict[str, str]:
        """Provenance of the figures by field; one word stands for all of them."""
        if isinstance(self.provenance, str):
            fields = ("latency_ms", "energy_mj", "peak_memory_mib")
            return dict.fromkeys(fields, self.provenance)
        return dict(self.provenance)


class Model(Struct):
    """An ONNX file that was measured beside the networks of the space."""

    file: Annotated[
        str,
        Meta(min_length=1, max_length=255, description="Name of the file, without its folder."),
    ]
    sha256: Sha256
    latency_ms: Figure
    provenance: Word
    branch: (
        Annotated[
            Literal["kept", "escalated"],
            Meta(description="Of a cascade: which of its networks answered."),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    shape: (
        Annotated[
            str,
            Meta(
                pattern=r"^[0-9]+(,[0-9]+)*" + ENDS,
                max_length=200,
                description="Of the input, where the file leaves it open.",
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    latency_p90_ms: Figure = None
    ratio: Figure = None
    raw_median_ms: Figure = None
    raw_p90_ms: Figure = None
    reference_ms: Figure = None
    energy_mj: Figure = None
    peak_memory_mib: Figure = None
    resident_memory_mib: Figure = None
    error: Text | None = None


class Block(Struct):
    """One block of the space, wherever it stands, run alone; what is not named here is kept."""

    block: Annotated[
        ShortLine,
        Meta(
            description="LAYER.CHOICE of its first place, layers counted from 0; or stem, head, "
            "exit.NAME."
        ),
    ]
    latency_ms: Annotated[
        Figure, Meta(description="Median; null with an error where it could not be measured.")
    ]
    provenance: Word
    latency_p90_ms: Figure = None
    ratio: Figure = None
    ratio_spread: NonNegative | None = None
    raw_median_ms: Figure = None
    raw_p90_ms: Figure = None
    reference_ms: Figure = None
    n: Count | None = None
    error: Text | None = None


class MeasuredPair(Struct):
    """One ONNX graph with an If node, measured end to end."""

    little: Architecture
    big: Architecture
    gate: ShortLine
    provenance: Word
    little_ms: Figure = None
    big_ms: Figure = None
    coupling: Annotated[
        Literal["sibling", "nested", "prefix"] | None,
        Meta(
            description="What little and big share; of a prefix pair the graph has the trunk once."
        ),
    ] = None
    trunk_ms: Annotated[
        Figure, Meta(description="Of a prefix pair: stem and layers before the exit, alone.")
    ] = None
    kept_ms: Annotated[Figure, Meta(description="Whole graph when the little network answers.")] = (
        None
    )
    escalated_ms: Annotated[Figure, Meta(description="Whole graph when it escalates.")] = None
    kept_gap: Annotated[
        Difference | None,
        Meta(description="kept_ms over the sum of its parts, minus 1."),
    ] = None
    gap: Annotated[
        Difference | None,
        Meta(description="escalated_ms over the sum of its parts, minus 1."),
    ] = None
    error: Text | None = None
