"""A pair with inherited weights as one ONNX graph: what a search recommends, without training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...bench.gate import Gate
from ...bench.gates import get_metric
from ...bench.table import Table
from ...edge_profiler.accuracy import Rerun, rerun
from ...edge_profiler.deployable import describe, with_pixels
from ...edge_profiler.onnx_cascade import chained_model
from .handed_out import checked_name, coupling_of, handed_out
from .reproduce import evaluator_of, origin_of


@dataclass(frozen=True)
class ExtractedPair:
    """A pair ready to deploy.

    Attributes:
        model: serialised ONNX: input ``images`` uint8 (1, height, width, channels), outputs
            ``logits`` and ``escalated``; its metadata say the rest.
        names: names of the little and the big network.
        coupling: what the two networks share.
        gate: metric and threshold that decide what escalates.
        answers: what it said about the images of val; None: it was not asked.
    """

    model: bytes
    names: tuple[str, str]
    coupling: str
    gate: Gate
    answers: Rerun | None = None

    def text(self, file: Path) -> list[str]:
        """Lines for a reader about the pair.

        Args:
            file: where the model was written.
        """
        little, big = self.names
        threshold = float(self.gate.threshold)  # all digits, so that the same images escalate
        lines = [
            f"{file}: {len(self.model) / 2**20:.2f} MiB, {little} -> {big} ({self.coupling}), "
            f"{self.gate.metric} {threshold!r}"
        ]
        if (done := self.answers) is not None:
            lines.append(
                f"accuracy on val: {100 * done.right / done.n:.2f} %, "
                f"{100 * done.escalated / done.n:.1f} % escalated (measured here)"
            )
        split = "" if self.answers is None else " --split val"
        return [
            *lines,
            f"what it answers, where the table has both: biglittle query {little} {big} --gate "
            f"{self.gate.metric} --threshold {threshold!r}{split}",
            f"measure it on the board: biglittle profile --networks {file} --out profile.json",
        ]


def extract_pair(
    table: Table,
    names: tuple[str, str],
    gate: Gate,
    data: Path | None = None,
    check: bool = False,
    threads: int = 1,
) -> ExtractedPair:
    """A pair whose networks inherit a table's weights, with recalibrated batch norms, as ONNX.

    Args:
        table: table with its weights beside it.
        names: little and big, ``ARCHITECTURE[@EXIT][:PRECISION]``, which need not be in the table,
            or the table's teacher.
        gate: metric and threshold that decide what escalates.
        data: folder of the images; None for the usual place.
        check: whether it is asked about the images of val too, one by one as it is deployed.
        threads: threads of torch and of ONNX Runtime.

    Raises:
        ArchitectureError: a network that is not of the table's space, has an exit that the space
            lacks, or runs choices that were never trained.
        GateError: a metric without ONNX form, or a threshold outside its range.
        TableError: there are no weights beside the table.
        DatasetError: there are no images to recalibrate on.
    """
    get_metric(gate.metric)
    pair = checked_name(table, names[0]), checked_name(table, names[1])
    coupling = coupling_of(table, pair)
    evaluator = evaluator_of(table, data, threads, ("val",) if check else ())
    networks = handed_out(table, pair, evaluator)
    models = [network.model for network in networks]
    cascade = chained_model(models, ((gate.metric, gate.threshold),), (coupling,))
    model = with_pixels(cascade, evaluator.dataset)
    trainings = [network.training for network in networks]
    origin: dict[str, Any] = {
        **origin_of(table, trainings[0]),
        "weights_sha256": [network.weights_sha256 for network in networks],
    }
    if len({*trainings}) > 1:
        origin["training"] = trainings
    called = dict(zip(("little", "big"), pair, strict=True))
    describe(model, "cascade", called, table.space, evaluator.dataset, origin, gate)
    written = model.SerializeToString()
    answers = rerun(written, evaluator.images["val"], threads) if check else None
    return ExtractedPair(written, pair, coupling, gate, answers)
