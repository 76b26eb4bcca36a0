"""What a pair takes end to end, as one graph, against the sum of its parts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..bench.cost import answered_ms, mean_cost
from ..bench.coupling import PREFIX
from ..bench.rows import COUPLINGS
from ..bench.spaces import SearchSpace
from .named_couplings import named_couplings
from .onnx_cascade import cascade_model, gated_model
from .onnx_gates import forced_threshold
from .onnx_network import classifier_model, onnx_model
from .onnx_trunk import trunk_model
from .profile_file import DIGITS
from .protocol import Clock, Protocol, measure
from .runtimes import Run, Runtime, get_runtime

if TYPE_CHECKING:
    import onnx


def measure_gate(
    space: SearchSpace,
    n_classes: int,
    protocol: Protocol,
    load: Callable[[onnx.ModelProto], Run],
    clock: Clock = time.perf_counter_ns,
    metric: str = "margin",
) -> tuple[float, bool]:
    """Latency in ms that a gate adds, and whether a negative difference was clipped to 0.

    The gate is put behind a bare classifier, not behind a network: its few microseconds would
    drown in the spread of a network's milliseconds.

    Raises:
        GateError: a metric without ONNX form.
        ProfileError: the machine is too unsteady.
    """
    plain = classifier_model(space, n_classes)
    with_gate = gated_model(plain, metric, forced_threshold(metric, escalate=False))
    measured = measure(load(with_gate), load(plain), protocol, clock)
    difference_ms = (measured.ratio - 1.0) * measured.reference_ms
    return max(0.0, difference_ms), difference_ms < 0


def profile_pair(
    space: SearchSpace,
    little: str,
    big: str,
    n_classes: int,
    protocol: Protocol | None = None,
    metric: str = "margin",
    runtime: str | Runtime = "ort-cpu",
    clock: Clock = time.perf_counter_ns,
) -> dict[str, Any]:
    """What a pair costs end to end, as one graph, against the sum of its parts.

    The cascade is built twice, with thresholds outside of the metric's range, so that every run
    takes the branch it is meant to. All parts are measured against the little network and share
    its latency as unit. Where little is an exit of big's architecture the graph has their trunk
    once, and the trunk alone is measured as well.

    Args:
        space: search space of both networks.
        little: name of the little network, ``ARCHITECTURE[@EXIT]``.
        big: name of the big network.
        n_classes: number of classes of both.
        protocol: number of warm-up runs, rounds, and runs a round; None: the default.
        metric: metric of the gate between the two: ``max_prob``, ``margin`` or ``entropy``.
        runtime: key of a runtime, or one.
        clock: a clock in ns; another one for tests.

    Returns:
        ``little_ms``, ``big_ms`` and ``gate_ms`` of the parts, and ``trunk_ms`` of what a
        ``prefix`` pair runs once; ``kept_ms`` and ``escalated_ms`` of the whole when the little
        network answers and when it escalates; ``kept_gap`` and ``gap``: those over the sum of
        parts, minus 1 (0.02 = the whole takes 2 % longer); ``coupling``: what the two share.

    Raises:
        ArchitectureError: a network that is not in ``space``.
        GateError: a metric without ONNX form.
        ProfileError: the runtime cannot run the pair, or the machine is too unsteady.
        MissingExtraError: ``onnx`` or the runtime is not installed.
    """
    protocol = protocol or Protocol()
    engine = get_runtime(runtime) if isinstance(runtime, str) else runtime

    def load(model: onnx.ModelProto) -> Run:
        return engine.load(model.SerializeToString(), protocol.threads)

    (coupling,) = named_couplings(space, (little, big))
    prefix = coupling == COUPLINGS[PREFIX]
    # Different seeds where no weights are shared: a runtime may share equal ones.
    small = onnx_model(space, little, n_classes, seed=0)
    large = onnx_model(space, big, n_classes, seed=0 if prefix else 1)
    cascades = (
        cascade_model(small, large, metric, forced_threshold(metric, escalate), coupling)
        for escalate in (False, True)
    )
    trunk = (trunk_model(small),) if prefix else ()
    unit = load(small)
    parts = [measure(load(m), unit, protocol, clock) for m in (large, *cascades, *trunk)]
    little_ms = sorted(p.reference_ms for p in parts)[len(parts) // 2]
    big_ms, kept_ms, escalated_ms, *shared_ms = (p.ratio * little_ms for p in parts)
    trunk_ms = shared_ms[0] if prefix else 0.0
    gate_ms, _ = measure_gate(space, n_classes, protocol, load, clock, metric)
    answered = answered_ms(little_ms, gate_ms)
    return {
        "little": little,
        "big": big,
        "gate": metric,
        "coupling": coupling,
        "little_ms": round(little_ms, DIGITS),
        "big_ms": round(big_ms, DIGITS),
        "gate_ms": round(gate_ms, DIGITS),
        **({"trunk_ms": round(trunk_ms, DIGITS)} if prefix else {}),
        "kept_ms": round(kept_ms, DIGITS),
        "escalated_ms": round(escalated_ms, DIGITS),
        "kept_gap": round(kept_ms / answered - 1.0, DIGITS),
        "gap": round(escalated_ms / mean_cost(answered, big_ms, 1.0, trunk_ms) - 1.0, DIGITS),
        "runtime": engine.description,
        "threads": protocol.threads,
        "batch": protocol.batch,
        "n": min(p.n for p in parts),
        "provenance": "measured",
    }
