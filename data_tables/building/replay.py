"""Points of a front whose exported pairs answer the test images again, beside the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...bench import (
    Benchmark,
    Gate,
    Pair,
    Points,
)
from ...bench.datasets import get_dataset
from ...edge_profiler.accuracy import rerun
from ...edge_profiler.named_couplings import named_couplings
from ...edge_profiler.onnx_cascade import cascade_model
from ...edge_profiler.onnx_graph import import_onnx
from .reproduce import extract


def accuracy_again(
    bench: Benchmark,
    points: Points,
    n: int,
    device: str,
    data: Path | None = None,
    threads: int = 1,
) -> list[dict[str, Any]]:
    """What exported pairs say about all test images, as plain JSON with a ``text`` each.

    ``equal`` is whether a pair is right about as many images as the table says; None where the
    table does not have both networks.

    Args:
        bench: the table that the networks' weights lie beside.
        points: points of a front, or of a part of it.
        n: number of points to take, spread over ``points``.
        device: device of the table, which the question to it needs.
        data: folder of the images; None: the usual place.
        threads: threads of torch and of ONNX Runtime.

    Raises:
        BigLittleError: weights or images are missing, or a gate has no ONNX form.
        MissingExtraError: torch or ``onnx`` is not installed.
    """
    onnx = import_onnx()
    test = get_dataset(bench.table.dataset).load(data)["test"]
    table = bench.table
    inherited = {*map(str, table.names[table.networks["training"] == "inherited"])}
    rows = []
    for i in np.unique(np.linspace(0, len(points) - 1, n).round().astype(int)):
        point = points[int(i)]
        gate = Gate(point.gate, point.threshold)
        little, big = (
            onnx.load_from_string(extract(bench.table, a, data, threads=threads).model)
            for a in (point.little, point.big)
        )
        (coupling,) = named_couplings(table.space, (point.little, point.big))
        cascade = cascade_model(little, big, gate.metric, gate.threshold, coupling)
        answers = rerun(cascade.SerializeToString(), test, threads)
        stored = None
        if {point.little, point.big} <= inherited:
            in_table = bench.query(Pair(point.little, point.big), gate, device)
            stored = round(in_table.accuracy * answers.n)
        equal = None if stored is None else stored == answers.right
        beside = "the table does not have both" if stored is None else f"{stored} in the table"
        text = (
            f"  {point.little} -> {point.big}: the exported pair is right about {answers.right} of "
            f"{answers.n} test images ({beside}; {point.accuracy:.2%} promised, "
            f"{answers.right / answers.n:.2%} now)"
        )
        rows.append(
            {
                **{k: getattr(point, k) for k in ("little", "big", "gate", "threshold")},
                "images": answers.n,
                "right": answers.right,
                "escalated": answers.escalated,
                "right_in_table": stored,
                "accuracy_promised": point.accuracy,
                "equal": equal,
                "text": text + (": NOT equal." if equal is False else "."),
            }
        )
    return rows
