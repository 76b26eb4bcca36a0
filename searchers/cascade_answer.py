"""What the command line says of cascades: one point, the best thresholds within limits, or a front.

Networks with thresholds are one point. Networks with limits are the best thresholds within them,
networks alone all thresholds. One network by itself stands for all cascades of it and its exits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..bench import FIGURES, Benchmark, Cascade, CascadeFront, CascadePoint
from ..bench.cascade import MOST, exit_chain
from ..bench.errors import ArchitectureError, BigLittleError, ConstraintError, GateError
from ..bench.figures import counted
from ..bench.limits import within_text
from ..bench.provenance import in_order
from ..bench.rows import NetworkKey


@dataclass(frozen=True)
class CascadeQuery:
    """What is asked about cascades of a table.

    Attributes:
        networks: names of the networks in the order in which they are asked; of one alone with
            ``exits`` its cascade, without them all cascades of it and its exits.
        exits: names of the exits of the one network, from early to late.
        gates: name of the gate metric of all gates, or one a gate.
        thresholds: a threshold a gate, as a user writes numbers; none: they are chosen.
        device: name of a device of the table, or the path of a profile; None: the Raspberry Pi 4,
            or the table's own.
        split: whose images are counted where thresholds are given, "val" or "test".
        objectives: figures of a front.
        limits: limit by name of a figure, on val.
        stages: most stages of the cascades of one network and its exits.
    """

    networks: tuple[str, ...]
    exits: tuple[str, ...] = ()
    gates: tuple[str, ...] = ("margin",)
    thresholds: tuple[str, ...] = ()
    device: str | None = None
    split: str = "test"
    objectives: tuple[str, ...] = ("error", "latency_ms")
    limits: Mapping[str, float] = field(default_factory=dict)
    stages: int = MOST


@dataclass(frozen=True)
class CascadeAnswer:
    """What a table says about cascades.

    Attributes:
        query: what was asked of it.
        answer: one operating point, or a front.
        promise: how good predicted latencies on the device are; empty where none is.
    """

    query: CascadeQuery
    answer: CascadePoint | CascadeFront
    promise: str = ""

    def document(self) -> dict[str, Any]:
        """The answer as plain JSON: the record of a point, or what was asked and the front."""
        if isinstance(self.answer, CascadePoint):
            return self.answer.record()
        config = {
            "device": self.answer.device,
            "objectives": list(self.answer.objectives),
            "gates": list(self.query.gates),
            "limits": dict(self.query.limits),
            "cascades": self.answer.n_cascades,
            "points": self.answer.n_points,
            "chosen_on": "val",
            "reported_on": "test",
        }
        return {"config": config, "front": [point.as_dict() for point in self.answer]}

    def text(self, top: int) -> list[str]:
        """The answer as lines for a reader, at most ``top`` rows of a front."""
        if isinstance(self.answer, CascadePoint):
            how = f"{self.query.split} images"
            if not self.query.thresholds:
                how = f"thresholds chosen on val{within_text(self.query.limits)}, test images"
            head = f"Cascade of {len(self.answer.networks)} networks on {self.query.device}, {how}"
            return [head, *self.answer.text(), *self._apart(), *self._promised()]
        front = self.answer
        lines = [
            f"Front of {counted(front.n_cascades, 'cascade')} and {front.n_points:,} choices of "
            f"thresholds on {front.device}: chosen on val{within_text(self.query.limits)}, shown "
            f"on test, {counted(len(front), 'point')}."
        ]
        rows = sorted({round(i * (len(front) - 1) / max(1, top - 1)) for i in range(top)})
        rows = rows if len(front) > top else list(range(len(front)))
        names = tuple(dict.fromkeys(("accuracy", "latency_ms", *front.objectives)))
        shown = [FIGURES[name] for name in names if name != "error"]
        points = [front[row] for row in rows]
        heads = []
        for f in shown:  # all words that occur, the weakest last
            words = in_order(p.provenance[f.name] for p in points if f.name in p.provenance)
            heads.append(f"{f.head} {f.shown_unit} ({', '.join(words) or 'not available'})")
        lines.append("  ".join(heads))
        for point in points:
            values = [getattr(point, f.name) for f in shown]
            texts = ["-" if v is None else f.text(v) for f, v in zip(shown, values, strict=True)]
            lines.append("  ".join(f"{text:>7}" for text in texts) + f"  {route(point)}")
        return [*lines, *self._promised()]

    def _apart(self) -> list[str]:
        """What to know of networks that go on from no exit, where an exit stands before them."""
        names, couplings = self.answer.networks, self.answer.couplings  # type: ignore[union-attr]
        cut = [bool(_key(name).exit) for name in names]
        return [
            f"{name} goes on from no exit before it (a sibling): it runs from the image on."
            for i, (name, coupling) in enumerate(zip(names[1:], couplings, strict=True), 1)
            if any(cut[:i]) and coupling != "prefix"
        ]

    def _promised(self) -> list[str]:
        return [self.promise] if self.promise else []


def route(point: CascadePoint) -> str:
    """A cascade on one line: networks and thresholds; of one network its exits alone."""
    keys = [_key(name) for name in point.networks]
    names = list(point.networks)
    if len({key.architecture for key in keys}) == 1:
        names = [f"@{key.exit}" if key.exit else "whole" for key in keys]
        names[0] = point.networks[0]
    gates = [f" {g} {t:.4g} > " for g, t in zip(point.gates, point.thresholds, strict=True)]
    return "".join(name + gate for name, gate in zip(names, [*gates, ""], strict=True))


def _key(name: str) -> NetworkKey:
    """What a name stands for; of a network that somebody gave, a free text."""
    try:
        return NetworkKey.parse(name)
    except ArchitectureError:
        return NetworkKey(name)


def cascade_answer(
    bench: Benchmark,
    query: CascadeQuery,
    on_progress: Callable[[int, int], None] | None = None,
) -> CascadeAnswer:
    """What a table says about cascades.

    Args:
        bench: benchmark of the table that is asked.
        query: networks and gates, and thresholds or limits.
        on_progress: called with the cascades that are done and their number.

    Raises:
        BigLittleError: networks, gates, thresholds or limits that make no cascade of the table.
    """
    device = bench.device(query.device)
    query = replace(query, device=device)
    networks, limits = query.networks, query.limits
    gates: str | tuple[str, ...] = query.gates[0] if len(query.gates) == 1 else query.gates
    answer: CascadePoint | CascadeFront
    if query.exits and len(networks) != 1:
        raise ConstraintError(
            f"exits were given for {len(networks)} networks; expected one network with its exits, "
            "or networks named ARCHITECTURE@EXIT."
        )
    if query.exits:
        networks = exit_chain(networks[0], query.exits)
    if query.thresholds and limits:
        raise ConstraintError(
            "both thresholds and limits were given; thresholds are one point, limits choose them."
        )
    if query.split != "test" and not query.thresholds:
        raise ConstraintError(
            f"split {query.split} was given without thresholds; expected test. What chooses "
            "thresholds does so on val and reports on test: leave --split out, or give --threshold."
        )
    promise = bench.promise(device, networks)
    if len(networks) == 1:
        if query.thresholds:
            raise GateError(
                "thresholds were given for one network; expected a cascade: two to four networks, "
                "or exits of the one."
            )
        chains = bench.cascades.exit_chains(networks[0], query.stages)
        answer = bench.cascades.front(chains, gates, device, query.objectives, limits, on_progress)
    elif query.thresholds:
        values = _thresholds(query.thresholds, len(networks))
        metrics = [gates] * (len(networks) - 1) if isinstance(gates, str) else list(gates)
        cascade = Cascade(networks, _zipped(metrics, values))  # type: ignore[arg-type]
        answer = bench.query_cascade(cascade, device, query.split)
    elif limits:
        answer = bench.choose_cascade(networks, gates, device, limits)
    else:
        answer = bench.cascades.front(networks, gates, device, query.objectives)
    return CascadeAnswer(query, answer, promise)


def _zipped(metrics: Sequence[str], values: Sequence[float]) -> list[tuple[str, float]]:
    if len(metrics) != len(values):
        raise GateError(
            f"{counted(len(metrics), 'gate metric')} given for {counted(len(values), 'gate')}; "
            "expected one for all, or one a gate."
        )
    return list(zip(metrics, values, strict=True))


def _thresholds(texts: Sequence[str], n_networks: int) -> list[float]:
    if len(texts) != n_networks - 1:
        was = "was" if len(texts) == 1 else "were"
        raise GateError(
            f"{counted(len(texts), 'threshold')} {was} given for {n_networks} networks; expected "
            f"{n_networks - 1}, one a gate, separated by commas."
        )
    try:
        return [float(text) for text in texts]
    except ValueError as error:
        raise BigLittleError(
            f"threshold {','.join(texts)!r} is not a list of numbers; expected such as 0.4,0.5."
        ) from error
