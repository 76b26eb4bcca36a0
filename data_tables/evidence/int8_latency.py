"""What int8 gains on a machine: each network run in both precisions in turn, in ONNX Runtime.

Figures of other machines are kept beside those of the one that it runs on.

Every run in fp32 is followed by one in int8 of the same network, so that whatever else the machine
does weighs on both alike. The ratio of a network is that of the first deciles of its runs: on a
machine that does something else too, the quicker runs are those that were not interrupted. It is
taken with one image, as devices run it, and with a batch, as a table is evaluated. Weights
are random: latency does not depend on them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench import Benchmark
from ...edge_profiler.machine import device_name
from ...edge_profiler.onnx_network import onnx_model
from ...edge_profiler.quantised import quantised, with_free_batch
from ..building.evaluate import INFERENCE_BATCH
from ..building.quantise import spread
from ..flagship import RECIPE
from ._page import Step, conditions, load, versions

N_NETWORKS, N_RUNS, N_BATCHES, WARM_UP = 24, 300, 20, 10
QUICK = 0.1
ENDS = (0.05, 0.95)


def in_turn(
    one: Callable[[], object], other: Callable[[], object], runs: int, warm_up: int = WARM_UP
) -> NDArray[np.float64]:
    """Milliseconds of two things that are run in turn, shape (runs, 2)."""
    took = np.empty((warm_up + runs, 2))
    for row in took:
        for k, run in enumerate((one, other)):
            began = time.perf_counter_ns()
            run()
            row[k] = (time.perf_counter_ns() - began) / 1e6
    return took[warm_up:]


def quick_ratio(took: NDArray[np.float64]) -> float:
    """Ratio of the second thing to the first, each by the first decile of its runs."""
    one, other = np.quantile(took, QUICK, axis=0)
    return float(other / one)


def _run(model: bytes, batch: int) -> Callable[[], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    rng = np.random.default_rng(0)
    images = rng.standard_normal((batch, *source.shape[1:])).astype(np.float32)
    return lambda: session.run(None, {source.name: images})


def measure(n_networks: int = N_NETWORKS, runs: int = N_RUNS) -> dict[str, Any]:
    """The ratios of some networks of the table, spread over their size, beside other machines'."""
    table = Benchmark.load(RECIPE.name).table
    ids = [str(a) for a in table.networks["architecture"][table.rows()]]
    order = np.argsort(table.networks["macs"][table.rows()], kind="stable")
    rows = []
    for place in spread(len(ids))[:n_networks]:
        architecture = ids[order[place]]
        plain = onnx_model(table.space, architecture, table.n_classes)
        models = [with_free_batch(m).SerializeToString() for m in (plain, quantised(plain))]
        fp32, int8 = (_run(model, 1) for model in models)
        single = in_turn(fp32, int8, runs)
        fp32, int8 = (_run(model, INFERENCE_BATCH) for model in models)
        many = in_turn(fp32, int8, N_BATCHES, 2)
        rows.append(
            {
                "architecture": architecture,
                "macs": int(table.space.macs(architecture, table.n_classes)[0]),
                "fp32_ms": round(float(np.quantile(single[:, 0], QUICK)), 4),
                "int8_ms": round(float(np.quantile(single[:, 1], QUICK)), 4),
                "ratio": round(quick_ratio(single), 4),
                "batch_ratio": round(quick_ratio(many), 4),
            }
        )
    own = {
        "conditions": conditions(),
        "networks": rows,
        "runs": runs,
        "batch": INFERENCE_BATCH,
        "load_average": round(os.getloadavg()[0], 1),
        **{name: summary(rows, name) for name in ("ratio", "batch_ratio")},
    }
    earlier = load("int8_latency") or {"machines": {}}
    return {"machines": {**earlier["machines"], device_name(): own}}


def summary(rows: list[dict[str, Any]], name: str) -> dict[str, float]:
    """Median ratio of some networks, and the ends between which nine in ten lie."""
    values = np.quantile([row[name] for row in rows], [0.5, *ENDS])
    return {k: round(float(v), 4) for k, v in zip(("median", "low", "high"), values, strict=True)}


def latency_section(f: dict[str, Any]) -> str:
    """What int8 gains on each machine that it was measured on, as Markdown."""
    return "\n\n".join(_of_machine(f["machines"][name]) for name in sorted(f["machines"]))


def _of_machine(f: dict[str, Any]) -> str:
    rows = sorted(f["networks"], key=lambda row: row["macs"])
    single, many = f["ratio"], f["batch_ratio"]
    lines = [
        f"{len(rows)} networks of the table, from {rows[0]['macs'] / 1e6:.0f} to "
        f"{rows[-1]['macs'] / 1e6:.0f} M MACs, each run {f['runs']} times in fp32 and in int8 in "
        f"turn, one thread, ONNX Runtime ({versions(f)}; load average {f['load_average']}: the "
        f"machine did other work too, hence the ratio of the quickest tenth of runs in turn): "
        f"int8 takes **{single['median']:.2f} times** as long with one image "
        f"(nine in ten networks {single['low']:.2f} to {single['high']:.2f}), and "
        f"{many['median']:.2f} times with a batch of {f['batch']} "
        f"({many['low']:.2f} to {many['high']:.2f}), as a table is evaluated.",
        "",
        "| M MACs | int8 / fp32, one image | with a batch |",
        "|---|---|---|",
    ]
    for part in np.array_split(np.arange(len(rows)), 4):
        some = [rows[i] for i in part]
        ends = f"{some[0]['macs'] / 1e6:.0f} to {some[-1]['macs'] / 1e6:.0f}"
        middle = [np.median([row[k] for row in some]) for k in ("ratio", "batch_ratio")]
        lines.append(f"| {ends} | {middle[0]:.2f} | {middle[1]:.2f} |")
    return "\n".join(lines)


STEP = Step(measure, {"int8_latency": latency_section})
