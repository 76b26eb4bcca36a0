"""Networks of the table made again from the weights that ship: checked, or handed out as ONNX.

A network's weights are the supernet's, which ship; its batch-norm statistics are not stored (for
400 networks they would take more room than all answers together) but estimated again on the same
1,280 training images. So both need the images, and neither needs any training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...bench.datasets import Images, get_dataset
from ...bench.errors import TableError
from ...bench.figures import counted
from ...bench.networks import weights_hash
from ...bench.precision import split_precision
from ...bench.table import Table
from ...edge_profiler.deployable import describe, with_pixels
from .evaluate import REPORTED, NetworkEvaluator
from .handed_out import checked_name, handed_out, weights_of
from .plan import TrainedSupernet
from .quantise import in_precision

#: On the machine of the build every byte is the same. Elsewhere sums are rounded otherwise, which
#: moves a code that lay at its edge to the next one, and an answer only where two classes tie.
DISAGREEING_MAX = 0.001  # of answers
FAR_CODES_MAX = 0.001  # of codes, more than one step away


def evaluator_of(table: Table, data: Path | None, threads: int, splits: Any) -> NetworkEvaluator:
    """What asks networks of a table about its images; ``splits`` are those that are kept."""
    dataset = get_dataset(table.dataset)
    images: Mapping[str, Images] = dataset.load(data)
    return NetworkEvaluator(dataset, images, threads, splits)


# ---- verify ------------------------------------------------------------------------------------
def verify(
    table: Table, rows: int = 3, seed: int = 0, data: Path | None = None, threads: int = 1
) -> dict[str, Any]:
    """Evaluates random inherited networks again and compares every stored byte; plain JSON.

    Args:
        table: table with its weights beside it; networks are of the precisions that it was opened
            with. In int8, answers of a processor without VNNI may differ by more than is tolerated.
        rows: number of networks, whole or cut at exits, drawn without replacement.
        seed: seed of the draw of networks.
        data: folder of the images; None for the usual place.
        threads: threads of torch and of ONNX Runtime.

    Returns:
        ``rows`` with one entry per network, shares over all of them, the tolerance, and ``ok``.

    Raises:
        TableError: there are no weights beside the table, or it has no inherited networks.
        DatasetError: the images are not in that folder.
    """
    of = table.networks
    meant = np.isin(of["precision"], table.precisions)
    candidates = np.flatnonzero((of["training"] == "inherited") & meant)
    if not len(candidates):
        raise TableError(f"{table.path} has no inherited networks to verify.")
    supernet = weights_of(table)
    evaluator = evaluator_of(table, data, threads, REPORTED)
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.permutation(candidates)[: max(1, rows)])
    checked = [_check(table, int(row), supernet, evaluator) for row in drawn]
    whole = {
        name: float(np.mean([c[name] for c in checked]))
        for name in ("equal_bytes", "disagreeing_answers", "far_codes")
    }
    ok = whole["disagreeing_answers"] <= DISAGREEING_MAX and whole["far_codes"] <= FAR_CODES_MAX
    return {
        "table": table.name,
        "sha256": table.sha256,
        "seed": seed,
        "rows": checked,
        **whole,
        "tolerance": {"disagreeing_answers": DISAGREEING_MAX, "far_codes": FAR_CODES_MAX},
        "ok": ok,
    }


def verdict(report: Mapping[str, Any]) -> list[str]:
    """What `verify` came to, as lines for a reader: one for each network, then the verdict."""
    limits = report["tolerance"]
    lines = [
        f"  {row['architecture']}: {100 * row['equal_bytes']:.3f} % of bytes equal, "
        f"{100 * row['disagreeing_answers']:.3f} % of answers differ, weights "
        f"{'equal' if row['weights_equal'] else 'not equal bit by bit'}"
        for row in report["rows"]
    ]
    return [
        *lines,
        f"{'verified' if report['ok'] else 'NOT verified'}: "
        f"{counted(len(report['rows']), 'network')}, "
        f"{100 * report['equal_bytes']:.3f} % of bytes equal, "
        f"{100 * report['disagreeing_answers']:.3f} % of answers differ (tolerated: "
        f"{100 * limits['disagreeing_answers']:g} %), {100 * report['far_codes']:.3f} % of "
        f"codes are more than one step away (tolerated: {100 * limits['far_codes']:g} %)",
    ]


def _check(
    table: Table, row: int, supernet: TrainedSupernet, evaluator: NetworkEvaluator
) -> dict[str, Any]:
    name = str(table.names[row])
    network = evaluator.inherited(supernet.net, split_precision(name)[0])
    (given,) = evaluator.answers_of_model(in_precision(name, network, evaluator))
    equal = answers = differ = codes = far = total = 0
    accuracy = {}
    for split, answered in given.items():
        stored = table.predictions(split)
        for column, now in answered.items():
            if column != "top1" and column not in stored.codes:
                continue  # a metric that the table does not hold
            before = stored.top1[row] if column == "top1" else stored.codes[column][row]
            total += before.size
            equal += int((before == now).sum())
            if column == "top1":
                answers += before.size
                differ += int((before != now).sum())
                accuracy[split] = float((now == stored.labels).mean())
            else:
                codes += before.size
                far += int((np.abs(before.astype(int) - now) > 1).sum())
    return {
        "architecture": name,
        "equal_bytes": equal / total,
        "disagreeing_answers": differ / answers,
        "far_codes": far / codes,
        "weights_equal": weights_hash(network) == str(table.networks["weights_sha256"][row]),
        "accuracy": accuracy,
        "stored_accuracy": {s: float(table.predictions(s).correct[row].mean()) for s in accuracy},
    }


# ---- extract -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Extracted:
    """A network ready to deploy.

    Attributes:
        model: serialised ONNX: input ``images`` uint8 (1, height, width, channels), output
            ``logits``; its metadata say the rest.
        weights_sha256: SHA-256 of its weights.
        stored_sha256: that of the table's network of that architecture; None where it has none.
        accuracy: share of right answers by split that was wanted.
    """

    model: bytes
    weights_sha256: str
    stored_sha256: str | None
    accuracy: Mapping[str, float]

    def text(self, file: Path, table: str) -> list[str]:
        """Lines for a reader about the network.

        Args:
            file: where the model was written.
            table: name of the table that its weights are compared with.
        """
        lines = [f"{file}: {len(self.model) / 2**20:.2f} MiB, weights {self.weights_sha256}"]
        lines += [
            f"accuracy on {split}: {100 * accuracy:.2f} % (measured here)"
            for split, accuracy in self.accuracy.items()
        ]
        if self.stored_sha256 is None:
            return [*lines, f"table {table} has no such network: nothing to compare it with"]
        if self.stored_sha256 == self.weights_sha256:
            return [*lines, "the weights are those of the table, bit for bit"]
        return [
            *lines,
            f"the weights are not bit for bit those of the table ({self.stored_sha256}): batch "
            "norms recalibrated on another machine or version differ in rounding; compare with "
            "'biglittle table verify'",
        ]


def origin_of(table: Table, training: str = "inherited") -> dict[str, str]:
    """Where the weights of an extracted network come from, for the facts in its file."""
    return {"training": training, "table": table.name, "table_sha256": str(table.sha256)}


def extract(
    table: Table,
    architecture: str,
    data: Path | None = None,
    check: bool = False,
    threads: int = 1,
) -> Extracted:
    """A network with inherited weights and recalibrated batch norms, folded, as ONNX.

    Args:
        table: table with its weights beside it.
        architecture: name of a network in the table's space, ``ARCHITECTURE[@EXIT][:PRECISION]``,
            which need not be in the table, or of its teacher.
        data: folder of the images; None for the usual place.
        check: whether its accuracy on val is measured too.
        threads: threads of torch and of ONNX Runtime.

    Raises:
        ArchitectureError: it is not of the table's space, has an exit that the space lacks, or runs
            choices that were never trained.
        TableError: there are no weights beside the table.
        DatasetError: there are no images to recalibrate on.
    """
    name = checked_name(table, architecture)
    evaluator = evaluator_of(table, data, threads, ("val",) if check else ())
    (network,) = handed_out(table, [name], evaluator)
    model = with_pixels(network.model, evaluator.dataset)
    origin = {
        "precision": network.precision,
        "weights_sha256": network.weights_sha256,
        **origin_of(table, network.training),
    }
    called = {"architecture": name}
    describe(model, "network", called, table.space, evaluator.dataset, origin)
    trained = table.networks["training"] == network.training
    same = np.flatnonzero(trained & (table.names == name))
    return Extracted(
        model=model.SerializeToString(),
        weights_sha256=network.weights_sha256,
        stored_sha256=str(table.networks["weights_sha256"][same[0]]) if len(same) else None,
        accuracy={
            split: float((answered["top1"] == evaluator.images[split].labels).mean())
            for split, answered in evaluator.answers_of_model(network.model)[0].items()
        },
    )
