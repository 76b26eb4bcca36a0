"""What any network in an ONNX file would take on a device, predicted from what is known of that.

A profile that holds an operator-level model is asked; for any other one is fitted to what the
profile lists, or to sums of its block table, starting from the coefficients of other devices. The
figure is ``predicted``, whatever the profile's own figures are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...bench import DeviceProfile, load_device
from ...bench.errors import DeviceError, ProfileError
from ...bench.latency_terms import OperatorSum
from ...bench.operator_features import NAMES, WEIGHTED, Array, operator_features
from ...edge_profiler.onnx_reader import ReadNetwork, read_onnx

#: Share of MACs in operators of which the device's networks say nothing: more, and no figure.
MOST_UNKNOWN = 0.2
_MACS = {kind: NAMES.index(f"{kind}.macs") for kind in WEIGHTED}


@dataclass(frozen=True)
class Prediction:
    """What one network is predicted to take on one device.

    Attributes:
        network: name of the file.
        device: of the profile.
        latency_ms: of one image.
        latency_low_ms: lower end of the interval; None where too few networks give one.
        latency_high_ms: upper end.
        coverage: nominal share of networks inside such intervals, or None.
        energy_mj: latency times the profile's power, or None.
        macs: multiply-accumulates that were read.
        params: parameters that were read.
        provenance: how the figures came about, by field.
        fitted_to: what the model rests on, in words.
        notes: what a reader must know.
    """

    network: str
    device: str
    latency_ms: float
    latency_low_ms: float | None
    latency_high_ms: float | None
    coverage: float | None
    energy_mj: float | None
    macs: int
    params: int
    provenance: Mapping[str, str]
    fitted_to: str
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "notes": list(self.notes)}

    def text(self) -> str:
        """The prediction, as lines for a reader."""
        line = f"{self.network} on {self.device}: {self.latency_ms:.4g} ms predicted"
        if self.latency_low_ms is not None and self.coverage is not None:
            line += (
                f", {self.latency_low_ms:.4g} to {self.latency_high_ms:.4g} ms "
                f"({self.coverage:.0%} interval)"
            )
        else:
            line += ", no interval"
        if self.energy_mj is not None:
            line += f"; {self.energy_mj:.4g} mJ modelled"
        lines = [
            line,
            f"  {self.macs / 1e6:.1f} M MACs, {self.params / 1e6:.2f} M parameters; fitted to "
            f"{self.fitted_to}.",
        ]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def predict(profile: DeviceProfile, known: OperatorSum, network: ReadNetwork) -> Prediction:
    """What a network is predicted to take on a device.

    Args:
        profile: of the device.
        known: its operator-level model.
        network: as read from an ONNX file.

    Raises:
        ProfileError: operators without counterpart; all of them are named.
        DeviceError: the device's networks say nothing of much that this one does.
    """
    if network.unsupported:
        named = ", ".join(f"{kind} ({n})" for kind, n in sorted(network.unsupported.items()))
        raise ProfileError(
            f"{network.name}: no figure, since these operators cannot be predicted: {named}. "
            "A quantised network is to be given as it was before, a pair as its two networks."
        )
    features = operator_features([network.graph])
    notes = [*known.notes, *_unlike(profile, known, network, features[0])]
    latency = float(known.model.predict(features)[0])
    low, high = (float(end[0]) for end in known.model.interval(features))
    certain = known.model.coverage > 0
    power = known.power_mw
    return Prediction(
        network=network.name,
        device=profile.name,
        latency_ms=latency,
        latency_low_ms=low if certain else None,
        latency_high_ms=high if certain else None,
        coverage=known.model.coverage if certain else None,
        energy_mj=None if power is None else latency * power / 1000.0,
        macs=network.macs,
        params=network.params,
        provenance={"latency_ms": "predicted"} | ({"energy_mj": "modelled"} if power else {}),
        fitted_to=known.fitted_to,
        notes=tuple(notes),
    )


def _unlike(
    profile: DeviceProfile, known: OperatorSum, network: ReadNetwork, features: Array
) -> list[str]:
    """How the network differs from what the model was fitted to."""
    notes, total = [], max(sum(features[i] for i in _MACS.values()), 1e-12)
    told = {kind for kind in WEIGHTED if known.model.coefficients[_columns(kind)].any()}
    missing = {k: float(features[i] / total) for k, i in _MACS.items() if k not in told}
    missing = {kind: share for kind, share in missing.items() if share > 0}
    said = ", ".join(f"{kind} {share:.0%}" for kind, share in missing.items())
    if sum(missing.values()) > MOST_UNKNOWN:
        raise DeviceError(
            f"{network.name}: no figure, since the networks of {profile.name!r} say nothing of "
            f"operators that hold much of its MACs ({said}); expected at most {MOST_UNKNOWN:.0%}. "
            "Measure it there: biglittle profile runs networks of the spaces, trtexec or "
            "onnxruntime_perf_test any other."
        )
    if missing:
        notes.append(f"nothing is counted for operators the device's networks lack ({said} MACs).")
    if not known.macs[0] <= network.macs <= known.macs[1]:
        notes.append(
            f"an extrapolation: its {network.macs / 1e6:.1f} M MACs lie outside of what was "
            f"fitted, {known.macs[0] / 1e6:.1f} to {known.macs[1] / 1e6:.1f} M; the interval need "
            "not hold."
        )
    return notes


def _columns(kind: str) -> list[int]:
    return [i for i, name in enumerate(NAMES) if name.startswith(f"{kind}.")]


def predict_files(device: str | Path, files: list[Path]) -> list[Prediction]:
    """Predictions for ONNX files on a device, in their order.

    Raises:
        UnknownNameError: no such device.
        DeviceError: its profile or model cannot be used.
        ProfileError: a file cannot be read or predicted.
    """
    profile = load_device(device)
    networks = [(path, read_onnx(path)) for path in files]
    known = profile.latency.operators()
    named = [ReadNetwork(p.name, n.graph, n.unsupported, n.input_shape) for p, n in networks]
    return [predict(profile, known, network) for network in named]
