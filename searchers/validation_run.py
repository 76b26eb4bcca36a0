"""One validation as ``biglittle validate`` does it: asked, judged, written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..bench import Points
from ..bench.errors import BigLittleError
from ..edge_profiler.validate_pairs import CARD, CASCADE, REPORT, in_training, is_cotrained
from ..unused_options import check_unused
from .front_files import FrontFile, read_front
from .validation import Measuring, validate_cotrained, validate_front
from .validation_report import write_card_validation, write_pairs_validation, write_validation

#: What exported pairs say about the test images again, given the points and the device's name.
Again = Callable[[Points, str], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Verdict:
    """What a validation came to.

    Attributes:
        document: the validation as plain JSON.
        text: the same in words, several lines.
        holds: whether every promise was kept that could be judged.
        kind: what was judged: a front, co-trained pairs, or a cascade with its card.
    """

    document: Mapping[str, Any]
    text: str
    holds: bool
    kind: Literal["front", "pairs", "card"]

    def write(self, path: Path) -> str:
        """Writes the page, one self-contained HTML file; a line that says where, and over what.

        Raises:
            BigLittleError: the file cannot be written.
        """
        write = {
            "front": write_validation,
            "pairs": write_pairs_validation,
            "card": write_card_validation,
        }[self.kind]
        before = path.exists()
        written = write(path, self.document)
        return f"Written: {written}{' (an earlier report there is replaced)' if before else ''}"


def card_of(target: Path) -> Path | None:
    """The card in ``target``, that file or its folder; None where there is none.

    In a folder that holds a front as well, the front is meant.
    """
    if target.name == CARD and target.is_file():
        return target
    there = target.is_dir() and (target / CARD).exists() and not any(target.glob("front.*"))
    return target / CARD if there else None


def _refuse_graph(target: Path) -> None:
    """Refuses a graph, or the folder of one, of which nothing here says what it promises."""
    advice = (
        f"Expected the folder that 'biglittle table extract NAME' wrote, with its {CARD} "
        "('biglittle table cascades' lists the names)"
    )
    if target.suffix == ".onnx":
        raise BigLittleError(
            f"{target} is a graph, which holds no figures to compare with. {advice}. A pair that "
            "was written by the names of its networks has no card: 'biglittle query' says what the "
            "table knows of it, 'biglittle profile --networks' measures it."
        )
    if target.is_dir() and (target / CASCADE).exists() and not any(target.glob("front.*")):
        raise BigLittleError(
            f"{target} holds {CASCADE} but no {CARD} that belongs to it. {advice}."
        )


def _refuse_empty(target: Path) -> None:
    """Refuses a folder that holds nothing which can be validated."""
    if target.is_dir() and not any(
        (target / name).exists() for name in ("front.json", "front.csv")
    ):
        raise BigLittleError(
            f"{target} holds nothing that can be validated. Expected the folder of a search "
            "(front.json or front.csv), of 'biglittle cotrain' (pairs with their reports) or of "
            f"'biglittle table extract NAME' ({CASCADE} and {CARD})."
        )


def refuse_unused(of_front: bool, profile_file: Path | None, options: Mapping[str, object]) -> None:
    """Refuses options that say nothing of what is validated.

    Args:
        of_front: whether that is a front, and not pairs that are files.
        profile_file: in which everything was measured elsewhere; None: it is measured here.
        options: value of each option by its name; None or False where it was not given.

    Raises:
        ConstraintError: one of them was given; says why it has no use.
    """
    if of_front:
        unused = {"--images": "exported pairs of a front answer all test images"}
        if not options.get("--accuracy"):
            unused["--data"] = "of a front, images are asked with --accuracy only"
    else:
        why = "for a front alone, and this is co-trained pairs or a cascade with its card"
        unused = dict.fromkeys(("--top", "--all", "--accuracy", "--table"), why)
    if of_front and options.get("--all"):
        unused["--top"] = "--all measures all points"
    if of_front and profile_file is not None:
        unused["--top"] = "a profile is compared with all points of the front"
    if profile_file is not None:
        unused["--meter"] = "nothing is measured here where --profile was measured elsewhere"
        if of_front and not options.get("--accuracy"):
            unused["--threads"] = unused["--meter"]
    check_unused(options, unused)


def target_front(
    target: Path,
    measure: str,
    profile_file: Path | None,
    options: Mapping[str, object] | None = None,
) -> FrontFile | None:
    """The front in ``target``; None where that holds co-trained pairs, or a cascade's card.

    Args:
        target: ``front.csv``, ``front.json``, a folder of them, a co-trained folder, or that of a
            cascade with its card.
        measure: "here", or empty where nothing of a front is measured.
        profile_file: in which everything was measured elsewhere.
        options: value of each further option by its name; None: none was given.

    Raises:
        BigLittleError: no front, not exactly one of ``measure`` and ``profile_file`` for one, or
            an option that says nothing of what is there.
    """
    if not target.exists():
        raise BigLittleError(
            f"cannot read {target}: it is not there. Expected the front.csv or front.json of a "
            "search, its folder, or the folder that 'biglittle cotrain' or 'biglittle table "
            "extract' wrote."
        )
    if in_training(target):
        raise BigLittleError(
            f"no pair in {target} is trained yet: its {REPORT} is not there. Go on with the "
            "'biglittle cotrain' that wrote it; the same command goes on where it was stopped."
        )
    front = None
    if not is_cotrained(target) and card_of(target) is None:
        _refuse_graph(target)
        _refuse_empty(target)
        front = read_front(target)
    if measure not in ("", "here"):
        raise BigLittleError(f"--measure {measure}: expected 'here', this machine.")
    both = measure == "here" and profile_file is not None
    if both or (front is not None and measure != "here" and profile_file is None):
        raise BigLittleError("expected one of --measure here and --profile FILE.")
    refuse_unused(front is not None, profile_file, options or {})
    return front


def report_folder(target: Path, out: Path | None) -> Path:
    """The folder of a validation's report: the one asked for, or ``validated`` beside the front.

    Args:
        target: ``front.csv``, ``front.json``, a folder of them, or a co-trained folder.
        out: the folder asked for; None: beside what is validated, so that no two share one.
    """
    if out is not None:
        return out
    return (target if target.is_dir() else target.parent) / "validated"


def judge_front(
    front: FrontFile,
    device: str | None,
    profile_file: Path | None,
    top: int | None,
    measuring: Measuring,
    tolerance: float,
    again: Again | None = None,
    table: str | None = None,
) -> Verdict:
    """A front against measurements.

    Args:
        front: what a search promised.
        device: for which device; None: what the front says.
        profile_file: in which everything was measured elsewhere; None: it is measured here.
        top: points to measure here at most; None: all of them.
        measuring: how this machine is asked.
        tolerance: of the mean latency where the device states no interval.
        again: asks exported pairs about the test images again; None: nobody does.
        table: the table whose classes the networks have; None: the one that the front names.

    Raises:
        BigLittleError: another device than the front's, or nothing could be measured.
    """
    validation, points = validate_front(
        front, device, profile_file, top, measuring, tolerance, table
    )
    rows = [] if again is None else list(again(points, validation.device))
    holds = validation.kept is not False and all(row["equal"] is not False for row in rows)
    text = "\n".join([validation.text(), *(row["text"] for row in rows)])
    document = {**validation.as_dict(), "accuracy": rows}
    if differ := [row for row in rows if row["equal"] is False]:
        document["kept"] = False
        document["verdict"] = (
            f"NOT kept: {len(differ)} of {len(rows)} exported pairs are not right about as many "
            f"test images as the table says. Of latency: {document['verdict']}"
        )
        text += f"\n{document['verdict']}"
    return Verdict(document, text, holds, "front")


def judge_cotrained(
    folder: Path,
    device: str | None,
    profile_file: Path | None,
    data: Path | None,
    n_images: int | None,
    measuring: Measuring,
    tolerance: float,
) -> Verdict:
    """Co-trained pairs against measurements.

    Args:
        folder: what ``biglittle cotrain`` wrote.
        device: for which device they were promised; None: what their reports say.
        profile_file: in which their files were measured elsewhere; None: they are measured here.
        data: folder of the images; None: where they were fetched to.
        n_images: test images to ask about; None: all of them.
        measuring: how this machine is asked.
        tolerance: of the mean latency.

    Raises:
        BigLittleError: no pairs there, another device than theirs, no images, or a profile that has
            none of the files.
    """
    pairs = validate_cotrained(folder, device, profile_file, data, n_images, measuring, tolerance)
    return Verdict(pairs.as_dict(), pairs.text(), pairs.kept is not False, "pairs")
