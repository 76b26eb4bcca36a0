"""Which measured networks of a profile are noisy, and which of two measurements is the steadier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Repeats of a network may spread by this share of its latency.
NOISY_SPREAD = 0.05
#: The 90th percentile may be so many times the median.
NOISY_TAIL = 1.5

Entry = Mapping[str, Any]


def unsteadiness(entry: Entry) -> float:
    """How noisy a measured network is: over 1 is noisy, 0 where the file says nothing of it.

    The larger of two: what its repeats spread by, and how far its 90th percentile lies above the
    median, each over what is allowed.

    >>> unsteadiness({"latency_ms": 2.0, "latency_p90_ms": 2.2, "ratio": 1.0, "ratio_spread": 0.1})
    2.0
    """
    spread = tail = 0.0
    if entry.get("ratio") and entry.get("ratio_spread") is not None:
        spread = entry["ratio_spread"] / entry["ratio"] / NOISY_SPREAD
    if entry.get("latency_ms") and entry.get("latency_p90_ms") is not None:
        tail = entry["latency_p90_ms"] / entry["latency_ms"] / NOISY_TAIL
    return float(max(spread, tail if tail > 1 else 0.0))


def noisy_networks(networks: Sequence[Entry]) -> list[str]:
    """Ids of the noisy networks of a profile, the noisiest first."""
    scored = [(unsteadiness(n), n["architecture"]) for n in networks if n["latency_ms"] is not None]
    return [a for score, a in sorted(scored, key=lambda pair: -pair[0]) if score > 1]


def in_vain(networks: Sequence[Entry]) -> str:
    """A sentence where measuring the noisy networks again did not help; empty elsewhere.

    That is where at least half of the networks that are noisy were measured more than once.
    """
    noisy = {*noisy_networks(networks)}
    times = [n.get("times_measured", 1) for n in networks if n["architecture"] in noisy]
    again = [n for n in times if n > 1]
    if not again or 2 * len(again) < len(times):
        return ""
    return (
        f"{len(again)} of the {len(times)} noisy networks were measured {max(again)} times, and "
        "stay noisy: repeating alone does not help. Stop what else runs on the device, fix its "
        "clock (sudo cpupower frequency-set -g performance; on a Jetson sudo jetson_clocks) and "
        "let it cool."
    )


def steadier(before: Entry | None, entry: Entry) -> dict[str, Any]:
    """The steadier of two measurements of one network, which says how many there were.

    Args:
        before: its entry in the profile so far; None: it was not measured before.
        entry: its entry as measured now; it may have failed.
    """
    if before is None or before["latency_ms"] is None:
        return dict(entry)
    failed = entry["latency_ms"] is None
    better = before if failed or unsteadiness(before) < unsteadiness(entry) else entry
    return {**better, "times_measured": before.get("times_measured", 1) + 1}
