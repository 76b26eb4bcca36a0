"""Which thresholds survive a shift of inputs, and what a controller of the escalation rate does.

    python -m biglittle.data_tables.evidence shift --working DIR

Thresholds are chosen on val. Then the inputs are others: the same test images under another mix of
classes, replayed by weights from the answers that are stored; or under noise, blur and brightness,
which some networks of the Raspberry Pi 4's front answer once (kept in ``DIR``, some minutes of one
core). A threshold survives where the pair loses no more against big than it was chosen to, and
escalates no more than half as much again as on val. The controller moves the cut by each image so
that the share that is escalated stays what it was on val; it needs no labels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ...bench import Benchmark, Guarantee
from ...bench.codes import Codes
from ...bench.gates import N_CODES
from ...bench.table_contents import Predictions
from ..flagship import RECIPE
from ._page import Step
from ._routing import Split, interval
from ._shifted_answers import N_IMAGES, SEED, chosen_pairs, shifted

DEVICE, LOSS, DELTA = "raspberry-pi-4", 0.01, 0.1
MOST_RATE = 1.5  # times the escalation rate on val: what a threshold may cost and survive
GATES = ("margin", "max_prob", "entropy", "temperature", "learned", "post_hoc")
GUARANTEED = "margin, guaranteed"
POLICIES = (*GATES, GUARANTEED)
STEP_SIZE = 4.0  # cuts that the controller moves by for an image that is escalated
MIXES, CONCENTRATION = 200, 0.5  # class mixes, and the parameter of the Dirichlet they are drawn of


def held_rate(
    codes: NDArray[np.uint8], cut: float, rate: float, step: float = STEP_SIZE
) -> NDArray[np.bool_]:
    """Which images of a stream a controller escalates that holds a rate, shape (n,).

    After each image the cut falls by ``step * (1 - rate)`` if it was escalated and rises by
    ``step * rate`` if not, so that over n images the share differs from the rate by at most the
    range of the cuts and a step, over ``step * n``, whatever the images are.

    Args:
        codes: confidence codes in the order in which images come, shape (n,).
        cut: cut to begin with.
        rate: share of the images that is to be escalated.
        step: size of a step in cuts.

    Source: Gibbs and Candes 2021, Adaptive Conformal Inference Under Distribution Shift, equation 2
        (the update), here of an escalation rate in place of a miscoverage.
    """
    escalated = np.empty(len(codes), bool)
    for i, code in enumerate(codes.tolist()):
        escalated[i] = code < cut
        cut += step * (rate - escalated[i])
    return escalated


def measure(
    working: Annotated[Path, typer.Option(help="Folder of the answers to corrupted images.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the images.")] = None,
    threads: Annotated[int, typer.Option(help="Threads of ONNX Runtime.")] = 1,
) -> dict[str, Any]:
    """Losses and rates by corruption, policy and gate, and over random mixes of classes."""
    bench = Benchmark.load(RECIPE.name)
    front = bench.front(DEVICE)
    pairs = chosen_pairs(front)
    names = sorted({name for pair in pairs for name in pair})
    answers = shifted(bench, names, working, data, threads)
    rows = [bench.table.network_row(name) for name in names]
    splits = {"val": _rows(bench.table.predictions("val"), rows), **answers}
    codes = Codes(splits.__getitem__, bench.table.n_classes)
    parts = {name: Split(codes, name) for name in splits}
    places = [(names.index(little), names.index(big)) for little, big in pairs]
    stored = bench.table.predictions("test").top1[rows]
    firsts = _places(bench, answers["clean"])
    return {
        "device": DEVICE,
        "networks": len(names),
        "pairs": [list(pair) for pair in pairs],
        "images": N_IMAGES,
        "seed": SEED,
        "loss": LOSS,
        "delta": DELTA,
        "most_rate": MOST_RATE,
        "unlike_table": float((answers["clean"].top1 != stored[:, firsts]).mean()),
        "corrupted": _corrupted(parts, places, [*answers]),
        "mixes": _mixes(bench, front.chosen.little, front.chosen.big),
    }


def _rows(stored: Predictions, rows: list[int]) -> Predictions:
    return Predictions(
        stored.labels, stored.top1[rows], {m: c[rows] for m, c in stored.codes.items()}
    )


def _places(bench: Benchmark, clean: Predictions) -> NDArray[np.intp]:
    """Where the images of the answers stand in test: the first ones of each class."""
    truth = bench.table.predictions("test").labels
    each = len(clean.labels) // bench.table.n_classes
    return np.sort(
        np.concatenate([np.flatnonzero(truth == c)[:each] for c in range(bench.table.n_classes)])
    )


def _cut(val: Split, policy: str, pair: tuple[int, int]) -> int:
    """The cut that a policy takes by val: the lowest that loses so much against big at most."""
    little, big = val.correct[list(pair)]
    codes = val.counts.pair_codes(policy.partition(",")[0], *pair)
    if policy == GUARANTEED:
        cut = Guarantee("loss", LOSS, DELTA).certified_cut(codes, little, big)
        return N_CODES if cut is None else cut
    gain = np.bincount(codes, big.astype(np.float64) - little, N_CODES)
    lost = big.sum() - little.sum() - np.concatenate([[0.0], np.cumsum(gain)])
    return int(np.flatnonzero(lost <= LOSS * len(codes))[0])


def _corrupted(
    parts: dict[str, Split], pairs: list[tuple[int, int]], sets: list[str]
) -> dict[str, Any]:
    """Accuracy of both networks by corruption, and what becomes of each policy's thresholds."""
    cuts = {(p, pair): _cut(parts["val"], p, pair) for p in POLICIES for pair in pairs}
    out: dict[str, Any] = {}
    for name in sets:
        correct = parts[name].correct
        alone = np.array([correct[list(pair)].mean(axis=1) for pair in pairs]).mean(axis=0)
        policies = {
            policy: _policy(parts["val"], parts[name], policy, {p: cuts[policy, p] for p in pairs})
            for policy in POLICIES
        }
        out[name] = {"little": float(alone[0]), "big": float(alone[1]), "policies": policies}
    return out


def _policy(
    val: Split, split: Split, policy: str, cuts: dict[tuple[int, int], int]
) -> dict[str, float]:
    """Rates and losses of pairs at the cuts of a policy, as they are and with the controller."""
    gate, n = policy.partition(",")[0], split.counts.n_images
    order = np.random.default_rng(SEED).permutation(n)
    lost, held_lost = np.empty((2, len(cuts), n), np.float32)
    rates, told = [], []
    for i, (pair, cut) in enumerate(cuts.items()):
        rate = float((val.counts.pair_codes(gate, *pair) < cut).mean())
        codes = split.counts.pair_codes(gate, *pair)
        held = np.empty(n, bool)
        held[order] = held_rate(codes[order], cut, rate)
        little, big = split.correct[list(pair)]
        for out, escalated in ((lost, codes < cut), (held_lost, held)):
            out[i] = big.astype(np.float32) - np.where(escalated, big, little)
        rates.append(rate)
        told.append([float((codes < cut).mean()), float(held.mean())])
    shifted_rates, held_rates = np.array(told).T
    ends = [interval(rows) for rows in (lost, held_lost)]
    return {
        "val_rate": float(np.mean(rates)),
        "rate": float(shifted_rates.mean()),
        "lost": float(lost.mean()),
        "low": ends[0][0],
        "high": ends[0][1],
        "accurate": int((lost.mean(axis=1) <= LOSS).sum()),
        "cheap": int((shifted_rates <= MOST_RATE * np.array(rates)).sum()),
        "held_rate": float(held_rates.mean()),
        "held_lost": float(held_lost.mean()),
        "held_low": ends[1][0],
        "held_high": ends[1][1],
        "held_accurate": int((held_lost.mean(axis=1) <= LOSS).sum()),
    }


def _mixes(bench: Benchmark, littles: NDArray[np.str_], bigs: NDArray[np.str_]) -> dict[str, Any]:
    """The pairs of the front under random mixes of classes, by weights on the test images."""
    table = bench.table
    val, test = (Split(table.gate_codes, name) for name in ("val", "test"))
    names = sorted({(str(a), str(b)) for a, b in zip(littles, bigs, strict=True)})
    pairs = [(table.network_row(a), table.network_row(b)) for a, b in names]
    labels = table.predictions("test").labels
    rng = np.random.default_rng(SEED)
    mixes = rng.dirichlet(np.full(table.n_classes, CONCENTRATION), MIXES)
    in_class = (labels[:, None] == np.arange(table.n_classes)).astype(np.float64)
    weights = (mixes / in_class.sum(axis=0)) @ in_class.T
    out: dict[str, Any] = {}
    for policy in ("margin", GUARANTEED):
        lost, ratio, accuracy, held = [], [], [], []
        for pair in pairs:
            cut = _cut(val, policy, pair)
            on_val = float((val.counts.codes("margin", pair[0]) < cut).mean())
            codes = test.counts.codes("margin", pair[0])
            little, big = (test.correct[row].astype(np.float64) for row in pair)
            on = codes < cut
            lost.append(weights @ (big - np.where(on, big, little)))
            accuracy.append(weights @ np.where(on, big, little))
            # A threshold that sends nothing on sends nothing on under any mix.
            ratio.append(weights @ on / on_val if on_val else np.ones(len(weights)))
            held.append(_held_loss(codes, big - little, weights, on_val))
        losses, ratios, held_losses = np.array(lost), np.array(ratio), np.array(held)
        low, high = np.quantile(ratios, [0.05, 0.95])
        out[policy] = {
            "accurate": float((losses <= LOSS).mean()),
            "cheap": float((ratios <= MOST_RATE).mean()),
            "lost": float(losses.mean()),
            "lost_most": float(np.quantile(losses, 0.95)),
            "ratio_low": float(low),
            "ratio_high": float(high),
            "held_accurate": float((held_losses <= LOSS).mean()),
            "held_lost_most": float(np.quantile(held_losses, 0.95)),
            "accuracy_low": float(np.quantile(accuracy, 0.05)),
            "accuracy_high": float(np.quantile(accuracy, 0.95)),
        }
    return {"pairs": len(pairs), "mixes": MIXES, "concentration": CONCENTRATION, "policies": out}


def _held_loss(
    codes: NDArray[np.uint8], gain: NDArray[np.float64], weights: NDArray[np.float64], rate: float
) -> NDArray[np.float64]:
    """What a pair loses against big under each mix at the cut whose rate is nearest to ``rate``."""
    one_hot = np.zeros((N_CODES, len(codes)))
    one_hot[codes, np.arange(len(codes))] = 1.0
    shares = np.concatenate([np.zeros((1, len(weights))), np.cumsum(one_hot @ weights.T, axis=0)])
    gained = np.cumsum((one_hot * gain) @ weights.T, axis=0)
    cuts = np.abs(shares - rate).argmin(axis=0)
    every = gained[-1]
    below = np.concatenate([np.zeros((1, len(weights))), gained])[cuts, np.arange(len(weights))]
    return np.asarray(every - below)


def corrupted_text(figures: dict[str, Any]) -> str:
    """Thresholds under corruptions as Markdown: fixed, and with the controller."""
    n = len(figures["pairs"])
    first = figures["corrupted"]["clean"]["policies"][GUARANTEED]
    lines = [
        "| images | little | big | escalated | lost | in loss | in cost | controller: escalated "
        "| lost | in loss |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    order = sorted(figures["corrupted"], key=lambda name: (name != "clean", name))
    for name in order:
        part = figures["corrupted"][name]
        row = part["policies"][GUARANTEED]
        lines.append(
            f"| {name.replace('-', ' ')} | {100 * part['little']:.1f} % | {100 * part['big']:.1f} %"
            f" | {100 * row['rate']:.1f} % | {_span(row, '')} | {row['accurate']} | {row['cheap']} "
            f"| {100 * row['held_rate']:.1f} % | {_span(row, 'held_')} | {row['held_accurate']} |"
        )
    lines += [
        "",
        f"{n} pairs of {figures['networks']} networks of the {figures['device']}'s front, "
        f"{figures['images']:,} test images, thresholds of `margin` that val certifies to lose at "
        f"most {100 * figures['loss']:g} point against big with probability "
        f"{100 * (1 - figures['delta']):g} % ({100 * first['val_rate']:.1f} % of val escalated). "
        "Lost: points against big on the same images, 90 % intervals over images and pairs. In "
        f"loss, in cost: of {n} thresholds, how many survive: lose no more than that, escalate at "
        f"most {figures['most_rate']:g} times as much as on val; clean images say how much of that "
        "is chance. Noise, blur and brightness at severities 1, 3 and 5 of CIFAR-10-C. Answers to "
        f"clean images differ from the table's in {100 * figures['unlike_table']:.3f} %. Step "
        "`shift`.",
    ]
    return "\n".join(lines)


def _span(row: dict[str, float], what: str) -> str:
    mean, low, high = (100 * row[f"{what}{name}"] for name in ("lost", "low", "high"))
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"


def by_gate_text(figures: dict[str, Any]) -> str:
    """The same by gate, over all corruptions, as Markdown."""
    parts = [p for name, p in figures["corrupted"].items() if name != "clean"]
    n = len(parts) * len(figures["pairs"])
    lines = [
        "| gate | escalated on val | under corruption | lost | survives in loss | in cost "
        "| controller: lost | survives in loss |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for policy in parts[0]["policies"]:
        rows = [p["policies"][policy] for p in parts]
        mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        total = {key: sum(row[key] for row in rows) for key in rows[0]}
        shown = f"`{policy}`" if policy in GATES else "`margin`, guaranteed"
        lines.append(
            f"| {shown} | {100 * mean['val_rate']:.1f} % | {100 * mean['rate']:.1f} % "
            f"| {100 * mean['lost']:+.2f} | {total['accurate']} of {n} | {total['cheap']} "
            f"| {100 * mean['held_lost']:+.2f} | {total['held_accurate']} |"
        )
    lines += [
        "",
        "Thresholds without a guarantee are the lowest that lose so little on val. Step `shift`.",
    ]
    return "\n".join(lines)


def mixes_text(figures: dict[str, Any]) -> str:
    """Thresholds under other mixes of classes as Markdown."""
    part = figures["mixes"]
    lines = [
        "| threshold | survives in loss | in cost | lost, 95th percentile | escalated, times val's "
        "| controller: survives in loss | lost, 95th percentile |",
        "|---|---|---|---|---|---|---|",
    ]
    for policy, row in part["policies"].items():
        lines.append(
            f"| `margin`{policy.removeprefix('margin')} | {100 * row['accurate']:.1f} % "
            f"| {100 * row['cheap']:.1f} % | {100 * row['lost_most']:+.2f} "
            f"| {row['ratio_low']:.2f} to {row['ratio_high']:.2f} "
            f"| {100 * row['held_accurate']:.1f} % | {100 * row['held_lost_most']:+.2f} |"
        )
    row = part["policies"][GUARANTEED]
    lines += [
        "",
        f"{part['pairs']} pairs of the front under {part['mixes']} mixes of classes, drawn of a "
        f"Dirichlet distribution of parameter {part['concentration']:g} (seed {figures['seed']}), "
        "by weights on the 10,000 test images; 5th to 95th percentile of the rate. The accuracy "
        f"of pairs goes from {100 * row['accuracy_low']:.1f} % to {100 * row['accuracy_high']:.1f} "
        "%, for big changes with the mix as well. The controller is the cut whose rate is nearest "
        "to that on val. Step `shift`.",
    ]
    return "\n".join(lines)


STEP = Step(
    measure,
    {"shift": corrupted_text, "shift_gates": by_gate_text, "shift_mixes": mixes_text},
    of_table=True,
)
