"""NVIDIA's ``trtexec``: the latency of a query, transfers to the GPU and back included.

Source: the sample ``trtexec`` of TensorRT, README (*Performance summary*).
"""

from __future__ import annotations

from pathlib import PurePosixPath

from . import LogFigures, LogFormat
from ._text import check_once, last, needed, number, whole

_LINE = r"\] (?:Host )?Latency: (min = .*)$"


def read(text: str) -> LogFigures:
    """The figures of a log.

    Raises:
        ValueError: it failed, or ended before its summary.
    """
    if last(r"(&&&& FAILED)", text):
        raise ValueError("trtexec failed, as its last line says; mend that and run it again")
    check_once("GPU Compute Time: min", text)
    line = last(_LINE, text) or last(r"^(?:Host )?Latency: (min = .*)$", text) or ""
    median = needed(
        number(r"median = # ms", line), "line 'Latency: min = ...'", "run trtexec to its end"
    )
    version = last(r"TensorRT\.trtexec \[TensorRT v([0-9]+)\]", text)
    precision = last(r"Precision: (\S+)", text)
    kinds = {"INT8": "int8", "FP16": "fp16", "BF16": "bf16", "FP32": "fp32"}
    lowest = next((kinds[k] for k in kinds if precision and k in precision), None)
    mixed = () if not precision or "+" not in precision else (f"precision {precision}, as asked",)
    return LogFigures(
        latency_ms=median,
        statistic="median",
        runtime=f"TensorRT {version or ''} trtexec".replace("  ", " "),
        precision=lowest,
        model=PurePosixPath(last(r"Model: (\S+\.onnx)", text) or "").name,
        latency_p90_ms=number(r"percentile\(90%\) = # ms", line),
        n=whole(r"Timing trace has # queries", text),
        warm_up=whole(r"Warmup completed # queries", text),
        notes=("latencies hold the transfers to the GPU and back", *mixed),
    )


LOG = LogFormat("trtexec", ("TensorRT.trtexec", "GPU Compute Time: min"), read)
