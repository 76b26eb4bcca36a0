"""Active learning: search a surrogate, evaluate what was found, fit it again, round by round.

A surrogate is fitted on networks that nobody chose for being good, and asked about those that a
search picks because it thinks well of them. So a round searches it, evaluates a batch of networks
of the front it promises with the weights that they inherit, adds them to a copy of the table, and
fits it again. Of a batch one half is spread over the front, the other half are those of the front's
networks about which the surrogate is the least sure.

Two errors are kept. What a round *found* was predicted before it was evaluated: the honest figure
of that round, but each round finds other networks. Of all that were found, one in five (by the hash
of its id, as everywhere) is never fitted on: on these *held-out* networks the surrogates of all
rounds are compared.

Everything lies in one folder, and a run goes on from what is there::

    active_learning.json    what was asked, and of each round what was predicted and what is true
    networks/               what each network said about every image
    table.h5, table.json    the table with what was added; the table it began with stays as it is
    found.npz               the same networks alone, where they were asked about val alone
    surrogates/round-K/     the surrogate after K rounds

A surrogate learns from val, so asking about val alone is enough for it and takes a third of the
time; then no table is made, for a table has answers on test as well.

Source: Settles 2009, "Active Learning Literature Survey" (section 3.1, uncertainty sampling); for
searches, White et al. 2021, "BANANAS".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ... import __version__
from ...bench import DeviceProfile, Points, Table
from ...bench.errors import CheckpointError, ConstraintError
from ...bench.files import replacing
from ...bench.gates import stored_metrics
from ...bench.networks import weights_hash
from ...bench.rows import is_held_out
from ...searchers import get_searcher
from ...searchers.console import spread
from ...searchers.settings import SearchSettings
from ...surrogates import (
    FitSettings,
    Recipe,
    Surrogate,
    SurrogateEvaluator,
    fit_surrogate,
)
from ...surrogates.evaluated_networks import (
    FILE,
    beside,
    read_evaluated,
    write_evaluated,
)
from .assemble import added, write_with_references
from .evaluate import (
    REPORTED,
    Evaluation,
    NetworkEvaluator,
    NetworkKey,
    read_evaluation,
    write_evaluation,
)
from .reproduce import weights_of
from .searched_points import agreement, evaluated_point, found_networks

FORMAT = "biglittle-active-learning-1"
DOCUMENT, TABLE, NETWORKS, SURROGATES = "active_learning.json", "table.h5", "networks", "surrogates"
VAL_ALONE, EVERY = ("val",), REPORTED
JUDGED_POINTS = 40  # of a round's front: those whose networks were both evaluated
SEARCHER = "nsga2"

#: Asks a network about every image, with the weights that it inherits.
Ask = Callable[[str], Evaluation]
Say = Callable[[str], None]


@dataclass(frozen=True)
class ImproveSettings:
    """What is asked of active learning.

    Attributes:
        batch: networks to evaluate in a round, at the most.
        budget: pairs that each search may evaluate on the surrogate.
        latency_ms_max: of the operating points that are searched; None: no limit.
        seed: of the fits and the searches.
        recipe: of the surrogates.

    Raises:
        ConstraintError: a number that is not usable.
    """

    batch: int = 16
    budget: int = 5000
    latency_ms_max: float | None = 30.0
    seed: int = 0
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        for name in ("batch", "budget"):
            if getattr(self, name) < 1:
                raise ConstraintError(
                    f"{name} {getattr(self, name)} is not usable; expected at least 1."
                )


def inherited_answers(
    table: Table,
    data: Path | None = None,
    threads: int = 1,
    splits: Sequence[str] = EVERY,
) -> Ask:
    """Asks networks with the weights of the supernet that lies beside a table.

    Args:
        table: whose networks inherit.
        data: folder of the images; None for the usual place.
        threads: of torch and of ONNX Runtime.
        splits: whose images to ask about: ``EVERY`` that a table reports, or ``VAL_ALONE``.

    Raises:
        TableError: no weights beside the table.
        DatasetError: no images.
    """
    from ...bench.datasets import get_dataset

    supernet, dataset = weights_of(table), get_dataset(table.dataset)
    live = NetworkEvaluator(dataset, dataset.load(data), threads, splits)
    origin = supernet.sha256

    def ask(architecture: str) -> Evaluation:
        network = live.inherited(supernet.net, architecture)
        key = NetworkKey(architecture, origin=origin)
        return Evaluation(key, weights_hash(network), live.answers(network))

    return ask


# ---- what to evaluate ----------------------------------------------------------------------------
def choose(
    front: Points,
    std: Mapping[str, float],
    known: Iterable[str],
    batch: int,
) -> list[tuple[str, str]]:
    """Networks of a front to evaluate, each with the reason: ``spread`` or ``uncertain``.

    Half of them are little and big of points that are spread over the front's latency, taken ever
    more densely until there are enough; the others are those with the largest deviation.

    Args:
        front: what a search found.
        std: how far off the surrogate thinks it may be, by architecture of the front.
        known: architectures that need no evaluation.
        batch: how many, at the most.
    """
    order, seen = np.argsort(front.latency_ms, kind="stable"), set(known)
    found: dict[str, str] = {}
    wanted = batch - batch // 2
    dense = max(wanted // 2, 1)
    while True:
        for row in order[spread(len(front), dense)]:
            for architecture in (str(front.little[row]), str(front.big[row])):
                if architecture not in seen and len(found) < wanted:
                    found[architecture] = "spread"
                    seen.add(architecture)
        if len(found) == wanted or dense >= len(front):
            break
        dense *= 2
    left = sorted({*map(str, front.little), *map(str, front.big)} - seen)
    left.sort(key=lambda a: -std[a])
    found |= dict.fromkeys(left[: batch - len(found)], "uncertain")
    return list(found.items())


def _predicted(surrogate: Surrogate, architectures: Sequence[str]) -> list[dict[str, Any]]:
    said = surrogate.predict_networks(surrogate.space.parse(list(architectures)))
    return [
        {
            "architecture": architecture,
            "held_out": is_held_out(architecture),
            "accuracy": float(said.accuracy[i]),
            "low": float(said.low[i]),
            "high": float(said.high[i]),
            "outside": bool(said.outside[i]),
        }
        for i, architecture in enumerate(architectures)
    ]


def _points(judge: SurrogateEvaluator, front: Points, ready: set[str]) -> list[dict[str, Any]]:
    """Operating points of the front between networks that are or will be evaluated."""
    rows = [i for i in range(len(front)) if {str(front.little[i]), str(front.big[i])} <= ready]
    if not rows:
        return []
    some = front.take(np.array(rows))
    some = some.take(np.argsort(some.latency_ms, kind="stable")[spread(len(some), JUDGED_POINTS)])
    said = judge.intervals(some)
    return [
        {
            "little": str(some.little[i]),
            "big": str(some.big[i]),
            "gate": str(some.gate[i]),
            "threshold": float(some.threshold[i]),
            "latency_ms": float(some.latency_ms[i]),
            "accuracy": float(some.accuracy[i]),
            "low": float(said.low[i]),
            "high": float(said.high[i]),
            "escalation_rate": float(some.escalation_rate[i]),
        }
        for i in range(len(some))
    ]


# ---- the loop ------------------------------------------------------------------------------------
class _Run:
    """One folder of active learning."""

    def __init__(
        self,
        table: Table,
        folder: Path,
        ask: Ask,
        profile: DeviceProfile,
        settings: ImproveSettings,
        say: Say,
    ) -> None:
        self.table, self.folder, self.ask = table, folder, ask
        self.profile, self.settings, self.say = profile, settings, say
        self.labels = table.predictions("val").labels
        # What the shipped surrogate has learnt from beside the table.
        path = beside(table.path)
        images = (table.space, self.labels, stored_metrics())
        self.since = None if path is None else read_evaluated(path, *images)
        self.state = self._begun()

    def _begun(self) -> dict[str, Any]:
        """What is kept of earlier runs.

        Raises:
            CheckpointError: of another table, device or settings.
        """
        asked = {
            "format": FORMAT,
            "version": __version__,
            "table": {"name": self.table.name, "sha256": self.table.sha256},
            "device": self.profile.name,
            "settings": {**asdict(self.settings), "recipe": str(self.settings.recipe)},
        }
        path = self.folder / DOCUMENT
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            return {**asked, "rounds": [], "held_out": []}
        try:
            kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise CheckpointError(
                f"{path} cannot be read ({error}); name another folder."
            ) from error
        for name in ("format", "table", "device", "settings"):
            if kept.get(name) != asked[name]:
                raise CheckpointError(
                    f"{path} is of another run: {name} was {kept.get(name)}, now it is "
                    f"{asked[name]}. Ask for the same, or name another folder."
                )
        return kept

    def save(self) -> None:
        with replacing(self.folder / DOCUMENT) as partial:
            partial.write_text(json.dumps(self.state, indent=1) + "\n", encoding="utf-8")

    # ---- one round -------------------------------------------------------------------------
    def run(self, rounds: int) -> dict[str, Any]:
        records: list[dict[str, Any]] = self.state["rounds"]
        for number in range(rounds):
            if number < len(records) and "figures" in records[number]:
                continue
            if number == len(records):
                found = self._searched(number)
                if not found["networks"]:
                    self.say(f"round {number + 1}: the front has no network that is not known")
                    break
                records.append(found)
                self.save()
            self._evaluate(records[number], number, rounds)
            self._judge(records[number])
            self.save()
        after = sum("figures" in record for record in records)
        self.surrogate(after)
        self.state["held_out"] = self._compared(after)
        self.save()
        return self.state

    def networks(self, rounds: int) -> list[str]:
        """What the first rounds evaluated, in that order."""
        return [n["architecture"] for r in self.state["rounds"][:rounds] for n in r["networks"]]

    def _said(self, architecture: str) -> Evaluation:
        return read_evaluation(self._file(architecture))

    def _file(self, architecture: str) -> Path:
        return self.folder / NETWORKS / f"{NetworkKey(architecture).name}.npz"

    def grown(self, new: Sequence[Evaluation]) -> Table:
        """The table with networks that were asked about all that a table reports."""
        before = self.table.contents()
        # Of images only the labels are read, which the table has as well.
        contents = added(before, new, cast(Any, before.predictions))
        write_with_references(self.folder / TABLE, contents, __version__)
        return Table(self.folder / TABLE)

    def surrogate(self, rounds: int) -> Surrogate:
        """The surrogate after some rounds, fitted where it is not there yet."""
        folder = self.folder / SURROGATES / f"round-{rounds}"
        if not (folder / "surrogate.json").exists():
            new = [self._said(a) for a in self.networks(rounds)]
            whole = bool(new) and all(set(EVERY) <= set(e.answers) for e in new)
            found = beside(self.table.path)
            if new and not whole:
                found, added_now = self.folder / FILE, found_networks(new, self.labels)
                everything = self.since.joined(added_now) if self.since else added_now
                write_evaluated(found, self.table.space, everything)
            fit_surrogate(
                self.grown(new) if whole else self.table,
                folder,
                evaluated=found,
                seed=self.settings.seed,
                settings=FitSettings(self.settings.recipe),
                report_seeds=(),
                progress=lambda line: self.say(f"after {rounds} rounds: {line}"),
            )
        return Surrogate.load(folder)

    def _searched(self, number: int) -> dict[str, Any]:
        """What a round's search promises, and which networks of it to evaluate."""
        surrogate, asked = self.surrogate(number), self.settings
        judge = SurrogateEvaluator(surrogate, self.profile)
        self.say(f"round {number + 1}: searching, {asked.budget} pairs")
        limits = {} if asked.latency_ms_max is None else {"latency_ms": asked.latency_ms_max}
        front = get_searcher(SEARCHER)(
            judge, SearchSettings(budget=asked.budget, seed=asked.seed + number, limits=limits)
        ).front
        known = {
            *(str(a) for a in self.table.networks["architecture"][self.table.rows()]),
            *self.networks(number),
        }
        seen = known if self.since is None else known | {*self.since.architectures}
        names = sorted({*map(str, front.little), *map(str, front.big)})
        deviation = surrogate.network_std(surrogate.space.parse(names))
        std = dict(zip(names, deviation.tolist(), strict=True))
        picked = choose(front, std, seen, asked.batch)
        predicted = _predicted(surrogate, [a for a, _ in picked]) if picked else []
        networks = [
            {**row, "std": std[a], "reason": reason}
            for row, (a, reason) in zip(predicted, picked, strict=True)
        ]
        new = {a for a, _ in picked}
        points = [p for p in _points(judge, front, known | new) if {p["little"], p["big"]} & new]
        return {
            "round": number + 1,
            "surrogate": f"{SURROGATES}/round-{number}",
            "n_fitted": int(surrogate.document["n_networks"]),
            "front_points": len(front),
            "networks": networks,
            "points": points,
        }

    def _evaluate(self, record: Mapping[str, Any], number: int, rounds: int) -> None:
        todo = [n["architecture"] for n in record["networks"]]
        todo = [a for a in todo if not self._file(a).exists()]
        began = time.monotonic()
        for i, architecture in enumerate(todo):
            write_evaluation(self._file(architecture), self.ask(architecture))
            left = (time.monotonic() - began) / (i + 1) * (len(todo) - i - 1)
            later = (rounds - number - 1) * self.settings.batch / (i + 1)
            whole = left + (time.monotonic() - began) * later
            self.say(
                f"round {number + 1} of {rounds}: {i + 1} of {len(todo)} networks evaluated, "
                f"{left / 60:.1f} min left in this round, about {whole / 60:.1f} min in all"
            )

    def _judge(self, record: dict[str, Any]) -> None:
        """Sets what a round promised against what is true."""
        said: dict[str, Mapping[str, NDArray[np.uint8]]] = {}

        def answers(architecture: str) -> Mapping[str, NDArray[np.uint8]]:
            if architecture not in said:
                if self._file(architecture).exists():
                    said[architecture] = self._said(architecture).answers["val"]
                else:
                    row, stored = (
                        self.table.network_row(architecture),
                        self.table.predictions("val"),
                    )
                    codes = {gate: each[row] for gate, each in stored.codes.items()}
                    said[architecture] = {"top1": stored.top1[row], **codes}
            return said[architecture]

        for network in record["networks"]:
            right = answers(network["architecture"])["top1"] == self.labels
            network["evaluated_accuracy"] = float(right.mean())
        for point in record["points"]:
            both = answers(point["little"]), answers(point["big"])
            point |= evaluated_point(point, *both, self.labels, self.table.n_classes)
        record["figures"] = {
            kind: agreement(record[kind]) for kind in ("networks", "points") if record[kind]
        }

    def _compared(self, rounds: int) -> list[dict[str, Any]]:
        """The surrogate after each round on the networks found that none was fitted on."""
        found = {
            n["architecture"]: n["evaluated_accuracy"]
            for record in self.state["rounds"][:rounds]
            for n in record["networks"]
            if n["held_out"]
        }
        if not found:
            return []
        out = []
        for number in range(rounds + 1):
            surrogate = self.surrogate(number)
            rows = [
                {**row, "evaluated_accuracy": found[row["architecture"]]}
                for row in _predicted(surrogate, list(found))
            ]
            fitted = int(surrogate.document["n_networks"])
            out.append({"after_rounds": number, "n_fitted": fitted, **agreement(rows)})
        return out


def improve(
    table: Table,
    folder: str | Path,
    ask: Ask,
    profile: DeviceProfile,
    rounds: int = 3,
    settings: ImproveSettings | None = None,
    progress: Say | None = None,
) -> dict[str, Any]:
    """Improves a surrogate where searches go; returns what ``active_learning.json`` holds.

    Args:
        table: to begin with; it is read and never written.
        folder: of the run; what is in it is gone on from.
        ask: asks a network about every image of val and test.
        profile: of the device to search for.
        rounds: in all, those that are there already included.
        settings: of the rounds.
        progress: called with a line at each step.

    Raises:
        CheckpointError: the folder holds a run on another table, device or settings.
        ConstraintError: nothing within the limit of latency, or no round.
        SurrogateError: too few networks to fit on.
    """
    if rounds < 1:
        raise ConstraintError(f"{rounds} rounds are not usable; expected at least 1.")
    say = progress or (lambda line: None)
    run = _Run(table, Path(folder), ask, profile, settings or ImproveSettings(), say)
    return run.run(rounds)


def lines(found: Mapping[str, Any]) -> list[str]:
    """The figures of a run as text, one line per round."""

    def shown(figures: Mapping[str, Any] | None) -> str:
        if not figures:
            return "none"
        return (
            f"{figures['n']:3d}, off by {100 * figures['mae']:5.2f} points, "
            f"optimism {100 * figures['optimism']:+5.2f}"
        )

    out = ["found in each round, predicted before it was evaluated:"]
    for record in found["rounds"]:
        figures = record.get("figures", {})
        out.append(
            f"  round {record['round']}, fitted on {record['n_fitted']}: networks "
            f"{shown(figures.get('networks'))}; operating points {shown(figures.get('points'))}"
        )
    if not found["held_out"]:
        return [*out, "none of them is held out by its hash, so rounds cannot be compared"]
    out.append("the same networks for all rounds, found by some round and never fitted on:")
    for row in found["held_out"]:
        out.append(
            f"  after {row['after_rounds']} rounds, fitted on {row['n_fitted']}: {shown(row)}"
        )
    return out
