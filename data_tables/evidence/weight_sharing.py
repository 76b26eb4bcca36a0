"""``darts`` and ``ofa`` against random pairs.

All three look for the pair that is the most accurate within a mean latency, and all are evaluated
alike: with the inherited weights of one supernet on all val images, gate and threshold chosen there
among all there are, and told on test. ``random`` is the best of 100 pairs whose networks were drawn
for the table, of all sizes; those that are in the table because a search found them, or something
like them, are left out. Their answers stand in the table, so that they cost nothing.

Every run is kept in ``figures/weight_sharing.json`` as it ends, with what it rests on, and is not
repeated while that stays the same. From nothing, all takes some ten minutes of one core.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ...bench import Benchmark, OperatingPoint, Pair, load_device
from ...bench.datasets import get_dataset
from ...bench.errors import BigLittleError, CheckpointError
from ...bench.files import file_hash, replacing
from ...searchers.darts import search
from ...searchers.darts_settings import WARM, DartsSettings
from ...searchers.evaluators.kept_answers import kept_answers
from ...searchers.evaluators.live import LiveEvaluator, supernet_answers
from ...searchers.evaluators.table import TableEvaluator
from ...searchers.given_pairs import judged, on_test
from ...searchers.judge import candidates_of
from ...searchers.specialise import SpecialiseSettings, specialise
from ..flagship import RECIPE
from ._page import FIGURES, Step

FILE = FIGURES / "weight_sharing.json"
TABLE, DEVICE = RECIPE.name, RECIPE.design.device
LATENCY_MS = 15.0  # where the table's exact front rises steeply
SEEDS, N_RANDOM = 3, 100
#: Layers in which a network differs at most from one that a search found, to count as found.
NEAR = 2
DARTS = replace(WARM, latency_ms=LATENCY_MS)
OFA = SpecialiseSettings(limits={"latency_ms": LATENCY_MS}, budget=2_000, few=3)
METHODS = ("random", "darts", "ofa")


def drawn_networks(bench: Benchmark) -> list[str]:
    """The table's networks that were drawn at random, in its order.

    Raises:
        CheckpointError: nothing beside the table says what searches found.
    """
    path = bench.table.path.parent / "front_seed.json"
    if not path.is_file():
        raise CheckpointError(
            f"{path} is not there, so that networks that were drawn cannot be told from networks "
            "that were found."
        )
    space = bench.table.space
    fronts = json.loads(path.read_text(encoding="utf-8"))["fronts"]
    names = {a for f in fronts for part in ("littles", "bigs", "singles") for a in f[part]}
    searched = space.parse(sorted(names))
    genomes = space.parse(bench.architectures)
    near = np.array([(searched != g).sum(axis=1).min() <= NEAR for g in genomes])
    alike = (genomes == genomes[:, :1]).all(axis=1)  # the extremes, which nobody drew
    return [a for a, out in zip(bench.architectures, near | alike, strict=True) if not out]


class Runs:
    """What all runs share: table, supernet, images, device, and the file.

    Args:
        data: folder of the images.
        working: where answers of networks are kept between runs.
        file: where the runs are kept as JSON.
    """

    def __init__(self, data: Path | None, working: Path, file: Path = FILE) -> None:
        from ...cotrain.weights import load_weights

        self.bench, self.profile = Benchmark.load(TABLE), load_device(DEVICE)
        table = self.bench.table
        self.dataset = get_dataset(table.dataset)
        self.splits = self.dataset.load(data)
        weights = RECIPE.weights
        self.net, self.supernet = load_weights(weights), file_hash(weights)
        answer = supernet_answers(self.net, self.splits, self.dataset)
        self.live = LiveEvaluator(
            table.space,
            table.choices,
            kept_answers(answer, working / f"answers-{self.supernet[:12]}"),
            self.splits["val"].labels,
            self.profile,
            table.n_classes,
        )
        self.file = file

    @property
    def held(self) -> dict[str, Any]:
        """What the file holds now; another process may add to it."""
        empty: dict[str, Any] = {"runs": {}}
        return json.loads(self.file.read_text(encoding="utf-8")) if self.file.is_file() else empty

    def rests_on(self, method: str, seed: int) -> dict[str, Any]:
        """What decides the result of a run: when none of it has changed, it need not be made."""
        common = {"latency_ms": LATENCY_MS, "device": DEVICE, "seed": seed}
        if method == "random":
            return {**common, "table_sha256": self.bench.table.sha256, "pairs": N_RANDOM}
        common["supernet_sha256"] = self.supernet
        if method == "darts":
            return {**common, "settings": asdict(DARTS)}
        surrogate = self.bench.table.path.parent / "surrogate" / "surrogate.json"
        return {**common, "settings": OFA.as_dict(), "surrogate_sha256": file_hash(surrogate)}

    def make(self, method: str, seed: int, say: Callable[[str], None]) -> None:
        """Makes one run and keeps it, unless it is there."""
        key = f"{method}-{seed}"
        basis = json.loads(json.dumps(self.rests_on(method, seed)))
        if self.held["runs"].get(key, {}).get("rests_on") == basis:
            say(f"{key}: kept")
            return
        began = time.process_time()
        result = {"random": self._random, "darts": self._darts, "ofa": self._ofa}[method](seed, say)
        spent = time.process_time() - began
        entry = {**result, "cpu_s": round(spent, 1), "rests_on": basis}
        held = self.held
        held["runs"][key] = entry
        held["facts"] = self._facts()
        with replacing(self.file) as partial:
            partial.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
        say(
            f"{key}: {100 * result['val']['accuracy']:.2f} % on val, "
            f"{100 * result['test']['accuracy']:.2f} % on test, {spent:.0f} s"
        )

    def _facts(self) -> dict[str, Any]:
        bench, limits = self.bench, {"latency_ms": LATENCY_MS}
        exact = bench.front(DEVICE, limits=limits).chosen
        return {
            "biglittle_version": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "table": bench.table.name,
            "table_sha256": bench.table.sha256,
            "drawn_networks": len(drawn_networks(bench)),
            "exact_best_val_accuracy": float(exact.accuracy.max()),
            "images": {s: len(self.splits[s]) for s in ("val", "test")},
            "latency_ms": LATENCY_MS,
            "device": DEVICE,
            "random_pairs": N_RANDOM,
            "darts_steps": DARTS.steps,
            "ofa_budget": OFA.budget,
            "ofa_few": OFA.few,
            "methods": list(METHODS),
        }

    def _random(self, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
        drawn = drawn_networks(self.bench)
        rows = np.random.default_rng(seed).integers(0, len(drawn), (N_RANDOM, 2))
        pairs = [Pair(drawn[a], drawn[b]) for a, b in rows]
        val = TableEvaluator(self.bench, DEVICE)
        best = judged(val, pairs, {"latency_ms": LATENCY_MS}).best
        assert best is not None
        test = TableEvaluator(self.bench, DEVICE, "test")
        again = test.evaluate(candidates_of(best, val, self.bench.table.n_classes))[0]
        return {"val": best[0].as_dict(), "test": again.as_dict()}

    def _tested(self, chosen: OperatingPoint) -> dict[str, Any]:
        ready = on_test(self.net, chosen, self.live, self.splits, self.dataset)
        return {"val": chosen.as_dict(), "test": ready.point.as_dict()}

    def _darts(self, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
        settings = DartsSettings(**{**asdict(DARTS), "choices": self.live.choices, "seed": seed})

        def told(step: int, figures: dict[str, float]) -> None:
            if (step + 1) % 20 == 0:
                shown = ", ".join(f"{k} {v:.3f}" for k, v in figures.items())
                say(f"darts-{seed}: step {step + 1}/{settings.steps}: {shown}")

        result = search(self.net, self.splits["train"], self.dataset, self.profile, settings, told)
        best = judged(self.live, [Pair(result.little, result.big)], {"latency_ms": LATENCY_MS}).best
        assert best is not None
        return {
            **self._tested(best[0]),
            "learned_threshold": result.threshold,
            "expected_latency_ms": result.expected_latency_ms,
            "sureness": round(float(result.chances.max(axis=2).mean()), 4),
        }

    def _ofa(self, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
        from ...surrogates import Surrogate, SurrogateEvaluator

        folder = self.bench.table.path.parent / "surrogate"
        predictor = SurrogateEvaluator(Surrogate.load(folder), self.profile)
        settings = SpecialiseSettings(**{**OFA.as_dict(), "seed": seed})
        best, considered = specialise(
            predictor, self.live, settings, lambda line: say(f"ofa-{seed}: {line}")
        )
        return {
            **self._tested(best),
            "considered": [
                {
                    "little": c.pair.little,
                    "big": c.pair.big,
                    "predicted_accuracy": None if c.predicted is None else c.predicted.accuracy,
                    "val_accuracy": None if c.val is None else c.val.accuracy,
                }
                for c in considered
            ],
        }


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def measure(
    seeds: int = SEEDS,
    method: list[str] | None = None,
    data: Path | None = None,
    work: Path = Path("out/weight_sharing"),
) -> dict[str, Any]:
    """Makes the runs that are missing; ``--data`` is the folder of the images.

    Raises:
        BigLittleError: an unknown method, or no seed.
    """
    methods = method or list(METHODS)
    if set(methods) - set(METHODS) or seeds < 1:
        raise BigLittleError(f"methods {methods}, {seeds} seeds; expected some of {METHODS}.")
    runs = Runs(data, work)
    for seed in range(seeds):
        for name in methods:
            runs.make(name, seed, _say)
    return runs.held


def weight_sharing_text(held: dict[str, Any]) -> str:
    """The runs as a section of the page."""
    runs, facts = held["runs"], held["facts"]
    lines = [
        "| seed | method | val | test | mean latency | escalated | CPU s |",
        "|---|---|---|---|---|---|---|",
    ]
    seeds = sorted({int(key.split("-")[1]) for key in runs})
    for seed in seeds:
        for method in facts["methods"]:
            run = runs.get(f"{method}-{seed}")
            if run is not None:
                val, test = run["val"], run["test"]
                lines.append(
                    f"| {seed} | `{method}` | {100 * val['accuracy']:.2f} % "
                    f"| {100 * test['accuracy']:.2f} % | {test['latency_ms']:.1f} ms "
                    f"| {100 * test['escalation_rate']:.1f} % | {run['cpu_s']:.0f} |"
                )
    verdicts = [_compared(runs, method, seeds) for method in facts["methods"][1:]]
    verdicts += _promised(runs)
    images, drawn = facts["images"]["val"], facts["drawn_networks"]
    return f"""## Weight sharing: `darts` and `ofa`

The most accurate pair within a mean latency of {facts["latency_ms"]:g} ms on the
{facts["device"]} (block-sum), with inherited weights (measured accuracy): gate and threshold chosen
on all {images:,} val images, shown on test. `random`: the best of {facts["random_pairs"]} pairs of
the table's {drawn} networks that were drawn at random, of all sizes. `darts`:
{facts["darts_steps"]} steps, the weights as they are. `ofa`: evolution of
{facts["ofa_budget"]:,} pairs on the shipped surrogate, {facts["ofa_few"]} of them run on val. The
table's exact best pair, searched networks included, has
{100 * facts["exact_best_val_accuracy"]:.2f} % on val.

{chr(10).join(lines)}

{chr(10).join(verdicts)}

One supernet, so differences of a few tenths of a point mean little. CPU seconds are of one thread;
those of `random` leave out that its networks were run for the table.
Step `weight_sharing`."""


def _compared(runs: Mapping[str, Any], method: str, seeds: list[int]) -> str:
    both = [s for s in seeds if f"{method}-{s}" in runs and f"random-{s}" in runs]
    if not both:
        return f"`{method}` has not been run."
    words = []
    for split in ("val", "test"):
        gains = np.array(
            [
                runs[f"{method}-{s}"][split]["accuracy"] - runs[f"random-{s}"][split]["accuracy"]
                for s in both
            ]
        )
        words.append(
            f"{100 * gains.mean():+.2f} points on {split} ({100 * gains.min():+.2f} to "
            f"{100 * gains.max():+.2f})"
        )
    verdict = all(
        runs[f"{method}-{s}"]["val"]["accuracy"] > runs[f"random-{s}"]["val"]["accuracy"]
        for s in both
    )
    beats = "beats random under every seed" if verdict else "does not beat random under every seed"
    return f"- `{method}` {beats}: {', '.join(words)}."


def _promised(runs: Mapping[str, Any]) -> list[str]:
    """How far the predictions were off of the pairs that `ofa` ran."""
    considered = [c for run in runs.values() for c in run.get("considered", ())]
    gaps = [c["predicted_accuracy"] - c["val_accuracy"] for c in considered if c["val_accuracy"]]
    if not gaps:
        return []
    off = 100 * np.array(gaps)
    beyond = len(considered) - len(gaps)
    return [
        f"- The surrogate's promise to the {len(gaps)} pairs that `ofa` ran was off by "
        f"{off.mean():+.2f} points of what they have on val ({off.min():+.2f} to "
        f"{off.max():+.2f}); {beyond} more were beyond the limit."
    ]


STEP = Step(measure, {"weight_sharing": weight_sharing_text}, of_table=True)
