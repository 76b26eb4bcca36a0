"""Which gate routes best, on the shipped table: random pairs and the pairs of its exact front.

Thresholds are chosen on val, gains are told on test. Beside the gain stand how well each gate tells
little's wrong answers from right ones, and what one threshold for all networks does.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench import Benchmark, Cascade, Gate
from ...bench.gates import N_CODES, get_gate, pair_gates
from ..flagship import RECIPE
from ._page import Step
from ._routing import BASE, Split, compared, interval, splits_of, table_of

DEVICE = "raspberry-pi-4"
N_PAIRS, RATES, SEED = 200, (0.1, 0.2, 0.3), 0
KEPT_ACCURACY = 0.95  # of the answers that one threshold for all networks is to keep
SECONDS = 24  # second little networks that agreement is tried with, a pair
ABC = (Gate("max_prob", 1.0), Gate("agreement", 0.5))  # both are always asked, as published


def measure() -> dict[str, Any]:
    """Gains of all gates on both sets of pairs, of agreement, and of shared thresholds."""
    bench = Benchmark.load(RECIPE.name)
    table, val = bench.table, bench.accuracy("val")
    splits = splits_of(table.predictions, table.n_classes)
    rng, rows = np.random.default_rng(SEED), table.rows()
    pairs: list[tuple[int, int]] = []
    while len(pairs) < N_PAIRS:
        little, big = (int(i) for i in rng.choice(rows, 2, replace=False))
        if val[big] > val[little]:
            pairs.append((little, big))
    front = bench.front(DEVICE)
    of_front = sorted(
        {
            (table.network_row(str(a)), table.network_row(str(b)))
            for a, b in zip(front.chosen.little, front.chosen.big, strict=True)
        }
    )
    gates = [g for g in pair_gates() if get_gate(g).deployable]
    sets = {"random": pairs, "front": of_front}
    return {
        "seed": SEED,
        "device": DEVICE,
        "compared": {
            name: [compared(splits, gates, some, rate, table.n_classes) for rate in RATES]
            for name, some in sets.items()
        },
        "agreement": _agreement(bench, of_front),
        "shared": _shared(splits, gates, rows, table.n_classes),
    }


def _agreement(bench: Benchmark, pairs: list[tuple[int, int]]) -> dict[str, Any]:
    """Two littles that have to agree, and the margin, at the same mean latency.

    For each pair the second little network is the one of some, all cheaper than big, that gains
    most on val; the margin's threshold is the most accurate on val within the latency that
    agreement takes there. Then both gates of the cascade are let free, within the same latency,
    against the same three networks under margins.
    """
    rng, table = np.random.default_rng(SEED), bench.table
    latency, every = bench.costs(DEVICE).latency_ms, table.rows(exits=True)
    pure, free, seconds = [], [], 0
    for little, big in pairs:
        cheaper = every[(latency[every] < latency[big]) & (every != little)]
        if len(cheaper) < SECONDS:
            continue
        two = tuple(str(name) for name in table.names[[little, big]])
        curve = bench.curve((two[0], two[1]), BASE, DEVICE, "val")
        best: tuple[float, int, int, float] | None = None
        for second in rng.choice(cheaper, SECONDS, replace=False).tolist():
            names = (two[0], str(table.names[second]), two[1])
            point = bench.query_cascade(Cascade(names, ABC), DEVICE, "val")
            took_ms = float(point.latency_ms or 0.0)
            within = np.flatnonzero(curve.latency_ms <= took_ms)
            at = int(within[np.argmax(curve.accuracy[within])])
            gain = point.accuracy - float(curve.accuracy[at])
            seconds += 1
            if best is None or gain > best[0]:
                best = (gain, second, at, took_ms)
        assert best is not None
        _, second, at, limit = best
        names = (two[0], str(table.names[second]), two[1])
        margin = Cascade((two[0], two[1]), (Gate(BASE, float(curve.threshold[at])),))
        pure.append(_right(bench, Cascade(names, ABC)) - _right(bench, margin))
        both = []
        for gates in ((BASE, "agreement"), (BASE, BASE)):
            chosen = bench.choose_cascade(names, gates, DEVICE, {"latency_ms": limit})
            free_gates = tuple(map(Gate, gates, chosen.thresholds))
            both.append(_right(bench, Cascade(names, free_gates)))
        free.append(both[0] - both[1])
    out: dict[str, Any] = {"pairs": len(pure), "seconds": SECONDS, "cascades": seconds}
    for name, rows in (("pure", pure), ("free", free)):
        differences = np.array(rows)
        low, high = interval(differences)
        mean = differences.mean(axis=1)
        out[name] = {"gain": float(mean.mean()), "low": low, "high": high,
                     "better": int((mean > 0).sum())}  # fmt: skip
    return out


def _right(bench: Benchmark, cascade: Cascade) -> NDArray[np.float32]:
    """Whether a cascade is right about each image of test, 0 or 1, shape (n_images,)."""
    table = bench.table
    rows = [table.network_row(name) for name in cascade.networks]
    test = Split(table.gate_codes, "test")
    right = test.correct[rows[0]]
    on = np.ones(len(right), bool)
    for stage, gate in enumerate(cascade.gates):
        on = on & (test.counts.stage_codes(gate.metric, rows, stage) < gate.cut(table.n_classes))
        right = np.where(on, test.correct[rows[stage + 1]], right)
    return np.asarray(right, np.float32)


def _shared(
    splits: tuple[Split, Split], gates: list[str], rows: NDArray[np.intp], n_classes: int
) -> dict[str, Any]:
    """What one threshold for all networks keeps: accuracy and share of kept answers, by network.

    The threshold is the lowest at which the kept answers of all networks together are so accurate
    on val.
    """
    out: dict[str, Any] = {}
    val, test = splits
    for gate in gates:
        if get_gate(gate).kind == "paired":
            continue
        n_kept, n_right = np.zeros(N_CODES + 1), np.zeros(N_CODES + 1)
        for row in rows.tolist():
            codes, correct = val.counts.codes(gate, row), val.correct[row]
            n = np.bincount(codes, minlength=N_CODES)
            good = np.bincount(codes[correct], minlength=N_CODES)
            n_kept[:-1] += np.cumsum(n[::-1])[::-1]
            n_right[:-1] += np.cumsum(good[::-1])[::-1]
        accuracy = np.divide(n_right, n_kept, out=np.ones(N_CODES + 1), where=n_kept > 0)
        cut = int(np.flatnonzero(accuracy >= KEPT_ACCURACY)[0])
        accuracies, shares = [], []
        for row in rows.tolist():
            keeps = test.counts.codes(gate, row) >= cut
            shares.append(float(keeps.mean()))
            if keeps.any():
                accuracies.append(float(test.correct[row][keeps].mean()))
        out[gate] = {
            "threshold": float(get_gate(gate).thresholds(n_classes)[cut]),
            "kept": float(np.mean(shares)),
            "accuracy": float(np.mean(accuracies)),
            "spread": float(np.std(accuracies)),
            "lowest": float(np.min(accuracies)),
        }
    return {"networks": len(rows), "target": KEPT_ACCURACY, "gates": out}


def gates_section(figures: dict[str, Any]) -> str:
    """The comparison on random pairs at one rate, as Markdown."""
    part = next(p for p in figures["compared"]["random"] if p["rate"] == 0.2)
    lines = [
        *table_of(part),
        "",
        f"Points of test accuracy over escalating as many images at random, thresholds chosen on "
        f"val at no more than {100 * part['rate']:.0f} % escalated. {part['pairs']} random pairs "
        f"of the table (seed {figures['seed']}) whose big network is better on val, on test by "
        f"{100 * part['big_better_by']:.1f} points. Intervals over pairs and images. AUROC and "
        "AURC say how well a gate tells little's wrong answers; ECE is that of its own values, "
        "where they claim to be probabilities. Step `gates`.",
    ]
    return "\n".join(lines)


def front_section(figures: dict[str, Any]) -> str:
    """The comparison on the pairs of the front, and how ranks change with the rate."""
    parts = {name: {p["rate"]: p for p in some} for name, some in figures["compared"].items()}
    part = parts["front"][0.2]
    lines = [
        *table_of(part),
        "",
        f"The same for the {part['pairs']} pairs of the exact front of the {figures['device']}, "
        f"exits and all; big is better on test by {100 * part['big_better_by']:.1f} points.",
        "",
        "Gain over `margin` at other rates, in points:",
        "",
        "| gate | " + " | ".join(f"{n}, {100 * r:.0f} %" for n, r in product(parts, RATES)) + " |",
        "|---" * (1 + len(parts) * len(RATES)) + "|",
    ]
    for gate in sorted(part["gates"], key=lambda g: -part["gates"][g]["gain"]):
        if gate != BASE:
            rows = [parts[n][r]["gates"][gate] for n, r in product(parts, RATES)]
            lines.append(f"| `{gate}` | " + " | ".join(_signed(row) for row in rows) + " |")
    lines += ["", "Bold: beyond the 90 % interval. Step `gates`."]
    return "\n".join(lines)


def _signed(row: dict[str, float]) -> str:
    text = f"{100 * row['over_base']:+.2f}"
    return f"**{text}**" if row["low"] > 0 or row["high"] < 0 else text


def agreement_section(figures: dict[str, Any]) -> str:
    """What agreement of two littles is worth, as Markdown."""
    part = figures["agreement"]
    pure, free = (
        f"{100 * row['gain']:+.2f} points ({100 * row['low']:+.2f} to {100 * row['high']:+.2f}), "
        f"better for {row['better']} of {part['pairs']} pairs"
        for row in (part["pure"], part["free"])
    )
    return (
        f"Two little networks that are always asked, and big where they disagree, against the "
        f"margin of the first alone at the same mean latency on the {figures['device']}: {pure}. "
        f"The second little is the best on val of {part['seconds']} for each pair of the front, "
        f"{part['cascades']:,} cascades in all. Where the first may answer by itself, both "
        f"thresholds chosen, against the same three networks under margins: {free}. Step `gates`."
    )


def shared_section(figures: dict[str, Any]) -> str:
    """What one threshold for all networks does under each gate, as Markdown."""
    part = figures["shared"]
    lines = [
        "| gate | threshold | answers kept | their accuracy | spread over networks | the worst |",
        "|---|---|---|---|---|---|",
    ]
    for gate, row in sorted(part["gates"].items(), key=lambda item: item[1]["spread"]):
        lines.append(
            f"| `{gate}` | {row['threshold']:.3f} | {100 * row['kept']:.1f} % "
            f"| {100 * row['accuracy']:.2f} % | {100 * row['spread']:.2f} "
            f"| {100 * row['lowest']:.2f} % |"
        )
    lines += [
        "",
        f"One threshold for all {part['networks']} whole networks, the lowest at which the kept "
        f"answers of all together are right for {100 * part['target']:.0f} % of val; on test. "
        "Step `gates`.",
    ]
    return "\n".join(lines)


STEP = Step(
    measure,
    {
        "gates": gates_section,
        "gates_front": front_section,
        "gates_agreement": agreement_section,
        "gates_shared": shared_section,
    },
    of_table=True,
)
