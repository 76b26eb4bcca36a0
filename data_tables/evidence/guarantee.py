"""Whether a guaranteed threshold keeps its promise on the shipped table, as often as it says.

Three ways to ask. The images of val and test are taken as all there are, and val is drawn from them
with replacement: then what is true is known, and the promise covers exactly this. They are split
anew at random, and the promise is looked up on the part that was not used, which scatters itself.
And val certifies, test judges, as the table stands: for pairs drawn at random, and for pairs of the
exact front, which were chosen on val and so have spent its images once already.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ...bench import Benchmark, Guarantee
from ...bench.gates import N_CODES
from ..flagship import RECIPE
from ._page import Step

DEVICE, GATE, DELTA = "raspberry-pi-4", "margin", 0.1
LOSS, BELOW_BIG = 0.01, 0.02  # promised: at most so much below big; an accuracy so far below it
SEED = 0


class Images:
    """Little's codes and who is right, of one pair on some images.

    Args:
        codes: confidence codes of the little network, shape (n,).
        little: whether the little network is right, shape (n,).
        big: whether the big network is right, shape (n,).
    """

    def __init__(
        self, codes: NDArray[np.uint8], little: NDArray[np.bool_], big: NDArray[np.bool_]
    ) -> None:
        self.codes, self.little, self.big = codes, little, big
        gain = np.bincount(codes, big.astype(np.float64) - little, N_CODES)
        #: Accuracy of the pair at every cut, shape (257,).
        self.accuracy = (little.sum() + np.concatenate([[0.0], np.cumsum(gain)])) / len(codes)

    def take(self, index: NDArray[np.intp]) -> Images:
        """The images at ``index``."""
        return Images(self.codes[index], self.little[index], self.big[index])

    def kept(self, guarantee: Guarantee, cut: int) -> bool:
        """Whether the pair at a cut is as good on these images as was promised."""
        return bool(self.accuracy[cut] >= self._floor(guarantee))

    def _floor(self, guarantee: Guarantee) -> float:
        big = float(self.big.mean())
        return (big - guarantee.level if guarantee.kind == "loss" else guarantee.level) - 1e-12

    def looks_best(self, guarantee: Guarantee) -> int:
        """The lowest cut at which these images themselves are as was promised; 256 for none."""
        fine = np.flatnonzero(self.accuracy >= self._floor(guarantee))
        return int(fine[0]) if len(fine) else N_CODES

    def escalated(self, cut: int) -> float:
        """Share of the images that a cut escalates."""
        return float((self.codes < cut).mean())


class Tally:
    """Counts of promises: how many were made, how many were kept, and what they cost."""

    def __init__(self) -> None:
        self.asked, self.rows = 0, list[tuple[bool, bool, float, float]]()

    def add(self, guarantee: Guarantee, calibration: Images, judge: Images) -> None:
        """One promise by some images, judged by others; and what looks best without one."""
        self.asked += 1
        cut = guarantee.certified_cut(calibration.codes, calibration.little, calibration.big)
        if cut is None:
            return
        plain = calibration.looks_best(guarantee)
        self.rows.append(
            (
                judge.kept(guarantee, cut),
                judge.kept(guarantee, plain),
                judge.escalated(cut),
                judge.escalated(plain),
            )
        )

    def record(self) -> dict[str, Any]:
        """The counts as plain JSON."""
        rows = np.array(self.rows, np.float64).reshape(-1, 4)
        return {
            "asked": self.asked,
            "promised": len(rows),
            "kept": int(rows[:, 0].sum()),
            "kept_plain": int(rows[:, 1].sum()),
            "escalated": float(rows[:, 2].mean()) if len(rows) else None,
            "escalated_plain": float(rows[:, 3].mean()) if len(rows) else None,
        }


def measure(
    pairs: Annotated[int, typer.Option(help="Pairs that are drawn at random.")] = 40,
    draws: Annotated[int, typer.Option(help="Draws and splits of each.")] = 10,
) -> dict[str, Any]:
    """Counts of promises made and kept, by what judges them and by kind."""
    bench = Benchmark.load(RECIPE.name)
    table, val = bench.table, bench.accuracy("val")
    rng, rows = np.random.default_rng(SEED), table.rows()
    drawn: list[tuple[int, int]] = []
    while len(drawn) < pairs:
        little, big = (int(i) for i in rng.choice(rows, 2, replace=False))
        if val[big] > val[little]:
            drawn.append((little, big))
    tallies: dict[str, dict[str, Tally]] = {
        name: {kind: Tally() for kind in ("loss", "accuracy")}
        for name in ("drawn", "split", "test", "front")
    }
    for pair in drawn:
        parts = [_images(bench, pair, split) for split in ("val", "test")]
        every = Images(*(np.concatenate([getattr(p, n) for p in parts]) for n in _FIELDS))
        n_val, n = len(parts[0].codes), len(every.codes)
        for guarantee in _guarantees(every):
            for _ in range(draws):
                some = every.take(rng.integers(0, n, n_val))
                tallies["drawn"][guarantee.kind].add(guarantee, some, every)
                order = rng.permutation(n)
                first, rest = every.take(order[:n_val]), every.take(order[n_val:])
                tallies["split"][guarantee.kind].add(guarantee, first, rest)
        for guarantee in _guarantees(parts[1]):
            tallies["test"][guarantee.kind].add(guarantee, *parts)
    front = bench.front(DEVICE)
    for names in sorted(set(zip(front.chosen.little, front.chosen.big, strict=True))):
        pair = table.network_row(str(names[0])), table.network_row(str(names[1]))
        parts = [_images(bench, pair, split) for split in ("val", "test")]
        for guarantee in _guarantees(parts[1]):
            tallies["front"][guarantee.kind].add(guarantee, *parts)
    return {
        "pairs": pairs,
        "draws": draws,
        "seed": SEED,
        "gate": GATE,
        "delta": DELTA,
        "loss": LOSS,
        "below_big": BELOW_BIG,
        "device": DEVICE,
        "val": n_val,
        "test": n - n_val,
        "tallies": {
            name: {kind: tally.record() for kind, tally in kinds.items()}
            for name, kinds in tallies.items()
        },
    }


_FIELDS = ("codes", "little", "big")


def _images(bench: Benchmark, pair: tuple[int, int], split: str) -> Images:
    table = bench.table
    correct = table.predictions(split).correct
    return Images(table.codes_of(GATE, split, [pair[0]])[0], correct[pair[0]], correct[pair[1]])


def _guarantees(judge: Images) -> tuple[Guarantee, Guarantee]:
    """Both promises; the accuracy follows from big on the images that judge, not on val."""
    level = float(judge.big.mean()) - BELOW_BIG
    return Guarantee("loss", LOSS, DELTA), Guarantee("accuracy", level, DELTA)


_ROWS = {
    "drawn": "val drawn from all images; the truth judges",
    "split": "random splits; the rest judges",
    "test": "the table's val; its test judges",
    "front": "the same, pairs of the front",
}


def guarantee_text(figures: dict[str, Any]) -> str:
    """The counts as Markdown."""
    promises = {
        "loss": f"at most {100 * figures['loss']:g} point below big",
        "accuracy": f"accuracy {100 * figures['below_big']:g} points below big's",
    }
    lines = [
        "| judged by | promised | kept | kept without a guarantee | escalated | without |",
        "|---|---|---|---|---|---|",
    ]
    for name, words in _ROWS.items():
        for kind, promise in promises.items():
            row = figures["tallies"][name][kind]
            n = row["promised"]
            lines.append(
                f"| {words} | {promise} | {row['kept']:,} of {n:,} ({100 * row['kept'] / n:.1f} %) "
                f"| {100 * row['kept_plain'] / n:.1f} % | {100 * row['escalated']:.1f} % "
                f"| {100 * row['escalated_plain']:.1f} % |"
            )
    counts = [row for kinds in figures["tallies"].values() for row in kinds.values()]
    n_asked, n_made = (sum(row[name] for row in counts) for name in ("asked", "promised"))
    lines += [
        "",
        f"Promises with probability {100 * (1 - figures['delta']):g} % under `{figures['gate']}`: "
        f"{figures['pairs']} random pairs (seed {figures['seed']}), {figures['draws']} draws and "
        f"splits of each, {figures['val']:,} images certify and {figures['test']:,} judge; the "
        f"pairs of the front are those of the {figures['device']}. Of {n_asked:,} that were asked, "
        f"{n_asked - n_made:,} could not be given. *Without a guarantee* is the lowest threshold "
        "that looks as promised on the certifying images. Step `guarantee`.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"guarantee": guarantee_text}, of_table=True)
