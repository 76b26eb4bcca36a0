"""What ``biglittle validate`` does: measures what was promised, or reads it, and compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..bench import Points, get_space, load_device
from ..bench.datasets import Images, get_dataset
from ..bench.errors import ArchitectureError, BigLittleError
from ..bench.external_networks import MOST
from ..bench.plain_text import plain
from ..bench.precision import PRECISIONS
from ..bench.provenance import gathered, in_turn
from ..bench.recommend import spread
from ..bench.spaces import SearchSpace, parse_networks
from ..edge_profiler.accuracy import Rerun, rerun
from ..edge_profiler.estimate import Pace, estimate, in_words
from ..edge_profiler.machine import same_device
from ..edge_profiler.profile_file import read_profile
from ..edge_profiler.runtimes import get_runtime
from ..edge_profiler.session import ProfileRequest, profile_command, run_request
from ..edge_profiler.validate import (
    TOLERANCE,
    Validation,
    networks_of,
    pairs_of,
    validate,
)
from ..edge_profiler.validate_pairs import (
    PairsValidation,
    deployed_pairs,
    validate_pairs,
)
from .front_files import FrontFile
from .front_question import FrontQuestion
from .judge import DEFAULT_TABLE

MEASURED, DEPLOYED = "measured.json", "deployed.json"  # networks, and files of co-trained pairs
#: Points that are measured unless all are asked for.
TOP = 5
_TRIED = 20  # images by which the time for all is estimated

Say = Callable[[str], None]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Measuring:
    """How this machine is asked.

    Attributes:
        out: folder of the measurements; what is there is not measured again.
        threads: threads of the runtime inside an operator.
        meter: key of an energy meter.
        say: called with a line for the reader.
        move: called with (done, in all) while it measures.
    """

    out: Path
    threads: int = 1
    meter: str = "none"
    say: Say = lambda line: None
    move: Progress = lambda done, total: None

    def request(self, **options: Any) -> ProfileRequest:
        """A request to the profiler under these settings."""
        return ProfileRequest(threads=self.threads, meter=self.meter, **options)


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def proposed(front: FrontFile, top: int | None) -> Points:
    """The points of a front that are worth measuring: the recommended ones and a spread of others.

    Among them are recommended pairs of the table that are not on the front.

    Args:
        front: the front as read from its file.
        top: how many at most; None: all.
    """
    points, elsewhere = front.points, front.recommended_elsewhere
    if top is not None and len(points) > top:
        elsewhere = elsewhere[:top]
        n = top - len(elsewhere)
        points = points.take(spread(points, n, front.recommended_rows)[:n])
    if not elsewhere:
        return points
    words = [points.provenance, gathered([p.provenance for p in elsewhere])]
    columns: dict[str, Any] = {
        name: np.append(column, np.array([getattr(p, name) for p in elsewhere], column.dtype.type))
        for name, column in vars(points).items()
        if isinstance(column, np.ndarray)
    }
    return replace(points, **columns, provenance=in_turn(words, [len(points), len(elsewhere)]))


def check_buildable(space: SearchSpace, ids: Sequence[str], n_classes: int) -> None:
    """Nothing, if all networks of a front are of its space, so that they can be built and measured.

    Args:
        space: search space of the front.
        ids: names of its networks.
        n_classes: classes of their classifiers.

    Raises:
        ArchitectureError: some are not; says how the others, and those, are measured.
    """
    unknown, faults = [], []
    for name in ids:
        try:
            parse_networks(space, name, PRECISIONS)
        except ArchitectureError as error:
            unknown.append(name)
            faults.append(error)
    if not unknown:
        return
    others = [name for name in ids if name not in unknown]
    if len(others) < len(unknown):  # it is rather the space that is not theirs
        raise faults[0]
    measured = profile_command(others, space.name, n_classes)
    raise ArchitectureError(
        f"{plain(', '.join(unknown))[:MOST]} of the front is no architecture of space "
        f"{space.name!r}: of a network that was joined to a table nobody said what it is built of, "
        "and it cannot be measured by its name. Measure its own file with biglittle profile "
        f"--networks FILE.onnx, and the others with: {measured}"
    ) from faults[0]


def validate_front(
    front: FrontFile,
    device: str | None,
    profile_file: Path | None,
    top: int | None,
    measuring: Measuring,
    tolerance: float = TOLERANCE,
    table: str | None = None,
) -> tuple[Validation, Points]:
    """A front against measurements, and the points that were compared.

    Args:
        front: the front with what was promised.
        device: the device it was promised for; None: the one that the front names.
        profile_file: profile of what was measured elsewhere; None: it is measured here.
        top: points to measure here at most; None: all. A profile is held against all points, and
            against recommended pairs of the table that are not on the front.
        measuring: how this machine is asked.
        tolerance: share by which the mean latency may differ where the device states no interval.
        table: the table whose classes the networks have; None: the one that the front names.

    Raises:
        ArchitectureError: a network of the front is none of its space.
        BigLittleError: a device or a table that is not known or another one than the front's;
            nothing could be measured.
    """
    promised = front.question.profile(device)
    space, points = get_space(promised.space), proposed(front, None)
    n_classes, why = front.question.classes(promised, table, DEFAULT_TABLE)
    check_buildable(space, networks_of(points), n_classes)
    if profile_file is None:
        points = proposed(front, top)
        ids, pairs = networks_of(points), pairs_of(points)
        common: dict[str, Any] = {"space": space.name, "n_classes": n_classes}
        requests = [measuring.request(networks=",".join(ids), **common)]
        for gate, members in pairs.items():
            named = ",".join(":".join(pair) for pair in members)
            requests.append(replace(requests[0], pairs=named, gate=gate))
        every = [pair for members in pairs.values() for pair in members]
        expected = estimate(
            space,
            ids,
            every,
            n_classes,
            requests[0].protocol,
            get_runtime(requests[0].runtime),
            measuring.meter != "none",
        )
        some = len(points) < len(front.points)
        which = f"{len(points)} of {len(front.points)} points" if some else "all points"
        measuring.say(
            f"Measuring {which}: {_counted(len(ids), 'network')} and "
            f"{_counted(len(every), 'pair')} with {n_classes:,} classes ({why}), "
            f"{in_words(expected.total_s)} on this machine "
            f"if nothing else runs on it.{' --all measures the rest.' if some else ''}"
        )
        pace = Pace(expected, measuring.say)
        profile_file, done, total = measuring.out / MEASURED, 0, len(ids) + len(every)
        for request in requests:  # networks first; those of a later request are there already
            before = done

            def moved(now: int, of: int, entry: Mapping[str, Any], before: int = before) -> None:
                nonlocal done
                done = before + now
                measuring.move(done, total)
                pace.measured(entry)

            run_request(request, profile_file, moved)
    measured = load_device(profile_file)
    return validate(points, promised, measured, space, tolerance, n_classes), points


def validate_cotrained(
    folder: Path,
    device: str | None,
    profile_file: Path | None,
    data: Path | None,
    n_images: int | None,
    measuring: Measuring,
    tolerance: float = TOLERANCE,
) -> PairsValidation:
    """Co-trained pairs, asked about test images again and measured end to end.

    Args:
        folder: the folder that ``biglittle cotrain`` wrote.
        device: the device they were promised for; None: the one that their reports name.
        profile_file: profile in which their files were measured elsewhere; None: measure them here.
        data: folder of the images.
        n_images: test images to ask about, spread over all; None: all.
        measuring: how this machine is asked.
        tolerance: share by which the mean latency may differ.

    Raises:
        BigLittleError: no pairs there, another device than theirs, no images, or a profile that has
            none of the files.
    """
    pairs = deployed_pairs(folder)
    configs: list[Mapping[str, Any]] = [pair.report["config"] for pair in pairs]
    questions = {
        (c["recipe"]["space"], c["recipe"]["dataset"], c["sources"].get("device")) for c in configs
    }
    if len(questions) > 1:
        raise BigLittleError(
            f"{folder} holds pairs of several spaces, data sets or devices; validate them one by "
            "one, for example LITTLE-BIG/METHOD."
        )
    question = FrontQuestion.of(configs[0], f"the report in {pairs[0].folder.name}")
    question.device_names(device)
    devices = dict(question.devices) or ({device: device} if device else {})
    files = {pair.sha256: pair.cascade for pair in pairs}
    measured = None
    if profile_file is not None:
        measured = measured_elsewhere(profile_file, files, "these pairs")
    ((space, name, _),) = questions
    dataset = get_dataset(name)
    test = dataset.load(data)["test"]
    n = len(test) if n_images is None else min(n_images, len(test))
    images = test.subset(np.unique(np.linspace(0, len(test) - 1, n).astype(np.int64)))
    cascades = [pair.cascade for pair in pairs]
    reruns = ask_again(cascades, images, measured is None, measuring)
    if measured is None:
        measured = measure_branches(cascades, space, dataset.n_classes, measuring)
    here = any(same_device(name, device_facts(given), measured) for name, given in devices.items())
    promised = " and ".join(devices) or "a device that is not named"
    return validate_pairs(pairs, reruns, measured, promised, here, len(test), tolerance)


def ask_again(
    files: Sequence[Path], images: Images, measures: bool, measuring: Measuring
) -> list[Rerun]:
    """What cascades say about test images on this machine; how long it takes is said beforehand.

    Args:
        files: graphs of the cascades, ONNX files.
        images: test images, as pixels with their labels.
        measures: whether both branches of each are measured afterwards.
        measuring: how this machine is asked.
    """
    models = [path.read_bytes() for path in files]
    seconds = _asking_s(models, images, measuring)
    then = "measuring both branches of each on this machine" if measures else "comparing"
    measuring.say(
        f"Asking {_counted(len(models), 'pair')} about {len(images):,} test images each, then "
        f"{then}: {in_words(seconds)}."
    )
    reruns = []
    for i, model in enumerate(models):

        def moved(done: int, total: int, i: int = i) -> None:
            measuring.move(i * total + done, (len(models) + 1) * total)

        reruns.append(rerun(model, images, measuring.threads, moved))
    return reruns


def measure_branches(
    files: Sequence[Path], space: str, n_classes: int, measuring: Measuring
) -> Mapping[str, Any]:
    """The profile of both branches of cascades, measured on this machine.

    Args:
        files: graphs of the cascades, ONNX files.
        space: search space of the network that every measurement is a ratio to.
        n_classes: classes of that network's classifier.
        measuring: how this machine is asked.
    """
    request = measuring.request(files=tuple(files), space=space, n_classes=n_classes)
    return run_request(request, measuring.out / DEPLOYED)


def measured_elsewhere(
    profile_file: Path, files: Mapping[str, Path], what: str
) -> Mapping[str, Any]:
    """A profile that has one of some files at least.

    Args:
        profile_file: profile of what was measured elsewhere.
        files: graphs of cascades by their SHA-256.
        what: what the files are, as a message calls them.

    Raises:
        BigLittleError: it has none of them; says how they are measured.
    """
    profile = read_profile(profile_file)
    there = {model["sha256"] for model in profile.get("models") or []}
    if not there & {*files}:
        names = ",".join(map(str, files.values()))
        raise BigLittleError(
            f"{profile_file.name} has no measurement of {what}; copy the files to the board and "
            "measure there: "
            f"python -m biglittle.edge_profiler --networks {names} --out {profile_file.name}"
        )
    return profile


def device_facts(device: str) -> Mapping[str, Any]:
    """Facts of a device's profile; {} where the profile is not here."""
    try:
        return load_device(device).facts
    except BigLittleError:
        return {}


def _asking_s(models: Sequence[bytes], images: Images, measuring: Measuring) -> float:
    """Estimated seconds for all images and both branches, from a few images."""
    few = images.subset(np.arange(min(_TRIED, len(images))))
    took_s = sum(rerun(model, few, measuring.threads).duration_s for model in models)
    protocol = measuring.request().protocol
    runs = len(images) + 2 * (2 * protocol.warm_up + 3 * protocol.rounds * protocol.runs_per_round)
    return took_s * runs / len(few)
