"""What is in a table, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def table_text(facts: Mapping[str, Any]) -> list[str]:
    """Lines for a reader about a table.

    Args:
        facts: what ``Benchmark.info`` says of it.
    """
    lines = [f"{facts['name']}: space {facts['space']}, data set {facts['dataset']}"]
    lines += [f"  {count} networks, {kind}" for kind, count in facts["training"].items()]
    if facts.get("exits"):
        lines.append(f"  {facts['exits']} of them are cut at exits")
    images = ", ".join(f"{n:,} {s}" for s, n in facts["splits"].items() if n)
    lines.append(f"  images: {images}")
    lines += [
        f"  {device}: {columns['networks']} networks, {columns['latency_ms_min']:.3g} to "
        f"{columns['latency_ms_max']:.3g} ms ({columns['provenance']['latency_ms']})"
        if columns["networks"]
        else f"  {device}: no latency is known"
        for device, columns in facts["devices"].items()
    ]
    if given := facts.get("given"):
        lines.append(f"  {facts['n_classes']:,} classes; {given['split']}")
    return [*lines, f"  schema {facts['schema_version']}, SHA-256 {facts['sha256']}"]
