"""What some networks of the table say about corrupted test images, a file a network, resumable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench import Benchmark, Front
from ...bench.datasets import Images, get_dataset
from ...bench.errors import TableError
from ...bench.files import replacing, why_unreadable
from ...bench.gates import stored_metrics
from ...bench.npz import Wanted, read_npz
from ...bench.table_contents import Predictions
from ._corruptions import corrupted

N_IMAGES = 2000  # of test, the first ones of each class
SEED = 0  # of the noise
MOST_NETWORKS = 16
LEAST_ACCURACY = 0.75  # on val, of a pair that is looked at: below that a front is of little use


def chosen_pairs(front: Front, most: int = MOST_NETWORKS) -> list[tuple[str, str]]:
    """Pairs of a front from cheap to expensive, evenly spread, of that many networks at most."""
    points = front.chosen
    order = np.argsort(points.latency_ms, kind="stable")
    order = order[(points.accuracy[order] >= LEAST_ACCURACY) & (points.escalation_rate[order] > 0)]
    every = list(dict.fromkeys((str(points.little[i]), str(points.big[i])) for i in order.tolist()))
    for n in range(len(every), 0, -1):
        places = np.unique(np.linspace(0, len(every) - 1, n).round().astype(int))
        some = [every[i] for i in places]
        if len({name for pair in some for name in pair}) <= most:
            return some
    return []


def shifted(
    bench: Benchmark, names: list[str], working: Path, data: Path | None, threads: int
) -> dict[str, Predictions]:
    """The answers of networks to each corruption of the same test images, by its name.

    Args:
        bench: the table, with its weights beside it.
        names: names of the networks, in the order of the rows.
        working: folder of the answers; what is there is not made again.
        data: folder of the images; None for the usual place.
        threads: threads of torch and of ONNX Runtime.

    Raises:
        TableError: a file of the folder is not one of answers, or there are no weights.
        DatasetError: the images are not in their folder.
    """
    truth = bench.table.predictions("test").labels
    each_class = N_IMAGES // bench.table.n_classes
    firsts = [np.flatnonzero(truth == c)[:each_class] for c in range(bench.table.n_classes)]
    index = np.sort(np.concatenate(firsts))
    labels = truth[index]
    missing = [name for name in names if not _file(working, name).exists()]
    if missing:
        _make(bench, missing, index, working, data, threads)
    each = [_read(_file(working, name), len(labels)) for name in names]
    sets = sorted({key.partition("/")[0] for key in each[0]})
    return {
        part: Predictions(
            labels,
            np.array([answers[f"{part}/top1"] for answers in each]),
            {m: np.array([answers[f"{part}/{m}"] for answers in each]) for m in stored_metrics()},
        )
        for part in sets
    }


def _file(working: Path, name: str) -> Path:
    return working / f"{name}.npz"


def _read(path: Path, n: int) -> dict[str, NDArray[np.uint8]]:
    parts = ("top1", *stored_metrics())
    sets = corrupted(np.zeros((1, 1, 1, 3), np.uint8))
    wanted = {f"{part}/{name}": Wanted("u", (n,)) for part in sets for name in parts}
    try:
        return read_npz(path, wanted)
    except (OSError, ValueError) as error:
        damaged = f"it is not one ({error}). Delete it and run the step again."
        raise TableError(
            f"{path} cannot be read as answers to corrupted images: "
            f"{why_unreadable(error, damaged)}"
        ) from error


def _make(
    bench: Benchmark,
    names: list[str],
    index: NDArray[np.intp],
    working: Path,
    data: Path | None,
    threads: int,
) -> None:
    from ..building.evaluate import NetworkEvaluator
    from ..building.handed_out import weights_of

    dataset = get_dataset(bench.table.dataset)
    images = dataset.load(data)
    some = images["test"].subset(index)
    sets = {n: Images(p, some.labels) for n, p in corrupted(some.images, SEED).items()}
    evaluator = NetworkEvaluator(dataset, {"train": images["train"], **sets}, threads, [*sets])
    net = weights_of(bench.table).net
    working.mkdir(parents=True, exist_ok=True)
    for name in names:
        answers = evaluator.answers(evaluator.inherited(net, name))
        arrays: dict[str, Any] = {
            f"{part}/{key}": array for part, keys in answers.items() for key, array in keys.items()
        }
        with replacing(_file(working, name)) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **arrays)
