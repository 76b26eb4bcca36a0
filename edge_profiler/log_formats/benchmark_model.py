"""TensorFlow Lite's ``benchmark_model`` on Android (by ``adb shell`` or ``adb logcat``) or Linux.

Its figures are microseconds. Versions since 2.13 also print percentiles, the median among them.
Source: ``tensorflow/lite/tools/benchmark`` of TensorFlow, README and ``benchmark_model.cc``.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from . import LogFigures, LogFormat
from ._text import check_once, last, needed, number, whole

_BACKENDS = {
    "Use gpu": "GPU delegate",
    "Use NNAPI": "NNAPI",
    "Use Hexagon": "Hexagon delegate",
    "Use xnnpack": "XNNPACK",
}
_APPROXIMATE = "memory as benchmark_model says it, which calls it approximate"


def read(text: str) -> LogFigures:
    """The figures of a log.

    Raises:
        ValueError: it ended before its runs did.
    """
    check_once("Inference timings in us", text)
    average = number(r"Inference timings in us: .*Inference \(avg\): #", text)
    needed(average, "line 'Inference timings in us'", "run benchmark_model to its end")
    assert average is not None
    runs = last(r"(count=[0-9]+ first=.*)$", text) or ""
    warm_up = last(r"(count=[0-9]+ .*)$", text.rpartition("count=")[0])
    median = number(r"median=#", runs)
    backends = [name for key, name in _BACKENDS.items() if last(rf"({key}: \[1\])", text)]
    memory = number(r"emory footprint .*overall=#", text)
    return LogFigures(
        latency_ms=(average if median is None else median) / 1000,
        statistic="mean" if median is None else "median",
        runtime=f"TensorFlow Lite benchmark_model, {', '.join(backends) or 'CPU'}",
        threads=whole(r"[Tt]hreads(?: used for CPU inference)?: \[#\]", text),
        model=PurePosixPath(last(r"Graph: \[(.+)\]", text) or "").name,
        n=whole(r"count=#", runs),
        warm_up=None if warm_up is None else whole(r"count=#", warm_up),
        peak_memory_mib=memory if memory and memory > 0 else None,
        notes=(_APPROXIMATE,) if memory else (),
    )


LOG = LogFormat("benchmark_model", ("Inference timings in us",), read)
