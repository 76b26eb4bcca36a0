"""What exits and shared trunks add to pairs of whole networks, at equal mean cost on the device.

Points are chosen on val within a limit and compared on test. Intervals are those of a paired
bootstrap over the test images; the points stay as they were chosen.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench import Benchmark, OperatingPoint
from ...bench.fronts import Front
from ...bench.gate import Gate
from ...bench.limits import within
from ...bench.pair import Pair
from ...bench.rows import COUPLINGS
from ...bench.table_writer import write_table
from ..flagship import RECIPE
from ._equal_latency import image_weights, interval
from ._page import Step, load, versions
from ._uncached import nothing_kept

NAME, DEVICE = RECIPE.name, RECIPE.design.device
LATENCIES_MS = (8.0, 10.0, 12.0, 15.0, 20.0, 25.0)
#: Mean MACs of published early-exit networks on CIFAR-10, in millions: NACHOS, EDANAS (three).
MACS_M = (2.44, 3.15, 5.0, 8.0, 9.65, 11.5, 17.3)
PUBLISHED = {2.44: ("NACHOS", 0.7265), 3.15: ("EDANAS", 0.623), 9.65: ("EDANAS", 0.777),
             17.3: ("EDANAS", 0.809)}  # fmt: skip
ROUNDS, SEED, LEAST_ESCALATION = 2000, 0, 0.01


def measure() -> dict[str, Any]:
    """Best points with and without exits within limits, and what the front with exits has."""
    bench = Benchmark.load(NAME)
    contents = bench.table.contents().without_exits()
    with tempfile.TemporaryDirectory() as folder, nothing_kept():
        path = Path(folder) / "whole.h5"
        write_table(path, contents, "", "")
        whole = Benchmark.load(path)
        within_latency = _compared(whole, bench, "latency_ms", LATENCIES_MS)
        within_macs = _compared(whole, bench, "macs", tuple(1e6 * m for m in MACS_M))
        starts = _starts()
        slower = [
            {"name": name, "start_ms": ms, "rows": _slower(whole, bench, ms, ms - starts[DEVICE])}
            for name, ms in starts.items()
        ]
    return {
        "networks": {"whole": len(bench), "exits": int((bench.table.networks["exit"] != "").sum())},
        "latency_ms": within_latency,
        "macs": within_macs,
        "slower_starts": slower,
        "rounds": ROUNDS,
        "seed": SEED,
    }


def _starts() -> dict[str, float]:
    """What the start of a network may take, in ms, by whose split of the constant it is.

    The first is what the figures are made with.
    """
    splits = (load("exit_latency") or {})["splits"]
    own = {name: part["start_ms"] for name, part in splits.items() if name.startswith(DEVICE)}
    largest = max(splits, key=lambda name: splits[name]["start_ms"])
    others = {max(own, key=lambda name: own[name]), largest}
    return {DEVICE: own[DEVICE]} | {name: splits[name]["start_ms"] for name in sorted(others)}


def _slower(
    whole: Benchmark, bench: Benchmark, start_ms: float, more: float
) -> list[dict[str, Any]]:
    """Gains where the start takes longer, and with it every exit, while whole networks do not."""
    costs = bench.costs(DEVICE)
    assert costs.trunk is not None
    longer = more * (bench.table.exits > 0)
    trunk = replace(costs.trunk, latency_ms=costs.trunk.latency_ms + longer)
    device = f"{DEVICE} if its start takes {start_ms:.2f} ms"
    bench.assume(device, replace(costs, latency_ms=costs.latency_ms + longer, trunk=trunk))
    fronts = whole.front(DEVICE), bench.front(device)
    return _rows((whole, bench), fronts, "latency_ms", LATENCIES_MS)


def _rows(
    benches: tuple[Benchmark, Benchmark],
    fronts: tuple[Front, Front],
    name: str,
    limits: tuple[float, ...],
) -> list[dict[str, Any]]:
    """The best points of a front without and one with exits within limits of a cost."""
    rows = []
    for limit in limits:
        best = [_best(front, name, limit) for front in fronts]
        right = [
            None if point is None else _right(b, point)
            for b, point in zip(benches, best, strict=True)
        ]
        rows.append({"limit": limit, **_row(best, right)})
    return rows


def _compared(
    whole: Benchmark, bench: Benchmark, name: str, limits: tuple[float, ...]
) -> dict[str, Any]:
    """The two fronts in error and one cost, and the best points of both within limits of it."""
    begun = time.perf_counter()
    objectives = ("error", name)
    fronts = whole.front(DEVICE, objectives), bench.front(DEVICE, objectives)
    seconds = time.perf_counter() - begun
    rows = _rows((whole, bench), fronts, name, limits)
    points = fronts[1].chosen
    kinds = _kinds(bench, fronts[1])
    return {
        "rows": rows,
        "seconds": seconds,
        "points": len(points),
        "escalating": float((points.escalation_rate >= LEAST_ESCALATION).mean()),
        "escalating_whole": float((fronts[0].chosen.escalation_rate >= LEAST_ESCALATION).mean()),
        "cheapest": [float(f.chosen.figure(name).min()) for f in fronts],
        "couplings": {k: int((kinds == k).sum()) for k in (*COUPLINGS, "single")},
    }


def _kinds(bench: Benchmark, front: Front) -> NDArray[np.str_]:
    """Coupling of each point of a front; "single" where nothing is escalated."""
    rows = {str(n): i for i, n in reversed(list(enumerate(bench.table.names)))}
    little, big = (
        np.array([rows[str(n)] for n in names]) for names in (front.chosen.little, front.chosen.big)
    )
    kinds = np.array(COUPLINGS)[bench.table.couplings.kinds(little, big)]
    return np.where(front.chosen.escalation_rate > 0, kinds, "single")


def _best(front: Front, name: str, limit: float) -> OperatingPoint | None:
    """The most accurate point on val within a limit, as it is on test; None: there is none."""
    allowed = np.flatnonzero(within(front.chosen, {name: limit}))
    if not len(allowed):
        return None
    return front.points[int(allowed[np.argmax(front.chosen.accuracy[allowed])])]


def _right(bench: Benchmark, point: OperatingPoint) -> NDArray[np.bool_]:
    """Whether the answer to each test image is right, shape (n_images,)."""
    table, gate = bench.table, Gate(point.gate, point.threshold)
    little, big = table.pair_rows(Pair(point.little, point.big))
    escalated = table.codes_of(point.gate, "test", [little])[0] < gate.cut(table.n_classes)
    correct = table.predictions("test").correct
    return np.asarray(np.where(escalated, correct[big], correct[little]))


def _row(
    best: list[OperatingPoint | None], right: list[NDArray[np.bool_] | None]
) -> dict[str, Any]:
    """Accuracies of both points and their difference with its interval, plain JSON."""
    names = ("whole", "exits")
    out: dict[str, Any] = {
        name: None if point is None else _facts(point)
        for name, point in zip(names, best, strict=True)
    }
    weights = None
    for name, answers in zip(names, right, strict=True):
        if answers is not None:
            weights = image_weights(len(answers), ROUNDS, SEED) if weights is None else weights
            drawn = answers.astype(np.float64) @ weights / len(answers)
            out[name]["low"], out[name]["high"] = interval(drawn)
    if right[0] is not None and right[1] is not None and weights is not None:
        gain = right[1].astype(np.float64) - right[0]
        low, high = interval(gain @ weights / len(gain))
        out["gain"] = {"value": float(gain.mean()), "low": low, "high": high}
    return out


def _facts(point: OperatingPoint) -> dict[str, Any]:
    fields = ("little", "big", "gate", "threshold", "accuracy", "escalation_rate")
    costs = {name: getattr(point, name) for name in ("latency_ms", "macs", "peak_memory_mib")}
    return {name: getattr(point, name) for name in fields} | costs


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return "none"
    return f"{100 * row['accuracy']:.2f} ({100 * row['low']:.2f} to {100 * row['high']:.2f})"


def _gain(row: dict[str, Any]) -> str:
    gain = row.get("gain")
    if gain is None:
        return ""
    return f"{100 * gain['value']:+.2f} ({100 * gain['low']:+.2f} to {100 * gain['high']:+.2f})"


def _pair(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    share = f"{100 * row['escalation_rate']:.1f} %"
    return f"`{row['little']}` -> `{row['big']}`, {share} escalated"


def latency_section(figures: dict[str, Any]) -> str:
    """Best points within limits on latency, as Markdown."""
    part = figures["latency_ms"]
    lines = [
        "| mean latency, at most | whole networks alone: test accuracy, % | with exits "
        "| gain, points | best point with exits |",
        "|---|---|---|---|---|",
    ]
    for row in part["rows"]:
        lines.append(
            f"| {row['limit']:g} ms | {_cell(row['whole'])} | {_cell(row['exits'])} | {_gain(row)} "
            f"| {_pair(row['exits'])} |"
        )
    n, (without, cheapest) = figures["networks"], part["cheapest"]
    kinds = ", ".join(f"{v} {k}" for k, v in part["couplings"].items() if v)
    shares = [f"{100 * part[name]:.0f} %" for name in ("escalating", "escalating_whole")]
    text = (
        f"{n['whole']} whole networks and {n['exits']} exits, latencies on the Raspberry Pi 4 "
        "(block sums for whole networks; heads of exits are predicted). Chosen on val, reported on "
        "test; 95 % intervals of a bootstrap over the test images "
        f"({figures['rounds']} rounds, seed {figures['seed']}), paired for the gain. The exact "
        f"front with exits has {part['points']} points ({kinds}); {shares[0]} of them escalate 1 % "
        f"of the images or more ({shares[1]} without exits), and its cheapest point takes "
        f"{cheapest:.2f} ms ({without:.2f} ms without exits). {versions(figures)}."
    )
    return "\n".join([*lines, "", text, "", *_slower_lines(figures["slower_starts"])])


def _slower_lines(slower: list[dict[str, Any]]) -> list[str]:
    """How the gains depend on what nobody measured, as Markdown."""
    limits = [f"{row['limit']:g} ms" for row in slower[0]["rows"]]
    lines = [
        "What the start of a network takes within its constant nobody measured, and every exit has "
        "the start and not the head. The same gains if it takes longer:",
        "",
        f"| start, after the split of | {' | '.join(limits)} |",
        "|---|" + "---|" * len(limits),
    ]
    for part in slower:
        gains = " | ".join(_gain(row) for row in part["rows"])
        lines.append(f"| {part['start_ms']:.2f} ms, `{part['name']}` | {gains} |")
    return lines


def macs_section(figures: dict[str, Any]) -> str:
    """Best points within limits on MACs beside published early-exit networks, as Markdown."""
    part = figures["macs"]
    lines = [
        "| mean MACs, at most | whole networks alone: test accuracy, % | with exits | published "
        "| best point with exits |",
        "|---|---|---|---|---|",
    ]
    for row in part["rows"]:
        name, accuracy = PUBLISHED.get(row["limit"] / 1e6, ("", None))
        published = "" if accuracy is None else f"{name} {100 * accuracy:.2f}"
        lines.append(
            f"| {row['limit'] / 1e6:g} M | {_cell(row['whole'])} | {_cell(row['exits'])} "
            f"| {published} | {_pair(row['exits'])} |"
        )
    return "\n".join(
        [
            *lines,
            "",
            "The published networks were searched and trained by their authors (EDANAS, NACHOS: "
            "CIFAR-10, their own recipes and input sizes), so a row compares what is there and not "
            f"how it was found. The front's cheapest point has {part['cheapest'][1] / 1e6:.2f} M "
            f"MACs ({part['cheapest'][0] / 1e6:.2f} M without exits).",
        ]
    )


STEP = Step(
    measure, {"coupling_latency": latency_section, "coupling_macs": macs_section}, of_table=True
)
