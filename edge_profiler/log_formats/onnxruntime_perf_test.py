"""ONNX Runtime's ``onnxruntime_perf_test``: seconds, with percentiles by its option ``-s``.

Source: ``onnxruntime/test/perftest`` of ONNX Runtime, README and ``performance_runner.cc``.
"""

from __future__ import annotations

from . import LogFigures, LogFormat
from ._text import check_once, last, needed, number, whole


def read(text: str) -> LogFigures:
    """The figures of a log.

    Raises:
        ValueError: it ended before its runs did.
    """
    check_once("Total inference requests", text)
    average = number(r"Average inference time cost(?: total)?: # ms", text)
    median, p90 = (number(rf"P{share} Latency: # s", text) for share in (50, 90))
    seconds = needed(
        median if average is None else average,
        "line 'Average inference time cost'",
        "run onnxruntime_perf_test to its end",
    )
    memory = number(r"Peak working set size: ?#", text)
    provider = last(r"(\w+ExecutionProvider)", text) or "CPUExecutionProvider"
    return LogFigures(
        latency_ms=seconds if median is None else median * 1000,
        statistic="mean" if median is None else "median",
        runtime=f"onnxruntime_perf_test {provider}",
        threads=whole(r"Setting intra_op_num_threads to #", text),
        latency_p90_ms=None if p90 is None else p90 * 1000,
        n=whole(r"Total inference requests: ?#", text),
        warm_up=1,
        peak_memory_mib=memory / 2**20 if memory else None,
    )


LOG = LogFormat("onnxruntime_perf_test", ("Total inference requests",), read)
