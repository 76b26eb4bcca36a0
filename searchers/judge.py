"""What a search asks: an evaluator by name, with what its figures rest on and how they are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..bench import Benchmark, Candidates, Evaluator, Points, load_device
from ..bench.device import DEFAULT_DEVICE
from ..bench.errors import ConstraintError, UnknownNameError
from ..bench.evaluator import precision_of
from ..bench.files import file_hash
from ..bench.gates import get_gate
from ..bench.hypervolume import Reference, reference_of
from ..bench.latency import LatencyModel
from ..bench.pareto import nondominated
from ..bench.precision import FP32, checked_precisions
from ..bench.spaces import parse_networks
from .compare import table_reference
from .evaluators.table import TableEvaluator
from .evaluators.worst_case import worst_case
from .front_question import latency_note, question_sources
from .settings import SearchSettings
from .with_weights import Weights

EVALUATORS = ("surrogate", "table", "live", "nb201")
DEFAULT_TABLE = "fbnet-cifar10"  # of every command that is told none


@dataclass(frozen=True)
class JudgeQuestion:
    """What `judge_called` was asked, with which another process makes the same judge.

    Attributes:
        name: name of the evaluator, one of `EVALUATORS`.
        devices: names or profiles; None: the usual one.
        table: table of the pairs.
        data: folder of the images.
        gates: gates to search over; None: all that tables store.
        proxy: what rough evaluations of the live supernet save on.
        passes: passes of training before a network of the supernet answers.
        precisions: precision of the networks of a table.
    """

    name: str
    devices: tuple[str, ...] | None
    table: str
    data: Path | None = None
    gates: tuple[str, ...] | None = None
    proxy: str = "images"
    passes: float = 0.0
    precisions: tuple[str, ...] = ()

    def judge(self) -> Judge:
        """The judge."""
        return judge_called(
            self.name, self.devices, self.table, self.data, self.gates, self.proxy, self.passes,
            precisions=self.precisions,
        )  # fmt: skip


@dataclass(frozen=True)
class Judge:
    """What is searched.

    Attributes:
        name: name of the evaluator, one of `EVALUATORS`.
        evaluator: answers the searcher's candidates with operating points.
        sources: what its figures rest on, for the config of the results.
        says: what the reader is told about its accuracy; ``sources`` say how latencies came about.
        devices: names of the devices that the figures are of.
        reported: the same points as they are reported, on test; None: as they were searched.
        reference: the true front's box; None where nobody knows it.
        weights: weights of the live supernet; None for every other evaluator.
        given: devices as they were asked for, names or files, for the commands to go on with.
        table: table as it was asked for, a name or a file, for the same commands.
        question: with what another process makes the same judge; None where one was made by hand.
    """

    name: str
    evaluator: Evaluator
    sources: Mapping[str, Any]
    says: str
    devices: tuple[str, ...]
    reported: Callable[[Points], Points] | None = None
    reference: Callable[[SearchSettings], Reference | None] = lambda settings: None
    weights: Weights | None = None
    given: tuple[str, ...] = ()
    table: str = DEFAULT_TABLE
    question: JudgeQuestion | None = None

    @cached_property
    def bench(self) -> Benchmark:
        """The table, opened."""
        return Benchmark.load(self.table, precisions=self.sources.get("precisions"))


def judge_called(
    name: str,
    devices: Sequence[str] | None,
    table: str,
    data: Path | None = None,
    gates: Sequence[str] | None = None,
    proxy: str = "images",
    passes: float = 0.0,
    warm: bool = False,
    precisions: Sequence[str] = (),
) -> Judge:
    """The evaluator called ``name``, on one device or the worst of several.

    Args:
        name: name of the evaluator, one of `EVALUATORS`.
        devices: names or profiles; of NAS-Bench-201 one of its columns. None: the Raspberry Pi 4,
            or the own device of a table of given networks.
        table: table of the pairs, with its surrogate and its supernet.
        data: folder of the images, for the live supernet.
        gates: gates to search over, in a table or live; None: all that tables store.
        proxy: what rough evaluations of the live supernet save on: images, resolution or epochs.
        passes: passes of training before a network of the supernet answers; 0: as inherited.
        warm: whether the search begins with the table's front, which its sources then say.
        precisions: precision of the networks of a table; empty: fp32, as of all other evaluators.

    Raises:
        UnknownNameError: no such evaluator, table, device or proxy.
        ConstraintError: something asked for that the evaluator has not.
        MissingExtraError: the live supernet without the extra ``train``.
    """
    if name not in EVALUATORS:
        raise UnknownNameError("evaluator", name, EVALUATORS)
    if devices is None:
        devices = (Benchmark.load(table).device() if name == "table" else DEFAULT_DEVICE,)
    if not devices or len(set(devices)) < len(devices):
        raise ConstraintError(f"devices {list(devices)}: name at least one, each once.")
    if gates is not None and name not in ("table", "live"):
        raise ConstraintError(
            f"--gate {','.join(gates)} is for --on table and --on live; on {name} the gates are "
            "fixed."
        )
    if (proxy, passes) != ("images", 0.0) and name != "live":
        raise ConstraintError(
            f"--proxy and --epochs are for --on live, where networks are run; got --on {name}."
        )
    wanted = checked_precisions(precisions)
    if wanted != (FP32,) and name != "table":
        raise ConstraintError(
            f"--precision {','.join(wanted)} is for --on table, which holds what such networks "
            f"answer; got --on {name}, which knows networks in fp32 alone."
        )
    judge = _made(name, devices, table, data, gates, proxy, passes, wanted)
    sources = {**judge.sources, "warm_start": True} if warm else judge.sources
    question = JudgeQuestion(
        name, tuple(devices), table, data, None if gates is None else tuple(gates), proxy, passes,
        tuple(precisions),
    )  # fmt: skip
    return replace(judge, given=tuple(devices), table=table, sources=sources, question=question)


def _made(
    name: str,
    devices: Sequence[str],
    table: str,
    data: Path | None,
    gates: Sequence[str] | None,
    proxy: str,
    passes: float,
    precisions: tuple[str, ...],
) -> Judge:
    if name == "nb201":
        return _nb201(devices)
    bench = Benchmark.load(table, precisions=precisions)
    if bench.table.given and name != "table":
        raise ConstraintError(
            f"networks of table {bench.table.name!r} are known by their answers alone, so that no "
            f"others can be searched for; got --on {name}, expected --on table."
        )
    sources = {"evaluator": name, **question_sources(devices, bench, table)}
    if name == "table":
        return _table(bench, tuple(devices), sources, gates)
    profiles = [load_device(d) for d in devices]
    sources["device_source"] = "; ".join(p.source for p in profiles)
    names = tuple(p.name for p in profiles)
    if name == "surrogate":
        from ..surrogates import Surrogate, SurrogateEvaluator

        folder = bench.beside("surrogate")
        surrogate = Surrogate.load(folder)
        sources["surrogate_sha256"] = file_hash(folder / "surrogate.json")
        evaluator = worst_case([SurrogateEvaluator(surrogate, p) for p in profiles])
        says = (
            "Accuracy is predicted, not measured: 'biglittle front' has the pairs whose answers "
            "are."
        )
        if bench.table.exits.any() and not surrogate.exits:
            says += " It knows whole networks alone: --on table searches those cut at exits too."
        _note_latencies({p.name: p.latency for p in profiles}, sources)
        return Judge(name, evaluator, sources, says, names)
    return _live(bench, profiles, sources, data, gates, proxy, passes)


def _table(
    bench: Benchmark, devices: tuple[str, ...], sources: dict[str, Any], gates: Sequence[str] | None
) -> Judge:
    def on(split: str) -> Evaluator:
        return worst_case([TableEvaluator(bench, d, split, gates) for d in devices])

    names = tuple(bench_device(bench, d) for d in devices)
    sources |= {"chosen_on": "val", "reported_on": "test"}
    evaluator = on("val")

    def reported(points: Points) -> Points:
        return on("test").evaluate(candidates_of(points, evaluator, bench.table.n_classes))

    def reference(settings: SearchSettings) -> Reference | None:
        if len(devices) > 1 or gates is not None:
            return None
        return table_reference(bench, devices[0], settings)

    word = "given" if bench.table.given else "measured (inherited weights)"
    says = f"Accuracy is {word}: chosen on val, shown on test."
    return Judge("table", evaluator, sources, says, names, reported, reference)


def _live(
    bench: Benchmark,
    profiles: Sequence[Any],
    sources: dict[str, Any],
    data: Path | None,
    gates: Sequence[str] | None,
    proxy: str,
    passes: float,
) -> Judge:
    from ..bench.datasets import get_dataset
    from ..bench.errors import MissingExtraError
    from .evaluators.live import Answered, LiveEvaluator, rough_answers, supernet_answers

    try:
        from ..cotrain.weights import HEADS, load_weights, take_exit_heads
    except ImportError as error:
        raise MissingExtraError("torch", "train", "searching on the live supernet") from error
    path = bench.beside("supernet.safetensors")
    dataset = get_dataset(bench.table.dataset)
    splits = dataset.load(data)
    sources["supernet_sha256"] = file_hash(path)
    net, answered = load_weights(path), Answered()
    heads = path.parent / HEADS
    if take_exit_heads(net, heads):
        sources["exits_sha256"] = file_hash(heads)
    answer = supernet_answers(net, splits, dataset, passes)
    rough = rough_answers(proxy, net, splits, dataset, passes)
    sources |= {"proxy": proxy, "training_passes": passes}
    choices, labels = bench.table.choices, splits["val"].labels
    lives = [
        LiveEvaluator(
            bench.table.space,
            choices,
            answer,
            labels,
            p,
            bench.table.n_classes,
            gates,
            answered,
            rough,
            apart=passes > 0,
            exits=() if passes or net.exit_heads is None else net.exit_heads.names,
        )
        for p in profiles
    ]
    how = f"after {passes:g} passes of fine-tuning" if passes else "with inherited weights"
    says = f"Accuracy is measured on val {how}; what is chosen needs test."
    _note_latencies({p.name: p.latency for p in profiles}, sources)
    weights = Weights(net, splits, dataset, bench.beside("surrogate"))
    names = tuple(p.name for p in profiles)
    return Judge("live", worst_case(lives), sources, says, names, weights=weights)


def _nb201(devices: Sequence[str]) -> Judge:
    from .evaluators.published import PublishedNetworks, nb201

    columns = ["raspi4" if d == "raspberry-pi-4" else d for d in devices]
    networks: list[PublishedNetworks] = [nb201(device=c) for c in columns]
    sources = {"evaluator": "nb201", "device": "+".join(columns), "dataset": "cifar10"}

    def reference(settings: SearchSettings) -> Reference | None:
        wanted = settings.objectives == ("error", "latency_ms") and not settings.limits
        if not wanted or len(networks) > 1:
            return None
        values = np.stack([1.0 - networks[0].accuracy, networks[0].latency_ms], axis=1)
        return reference_of(values[nondominated(values)], settings.objectives)

    says = "Single networks of NAS-Bench-201: published validation accuracy and latency, measured."
    return Judge("nb201", worst_case(networks), sources, says, tuple(columns), reference=reference)


def _note_latencies(models: Mapping[str, LatencyModel], sources: dict[str, Any]) -> None:
    """Puts into ``sources`` how good latencies are that nobody measured.

    Args:
        models: what knows the latencies of single networks, by device.
        sources: what the figures rest on.
    """
    note = latency_note({name: model.promise for name, model in models.items()})
    if note:
        sources["latency"] = note
    if warning := latency_note({name: model.warning for name, model in models.items()}):
        sources["latency_warning"] = warning


def bench_device(bench: Benchmark, device: str) -> str:
    """The name of a device of a table, or of a profile by its path."""
    return device if device in bench.devices else load_device(device).name


def candidates_of(points: Points, evaluator: Evaluator, n_classes: int) -> Candidates:
    """The candidates that operating points came from.

    Raises:
        UnknownNameError: a gate that the evaluator does not have.
    """
    gates = list(evaluator.gates)
    unknown = sorted({str(g) for g in points.gate} - set(gates))
    if unknown:
        raise UnknownNameError("gate of the evaluator", unknown[0], gates)
    cut = np.zeros(len(points), np.int64)
    for gate in gates:
        rows = points.gate == gate
        cut[rows] = get_gate(gate).cut(points.threshold[rows], n_classes)
    named, precisions = (points.little, points.big), (precision_of(evaluator),)
    little, big = (parse_networks(evaluator.space, names, precisions) for names in named)
    return Candidates(
        little[0],
        big[0],
        np.array([gates.index(str(g)) for g in points.gate], np.int64),
        cut,
        (little[1], big[1]),
    )
