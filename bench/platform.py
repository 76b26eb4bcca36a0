"""Two devices with a link between them, as a file describes them.

What a pair costs there is `platform_costs.py`. A platform is a document like a device profile: it
names two profiles of one search space, the link, and what the devices take while they wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .device import load_device
from .device_profile import DeviceProfile
from .documents import DocumentError, read_json, typed
from .errors import DeviceError
from .files import why_unreadable
from .platform_document import FORMAT, PlatformDocument

SIDES = ("first", "second")


@dataclass(frozen=True)
class Site:
    """One device of a platform.

    Attributes:
        profile: what networks take on it.
        idle_power_mw: power while it waits; None: nobody said it.
        rail: where its energies are taken; None: its profile does not say.
    """

    profile: DeviceProfile
    idle_power_mw: float | None
    rail: str | None

    @property
    def name(self) -> str:
        """Name of the device."""
        return self.profile.name


@dataclass(frozen=True)
class Link:
    """What lies between the devices.

    Attributes:
        latency_ms: what a message takes whatever its size.
        bandwidth_mbit_s: million bits that it carries in a second.
        power_mw: power of sending, both ends together, beyond idling.
    """

    latency_ms: float
    bandwidth_mbit_s: float
    power_mw: float = 0.0

    def sending_ms(self, n_bytes: Any) -> Any:
        """How long so many bytes keep the link busy; the last one arrives ``latency_ms`` later.

        >>> Link(latency_ms=1.0, bandwidth_mbit_s=8.0).sending_ms(3000)
        3.0
        """
        return n_bytes * 8 / (1000.0 * self.bandwidth_mbit_s)


@dataclass(frozen=True)
class Platform:
    """Two devices and their link.

    Attributes:
        name: key of the platform.
        description: one sentence for a reader.
        source: where the link's figures come from.
        sites: the first device and the second one.
        link: what lies between them.
        no_energy: why energies are not added up; empty where they are.
    """

    name: str
    description: str
    source: str
    sites: tuple[Site, Site]
    link: Link
    no_energy: str

    def record(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "platform": self.name,
            "description": self.description,
            "space": self.sites[0].profile.space,
            "devices": {
                side: {"device": s.name, "idle_power_mw": s.idle_power_mw, "rail": s.rail}
                for side, s in zip(SIDES, self.sites, strict=True)
            },
            "link": vars(self.link),
            "source": self.source,
            "no_energy": self.no_energy or None,
        }


def load_platform(path: str | Path) -> Platform:
    """The platform in a JSON file.

    Raises:
        DeviceError: the file is not a platform, or its devices are of two search spaces.
        UnknownNameError: it names a device that is not there.
    """
    path = Path(path)
    try:
        raw = read_json(path)
    except (OSError, ValueError) as error:
        why = why_unreadable(error, str(error))
        raise DeviceError(
            f"platform {path} cannot be read: {why} 'biglittle platform FILE --example' writes one."
        ) from error
    return parse_platform(raw, path.name, path.parent)


def parse_platform(raw: Any, label: str, folder: Path = Path()) -> Platform:
    """The platform that a JSON document holds.

    Args:
        raw: the document as plain values.
        label: name of the platform in messages.
        folder: folder from which paths of device profiles count.

    Raises:
        DeviceError: it is not a platform, or its devices are of two search spaces.
        UnknownNameError: it names a device that is not there.
    """
    given = raw.get("format") if isinstance(raw, dict) else type(raw).__name__
    if given != FORMAT:
        raise DeviceError(
            f"{label} has format {str(given)[:60]!r}, expected {FORMAT!r}: an object with "
            "'platform', 'first', 'second' and 'link'; 'biglittle platform FILE --example' writes "
            "one."
        )
    try:
        document = typed(raw, PlatformDocument)
    except DocumentError as error:
        raise DeviceError(f"{label} is not a usable platform: {error}.") from error
    first, second = (_site(side, folder) for side in (document.first, document.second))
    one, other = first.profile, second.profile
    if one.space_hash != other.space_hash:
        raise DeviceError(
            f"{label} joins {one.name!r} of space {one.space!r} ({one.space_hash[:8]}) and "
            f"{other.name!r} of {other.space!r} ({other.space_hash[:8]}); expected two profiles of "
            "one search space."
        )
    link = document.link
    return Platform(
        name=document.platform,
        description=document.description,
        source=document.source,
        sites=(first, second),
        link=Link(link.latency_ms, link.bandwidth_mbit_s, link.power_mw),
        no_energy=_no_energy((first, second), document.rail),
    )


def _site(side: Any, folder: Path) -> Site:
    name = side.device
    profile = load_device(folder / name if name.endswith(".json") else name)
    load_power = profile.facts.get("load_power") or {}
    meter = profile.facts.get("meter") or {}
    own_idle_mw = load_power.get("idle_power_mw", meter.get("idle_power_mw"))
    idle = own_idle_mw if side.idle_power_mw is None else side.idle_power_mw
    return Site(profile, idle, load_power.get("rail") or meter.get("rail") or None)


def _no_energy(sites: tuple[Site, Site], rail: str | None) -> str:
    """Why the energies of two devices are not added up; empty where they are."""
    for site in sites:
        if "energy_mj" not in site.profile.provenance:
            return f"device {site.name!r} has no energies"
        if site.idle_power_mw is None:
            return (
                f"nobody says what {site.name!r} takes while it waits: give it idle_power_mw in "
                "the platform's file"
            )
    rails = {site.rail for site in sites}
    if rail is None and (len(rails) > 1 or None in rails):
        where = " and ".join(f"{s.name!r} at {s.rail or 'a place not named'}" for s in sites)
        return (
            f"energies are taken at two places, {where}, and do not add up; if they are of one, "
            "say so under 'rail' in the platform's file"
        )
    return ""


#: A platform to begin with: two boards that ship, on Ethernet.
EXAMPLE = {
    "format": FORMAT,
    "platform": "pi-and-nano",
    "description": "a Raspberry Pi 4 and a Jetson Nano on one switch",
    "first": {"device": "raspberry-pi-4"},
    "second": {"device": "jetson-nano", "idle_power_mw": 1200.0},
    "link": {"latency_ms": 0.3, "bandwidth_mbit_s": 900.0, "power_mw": 0.0},
    "source": "made up, to begin with: measure your own link",
}
