"""What many tests share: the command line, and data that needs no download.

The data are scikit-learn's 8x8 digits, blown up to the shape of CIFAR-10.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

# Two workers share two cores, and what a test computes should not hang on the number of threads.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.kept_front import CACHE_FOLDER_VARIABLE  # noqa: E402

# The same examples on every machine, however long it takes for one of them. What looks for further
# ones: pytest --hypothesis-profile explore.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither read nor leave anything in the cache of who runs them.

    The workers of a run share one, so that none works out a front that another has kept.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_FOLDER_VARIABLE, str(folder / "cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _shipped_table_is_read_once() -> Iterator[None]:
    """A worker checks, opens and unpacks the shipped table once; nobody may write into its arrays.

    What opening does is tested on files that tests make; gates are fitted anew for each opening.
    """
    from biglittle.bench.precision import FP32, checked_precisions
    from biglittle.bench.shipped_tables import find_table
    from biglittle.bench.table import Table

    open_table, unpack, first = Table.__init__, Table._read_predictions, object.__new__(Table)
    shipped = find_table("fbnet-cifar10")

    def read_only(arrays: Iterable[np.ndarray]) -> None:
        for array in arrays:
            array.flags.writeable = False

    def once(
        self: Table, path: Path, check: bool = True, precisions: Sequence[str] | str | None = None
    ) -> None:
        if not check or path != shipped:
            open_table(self, path, check, precisions)
            return
        if not vars(first):
            open_table(first, path)
            read_only(first.networks.values())
        vars(self).update(vars(first))
        self.precisions, self._rows = checked_precisions(precisions), {}
        self._fitted = ({}, {}, {})
        if self.precisions != (FP32,):
            self._check_precisions()

    def unpacked(self: Table, split: str) -> Any:
        answers = unpack(self, split)
        if self._predictions is vars(first).get("_predictions"):
            read_only((answers.labels, answers.top1, *answers.codes.values()))
        return answers

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "__init__", once)
        patch.setattr(Table, "_read_predictions", unpacked)
        yield


@pytest.fixture(scope="session", autouse=True)
def _verbs_are_put_together_once() -> Iterator[None]:
    """A worker makes the command line of each application once, and not at every call of it."""
    import typer
    import typer.testing

    once = lru_cache(typer.main.get_command)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", once)
        patch.setattr(typer.testing, "_get_command", once)
        yield


@pytest.fixture
def command_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Runs the command line; gives exit code, stdout and stderr."""
    from biglittle.__main__ import main

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["biglittle", *arguments])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return call


STORE_MIB = 80  # of each node's object store, the least that Ray takes


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Any]:
    """A cluster of two nodes on this machine, to which this process is connected."""
    ray = pytest.importorskip(
        "ray", reason="needs the extra 'cluster': what Ray does is not tested"
    )
    from ray.cluster_utils import Cluster

    import biglittle

    with pytest.MonkeyPatch.context() as patch:
        root = str(Path(biglittle.__file__).absolute().parent.parent)
        patch.setenv("PYTHONPATH", root, prepend=os.pathsep)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        node = {"num_cpus": 1, "object_store_memory": STORE_MIB * 2**20}
        cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        cluster.add_node(**node)
        ray.init(address=cluster.address, log_to_driver=False)
        yield cluster
        ray.shutdown()
        cluster.shutdown()


def _read_digits(folder: Path) -> dict[str, np.ndarray]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    grey = (digits.images * 15).astype(np.uint8).repeat(4, axis=1).repeat(4, axis=2)
    x, y = np.repeat(grey[..., None], 3, axis=-1), digits.target.astype(np.uint8)
    return {"x_train": x[:1500], "y_train": y[:1500], "x_test": x[1500:], "y_test": y[1500:]}


def digits_dataset() -> Dataset:
    """A data set of 32x32x3 images and 10 classes: 1300 to train on, 200 val, 297 test."""
    return Dataset(
        name="digits",
        n_classes=10,
        classes=tuple("0123456789"),
        height=32,
        mean=(0.3, 0.3, 0.3),
        std=(0.35, 0.35, 0.35),
        n_val=200,
        split_seed=0,
        hashes={},
        read=_read_digits,
        how_to_get="It comes with scikit-learn.",
    )


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """A data set of 32x32x3 images and 10 classes: 1300 to train on, 200 val, 297 test."""
    pytest.importorskip("sklearn")
    return digits_dataset()


@pytest.fixture(scope="session")
def digit_splits(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Images]:
    return digits.load(tmp_path_factory.mktemp("digits"))
