"""The rounds of active learning in one folder: search, evaluate, judge, fit again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ... import __version__
from ...bench import DeviceProfile, Table
from ...bench.documents import Line, read_json, typed
from ...bench.errors import CheckpointError, ConstraintError
from ...bench.figures import counted
from ...bench.files import replacing, why_unreadable
from ...bench.gates import stored_metrics
from ...bench.rows import NetworkKey
from ...searchers import get_searcher
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
from .choosing import choose, points_between, predicted
from .evaluate import (
    REPORTED,
    Evaluation,
    EvaluationKey,
    read_evaluation,
    write_evaluation,
)
from .searched_points import agreement, evaluated_point, found_networks

FORMAT = "biglittle-active-learning-1"
DOCUMENT, TABLE, NETWORKS, SURROGATES = "active_learning.json", "table.h5", "networks", "surrogates"
VAL_ALONE, EVERY = ("val",), REPORTED
SEARCHER = "nsga2"

#: Asks a network about every image, with the weights that it inherits.
Ask = Callable[[str], Evaluation]
Say = Callable[[str], None]


class _Network(Struct):
    architecture: Line
    held_out: bool


class _Round(Struct):
    networks: list[_Network]


class _State(Struct):
    """What is read of the document of a run."""

    rounds: list[_Round]


@dataclass(frozen=True)
class ImproveSettings:
    """What is asked of active learning.

    Attributes:
        batch: networks to evaluate in a round, at the most.
        budget: pairs that each search may evaluate on the surrogate.
        latency_ms_max: highest latency of the operating points that are searched; None: no limit.
        seed: seed of the fits and the searches.
        recipe: which model the surrogates are, and of what size.

    Raises:
        ConstraintError: a number is below one.
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


class Run:
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
            CheckpointError: they are of another table, device or settings.
        """
        question = {
            "format": FORMAT,
            "version": __version__,
            "table": {"name": self.table.name, "sha256": self.table.sha256},
            "device": self.profile.name,
            "settings": {**asdict(self.settings), "recipe": str(self.settings.recipe)},
        }
        path = self.folder / DOCUMENT
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            return {**question, "rounds": [], "held_out": []}
        try:
            state = read_json(path, dict[str, Any])
            typed(state, _State)
        except (OSError, ValueError) as error:
            why = why_unreadable(error, f"{error}. Name another folder.")
            raise CheckpointError(f"{path} cannot be read: {why}") from error
        for name in ("format", "table", "device", "settings"):
            if state.get(name) != question[name]:
                raise CheckpointError(
                    f"{path} is of another run: {name} was {state.get(name)}, now it is "
                    f"{question[name]}. Ask for the same, or name another folder."
                )
        return state

    def save(self) -> None:
        """Keeps what the run knows, whole or not at all."""
        with replacing(self.folder / DOCUMENT) as partial:
            partial.write_text(json.dumps(self.state, indent=1) + "\n", encoding="utf-8")

    # ---- one round -------------------------------------------------------------------------
    def run(self, rounds: int) -> dict[str, Any]:
        """Does the rounds that are missing; returns what the file of the run holds."""
        records: list[dict[str, Any]] = self.state["rounds"]
        for number in range(rounds):
            if number < len(records) and "figures" in records[number]:
                continue
            if number == len(records):
                record = self._searched(number)
                if not record["networks"]:
                    self.say(f"round {number + 1}: the front has no network that is not known")
                    break
                records.append(record)
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

    def _evaluation(self, architecture: str) -> Evaluation:
        return read_evaluation(self._file(architecture))

    def _file(self, architecture: str) -> Path:
        return self.folder / NETWORKS / f"{EvaluationKey(NetworkKey(architecture)).name}.npz"

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
            new = [self._evaluation(a) for a in self.networks(rounds)]
            whole = bool(new) and all(set(EVERY) <= set(e.answers) for e in new)
            evaluated = beside(self.table.path)
            if new and not whole:
                evaluated, added_now = self.folder / FILE, found_networks(new, self.labels)
                everything = self.since.joined(added_now) if self.since else added_now
                write_evaluated(evaluated, self.table.space, everything)
            fit_surrogate(
                self.grown(new) if whole else self.table,
                folder,
                evaluated=evaluated,
                seed=self.settings.seed,
                settings=FitSettings(self.settings.recipe),
                report_seeds=(),
                progress=lambda line: self.say(f"after {counted(rounds, 'round')}: {line}"),
            )
        return Surrogate.load(folder)

    def _searched(self, number: int) -> dict[str, Any]:
        """What a round's search promises, and which networks of it to evaluate."""
        surrogate, settings = self.surrogate(number), self.settings
        judge = SurrogateEvaluator(surrogate, self.profile)
        self.say(f"round {number + 1}: searching, {settings.budget} pairs")
        limits = {} if settings.latency_ms_max is None else {"latency_ms": settings.latency_ms_max}
        front = get_searcher(SEARCHER)(
            judge,
            SearchSettings(budget=settings.budget, seed=settings.seed + number, limits=limits),
        ).front
        evaluated = {
            *(str(a) for a in self.table.networks["architecture"][self.table.rows()]),
            *self.networks(number),
        }
        seen = evaluated if self.since is None else evaluated | {*self.since.architectures}
        names = sorted({*map(str, front.little), *map(str, front.big)})
        deviation = surrogate.network_std(surrogate.space.parse(names))
        std = dict(zip(names, deviation.tolist(), strict=True))
        picked = choose(front, std, seen, settings.batch)
        promised = predicted(surrogate, [a for a, _ in picked]) if picked else []
        networks = [
            {**row, "std": std[a], "reason": reason}
            for row, (a, reason) in zip(promised, picked, strict=True)
        ]
        new = {a for a, _ in picked}
        points = [
            p
            for p in points_between(judge, front, evaluated | new)
            if {p["little"], p["big"]} & new
        ]
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
        val: dict[str, Mapping[str, NDArray[np.uint8]]] = {}

        def answers(architecture: str) -> Mapping[str, NDArray[np.uint8]]:
            if architecture not in val:
                if self._file(architecture).exists():
                    val[architecture] = self._evaluation(architecture).answers["val"]
                else:
                    row, stored = (
                        self.table.network_row(architecture),
                        self.table.predictions("val"),
                    )
                    codes = {gate: each[row] for gate, each in stored.codes.items()}
                    val[architecture] = {"top1": stored.top1[row], **codes}
            return val[architecture]

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
        accuracy = {
            n["architecture"]: n["evaluated_accuracy"]
            for record in self.state["rounds"][:rounds]
            for n in record["networks"]
            if n["held_out"]
        }
        if not accuracy:
            return []
        out = []
        for number in range(rounds + 1):
            surrogate = self.surrogate(number)
            rows = [
                {**row, "evaluated_accuracy": accuracy[row["architecture"]]}
                for row in predicted(surrogate, list(accuracy))
            ]
            fitted = int(surrogate.document["n_networks"])
            out.append({"after_rounds": number, "n_fitted": fitted, **agreement(rows)})
        return out
