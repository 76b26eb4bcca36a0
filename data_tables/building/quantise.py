"""Networks of a table in int8: quantised from their fp32 weights, and what they then answer.

Every inherited network of a table, whole or cut at an exit, is quantised as it would be deployed:
batch norms folded, then ONNX Runtime's static quantisation (`edge_profiler.quantised`), calibrated
on the first training images. The exits of one architecture are quantised in one graph; a network
and its exits are calibrated on the same images, so that they have the same trunk in int8 too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from ...bench.errors import TableError
from ...bench.networks import Network, weights_hash
from ...bench.precision import FP32, INT8, split_precision
from ...bench.rows import NetworkKey
from ...bench.table import Table
from ...cotrain.calibration import calibration_images
from ...edge_profiler.quantised import quantised
from .evaluate import Evaluation, EvaluationKey, NetworkEvaluator, write_evaluation
from .exits import exit_heads, exited
from .site import Job, Site


def in_precision(name: str, network: Network, evaluator: NetworkEvaluator) -> onnx.ModelProto:
    """A network as it would be deployed in the precision that its name says.

    Args:
        name: name of the network, ``ARCHITECTURE[@EXIT][:PRECISION]``.
        network: the same with its fp32 weights and recalibrated batch norms.
        evaluator: knows the data set and its training images.
    """
    model = evaluator.model(network)
    if split_precision(name)[1] == FP32:
        return model
    return quantised(model, calibration_images({"train": evaluator.train}, evaluator.dataset))


@dataclass(frozen=True)
class QuantisedJob:
    """Quantises a network, and the exits of its architecture that a table holds, and asks them.

    Attributes:
        architecture: id of the architecture.
        whole: whether the whole network is asked.
        exits: names of the exits that are asked.
        seed: seed of the supernet's training.
    """

    architecture: str
    whole: bool
    exits: tuple[str, ...] = ()
    seed: int = 0

    def _key(self, cut: str) -> NetworkKey:
        return NetworkKey(self.architecture, cut, INT8, seed=self.seed)

    @property
    def names(self) -> tuple[str, ...]:
        """One file a network."""
        cuts = [""] * self.whole + [*self.exits]
        return tuple(EvaluationKey(self._key(cut)).name for cut in cuts)

    def run(self, site: Site) -> str:
        """Recalibrates, quantises and evaluates."""
        net, ask = site.supernet.net, site.evaluator
        shown, figures = calibration_images(site.images, site.plan.dataset), []
        if self.whole:
            network = ask.inherited(net, self.architecture)
            answers = ask.answers_of_model(quantised(ask.model(network), shown))
            figures += [self._write(site, "", weights_hash(network), answers[0])]
        if self.exits:
            if net.exit_heads is None:
                net.exit_heads = exit_heads(site)
            trunk = exited(site, self.architecture)
            cuts = [trunk.cut(name) for name in self.exits]
            answers = ask.answers_of_model(quantised(ask.model_of_exits(cuts), shown))
            for name, cut, given in zip(self.exits, cuts, answers, strict=True):
                figures += [self._write(site, name, weights_hash(cut), given)]
        return "val " + ", ".join(figures)

    def _write(
        self,
        site: Site,
        cut: str,
        digest: str,
        answers: Mapping[str, Mapping[str, NDArray[np.uint8]]],
    ) -> str:
        key = EvaluationKey(self._key(cut), epochs=site.supernet.epochs, origin=site.origin)
        write_evaluation(site.plan.networks / f"{key.name}.npz", Evaluation(key, digest, answers))
        accuracy = float((answers["val"]["top1"] == site.images["val"].labels).mean())
        return f"{'@' * bool(cut)}{cut or 'whole'} {accuracy:.4f}"


def spread(n: int) -> NDArray[np.intp]:
    """The numbers from 0 to n - 1 in an order whose every beginning is spread over all of them.

    Both ends come first, then the middle of every gap that is left (a sequence of van der Corput).

    >>> spread(5).tolist()
    [0, 4, 2, 1, 3]
    """
    width = max(1, (n - 1).bit_length())
    steps, turned = np.arange(2**width), np.zeros(2**width, np.int64)
    for k in range(width):  # the bits of each step the other way round
        turned += ((steps >> k) & 1) << (width - 1 - k)
    places = np.rint(np.concatenate([[0.0, 1.0], turned[1:] / 2**width]) * (n - 1))
    return np.array(list(dict.fromkeys(places.astype(int).tolist()))[:n], np.intp)


def quantised_jobs(table: Path) -> list[Job]:
    """The int8 evaluations of a table's inherited networks, spread over their size at any time.

    Architectures are sorted by the MACs of their whole networks; each comes with its exits.

    Raises:
        TableError: there is no table, or it has no inherited networks.
    """
    opened = Table(table)
    of, rows = opened.networks, opened.rows(exits=True)
    if not len(rows) or opened.given:
        raise TableError(f"{table} has no inherited networks to quantise.")
    exits: dict[str, list[str]] = {}
    for row in rows:
        cuts = exits.setdefault(str(of["architecture"][row]), [])
        cuts.append(str(of["exit"][row]))
    genomes = opened.space.parse(list(exits))
    order = np.argsort(opened.space.sizes(genomes), kind="stable")
    ids, seed = list(exits), int(of["seed"][rows[0]])
    return [
        QuantisedJob(a, "" in exits[a], tuple(c for c in exits[a] if c), seed)
        for a in (ids[order[place]] for place in spread(len(ids)))
    ]
