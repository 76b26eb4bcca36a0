"""The formats of device profiles as types, from which the published JSON Schema is generated.

``python -m biglittle.bench.device_document`` writes ``device_profile.schema.json`` anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from .device_entries import (
    Architecture,
    Block,
    Count,
    Day,
    Figure,
    LayerTable,
    LongLine,
    MeasuredPair,
    Model,
    Network,
    ShortLine,
    Slug,
    Text,
    Whole,
    Window,
)
from .document_problems import ENDS
from .documents import Line, NonNegative, Positive, Sha256

#: The first format, which is still read, and the present one, which has a JSON Schema.
FORMAT, FORMAT_2 = "biglittle-device-profile-1", "biglittle-device-profile-2"
SCHEMA = Path(__file__).with_name("device_profile.schema.json")


class LoadPower(Struct):
    """Power under load by which energy is modelled as latency times power.

    Not together with energies of networks.
    """

    power_mw: Positive
    source: LongLine
    idle_power_mw: NonNegative | None = None
    rail: Annotated[str, Meta(max_length=200)] = ""


class BlockEnergies(Struct, forbid_unknown_fields=True):
    """Energy of what the block table beside it has latencies of; a network's is the sum."""

    constant_mj: NonNegative
    energy_mj: Annotated[
        list[Annotated[list[NonNegative | None], Meta(min_length=1, max_length=1000)]],
        Meta(min_length=1, max_length=1000, description="A row for every layer; null: no figure."),
    ]
    start_mj: NonNegative | None = None
    heads_mj: dict[ShortLine, NonNegative | None] = {}


class BlockTable(Struct):
    """Latency of every choice at every layer; a network's is the sum, with the constant."""

    constant_ms: NonNegative
    latency_ms: Annotated[
        list[Annotated[list[NonNegative | None], Meta(min_length=1, max_length=1000)]],
        Meta(
            min_length=1,
            max_length=1000,
            description="A row for every layer; null where the runtime could not run the block.",
        ),
    ]
    start_ms: Annotated[
        NonNegative | None,
        Meta(description="Part of the constant that every network takes before its first layer."),
    ] = None
    heads_ms: Annotated[
        dict[ShortLine, NonNegative | None],
        Meta(description="Latency of the heads of exits, classifiers included, by name."),
    ] = {}
    energies: Annotated[
        BlockEnergies | None,
        Meta(description="Energy by block; not together with a load power."),
    ] = None
    provenance: Annotated[
        Literal["block-sum", "modelled"],
        Meta(description="block-sum: blocks were measured; modelled: they were computed."),
    ] = "block-sum"


class LayerTerms(Struct):
    """The same of a model."""

    constant: NonNegative
    blocks: LayerTable


class OperatorTerms(Struct):
    """A model of operators."""

    coefficients_ms: dict[ShortLine, NonNegative]
    macs_min: NonNegative
    macs_max: Annotated[float, Meta(ge=0, le=1e18)]
    fitted_to: LongLine


class BlockModel(Struct):
    """Of predicted profiles: what gives figures for networks that are not listed."""

    kind: Literal["blocks"]
    latency_ms: LayerTerms
    latency_low_factor: Annotated[float, Meta(gt=0, le=1)]
    latency_high_factor: Annotated[float, Meta(ge=1, le=1e6)]
    power_mw: Figure = None
    operators: OperatorTerms | None = None


class Protocol(Struct):
    """How often what was run."""

    name: ShortLine
    warm_up: Whole | None = None
    rounds: Count | None = None
    runs_per_round: Count | None = None
    idle_gap_s: NonNegative | None = None


class Reference(Struct):
    """The network that brackets all others."""

    architecture: Architecture
    latency_ms: Positive
    latency_p90_ms: Figure = None
    self_reference_ms: Figure = None
    self_raw_median_ms: Figure = None
    self_raw_p90_ms: Figure = None


class EnergyMeter(Struct):
    """What measured energy; null: nothing did."""

    name: ShortLine
    rail: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            description="Where power is taken: wall, board, module, core; of a sum, which rails.",
        ),
    ]
    covers: Annotated[
        list[Literal["cpu", "gpu"]],
        Meta(max_length=2, description="What of the machine the rail carries."),
    ] = []
    sampling_hz: Figure = None
    idle_power_mw: NonNegative | None = None
    idle_window_s: Window | None = None


class Interval(Struct):
    """What the *_low and *_high of networks are."""

    coverage: Annotated[float, Meta(gt=0, lt=1)]
    method: Line


class OtherPrecision(Struct, forbid_unknown_fields=True):
    """What networks take in another precision than the profile's, where nobody measured them."""

    precision: Literal["int8"]
    latency_factor: Annotated[
        Positive, Meta(description="Latency over that in the precision of the profile.")
    ]
    latency_factor_low: Positive
    latency_factor_high: Positive
    coverage: Annotated[float, Meta(gt=0, lt=1)]
    source: Annotated[LongLine, Meta(description="Whose ratios these are, and of which networks.")]

    def __post_init__(self) -> None:
        if not self.latency_factor_low <= self.latency_factor <= self.latency_factor_high:
            raise ValueError(
                f"its factor {self.latency_factor:g} for {self.precision} lies outside of its own "
                f"interval from {self.latency_factor_low:g} to {self.latency_factor_high:g}"
            )


class Forced(Struct, forbid_unknown_fields=True):
    """Of a profile that its owner added although it did not pass the admission test."""

    date: Day
    reason: Annotated[LongLine, Meta(description="Why, in the owner's words.")]
    codes: Annotated[list[ShortLine], Meta(max_length=100, description="What kept it out.")]
    messages: Annotated[list[Text], Meta(max_length=100)] = []


class _Common(Struct, kw_only=True):
    """What both formats have."""

    device: Annotated[Slug, Meta(description="Key of the profile and name of its file.")]
    description: Annotated[Line, Meta(description="One sentence for a reader.")]
    space: Slug
    space_hash: Sha256
    n_classes: Annotated[int, Meta(ge=1, le=1_000_000)]
    runtime: Annotated[Line, Meta(description="Name, version and backend.")]
    source: Annotated[
        LongLine,
        Meta(
            description="What was measured, by whom, with what; where published figures come from."
        ),
    ]
    notes: Annotated[
        list[Annotated[str, Meta(max_length=2000)]],
        Meta(
            max_length=100,
            description="Known defects and warnings that belong on the profile's face.",
        ),
    ] = []
    protocol: Protocol | msgspec.UnsetType = msgspec.UNSET
    reference: Reference | msgspec.UnsetType = msgspec.UNSET
    meter: EnergyMeter | None = None
    load_power: LoadPower | None = None
    interval: Interval | msgspec.UnsetType = msgspec.UNSET
    forced: Forced | None = None
    harness_overhead_ms: NonNegative | None = None
    gate_latency_ms: NonNegative | None = None
    gate_latency_clipped: bool = False
    fit: Annotated[
        dict[str, Any],
        Meta(
            description="Of predicted or recovered profiles: rows, errors on held-out rows, "
            "baselines."
        ),
    ] = {}
    other_precisions: Annotated[list[OtherPrecision], Meta(max_length=8)] = []
    model: BlockModel | None = None
    block_table: BlockTable | None = None
    networks: Annotated[list[Network], Meta(max_length=200_000)] = []
    models: Annotated[
        list[Model],
        Meta(
            max_length=100_000,
            description="ONNX files that were measured beside the networks of the space.",
        ),
    ] = []
    pairs: Annotated[list[MeasuredPair], Meta(max_length=100_000)] = []
    blocks: Annotated[
        list[Block],
        Meta(
            max_length=100_000,
            description="Blocks that were run alone, from which a block table was made.",
        ),
    ] = []


class FirstProfile(_Common, kw_only=True):
    """A device profile of the first format."""

    format: Literal["biglittle-device-profile-1"]


class Profile(_Common, kw_only=True, forbid_unknown_fields=True):
    """What is known about the networks of one search space on one device.

    That is one device, runtime, precision and number of threads. Units are in the names: ms, mJ,
    mW, MiB, MHz, s. null = not measured.
    """

    format: Literal["biglittle-device-profile-2"]
    precision: Literal["fp32", "fp16", "bf16", "int8"]
    threads: Annotated[int, Meta(ge=1, le=4096)] | None
    batch: Annotated[int, Meta(ge=1, le=4096)]
    author: Line | None
    date: Day
    tool_version: ShortLine | None
    soc: Annotated[
        Line | None,
        Meta(description="System on chip or processor, as its maker names it."),
    ] = None
    licence: Line | None = None
    environment: Annotated[
        dict[str, Any],
        Meta(
            description="Governor, clocks, temperature, versions; see "
            "biglittle.edge_profiler.environment."
        ),
    ] = {}
    environment_end: Annotated[
        dict[str, Any],
        Meta(description="Clock and temperature when the last network was done."),
    ] = {}


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the present format, as it is published."""
    generated = msgspec.json.schema(Profile)
    definitions = generated["$defs"]
    top = definitions.pop("Profile") | {"$defs": definitions}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:biglittle:device-profile:2",
        **top,
        "title": "BigLittle device profile, format 2",
    }


def schema_text() -> str:
    """The same as the text of ``device_profile.schema.json``."""
    return json.dumps(schema(), indent=1).replace(json.dumps(ENDS)[1:-1], "$") + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
