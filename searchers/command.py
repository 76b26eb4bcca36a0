"""What ``biglittle search`` wires together: an evaluator by name, warm starts, and how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..bench import Benchmark, Candidates, Evaluator, Front, Points, load_device
from ..bench.errors import BigLittleError, ConstraintError, UnknownNameError
from ..bench.evaluator import FidelityEvaluator
from ..bench.files import file_hash
from ..bench.gates import get_gate
from ..bench.hypervolume import Reference, reference_of
from ..bench.pareto import nondominated
from ..bench.recommend import LEAST_RATE, Recommendation
from .answer import answers, exact_front, surrogate_half_widths, table_answers
from .compare import table_reference
from .console import spread
from .evaluators.table import TableEvaluator
from .evaluators.worst_case import worst_case
from .front_question import latency_note, question_sources
from .outcome import SearchOutcome
from .search import Searcher
from .settings import SearchSettings
from .with_weights import BUDGETS as WEIGHTS_BUDGETS
from .with_weights import Weights, WithWeights

EVALUATORS = ("surrogate", "table", "live", "nb201")
#: Evaluations where none are asked for: what a minute or so allows.
BUDGETS = {"surrogate": 20_000, "table": 2_000, "live": 100, "nb201": 500}
COMPARED_BUDGET = 2_000  # at most, of each of many runs
DEFAULT_TABLE = "fbnet-cifar10"  # of every command that is told none
NEXT_PAIRS = 3  # pairs named in the commands to go on with


@dataclass(frozen=True)
class Judge:
    """What is searched.

    Attributes:
        name: name of the evaluator, one of `EVALUATORS`.
        evaluator: answers the searcher's candidates with operating points.
        sources: what its figures rest on, for the config of the results.
        says: one sentence for the reader about its figures.
        devices: names of the devices that the figures are of.
        reported: the same points as they are reported, on test; None: as they were searched.
        reference: the true front's box; None where nobody knows it.
        weights: of the live supernet; None: of no other.
        given: devices as they were asked for, names or files, for the commands to go on with.
        table: table as it was asked for, a name or a file, for the same commands.
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

    @cached_property
    def bench(self) -> Benchmark:
        """The table, opened."""
        return Benchmark.load(self.table)


def searcher_called(name: str, judge: Judge) -> Searcher | WithWeights:
    """The searcher called ``name``, for what is searched.

    Raises:
        UnknownNameError: there is no searcher of that name.
        ConstraintError: one that needs the weights of a supernet, and there are none, or they are
            trained on.
    """
    from .algorithms import COMMANDS, get_searcher

    if name not in COMMANDS:
        return get_searcher(name)
    if judge.weights is None or judge.sources.get("training_passes"):
        raise ConstraintError(
            f"{name} searches in the weights of a supernet as they are: add --on live, without "
            f"--epochs. More settings: biglittle {name} --help."
        )
    return WithWeights(name, judge.weights, judge.given)


def default_budget(name: str, compared: bool, searcher: str = "") -> int:
    """Evaluations of a search on an evaluator, where none are asked for.

    Raises:
        UnknownNameError: there is no evaluator of that name.
    """
    if name not in EVALUATORS:
        raise UnknownNameError("evaluator", name, EVALUATORS)
    if compared:
        return min(BUDGETS[name], COMPARED_BUDGET)
    return WEIGHTS_BUDGETS.get(searcher, BUDGETS[name])


def judge_called(
    name: str,
    devices: Sequence[str],
    table: str,
    data: Path | None = None,
    gates: Sequence[str] | None = None,
    proxy: str = "images",
    passes: float = 0.0,
    warm: bool = False,
) -> Judge:
    """The evaluator called ``name``, on one device or the worst of several.

    Args:
        name: name of the evaluator, one of `EVALUATORS`.
        devices: names or profiles; of NAS-Bench-201 one of its columns.
        table: of the pairs, the surrogate and the supernet.
        data: folder of the images, for the live supernet.
        gates: to search over, in a table or live; None: all that tables store.
        proxy: what rough evaluations of the live supernet save on: images, resolution or epochs.
        passes: of training before a network of the live supernet answers; 0: as inherited.
        warm: whether the search begins with the table's front, which its sources then say.

    Raises:
        UnknownNameError: no such evaluator, table, device or proxy.
        ConstraintError: something asked for that the evaluator has not.
        MissingExtraError: the live supernet without the extra ``train``.
    """
    if name not in EVALUATORS:
        raise UnknownNameError("evaluator", name, EVALUATORS)
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
    judge = _made(name, devices, table, data, gates, proxy, passes)
    sources = {**judge.sources, "warm_start": True} if warm else judge.sources
    return replace(judge, given=tuple(devices), table=table, sources=sources)


def _made(
    name: str,
    devices: Sequence[str],
    table: str,
    data: Path | None,
    gates: Sequence[str] | None,
    proxy: str,
    passes: float,
) -> Judge:
    if name == "nb201":
        return _nb201(devices)
    bench = Benchmark.load(table)
    sources = {"evaluator": name, **question_sources(devices, bench, table)}
    if name == "table":
        return _table(bench, tuple(devices), sources, gates)
    profiles = [load_device(d) for d in devices]
    sources["device_source"] = "; ".join(p.source for p in profiles)
    names = tuple(p.name for p in profiles)
    if name == "surrogate":
        from ..surrogates import Surrogate, SurrogateEvaluator

        folder = bench.table.path.parent / "surrogate"
        surrogate = Surrogate.load(folder)
        sources["surrogate_sha256"] = file_hash(folder / "surrogate.json")
        evaluator = worst_case([SurrogateEvaluator(surrogate, p) for p in profiles])
        says = (
            "Accuracy is predicted, not measured: 'biglittle front' has the pairs whose answers "
            "are."
        )
        says = _says(says, {p.name: p.latency.promise for p in profiles}, sources)
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

    says = "Accuracy is measured (inherited weights): chosen on val, shown on test."
    says = _says(says, {d: bench.promise(d) for d in devices}, sources)
    return Judge("table", evaluator, sources, says, names, reported, reference)


def _says(sentence: str, promises: Mapping[str, str], sources: dict[str, Any]) -> str:
    """A sentence about accuracy, and how good latencies are that nobody measured.

    The latter goes into ``sources`` too, so that a front's files say it.

    Args:
        sentence: what the reader is told about accuracy.
        promises: of latencies by device, as from ``LatencyModel.promise``.
        sources: what the figures rest on.
    """
    note = latency_note(promises)
    if note:
        sources["latency"] = note
    return f"{sentence} {note}".strip()


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
    space = evaluator.space
    return Candidates(
        space.parse([str(a) for a in points.little]),
        space.parse([str(a) for a in points.big]),
        np.array([gates.index(str(g)) for g in points.gate], np.int64),
        cut,
    )


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
        from ..cotrain.weights import load_weights
    except ImportError as error:
        raise MissingExtraError("torch", "train", "searching on the live supernet") from error
    path = bench.table.path.parent / "supernet.safetensors"
    dataset = get_dataset(bench.table.dataset)
    splits = dataset.load(data)
    sources["supernet_sha256"] = file_hash(path)
    net, answered = load_weights(path), Answered()
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
        )
        for p in profiles
    ]
    how = f"after {passes:g} passes of fine-tuning" if passes else "with inherited weights"
    says = f"Accuracy is measured on val {how}; what is chosen needs test."
    says = _says(says, {p.name: p.latency.promise for p in profiles}, sources)
    weights = Weights(net, splits, dataset, path.parent / "surrogate")
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


def warm_start(judge: Judge, bench: Benchmark, settings: SearchSettings) -> Candidates:
    """The table's exact front on the judge's first device, to begin a search with.

    Raises:
        ConstraintError: the device has no column in the table, or nothing there meets the limits.
    """
    if judge.name == "nb201":
        raise ConstraintError("the table's front is of another space than NAS-Bench-201.")
    device = judge.devices[0]
    points = bench.front(device, settings.objectives).chosen
    points = points.take(np.flatnonzero(np.isin(points.gate, np.array(judge.evaluator.gates))))
    return candidates_of(points, judge.evaluator, bench.table.n_classes)


def shown(judge: Judge, outcome: SearchOutcome) -> SearchOutcome:
    """The outcome as it is reported: its points on test, where there is one."""
    if judge.reported is None:
        return outcome
    best = None if outcome.best is None else judge.reported(outcome.best)
    return replace(outcome, front=judge.reported(outcome.front), best=best)


def answered(
    judge: Judge, outcome: SearchOutcome
) -> tuple[tuple[Recommendation, ...], Front | None]:
    """What to use at each budget, and the table's exact front to the same question, if any.

    Args:
        judge: the evaluator that was searched, with its devices and its table.
        outcome: as it was searched, before it is shown on test.
    """
    settings, front = outcome.settings, outcome.front
    alone, device = len(judge.devices) == 1, (judge.given or judge.devices)[0]
    if judge.name == "table" and alone:
        limits, objectives = settings.limits, settings.objectives
        return table_answers(judge.bench, front, device, limits, objectives), None
    exact = None
    if judge.name == "surrogate" and alone:
        exact = exact_front(judge.bench, device, settings)
    widths = surrogate_half_widths(judge.evaluator)
    measured = None if exact is None else (judge.bench, exact)
    return answers(front, outcome.singles, settings, widths, measured), exact


def next_steps(
    judge: Judge,
    points: Points,
    folder: Path | None,
    arguments: Sequence[str] = (),
    recommended: Sequence[int] = (),
) -> list[str]:
    """The commands to go on with: co-train, measure, and hold promises against measurements.

    Args:
        judge: the evaluator that was searched, with its devices and its table.
        points: the front, or what was chosen of it.
        folder: with its files; None: it was not written, and the search that writes it comes first.
        arguments: the arguments of the search that ends, for that.
        recommended: rows of the points to go on with; none: a few that are spread over them.
    """
    if judge.name == "nb201":
        return []
    first = []
    if folder is None:
        folder = Path("out/search")
        again = shlex.join(["biglittle", *(arguments or ["search"]), "--out", str(folder)])
        first = [f"{again}    # the same again: the rest needs its files"]
    used = points.take(np.flatnonzero(points.escalation_rate >= LEAST_RATE))
    some = used if len(used) else points
    order = np.argsort(some.latency_ms, kind="stable")
    rows = order[spread(len(order), NEXT_PAIRS)]
    if recommended:
        some, rows = points, np.array(recommended, np.intp)
    pairs = list(dict.fromkeys((str(some.little[i]), str(some.big[i])) for i in rows))
    networks = ",".join(dict.fromkeys(a for pair in pairs for a in pair))
    named = f"--networks {networks} --pairs {','.join(':'.join(p) for p in pairs)}"
    front, trained = (shlex.quote(f"{folder}/{n}") for n in ("front.csv", "cotrained"))
    devices = [shlex.quote(d) for d in judge.given or judge.devices]
    table = "" if judge.table == DEFAULT_TABLE else f" --table {shlex.quote(judge.table)}"
    steps = [
        *first,
        f"biglittle cotrain {front} --top 5 --out {trained}",
    ]
    for device, given in zip(judge.devices, devices, strict=True):
        several = len(judge.devices) > 1
        suffix, named_device = (f"-{device}", f" --device {given}") if several else ("", "")
        profile, validated = (
            shlex.quote(f"{folder}/{n}") for n in (f"profile{suffix}.json", f"validated{suffix}")
        )
        steps += [
            f"biglittle profile {named}{table} --out {profile}    # on the {device}",
            f"biglittle validate {front}{named_device} --profile {profile} --out {validated}",
        ]
    return steps


def checked_names(text: str, evaluator: Evaluator) -> tuple[str, ...]:
    """Names of searchers from a comma-separated list; ``all`` are all that suit the evaluator.

    Raises:
        BigLittleError: the list names no searcher at all.
    """
    from .algorithms import SEARCHERS

    names = tuple(part.strip().replace("-", "_") for part in text.split(",") if part.strip())
    if not names:
        raise BigLittleError("name the searchers to compare, for example nsga2,random.")
    if names != ("all",):
        return names
    rough = isinstance(evaluator, FidelityEvaluator)
    return tuple(n for n in SEARCHERS.names() if rough or n != "successive_halving")
