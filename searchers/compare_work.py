"""The runs of a comparison as work that a runner hands to its workers, one search a job.

A worker makes the evaluator for itself, from the question it was made from, and says so if it rests
on another table, surrogate or supernet. A machine without our files is sent the table with what
lies beside it and the device profiles; images and published measurements it must have.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..bench import Benchmark, Evaluator
from ..bench.device import SHIPPED, find_device
from ..bench.errors import BigLittleError, ConstraintError
from ..bench.gates import GATES
from ..bench.plugin_travel import PluginFile, plugin_files
from ..bench.shipped_tables import find_table, shipped_tables
from .algorithms import SEARCHERS, get_searcher
from .compare import Run
from .judge import Judge, JudgeQuestion
from .settings import SearchSettings

#: What lies beside a table and is searched with it.
BESIDE = ("supernet.safetensors", "exits.safetensors", "surrogate/*")


@dataclass(frozen=True)
class SearchWork:
    """Searches of one evaluator; a job is the name of a searcher and the number of a run.

    Attributes:
        question: what the evaluator is made from.
        settings: objectives, limits, budget and the first seed.
        hashes: SHA-256 of what the evaluator rests on, by its name among the judge's sources.
        plugins: files of searchers and gates of one's own.
        files: content of files by the name that ``question`` has for them, on another machine.
        evaluator: the evaluator, where it is at hand; it does not travel.
    """

    question: JudgeQuestion
    settings: SearchSettings
    hashes: Mapping[str, str]
    plugins: tuple[PluginFile, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    evaluator: Evaluator | None = None
    threads: int = 1
    device: str = "cpu"

    @classmethod
    def of(cls, judge: Judge, settings: SearchSettings, searchers: tuple[str, ...]) -> SearchWork:
        """Work on a judge.

        Raises:
            ConstraintError: a judge that was made by hand.
            PluginError: a searcher or gate that no other process can know.
        """
        if judge.question is None:
            raise ConstraintError(
                "a judge that was made by hand is known to this process alone; expected one of "
                "judge_called."
            )
        gates = judge.question.gates or ()
        plugins = (*plugin_files(SEARCHERS, searchers), *plugin_files(GATES, gates))
        return cls(judge.question, settings, _hashes(judge), plugins, {}, judge.evaluator)

    def __reduce__(self) -> tuple[Any, ...]:
        parts = (self.question, self.settings, self.hashes, self.plugins, self.files)
        return SearchWork, parts  # a worker makes the evaluator for itself

    def start(self) -> Callable[[tuple[str, int]], Run]:
        """What runs one search."""
        for plugin in self.plugins:
            plugin.load()
        evaluator = self.evaluator or self._made()

        def run(job: tuple[str, int]) -> Run:
            name, number = job
            settings = replace(self.settings, seed=self.settings.seed + number)
            return Run.of(get_searcher(name)(evaluator, settings))

        return run

    def sent(self) -> SearchWork:
        """The same with the content of every file that does not ship with the package."""
        question, files = self.question, dict(self.files)
        if question.name != "nb201":
            question = replace(question, table=_taken_table(question.table, files))
            own = Benchmark.load(self.question.table).devices if question.name == "table" else ()
            devices = tuple(
                d if d in own else _taken_device(d, files) for d in question.devices or ()
            )
            question = replace(question, devices=devices or None)
        plugins = tuple(plugin.sent() for plugin in self.plugins)
        return SearchWork(question, self.settings, self.hashes, plugins, files)

    def _made(self) -> Evaluator:
        """The evaluator, made from the question.

        Raises:
            BigLittleError: it rests on other files than the one it was asked about.
        """
        question = self.question
        if self.files:
            folder = Path(tempfile.mkdtemp(prefix="biglittle-search-"))
            for name, content in self.files.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            placed = {name: str(folder / name) for name in self.files}
            devices = tuple(placed.get(d, d) for d in question.devices or ())
            question = replace(
                question,
                table=placed.get(question.table, question.table),
                devices=devices or None,
            )
        judge = question.judge()
        if (hashes := _hashes(judge)) != self.hashes:
            raise BigLittleError(
                f"a worker searches other files than were asked about: it has {hashes}, expected "
                f"{dict(self.hashes)}; install the same version with the same tables on every node."
            )
        return judge.evaluator


def _hashes(judge: Judge) -> dict[str, str]:
    return {n: str(v) for n, v in judge.sources.items() if n.endswith("sha256")}


def _taken_table(table: str, files: dict[str, bytes]) -> str:
    """The name that a table has on another machine; its files are added to ``files``."""
    if table in shipped_tables():
        return table
    path = find_table(table)
    patterns = (path.name, f"{path.stem}.json", *BESIDE)
    for there in sorted({p for pattern in patterns for p in path.parent.glob(pattern)}):
        if there.is_file():
            files[f"table/{there.relative_to(path.parent).as_posix()}"] = there.read_bytes()
    return f"table/{path.name}"


def _taken_device(device: str, files: dict[str, bytes]) -> str:
    """The name that a device has on another machine; the file of its profile is added."""
    path = find_device(device)
    if path.parent == SHIPPED:
        return device
    name = f"devices/{len(files)}/{path.name}"
    files[name] = path.read_bytes()
    return name
