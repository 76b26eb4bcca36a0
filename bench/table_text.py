"""What is in a table, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .precision import FP32
from .rows import NetworkKey


def table_text(facts: Mapping[str, Any]) -> list[str]:
    """Lines for a reader about a table.

    Args:
        facts: what ``Benchmark.info`` says of it.
    """
    lines = [f"{facts['name']}: space {facts['space']}, data set {facts['dataset']}"]
    lines += [f"  {count} networks, {kind}" for kind, count in facts["training"].items()]
    if facts.get("exits"):
        lines.append(f"  {facts['exits']} of them are cut at exits")
    for precision, count in facts["precisions"].items():
        if count and precision != FP32:
            lines.append(f"  {count} of them are in {precision}")
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


def instead_of(key: NetworkKey, networks: Mapping[str, Any]) -> str:
    """What works instead of a network that a table lacks: the end of a sentence, and another.

    Args:
        key: the network that was asked for.
        networks: columns of the table by name.
    """
    cut = networks["exit"] != ""
    if key.precision != FP32:
        same = (networks["architecture"] == key.architecture) & (networks["exit"] == key.exit)
        if same.any():
            return (
                f". It has this network in {FP32}: name it without :{key.precision}, or add what "
                f"it answers in {key.precision}: biglittle table extend --stage {key.precision} "
                "--out mine.h5."
            )
    if not key.exit:
        return (
            ". Benchmark.architectures lists the inherited ones; for others use a surrogate: "
            "biglittle search."
        )
    of = cut & (networks["architecture"] == key.architecture)
    exits = sorted(set(networks["exit"][of].tolist()), key=lambda e: (int(e.rstrip("s")), e))
    if exits:
        return f". It has exits {', '.join(exits)} of this architecture; name one of them."
    n_cut = len(np.unique(networks["architecture"][cut]))
    what = f"exits of {n_cut} architectures and none of this one" if n_cut else "no exits at all"
    return (
        f", but {what}. Name a whole network, or search where there are heads for exits: biglittle "
        "search --on live --coupling prefix."
    )
