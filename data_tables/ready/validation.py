"""A cascade that was handed out, against its card: on the board, or with what a board measured.

Answers are those of the machine that runs this; latencies are measured here, or come in a profile.
What the card says of its device is held against measurements of that device alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from ...bench import load_device
from ...bench.bounded import read_bounded
from ...bench.cost import TAIL, mean_cost
from ...bench.datasets import Dataset, Images, data_folder, get_dataset
from ...bench.documents import Line, NonNegative, typed
from ...bench.errors import BigLittleError, DatasetError, MissingExtraError, TableError
from ...bench.files import why_unreadable
from ...bench.plain_text import plain
from ...bench.provenance import Word
from ...edge_profiler.accuracy import Rerun
from ...edge_profiler.deployable import metadata
from ...edge_profiler.machine import device_name, same_device
from ...edge_profiler.onnx_checked import load_checked
from ...edge_profiler.session import ProfileRequest
from ...edge_profiler.subject import ESCALATED, KEPT
from ...edge_profiler.validate import TOLERANCE
from ...edge_profiler.validate_pairs import CASCADE, ERRORS, MAX_BYTES, ROUNDING
from ...searchers.validation import (
    Measuring,
    ask_again,
    device_facts,
    measure_branches,
    measured_elsewhere,
)
from ...searchers.validation_run import Verdict, card_of, judge_cotrained
from .cards import Card, MadeAnswer, read_card
from .images import answers_to_made

#: By how much a logit may differ on another processor before the file runs otherwise there.
LOGIT_TOLERANCE = 2e-3
_PROMISES = ("answers", "accuracy", "latency")


class _Point(Struct):
    """What is read of the point of a card."""

    little: Line
    big: Line
    gate: Line
    threshold: float
    provenance: dict[Line, Word]
    latency_ms: NonNegative | None = None
    latency_p95_ms: NonNegative | None = None
    latency_worst_ms: NonNegative | None = None


class _Origin(Struct):
    """What is read of the origin of a card."""

    dataset: Line


@dataclass(frozen=True)
class HandedOut:
    """A cascade in a folder of its own, with its card.

    Attributes:
        card: what is known of the cascade.
        graph: path of the graph, which is the one of the card.
        point: its figures on the device of the card.
        dataset: name of the data set of its test images.
        space: name of the search space of its networks.
    """

    card: Card
    graph: Path
    point: _Point
    dataset: str
    space: str


def read_handed_out(path: Path) -> HandedOut:
    """The cascade whose card lies in a folder, with its graph beside it.

    Args:
        path: path of the card.

    Raises:
        TableError: the card cannot be read, or the graph is missing or another one.
        ProfileError: the graph is not one that may be run.
    """
    again = f"Write both anew: biglittle table extract NAME --out {path.parent}"
    card = read_card(path, f"{again} ('biglittle table cascades' lists the names).")
    again, graph = again.replace("NAME", card.name), path.parent / CASCADE
    try:
        point, origin = typed(card.point, _Point, "point"), typed(card.origin, _Origin, "origin")
    except ValueError as error:
        raise TableError(f"{path} is not a complete card: {error}. {again}.") from error
    try:
        digest = hashlib.sha256(read_bounded(graph, MAX_BYTES)).hexdigest()
    except (OSError, ValueError) as error:
        raise TableError(
            f"{path} is the card of {CASCADE}, which cannot be read beside it: "
            f"{why_unreadable(error, str(error)).rstrip('.')}. {again}."
        ) from error
    if digest != card.sha256:
        raise TableError(
            f"{graph} has SHA-256 {digest}, its card says {card.sha256}: the card is of another "
            f"graph, or the graph was changed. {again}."
        )
    model, _ = load_checked(graph, weights=True)
    space = str(metadata(model).get("space", ProfileRequest.space))
    return HandedOut(card, graph, point, origin.dataset, space)


@dataclass(frozen=True)
class CardValidation:
    """What became of what a card says.

    Attributes:
        handed_out: the cascade with its card.
        answered_on: device that answered the images.
        measured_on: device and runtime that measured the latencies.
        made: number of made ``images``, how many were answered as the card says (``equal``), and
            the largest difference of a logit.
        accuracy: of the ``card`` with its interval, and ``here`` of so many ``images``; None where
            nobody asked.
        escalation_rate: the same of the share of images that reach the big network.
        latency: mean, 95th percentile and worst, of the ``card`` and ``here``; of both branches
            what was measured.
        verdicts: by "answers" (of the made images), "accuracy" (escalation rate included) and
            "latency" whether it is as the card says, None where that is not judged.
        problems: what is not as the card says, in sentences.
        unjudged: why a promise that is not judged is not, as it follows "because".
        notes: sentences that a reader must know.
    """

    handed_out: HandedOut
    answered_on: str
    measured_on: str
    made: Mapping[str, Any]
    accuracy: Mapping[str, Any]
    escalation_rate: Mapping[str, Any]
    latency: Mapping[str, Any]
    verdicts: Mapping[str, bool | None]
    problems: Sequence[str] = ()
    unjudged: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def kept(self) -> bool | None:
        """Whether all is as the card says; None where nothing differs and not all was judged."""
        if False in self.verdicts.values():
            return False
        return None if None in self.verdicts.values() else True

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        card, point = self.handed_out.card, self.handed_out.point
        return {
            "cascade": card.name,
            "little": point.little,
            "big": point.big,
            "gate": point.gate,
            "threshold": point.threshold,
            "sha256": card.sha256,
            "device": card.device,
            "answered_on": self.answered_on,
            "measured_on": self.measured_on,
            "kept": self.kept,
            **{f"{name}_kept": self.verdicts[name] for name in _PROMISES},
            "verdict": self.verdict,
            "problems": list(self.problems),
            "notes": list(self.notes),
            "made": dict(self.made),
            "accuracy": dict(self.accuracy),
            "escalation_rate": dict(self.escalation_rate),
            "latency": dict(self.latency),
        }

    @property
    def verdict(self) -> str:
        """What is as the card says and what was not judged, in one line."""
        card = self.handed_out.card
        sure = [name for name in _PROMISES if self.verdicts[name]]
        open_ = [name for name in _PROMISES if self.verdicts[name] is None]
        if missed := [name for name in _PROMISES if self.verdicts[name] is False]:
            says = [f"NOT kept: what the card of {card.name} says of {_and(missed)}"]
            says += [f"{name} is not judged, because {self.unjudged[name]}" for name in open_]
            return f"{'; '.join(says)}."
        if not open_:
            return f"Kept: {card.name} answers, and takes on {card.device}, what its card says."
        why = "; ".join(f"{name}, because {self.unjudged[name]}" for name in open_)
        if len(open_) == 1:
            why = self.unjudged[open_[0]]
        word = f"{_and(sure)} kept, {_and(open_)} not judged"
        return f"{word[0].upper()}{word[1:]}: {why}."

    def text(self) -> str:
        """The outcome, as lines for a reader."""
        card, point = self.handed_out.card, self.handed_out.point
        made, latency = self.made, self.latency
        lines = [
            f"{card.name} ({point.little} -> {point.big}, {point.gate} {point.threshold:.4g}): the "
            f"card is of {card.device}; answered on {self.answered_on}, measured on "
            f"{self.measured_on}.",
            f"  made images  {made['equal']} of {made['images']} answered as the card says"
            + (
                ""
                if (most := made["largest_difference"]) is None
                else f", logits within {most:.2g}"
            ),
        ]
        low, high = (self.accuracy[f"card_{end}"] for end in ("low", "high"))
        for title, figures, more in (
            ("accuracy", self.accuracy, f", {low:.2%} to {high:.2%}"),
            ("escalation", self.escalation_rate, ""),
        ):
            now = "not asked here"
            if figures["here"] is not None:
                now = f"here {figures['here']:.2%} of {figures['images']:,} test images (measured)"
            was = f"card {figures['card']:.2%} ({figures['card_provenance']}{more})"
            lines.append(f"  {title:<12} {was}, {now}")
        for name, title in (("mean", "mean latency"), ("p95", "95th perc."), ("worst", "worst")):
            was = f"card {_ms(latency[name]['card'], latency['card_provenance'])}"
            took = latency[name]["here"]
            now = "not measured" if took is None else f"measured {_ms(took)}"
            lines.append(f"  {title:<12} {was}, {now}")
        if latency["mean"]["here"] is not None:
            lines[-3] += (
                f": {_ms(latency['kept_ms'])} where the little network answers, "
                f"{_ms(latency['escalated_ms'])} where it asks the big one"
            )
        lines += [f"  NOT kept: {problem}" for problem in self.problems]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join([*lines, self.verdict])


def _ms(value: float | None, word: str = "") -> str:
    text = "nothing" if value is None else f"{value:.4g} ms"
    return f"{text} ({word})" if word and value is not None else text


def _and(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def validate_card(
    handed_out: HandedOut,
    made: Sequence[MadeAnswer],
    rerun: Rerun | None,
    measured: Mapping[str, Any],
    facts: Mapping[str, Any],
    answered_on: str,
    why_not_asked: str = "",
    elsewhere: bool = False,
    tolerance: float = TOLERANCE,
) -> CardValidation:
    """What a cascade answered and took, beside what its card says.

    On the made images and on all test images a file answers as it did for the card, but for
    rounding. On fewer test images it is as accurate, and escalates as much, as on all of them,
    within two standard errors. What the device takes in the mean is held to ``tolerance``, on the
    device of the card alone, its GPU or its processor.

    Args:
        handed_out: the cascade with its card.
        made: what it said of the made images.
        rerun: its answers about test images; None: nobody asked.
        measured: the profile in which both branches were measured.
        facts: facts of the profile of the card's device; {} where that is not here.
        answered_on: name of the device that answered.
        why_not_asked: reason why no test images were asked about, as it follows "because".
        elsewhere: whether the latencies were measured on another machine than answered.
        tolerance: largest relative error of the mean latency.
    """
    card = handed_out.card
    answers, problems = _made_answers(card, made)
    whole = rerun is not None and rerun.n == card.n_images
    shares, missed = _shares(handed_out, rerun, whole)
    rate = shares["escalation_rate"]["here"] if whole else None
    weight = card.escalation_rate if rate is None else rate
    latency, failure = _latency(handed_out, measured, weight)
    unlike = _unlike(card, facts, measured)
    verdict, why_not_judged, late = _latency_verdict(latency["mean"], failure, unlike, tolerance)
    notes = []
    if rerun is not None and not whole:
        notes.append(
            f"{rerun.n:,} of {card.n_images:,} test images were asked about, so that chance is "
            "allowed for."
        )
    if rate is None:
        notes.append("the mean latency is weighed by the escalation rate of the card.")
    if elsewhere:
        notes.append(
            f"{answered_on} answered, and not the machine whose latencies were given; the same "
            "command on that one asks it too."
        )
    return CardValidation(
        handed_out=handed_out,
        answered_on=answered_on,
        measured_on=f"{measured['device']} ({measured['runtime']})",
        made=answers,
        accuracy=shares["accuracy"],
        escalation_rate=shares["escalation_rate"],
        latency=latency,
        verdicts={
            "answers": not problems,
            "accuracy": None if rerun is None else not missed,
            "latency": verdict,
        },
        problems=(*problems, *missed, *late),
        unjudged={"accuracy": why_not_asked, "latency": why_not_judged},
        notes=(*notes, *_device_notes(card, facts, measured)),
    )


def _made_answers(card: Card, made: Sequence[MadeAnswer]) -> tuple[dict[str, Any], list[str]]:
    """How many of the made images are answered as a card says, and what is not, in sentences."""
    differences = [_difference(was, now) for was, now in zip(card.made, made, strict=False)]
    equal = sum(difference <= LOGIT_TOLERANCE for difference in differences)
    n_made = max(len(card.made), len(made))
    largest = max(differences, default=math.inf)
    problems = []
    if equal < n_made:
        problems.append(
            f"{n_made - equal} of {n_made} made images are answered otherwise than the card says: "
            f"another branch, or logits that differ by more than {LOGIT_TOLERANCE:g}."
        )
    figures = {
        "images": n_made,
        "equal": equal,
        "largest_difference": largest if math.isfinite(largest) else None,
    }
    return figures, problems


def _shares(
    handed_out: HandedOut, rerun: Rerun | None, whole: bool
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Accuracy and escalation rate of the card and here, and what is missed, in sentences."""
    card, missed = handed_out.card, list[str]()
    now: dict[str, float | None] = {"accuracy": None, "escalation_rate": None}
    if rerun is not None:
        now = {"accuracy": rerun.right / rerun.n, "escalation_rate": rerun.escalated / rerun.n}
        missed = _missed(card, now, rerun.n, whole)
    shares = {
        name: {
            "card": getattr(card, name),
            "card_provenance": handed_out.point.provenance.get(name, "unknown"),
            "here": value,
            "provenance": None if value is None else "measured",
            "images": 0 if rerun is None else rerun.n,
        }
        for name, value in now.items()
    }
    shares["accuracy"] |= {"card_low": card.accuracy_low, "card_high": card.accuracy_high}
    return shares, missed


def _latency(
    handed_out: HandedOut, measured: Mapping[str, Any], rate: float
) -> tuple[dict[str, Any], str]:
    """Mean, 95th percentile and worst of the card and here, and what both branches took.

    Beside it stands why a branch was not measured, "" where both were.
    """
    card, point = handed_out.card, handed_out.point
    entries = {(m["sha256"], m.get("branch")): m for m in measured.get("models") or []}
    branches = [entries.get((card.sha256, branch), {}) for branch in (KEPT, ESCALATED)]
    little_ms, both_ms = (branch.get("latency_ms") for branch in branches)
    taken: tuple[float | None, ...] = (None, None, None)
    failure = ""
    if little_ms is not None and both_ms is not None:
        taken = tuple(
            mean_cost(little_ms, both_ms, share, shared=little_ms)
            for share in (rate, float(rate > TAIL), float(rate > 0))
        )
    else:
        why = next((b["error"] for b in branches if "error" in b), "a branch is not in the profile")
        failure = plain(str(why)).rstrip(".")
    promised = (point.latency_ms, point.latency_p95_ms, point.latency_worst_ms)
    figures = {
        **{
            name: {"card": was, "here": took}
            for name, was, took in zip(("mean", "p95", "worst"), promised, taken, strict=True)
        },
        "card_provenance": point.provenance.get("latency_ms", "unknown"),
        "kept_ms": little_ms,
        "escalated_ms": both_ms,
        "provenance": "measured",
    }
    return figures, failure


def _latency_verdict(
    mean: Mapping[str, float | None], failure: str, unlike: str, tolerance: float
) -> tuple[bool | None, str, list[str]]:
    """Whether a mean latency is the card's, why that is not judged, and what is wrong with it.

    Args:
        mean: mean latency on the ``card`` and ``here``, in ms.
        failure: why it was not measured; "" where it was.
        unlike: why it is not comparable; "" where it is.
        tolerance: largest relative error of what was measured.
    """
    promise, took = mean["card"], mean["here"]
    if took is None:
        return False, "", [f"its latency could not be measured: {failure}."]
    if unlike or promise is None:
        return None, unlike or "the card has none", []
    if abs(took - promise) <= tolerance * took:
        return True, "", []
    problem = f"the mean latency is {took:.4g} ms, on the card it is 0."
    if promise:
        problem = (
            f"the mean latency is {took / promise - 1:+.1%} against the card; {tolerance:.0%} of "
            "what is measured are allowed."
        )
    return False, "", [problem]


def _device_notes(card: Card, facts: Mapping[str, Any], measured: Mapping[str, Any]) -> list[str]:
    """What a reader must know of the two devices, in sentences."""
    notes = []
    if not same_device(card.device, facts, measured):
        notes.append(
            f"the card is of {card.device}, {measured['device']} measured: another device by name, "
            "so latencies stand side by side and are not compared. If they are one, set 'device' "
            f"in the measured profile to {card.device}."
        )
    if "runtime" in facts:
        notes.append(
            f"the card's latencies rest on the profile {card.device}: {facts['runtime']}. "
            f"Measured: {measured['runtime']}, {measured['precision']}, threads: "
            f"{measured['threads']}."
        )
    if card.warning:
        notes.append(f"of {card.device} the card warns: {card.warning}")
    return [*notes, "what was measured is the deployed file, normalisation of the pixels included."]


def _unlike(card: Card, facts: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """Why what was measured is not held against a card's latency; "" where it is."""
    if not same_device(card.device, facts, measured):
        return f"another device than {card.device} measured; run the same command there"
    promised, ran = str(facts.get("runtime", "")), str(measured["runtime"])
    if promised and _is_gpu(promised) != _is_gpu(ran):
        return (
            f"the card's is of {promised}, and {ran} measured; give --profile what "
            f"'biglittle profile --networks {CASCADE} --runtime' measured with one like it"
        )
    return ""


def _is_gpu(runtime: str) -> bool:
    return any(word in runtime.lower() for word in ("tensorrt", "cuda"))


def _difference(was: MadeAnswer, now: MadeAnswer) -> float:
    """Largest difference of a logit; infinite where another branch was taken."""
    if was.escalated != now.escalated or len(was.logits) != len(now.logits):
        return math.inf
    return float(np.abs(np.subtract(was.logits, now.logits)).max(initial=0.0))


def _missed(card: Card, now: Mapping[str, float | None], n: int, whole: bool) -> list[str]:
    """What shares of the test images are not as a card says, in sentences."""
    sentences = []
    for name, title in (("accuracy", "accuracy"), ("escalation_rate", "escalation rate")):
        was, value = getattr(card, name), now[name]
        assert value is not None
        allowed = ROUNDING if whole else max(ERRORS * math.sqrt(was * (1 - was) / n), 1 / n)
        why = f"at most {ROUNDING:.1%} is rounding"
        if not whole:
            why = f"{ERRORS:g} standard errors of {n:,} images are {allowed:.2%}"
        if abs(value - was) > allowed:
            sentences.append(f"its {title} is {value:.2%} here, {was:.2%} on the card; {why}.")
    return sentences


def _test_images(dataset: Dataset, data: Path | None, n: int | None) -> Images | None:
    """The test images; None where nobody named a place and the usual one has none."""
    try:
        test = dataset.load(data)["test"]
    except DatasetError:
        if data is not None or n is not None:
            raise
        if dataset.read(data_folder() / dataset.name) is not None:
            raise  # they are there and damaged
        return None
    some = len(test) if n is None else min(n, len(test))
    return test.subset(np.unique(np.linspace(0, len(test) - 1, some).astype(np.int64)))


def judge_card(
    path: Path,
    device: str | None,
    profile_file: Path | None,
    data: Path | None,
    n_images: int | None,
    measuring: Measuring,
    tolerance: float,
) -> Verdict:
    """A cascade that was handed out against its card.

    Args:
        path: path of the card, beside its graph.
        device: name of the device of the card, as far as a user gave it.
        profile_file: profile in which the graph was measured elsewhere; None: it is measured here.
        data: folder of the images; None: the usual place, which may have none.
        n_images: test images to ask about, spread over all; None: all.
        measuring: how this machine is asked.
        tolerance: of the mean latency.

    Raises:
        BigLittleError: no card with its graph, another device than the card's, images that were
            asked for and are not there, or a profile without the graph.
    """
    ours = read_handed_out(path)
    card, dataset = ours.card, get_dataset(ours.dataset)
    if device not in (None, card.device) and load_device(str(device)).name != card.device:
        raise BigLittleError(
            f"{path} is the card of a cascade for {card.device}, but --device is {device}. Leave "
            "--device out, or extract a cascade for that device ('biglittle table cascades')."
        )
    measured = None
    if profile_file is not None:
        measured = measured_elsewhere(profile_file, {card.sha256: ours.graph}, "this cascade")
    images = _test_images(dataset, data, n_images)
    try:
        made = answers_to_made(ours.graph.read_bytes())
    except MissingExtraError:
        raise
    except Exception as error:  # the runtime's errors share no base of their own
        raise BigLittleError(
            f"{ours.graph} cannot be run by ONNX Runtime here; its card was made with version "
            f"{card.origin.get('onnxruntime', 'unknown')}: {plain(str(error))[:300]}"
        ) from error
    answers = None
    if images is not None:
        (answers,) = ask_again([ours.graph], images, profile_file is None, measuring)
    else:
        then = "" if profile_file else ", then measuring both branches on this machine"
        measuring.say(f"The test images of {dataset.name} are not here: asking made ones{then}.")
    if measured is None:
        measured = measure_branches([ours.graph], ours.space, dataset.n_classes, measuring)
    facts = device_facts(card.device)
    why = f"its images are not here ('biglittle data fetch {dataset.name}' gets them)"
    elsewhere = profile_file is not None
    validation = validate_card(
        ours, made, answers, measured, facts, device_name(), why, elsewhere, tolerance
    )
    return Verdict(validation.as_dict(), validation.text(), validation.kept is not False, "card")


def judge_deployed(
    target: Path,
    device: str | None,
    profile_file: Path | None,
    data: Path | None,
    n_images: int | None,
    measuring: Measuring,
    tolerance: float,
) -> Verdict:
    """Files as they are deployed against what was promised of them.

    Args:
        target: a cascade with its card, or what ``biglittle cotrain`` wrote.
        device: for which device they were promised; None: what the files beside them say.
        profile_file: in which they were measured elsewhere; None: they are measured here.
        data: folder of the images; None: where they were fetched to.
        n_images: test images to ask about; None: all of them.
        measuring: how this machine is asked.
        tolerance: of the mean latency.

    Raises:
        BigLittleError: as of `judge_card` and `judge_cotrained`.
    """
    card = card_of(target)
    if card is None:
        return judge_cotrained(target, device, profile_file, data, n_images, measuring, tolerance)
    return judge_card(card, device, profile_file, data, n_images, measuring, tolerance)
