"""What networks cost, from wherever it is known: a file, a word, a model of a device, a clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...bench.bounded import LimitError, read_bounded
from ...bench.errors import AnswersError
from ...bench.files import why_unreadable
from ...bench.own.costs import COSTS, DEVICE, NetworkCost
from ...bench.text_files import parse_csv, read_text
from ...edge_profiler.onnx_checked import MAX_BYTES
from ...edge_profiler.protocol import time_runs
from ...edge_profiler.runtimes import get_runtime
from ..devices.predict import predict_each, refusals
from ..devices.prediction import Prediction

_NAMES = ("network", "model", "name", "architecture")
RUNTIME = "ort-cpu"
WARM_UP, RUNS = 10, 100
THIS = "this-machine"


def read_costs(path: Path, device: str = DEVICE) -> list[NetworkCost]:
    """The costs in a CSV file: a row a network, a column a figure.

    Args:
        path: file with the columns ``network``, some of ``COSTS`` and perhaps ``device``.
        device: name of the device where the file has no such column.

    Raises:
        AnswersError: no such columns, or a figure that is not a number.
    """
    try:
        table = parse_csv(read_text(path), (*_NAMES, *COSTS, "device"))
        name = next((n for n in _NAMES if n in table.columns), None)
        figures = [n for n in COSTS if n in table.columns]
        unknown = set(table.columns) - {*COSTS, *_NAMES, "device"}
        if name is None or unknown or not figures:
            raise AnswersError(
                f"{path} has the columns {', '.join(table.columns) or 'none'}; expected network, "
                f"some of {', '.join(COSTS)}, and perhaps device."
            )
        values = table.numbers(figures, empty=True)
    except (OSError, ValueError) as error:
        raise AnswersError(
            f"{path} cannot be read: {why_unreadable(error, f'{error}.')}"
        ) from error
    devices = table.words("device") if "device" in table.columns else [""] * len(table)
    return [
        NetworkCost(
            network,
            {f: v for f, v in zip(figures, row, strict=True) if not math.isnan(v)},
            of or device,
        )
        for network, of, row in zip(table.words(name), devices, values.tolist(), strict=True)
    ]


def named_costs(texts: Sequence[str], device: str = DEVICE) -> list[NetworkCost]:
    """Costs as a user writes them on the command line, ``NAME=MS`` each.

    Raises:
        AnswersError: a text of another form.
    """
    out = []
    for text in texts:
        name, _, value = text.rpartition("=")
        try:
            out.append(NetworkCost(name, {"latency_ms": float(value)}, device))
        except ValueError as error:
            raise AnswersError(
                f"--cost {text!r} is not NAME=MS, such as mobilenet=4.2; for other figures give "
                "--costs FILE."
            ) from error
    return out


def predicted_costs(device: str, files: Mapping[str, Path]) -> list[NetworkCost]:
    """What ONNX files are predicted to take on a device that has a profile; as ``device predict``.

    Raises:
        AnswersError: a file has no figure; says why.
    """
    answers = predict_each(device, list(files.values()))
    if (reasons := refusals(answers)) is not None:
        raise AnswersError(f"{reasons} Give --costs FILE with what it takes instead.")
    return [
        _of_prediction(name, answer)
        for name, answer in zip(files, answers, strict=True)
        if isinstance(answer, Prediction)
    ]


def _of_prediction(name: str, answer: Prediction) -> NetworkCost:
    figures: dict[str, float] = {"latency_ms": answer.latency_ms, "macs": answer.macs}
    figures |= {"params": answer.params} if answer.params else {}
    figures |= {} if answer.energy_mj is None else {"energy_mj": answer.energy_mj}
    counted = {"macs": "modelled", "params": "modelled"}
    return NetworkCost(name, figures, answer.device, {**answer.provenance, **counted})


def measured_costs(
    files: Mapping[str, Path], threads: int = 1, progress: Callable[[int, int], None] | None = None
) -> list[NetworkCost]:
    """What ONNX files take on this machine, by ONNX Runtime on its processor, one input a run.

    The networks take turns, so that a drift of the machine meets all of them; the figure is the
    median. Inputs are noise, of which latency does not depend in a network without branches.

    Args:
        files: ONNX files by name of the network.
        threads: threads inside an operator.
        progress: called with the turns that are done and their number.

    Raises:
        AnswersError: a file that cannot be read or run.
    """
    runs: dict[str, Any] = {}
    for name, path in files.items():
        try:
            content = read_bounded(path, MAX_BYTES)
        except (OSError, LimitError) as error:
            why = why_unreadable(error, f"{error}.")
            raise AnswersError(f"{path} cannot be read: {why}") from error
        runs[name] = get_runtime(RUNTIME).load(content, threads)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        time_runs(run, WARM_UP)
    turns = 10
    for turn in range(turns):
        for name, run in runs.items():
            times[name] += time_runs(run, RUNS // turns).tolist()
        if progress is not None:
            progress(turn + 1, turns)
    word = {"latency_ms": "measured"}
    return [
        NetworkCost(name, {"latency_ms": float(np.median(values))}, THIS, word)
        for name, values in times.items()
    ]
