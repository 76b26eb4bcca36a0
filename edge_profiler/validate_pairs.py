"""Co-trained pairs as they are deployed, against what their reports and their front promised."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import Struct

from ..bench.bounded import read_bounded
from ..bench.cost import TAIL, mean_cost
from ..bench.documents import Line, NonNegative, Sha256, Share, read_json, typed
from ..bench.errors import ProfileError
from ..bench.pair import REPORT_FORMAT
from ..bench.provenance import Word
from .accuracy import Rerun
from .subject import ESCALATED, KEPT
from .validate import TOLERANCE

REPORT, CASCADE, CHECKPOINT = "report.json", "cascade.onnx", "pair.h5"
#: The card of a cascade that was handed out, beside its graph.
CARD = "card.json"
MAX_BYTES = 2**31  # of a cascade's graph; protobuf reads no more
#: Share of the images on which a deployed pair may answer otherwise than the trained one:
#: rounding moves a confidence across the threshold, or a class across a tie, now and then.
ROUNDING = 0.001
#: Standard errors by which an accuracy may miss its promise before it is called missed.
ERRORS = 2.0


@dataclass(frozen=True)
class DeployedPair:
    """A co-trained pair on disk.

    Attributes:
        folder: folder that holds the pair's files.
        report: contents of its ``report.json``.
        sha256: SHA-256 of its ``cascade.onnx``, in hex.
    """

    folder: Path
    report: Mapping[str, Any]
    sha256: str

    @property
    def cascade(self) -> Path:
        """The pair as one graph."""
        return self.folder / CASCADE

    @property
    def promised(self) -> Mapping[str, Any]:
        """The point of the front for which the pair was trained."""
        return dict(self.report["promised"])

    @property
    def trained(self) -> Mapping[str, Any]:
        """Figures on the test images after training."""
        return dict(self.report["after"]["test"])

    @property
    def name(self) -> str:
        """Both ids and the method, for a reader."""
        at = self.trained
        return f"{at['little']} -> {at['big']} ({self.report['config']['method']})"


def is_cotrained(folder: Path) -> bool:
    """Whether a folder is what ``biglittle cotrain`` wrote, or a pair's folder in it."""
    return folder.is_dir() and bool(_reports(folder))


def in_training(folder: Path) -> bool:
    """Whether ``biglittle cotrain`` has begun pairs in a folder and finished none of them."""
    if _reports(folder):
        return False
    begun = any(any(folder.glob(f"{depth}{CHECKPOINT}")) for depth in ("", "*/", "*/*/"))
    front = any(folder.glob("front.*"))
    return begun or (not front and any(path.is_dir() for path in folder.glob("*-*/*")))


def _reports(folder: Path) -> list[Path]:
    return [p for depth in ("", "*/", "*/*/") for p in sorted(folder.glob(f"{depth}{REPORT}"))]


def deployed_pairs(folder: Path) -> list[DeployedPair]:
    """The co-trained pairs in a folder, a pair's folder or that of one method, fast ones first.

    Raises:
        ProfileError: there are none, or one whose files are not those of its report.
    """
    paths = _reports(folder)
    if not paths:
        raise ProfileError(
            f"{folder} holds no co-trained pair; expected the folder that 'biglittle cotrain' "
            f"wrote, with LITTLE-BIG/METHOD/{REPORT} in it."
        )
    pairs = [_pair(path) for path in paths]
    return sorted(pairs, key=lambda pair: pair.promised["latency_ms"] or math.inf)


class _Point(Struct):
    little: Line
    big: Line
    gate: Line
    threshold: float
    accuracy: Share
    escalation_rate: Share
    latency_ms: NonNegative | None
    provenance: dict[Line, Word]
    latency_p95_ms: NonNegative | None = None
    latency_worst_ms: NonNegative | None = None


class _Config(Struct):
    method: Line
    sources: dict[str, Any] = {}


class _After(Struct):
    test: _Point


class _Deployed(Struct):
    sha256: dict[str, Sha256]


class _Report(Struct):
    """What is read of the report of a co-trained pair."""

    config: _Config
    promised: _Point
    after: _After
    deployed: _Deployed


def _pair(path: Path) -> DeployedPair:
    try:
        report = read_json(path, dict[str, Any])
        if report.get("format") != REPORT_FORMAT:
            got = str(report.get("format"))[:60]
            raise ValueError(f"its format is {got!r}, expected {REPORT_FORMAT!r}")
        hashes = typed(report, _Report).deployed.sha256
        digest = hashlib.sha256(read_bounded(path.parent / CASCADE, MAX_BYTES)).hexdigest()
        if digest != hashes.get(CASCADE):
            raise ValueError(f"{CASCADE} is not the file that it tells of")
        return DeployedPair(path.parent, report, digest)
    except (OSError, ValueError) as error:
        raise ProfileError(
            f"{path} is not the report of a co-trained pair with its files: {error}. Co-train it "
            "again, with this version."
        ) from error


@dataclass(frozen=True)
class PairsValidation:
    """What became of co-trained pairs.

    Attributes:
        device: name of the device they were promised for.
        measured_on: device and runtime that measured.
        pairs: per pair its ids, gate, method; of accuracy, escalation rate and latencies what was
            promised, trained and deployed, each with its provenance; ``kept``, by "accuracy" (of
            the answers, escalation rate included) and "latency", None where that is not judged;
            ``problems`` in words.
        notes: sentences that a reader must know.
        unjudged: why latencies that are not judged are not.
    """

    device: str
    measured_on: str
    pairs: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...] = ()
    unjudged: str = "none was promised"

    def _kept(self, promise: str) -> bool | None:
        """Whether all pairs keep one promise; None where none fails and not all are judged."""
        each = [pair["kept"][promise] for pair in self.pairs]
        if False in each:
            return False
        return None if None in each else True

    @property
    def kept(self) -> bool | None:
        """Whether no pair has a problem; None where none has and latencies were not judged."""
        if any(pair["problems"] for pair in self.pairs):
            return False
        return self._kept("latency")

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "device": self.device,
            "measured_on": self.measured_on,
            "kept": self.kept,
            "accuracy_kept": self._kept("accuracy"),
            "latency_kept": self._kept("latency"),
            "verdict": self.verdict,
            "notes": list(self.notes),
            "pairs": [dict(p) for p in self.pairs],
        }

    def text(self) -> str:
        """The outcome, as lines for a reader."""
        lines = [f"Promised for {self.device}; measured on {self.measured_on}."]
        for pair in self.pairs:
            accuracy, rate, latency = (pair[n] for n in ("accuracy", "escalation_rate", "latency"))
            lines += [
                pair["name"],
                f"  accuracy    promised {accuracy['promised']:.2%} ({accuracy['provenance']}), "
                f"trained {accuracy['trained']:.2%}, deployed {accuracy['deployed']:.2%} of "
                f"{pair['images']:,} test images",
                f"  escalation  promised {rate['promised']:.2%} ({rate['provenance']}), trained "
                f"{rate['trained']:.2%}, deployed {rate['deployed']:.2%}",
            ]
            promise = f"promised {_ms(latency['promised_ms'])} ({latency['provenance']})"
            if latency["mean_ms"] is None:
                lines.append(f"  latency     {promise}, not measured: {pair['error']}")
            else:
                lines.append(
                    f"  latency     {promise}, measured {_ms(latency['mean_ms'])} in the mean: "
                    f"{_ms(latency['kept_ms'])} where the little network answers, "
                    f"{_ms(latency['escalated_ms'])} where it asks the big one"
                    + ("; not judged" if pair["kept"]["latency"] is None else "")
                )
            lines += [f"  NOT kept: {problem}" for problem in pair["problems"]]
        lines += [f"note: {note}" for note in self.notes]
        lines.append(self.verdict)
        return "\n".join(lines)

    @property
    def verdict(self) -> str:
        """Which promises were kept and which were not judged, in one line."""
        n, good = len(self.pairs), sum(not pair["problems"] for pair in self.pairs)
        open_, word = sum(pair["kept"]["latency"] is None for pair in self.pairs), "NOT kept"
        what = "hold what was promised of them"
        if good == n:
            word = "Accuracy kept, latency not judged" if open_ else "Kept"
            what = "are as accurate as promised" if open_ else what
        says = f"{word}: {good} of {n} pairs {what}"
        if not open_:
            return f"{says}."
        of = "" if open_ == n else f" of {open_} of them"
        return f"{says}; latency is not judged{of}: {self.unjudged}."


def _ms(value: float | None) -> str:
    return "no latency" if value is None else f"{value:.4g} ms"


def validate_pairs(
    pairs: Sequence[DeployedPair],
    reruns: Sequence[Rerun],
    measured: Mapping[str, Any],
    device: str,
    same_device: bool,
    n_test: int,
    tolerance: float = TOLERANCE,
) -> PairsValidation:
    """What deployed pairs answered and took, beside what was promised.

    A deployed pair has to answer as the trained one did, on all test images but for rounding; to
    be no less accurate than promised, by more than two standard errors; and, on the device of the
    promise, to take what was promised in the mean, within ``tolerance``.

    Args:
        pairs: co-trained pairs, as from `deployed_pairs`.
        reruns: answers of each pair about test images, in the order of ``pairs``.
        measured: the profile in which both branches of each pair were measured.
        device: name of the device that the pairs were promised for.
        same_device: whether it is what measured; if not, latencies stand beside the promise and
            are not held against it.
        n_test: test images that there are; fewer that are asked again do not check the answers.
        tolerance: largest relative error of the mean latency.
    """
    latencies = {(m["sha256"], m.get("branch")): m for m in measured.get("models") or []}
    records = []
    for pair, rerun in zip(pairs, reruns, strict=True):
        branches = [latencies.get((pair.sha256, branch), {}) for branch in (KEPT, ESCALATED)]
        records.append(_record(pair, rerun, branches, n_test, tolerance if same_device else None))
    notes = []
    if not same_device:
        notes.append(
            f"promised for {device}, measured on {measured['device']}: another device by name, so "
            "latencies are not held against the promise. Run the same command there."
        )
    if any(rerun.n < n_test for rerun in reruns):
        notes.append("not all test images were asked again, so answers are not held to the report.")
    notes.append("what was measured is the deployed file, normalisation of the pixels included.")
    return PairsValidation(
        device=device,
        measured_on=f"{measured['device']} ({measured['runtime']})",
        pairs=tuple(records),
        notes=tuple(notes),
        unjudged=(
            "none was promised"
            if same_device
            else f"another device than {device} measured; run the same command there"
        ),
    )


def _record(
    pair: DeployedPair,
    rerun: Rerun,
    branches: Sequence[Mapping[str, Any]],
    n_test: int,
    tolerance: float | None,
) -> dict[str, Any]:
    promised, trained = pair.promised, pair.trained
    accuracy, rate = rerun.right / rerun.n, rerun.escalated / rerun.n
    little_ms, both_ms = (branch.get("latency_ms") for branch in branches)
    mean = tail = None
    if little_ms is not None and both_ms is not None:
        mean, tail = (
            mean_cost(little_ms, both_ms, r, shared=little_ms) for r in (rate, rate > TAIL)
        )
    problems = []
    for name, now, was in (
        ("accuracy", accuracy, trained["accuracy"]),
        ("escalation rate", rate, trained["escalation_rate"]),
    ):
        if rerun.n == n_test and abs(now - was) > ROUNDING:
            problems.append(
                f"the deployed file's {name} is {now:.2%}, that of the trained pair {was:.2%}; at "
                f"most {ROUNDING:.1%} is rounding."
            )
    error = math.sqrt(promised["accuracy"] * (1 - promised["accuracy"]) / rerun.n)
    if accuracy < promised["accuracy"] - ERRORS * error:
        problems.append(
            f"accuracy is {100 * (promised['accuracy'] - accuracy):.2f} points under the promise, "
            f"more than {ERRORS:g} standard errors of {rerun.n:,} images."
        )
    promise = promised["latency_ms"]
    verdicts = {"accuracy": not problems, "latency": None if None in (tolerance, promise) else True}
    if mean is None:
        verdicts["latency"] = False
        problems.append("its latency could not be measured.")
    elif tolerance is not None and promise is not None and abs(mean - promise) > tolerance * mean:
        verdicts["latency"] = False
        problems.append(
            f"the mean latency is {mean / promise - 1:+.1%} against the promise; {tolerance:.0%} "
            "of what is measured are allowed."
        )
    words = promised["provenance"]
    return {
        "name": pair.name,
        **{name: trained[name] for name in ("little", "big", "gate", "threshold")},
        "method": pair.report["config"]["method"],
        "images": rerun.n,
        "accuracy": {
            "promised": promised["accuracy"],
            "provenance": words.get("accuracy", "unknown"),
            "trained": trained["accuracy"],
            "deployed": accuracy,
        },
        "escalation_rate": {
            "promised": promised["escalation_rate"],
            "provenance": words.get("escalation_rate", "unknown"),
            "trained": trained["escalation_rate"],
            "deployed": rate,
        },
        "latency": {
            "promised_ms": promise,
            "provenance": words.get("latency_ms", "unknown"),
            "kept_ms": little_ms,
            "escalated_ms": both_ms,
            "mean_ms": mean,
            "p95_ms": tail,
            "measured_provenance": "measured",
        },
        "peak_memory_mib": branches[1].get("peak_memory_mib"),
        "error": next((b["error"] for b in branches if "error" in b), "it was not asked for"),
        "kept": verdicts,
        "problems": problems,
    }
