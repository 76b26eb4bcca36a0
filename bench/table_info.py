"""What is in a table, as plain JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from .device_columns import FIGURE_COLUMNS, column_words, range_of
from .precision import PRECISIONS
from .provenance import words_taken
from .table import Table


def table_info(table: Table) -> dict[str, Any]:
    """The facts of a table as plain JSON; of one of given networks also how it was ``given``."""
    of = table.networks
    counts = zip(*np.unique(of["training"], return_counts=True), strict=True)
    devices: dict[str, Any] = {}
    for name in table.devices:
        facts, columns = table.device_facts(name), table.device_columns(name)
        there = [n for n in FIGURE_COLUMNS if np.isfinite(columns[n]).any()]
        words = words_taken(column_words(columns), ~table.outside).items()
        devices[name] = {
            **facts,
            "provenance": {n: w for n, w in words if n in there or n not in FIGURE_COLUMNS},
            "networks": int(np.isfinite(columns["latency_ms"]).sum()),
            **range_of(columns["latency_ms"]),
        }
    return {
        "name": table.name,
        "space": table.space.name,
        "dataset": table.dataset,
        "choices": list(table.choices),
        "training": {str(t): int(c) for t, c in counts},
        "exits": int((table.exits > 0).sum()),
        "precisions": {p: int((of["precision"] == p).sum()) for p in PRECISIONS},
        "devices": devices,
        "splits": {"train": int(table.training.get("n_train", 0)), **table.n_images},
        "cotrained_pairs": len(table.cotrained()),
        "held_out_architectures": len(np.unique(of["architecture"][table.held_out])),
        "schema_version": table.schema_version,
        "code_version": table.code_version,
        "created": table.created,
        "quantisation": table.quantisation,
        "sha256": table.sha256,
        **({"given": table.training, "n_classes": table.n_classes} if table.given else {}),
    }
