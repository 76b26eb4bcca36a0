"""Cascades of int8 networks as one ONNX graph: whether they answer as the table's rows say.

Both networks are extracted as ``table extract`` does, joined with their gate into one graph on
pixels, and asked about test images one by one. Beside it stands what the stored answers of both
networks and the stored confidence of the little one give.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ...bench import Benchmark
from ...bench.datasets import get_dataset
from ...bench.gates import get_gate
from ...bench.precision import INT8
from ...edge_profiler.named_couplings import named_couplings
from ...edge_profiler.onnx_cascade import cascade_model
from ...edge_profiler.onnx_graph import import_onnx
from ..building.reproduce import DISAGREEING_MAX, extract
from ..flagship import RECIPE
from ._page import Step
from .int8 import both_precisions, evaluated

GATE, THRESHOLD, N_IMAGES = "margin", 0.4, 2000


def chosen_pairs(bench: Benchmark) -> list[tuple[str, str]]:
    """An int8 pair of two architectures, one with an fp32 big, and one with a shared trunk.

    The little is the cheapest network with the median accuracy or more, the big the most accurate.
    """
    table, n = bench.table, len(bench.table) // 2
    whole = np.flatnonzero(table.exits[:n] == 0)
    right = table.predictions("val").correct[:n].mean(axis=1)
    macs = table.networks["macs"][:n]
    good = whole[right[whole] >= np.median(right[whole])]
    little, big = (str(table.names[i]) for i in (good[np.argmin(macs[good])],
                                                 whole[np.argmax(right[whole])]))  # fmt: skip
    pairs = [(f"{little}:{INT8}", f"{big}:{INT8}"), (f"{little}:{INT8}", big)]
    cut = [i for i in np.flatnonzero(table.exits[:n] > 0)
           if str(table.networks["architecture"][i]) in table.names[whole]]  # fmt: skip
    if cut:
        best = max(cut, key=lambda i: float(right[i]))
        name, architecture = str(table.names[best]), str(table.networks["architecture"][best])
        pairs.append((f"{name}:{INT8}", f"{architecture}:{INT8}"))
    return pairs


def _answers(model: bytes, images: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    outputs = [session.run(["logits", "escalated"], {"images": image[None]}) for image in images]
    return (
        np.array([logits.argmax() for logits, _ in outputs]),
        np.array([bool(escalated) for _, escalated in outputs]),
    )


def measure(
    working: Annotated[Path, typer.Option(help="Folder of a build with int8 evaluations.")] = Path(
        f"build/{RECIPE.name}"
    ),
    n_images: int = N_IMAGES,
) -> dict[str, Any]:
    """Three pairs as graphs beside what is stored of their networks."""
    table, onnx, rows = Benchmark.load(RECIPE.name).table, import_onnx(), []
    test = get_dataset(table.dataset).load()["test"].images[:n_images]
    with tempfile.TemporaryDirectory() as folder:
        bench = both_precisions(table, evaluated(working, table), Path(folder) / "int8.h5")
        stored = bench.table.predictions("test")
        for names in chosen_pairs(bench):
            models = [onnx.load_from_string(extract(table, name).model) for name in names]
            (coupling,) = named_couplings(table.space, names)
            graph = cascade_model(models[0], models[1], GATE, THRESHOLD, coupling)
            classes, escalated = _answers(graph.SerializeToString(), test)
            little, big = (bench.table.network_row(name) for name in names)
            cut = get_gate(GATE).cut(THRESHOLD, bench.table.n_classes)
            up = stored.codes[GATE][little][:n_images] < cut
            wanted = np.where(up, stored.top1[big][:n_images], stored.top1[little][:n_images])
            rows.append(
                {
                    "little": names[0],
                    "big": names[1],
                    "coupling": coupling,
                    "escalated": int(escalated.sum()),
                    "other_class": int((classes != wanted).sum()),
                    "other_decision": int((escalated != up).sum()),
                    "mib": round(len(graph.SerializeToString()) / 2**20, 3),
                }
            )
    return {"rows": rows, "images": n_images, "gate": GATE, "threshold": THRESHOLD}


def graphs_section(f: dict[str, Any]) -> str:
    """Whether the graphs answer as the table says, as Markdown."""
    lines = [
        f"One graph with an `If` node, gate `{f['gate']}` at {f['threshold']:g}, asked about "
        f"{f['images']:,} test images one by one, beside the answers stored of its networks, which "
        "were given in batches:",
        "",
        "| pair | coupling | MiB | escalated | another class | another decision |",
        "|---|---|---|---|---|---|",
    ]
    for row in f["rows"]:
        pair = f"`{row['little']}` -> `{row['big']}`"
        counts = f"{row['escalated']} | {row['other_class']} | {row['other_decision']}"
        lines.append(f"| {pair} | {row['coupling']} | {row['mib']:.2f} | {counts} |")
    lines += [
        "",
        f"Tolerated are {100 * DISAGREEING_MAX:g} % of answers, as `table verify` does: between "
        "layers there are whole numbers, but a value that lies on the edge between two of them may "
        "be rounded to either side by another order of additions.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"int8_graphs": graphs_section}, of_table=True)
