"""The commands to go on with after a search: co-train, profile, validate."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..bench import OperatingPoint, Points
from ..bench.errors import EXTRA_OF
from ..bench.recommend import Recommendation, alone
from ..bench.spaces import GIVEN
from ..edge_profiler.onnx_gates import onnx_gates
from ..edge_profiler.session import profile_command
from ..edge_profiler.validate import joined_pairs, networks_of, pairs_of
from .console import spread
from .front_files import FrontFile
from .judge import DEFAULT_TABLE, Judge

#: What a verb imports that the light set-up lacks, and the extra that brings it.
NEEDED = {
    verb: (m, EXTRA_OF[m])
    for verb, m in (("cotrain", "torch"), ("table extract", "torch"), ("profile", "onnx"))
}
NEXT_PAIRS = 3  # pairs named in the commands to go on with


def next_steps(
    judge: Judge,
    points: Points,
    folder: Path | None,
    arguments: Sequence[str] = (),
    recommended: Sequence[Recommendation] = (),
) -> list[str]:
    """The commands to go on with: co-train, measure, and hold promises against measurements.

    Args:
        judge: the evaluator that was searched, with its devices and its table.
        points: the front, or what was chosen of it.
        folder: with its files; None: it was not written, and the search that writes it comes first.
        arguments: the arguments of the search that ends, for that.
        recommended: answers whose pairs to go on with, those of the table alone among them; where
            no pair is recommended, a few that are spread over the points. Where the points are
            single networks too, these are measured, and there is nothing to co-train.
    """
    if judge.name == "nb201" or judge.evaluator.space.name == GIVEN:
        return []  # nothing is known of how to build these networks
    first = []
    if folder is None:
        folder = Path("out/search")
        again = shlex.join(["biglittle", *(arguments or ["search"]), "--out", str(folder)])
        first = [f"{again}    # the same again: the rest needs its files"]
    chosen = [a.pair for a in recommended if a.verdict == "pair" and a.pair is not None]
    singles: Sequence[str] = ()
    if not chosen:
        paired = np.flatnonzero(alone(points) == "")
        some = points.take(paired) if len(paired) else points
        order = np.argsort(some.latency_ms, kind="stable")
        shown = order[spread(len(order), NEXT_PAIRS)]
        chosen = [some[int(i)] for i in shown]
        singles = [] if len(paired) else alone(some)[shown].tolist()
    pairs = [] if singles else list(dict.fromkeys((p.little, p.big) for p in chosen))
    networks = dict.fromkeys([*singles, *(a for pair in pairs for a in pair)])
    front, trained = (shlex.quote(f"{folder}/{n}") for n in ("front.json", "cotrained"))
    devices = [shlex.quote(d) for d in judge.given or judge.devices]
    if top := _proposes(points, recommended, pairs, list(networks)):
        measure = f"biglittle profile --networks {front} --top {top}"
    else:
        own = judge.evaluator
        measure = profile_command(list(networks), own.space.name, own.n_classes)
        measure += f" --pairs {joined_pairs(pairs)}" if pairs else ""
    steps = [*first]
    if pairs and not any(":" in name for name in networks):  # training is in fp32
        steps.append(f"biglittle cotrain {front} --top 5 --out {trained}")
    for device, given in zip(judge.devices, devices, strict=True):
        several = len(judge.devices) > 1
        suffix, named_device = (f"-{device}", f" --device {given}") if several else ("", "")
        profile, validated = (
            shlex.quote(f"{folder}/{n}") for n in (f"profile{suffix}.json", f"validated{suffix}")
        )
        steps += [
            f"{measure} --out {profile}    # on {device}",
            f"biglittle validate {front}{named_device} --profile {profile} --out {validated}",
        ]
    recommended_pair = next((a.pair for a in recommended if a.verdict == "pair" and a.pair), None)
    if recommended_pair is not None and not judge.table.endswith(".h5"):  # its weights are shipped
        steps += _written(recommended_pair, folder, judge.table)
    return steps


def _written(pair: OperatingPoint, folder: Path, table: str) -> list[str]:
    """The command that writes a pair as one graph; none where its gate has no ONNX form."""
    if pair.gate not in onnx_gates():
        return []
    of_table = "" if table == DEFAULT_TABLE else f" --table {shlex.quote(table)}"
    out = shlex.quote(f"{folder}/pair.onnx")
    return [
        f"biglittle table extract {pair.little} {pair.big} --gate {pair.gate} --threshold "
        f"{float(pair.threshold)!r}{of_table} --out {out}    # as it is, without training"
    ]


def _proposes(
    points: Points,
    recommended: Sequence[Recommendation],
    pairs: Sequence[tuple[str, str]],
    networks: Sequence[str],
) -> int:
    """How many points of the front's file are these pairs and networks; 0 where none are."""
    from .validation import proposed

    front = FrontFile({}, points, None, recommended=tuple(recommended))
    top = len(front.recommended_rows) + len(front.recommended_elsewhere)
    if not top:
        return 0
    asked_for = proposed(front, top)
    measured = {pair for members in pairs_of(asked_for).values() for pair in members}
    same = measured == {*pairs} and {*networks_of(asked_for)} == {*networks}
    return top if same else 0


def missing_extras() -> str:
    """What the commands to go on with need that is not installed, and how to get it; or ""."""
    missing = {verb: extra for verb, (module, extra) in NEEDED.items() if find_spec(module) is None}
    if not missing:
        return ""
    verbs = "; ".join(f"{verb} needs the extra {extra}" for verb, extra in missing.items())
    extras = ",".join(dict.fromkeys(missing.values()))
    return (
        f"Not installed yet: {verbs}. In a clone of BigLittle, in its folder: "
        f"pip install --constraint constraints.txt '.[{extras}]'"
    )
