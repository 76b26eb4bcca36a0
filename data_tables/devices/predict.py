"""What any network in an ONNX file would take on a device, predicted from what was measured there.

A profile that holds an operator-level model is asked; for any other one is fitted to what the
profile lists, or to sums of its block table, starting from the coefficients of other devices. The
figure is ``predicted``, whatever the profile's own figures are.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...bench import DeviceProfile, load_device
from ...bench.cost import mean_cost
from ...bench.errors import ArchitectureError, BigLittleError, DeviceError, ProfileError
from ...bench.latency_terms import OperatorSum
from ...bench.operator_features import NAMES, WEIGHTED, Array, operator_features
from ...edge_profiler.onnx_reader import ReadNetwork, read_onnx
from .predict_named import built_elsewhere, is_name, predict_named
from .prediction import Prediction, Refusal

#: Share of MACs in operators of which the device's networks say nothing: more, and no figure.
MOST_UNKNOWN = 0.2
_MACS = {kind: NAMES.index(f"{kind}.macs") for kind in WEIGHTED}


def predict(
    profile: DeviceProfile, operators: OperatorSum, network: ReadNetwork, rate: float | None = None
) -> Prediction:
    """What a network is predicted to take on a device.

    Args:
        profile: profile of the device.
        operators: operator-level model of the device.
        network: network as read from an ONNX file.
        rate: where a network has two branches, the share of inputs that take the slower one.

    Raises:
        ProfileError: operators have no counterpart; all of them are named.
        DeviceError: the device's networks say nothing of much that this one does.
    """
    if network.paths:
        return _over_branches(profile, operators, network, rate)
    if network.unsupported:
        named = ", ".join(f"{kind} ({n})" for kind, n in sorted(network.unsupported.items()))
        raise ProfileError(
            f"{network.name}: no figure, since these operators cannot be predicted: {named}. "
            "A quantised network is to be given as it was before."
        )
    features = operator_features([network.graph])
    notes = [*operators.notes, *network.notes, *_unlike(profile, operators, network, features[0])]
    precision = str(profile.facts.get("precision") or "fp32")
    if network.precision != precision:
        notes.append(
            f"its weights are {network.precision}; the figure is that of the same network in "
            f"{precision}, in which {profile.name!r} was measured."
        )
    if rate is not None:
        notes.append("it has no branches: every input takes the same way, whatever the rate.")
    latency = float(operators.model.predict(features)[0])
    low, high = (float(end[0]) for end in operators.model.interval(features))
    certain = operators.model.coverage > 0
    power = operators.power_mw
    return Prediction(
        network=network.name,
        device=profile.name,
        latency_ms=latency,
        latency_low_ms=low if certain else None,
        latency_high_ms=high if certain else None,
        coverage=operators.model.coverage if certain else None,
        energy_mj=None if power is None else latency * power / 1000.0,
        macs=network.macs,
        params=network.params,
        provenance={"latency_ms": "predicted"} | ({"energy_mj": "modelled"} if power else {}),
        fitted_to=operators.fitted_to,
        notes=tuple(notes),
    )


def _over_branches(
    profile: DeviceProfile, operators: OperatorSum, network: ReadNetwork, rate: float | None
) -> Prediction:
    """Figures of each way through the branches, and their mean where the rate is known."""
    ways = sorted(
        (predict(profile, operators, p) for p in network.paths), key=lambda p: p.latency_ms
    )
    fast, slow = ways[0], ways[-1]
    shared = [note for note in fast.notes if all(note in way.notes for way in ways)]
    own = [f"{w.network}: {note}" for w in ways for note in w.notes if note not in shared]
    notes = [*shared, *own]
    whole = replace(slow, network=network.name, params=network.params, branches=tuple(ways))
    if rate is None or len(ways) != 2:
        notes.append(
            f"it has {len(ways)} ways through its branches; the figure is that of the slowest. "
            + ("For the mean give --rate, the share of inputs that take it." * (len(ways) == 2))
        )
        return replace(whole, notes=tuple(n.rstrip() for n in notes))
    figures = {
        name: mean_cost(getattr(fast, name), getattr(slow, name), rate, getattr(fast, name))
        for name in ("latency_ms", "latency_low_ms", "latency_high_ms", "energy_mj")
        if getattr(slow, name) is not None
    }
    notes.append(f"the mean of both ways, the slower one taken by {rate:.1%} of inputs.")
    macs = round(mean_cost(fast.macs, slow.macs, rate, fast.macs))
    return replace(whole, **figures, macs=macs, notes=tuple(notes), rate=rate)


def _unlike(
    profile: DeviceProfile, operators: OperatorSum, network: ReadNetwork, features: Array
) -> list[str]:
    """How the network differs from what the model was fitted to."""
    notes, total = [], max(sum(features[i] for i in _MACS.values()), 1e-12)
    told = {kind for kind in WEIGHTED if operators.model.coefficients[_columns(kind)].any()}
    missing = {k: float(features[i] / total) for k, i in _MACS.items() if k not in told}
    missing = {kind: share for kind, share in missing.items() if share > 0}
    shares = ", ".join(f"{kind} {share:.0%}" for kind, share in missing.items())
    if sum(missing.values()) > MOST_UNKNOWN:
        raise DeviceError(
            f"{network.name}: no figure, since the networks of {profile.name!r} say nothing of "
            f"operators that hold much of its MACs ({shares}); expected at most "
            f"{MOST_UNKNOWN:.0%}. Measure it on the device: biglittle profile --networks FILE.onnx "
            "there, or from here with --host user@board; or predict it on a device whose networks "
            "have these operators."
        )
    if missing:
        notes.append(
            f"nothing is counted for operators the device's networks lack ({shares} MACs)."
        )
    if not operators.macs[0] <= network.macs <= operators.macs[1]:
        notes.append(
            f"an extrapolation: its {network.macs / 1e6:.1f} M MACs lie outside of what was "
            f"fitted, {operators.macs[0] / 1e6:.1f} to {operators.macs[1] / 1e6:.1f} M; the "
            "interval need not hold."
        )
    return notes


def _columns(kind: str) -> list[int]:
    return [i for i, name in enumerate(NAMES) if name.startswith(f"{kind}.")]


def predict_each(
    device: str | Path,
    files: Sequence[Path],
    shape: Sequence[int] | None = None,
    rate: float | None = None,
) -> list[Prediction | Refusal]:
    """A prediction or the reason why there is none for each of several networks, in their order.

    Args:
        device: name of a device, or path of its profile.
        files: paths of ONNX files, or names ``ARCHITECTURE[@EXIT]`` of the device's
            space or another one.
        shape: shape of their input, where a file leaves sides open.
        rate: where files have two branches, the share of inputs that take the slower one.

    Raises:
        UnknownNameError: there is no device of that name.
        DeviceError: its profile or model cannot be used.
        BigLittleError: the rate is not between 0 and 1.
    """
    if rate is not None and not 0 <= rate <= 1:
        raise BigLittleError(f"rate {rate} is not a share of inputs; expected 0 to 1.")
    profile = load_device(device)

    @functools.cache
    def operators() -> OperatorSum:
        return profile.latency.operators()

    def answer(path: Path) -> Prediction | Refusal:
        name = str(path)
        try:
            network = None if path.exists() else built_elsewhere(name, profile)
            if network is None and is_name(name, profile) and not path.exists():
                return predict_named(profile, name)
            network = network or replace(read_onnx(path, shape), name=path.name)
            return predict(profile, operators(), network, rate)
        except (ArchitectureError, ProfileError, DeviceError) as error:
            return Refusal(path.name, str(error))

    return [answer(path) for path in files]


def predict_files(device: str | Path, files: Sequence[Path]) -> list[Prediction]:
    """Predictions for ONNX files on a device, in their order; `predict_each` with all of them.

    Raises:
        UnknownNameError: there is no device of that name.
        DeviceError: its profile or model cannot be used, or a file has no figure.
    """
    answers = predict_each(device, files)
    refused = refusals(answers)
    if refused is not None:
        raise DeviceError(refused)
    return [answer for answer in answers if isinstance(answer, Prediction)]


def record(answers: Sequence[Prediction | Refusal]) -> dict[str, list[dict[str, Any]]]:
    """The answers of `predict_each` as plain JSON: ``predictions``, and the files ``refused``."""
    return {
        "predictions": [a.as_dict() for a in answers if isinstance(a, Prediction)],
        "refused": [a.as_dict() for a in answers if isinstance(a, Refusal)],
    }


def text(answers: Sequence[Prediction | Refusal]) -> list[str]:
    """The predictions among the answers of `predict_each`, in words."""
    return [answer.text() for answer in answers if isinstance(answer, Prediction)]


def refusals(answers: Sequence[Prediction | Refusal]) -> str | None:
    """One message of all files without a figure; None if every file has one."""
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    if not refused:
        return None
    if len(answers) == 1:
        return refused[0].reason
    head = f"{len(refused)} of {len(answers)} files have no figure:"
    reasons = (f"{r.network}: {r.reason.removeprefix(r.network).lstrip(': ')}" for r in refused)
    return "\n".join([head, *(f"  {reason}" for reason in reasons)])
