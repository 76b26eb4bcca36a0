"""The format of platforms: two devices and what lies between them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .device_entries import LongLine, Slug
from .documents import Line, NonNegative, Positive

FORMAT = "biglittle-platform-1"


class Side(Struct, forbid_unknown_fields=True):
    """One of the two devices."""

    device: Annotated[
        Line, Meta(description="Name of a device profile, or its .json from this file's folder.")
    ]
    idle_power_mw: Annotated[
        NonNegative | None, Meta(description="Null: what the profile says, if it says it.")
    ] = None


class Link(Struct, forbid_unknown_fields=True):
    """What carries images and features from one device to the other."""

    latency_ms: Annotated[NonNegative, Meta(description="Of a message, whatever its size.")]
    bandwidth_mbit_s: Annotated[Positive, Meta(description="Million bits a second.")]
    power_mw: Annotated[
        NonNegative, Meta(description="That both ends take beyond idling while they send.")
    ] = 0.0


class PlatformDocument(Struct, forbid_unknown_fields=True):
    """Two devices that networks of one search space run on, and the link between them."""

    format: Literal["biglittle-platform-1"]
    platform: Slug
    first: Side
    second: Side
    link: Link
    description: Line = "two devices"
    source: Annotated[
        LongLine, Meta(description="Where the link's figures and idle powers come from.")
    ] = "given by its author"
    rail: Annotated[
        Line | None,
        Meta(
            description="Where the powers of both devices are taken, if at one place although "
            "their profiles do not say so; energies taken at two places are not added up."
        ),
    ] = None
