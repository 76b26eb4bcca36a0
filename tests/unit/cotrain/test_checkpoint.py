"""Checkpoints: whole or not at all, and never of another run."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.errors import CheckpointError  # noqa: E402
from biglittle.cotrain.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402

IDENTITY = {"space_hash": "abc", "schedule": {"seed": 0, "grow": ("k3_e3",)}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "runs" / "supernet.h5"
    weights = {"stem.0.weight": torch.arange(6.0).reshape(2, 3), "n": torch.tensor(7)}
    save_checkpoint(path, IDENTITY, {"step": 3}, weights=weights, momentum={"a": torch.ones(2)})
    return path


def test_round_trip(path: Path) -> None:
    progress, groups = load_checkpoint(path, IDENTITY)
    assert progress == {"step": 3}
    assert groups.keys() == {"weights", "momentum"}
    assert torch.equal(groups["weights"]["stem.0.weight"], torch.arange(6.0).reshape(2, 3))
    assert groups["weights"]["n"].dtype == torch.int64
    assert groups["weights"]["n"].item() == 7


def test_tensors_of_every_kind_and_empty_groups_come_back(tmp_path: Path) -> None:
    tensors = {
        "half": torch.arange(3).half(),
        "flag": torch.tensor(True),
        "whole": torch.arange(6).reshape(2, 3).t(),  # not contiguous
        "none": torch.zeros(0, 4),
        "double": torch.tensor([0.1, float("nan")], dtype=torch.float64),
    }
    save_checkpoint(tmp_path / "c.h5", {}, {}, a=tensors, b={})
    groups = load_checkpoint(tmp_path / "c.h5")[1]
    assert groups.keys() == {"a", "b"}
    assert list(groups["a"]) == list(tensors)
    for name, tensor in tensors.items():
        torch.testing.assert_close(groups["a"][name], tensor, rtol=0, atol=0, equal_nan=True)


def test_a_checkpoint_with_a_data_set_for_every_tensor_is_still_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["format"] = "biglittle-checkpoint-1"
        file.attrs["identity"], file.attrs["progress"] = '{"seed": 0}', '{"step": 5}'
        file["weights/stem.0.weight"] = np.arange(6, dtype=np.float32).reshape(2, 3)
        file["weights/n"] = np.int64(7)
    progress, groups = load_checkpoint(tmp_path / "old.h5", {"seed": 0})
    assert progress == {"step": 5}
    assert groups.keys() == {"weights"}
    assert torch.equal(groups["weights"]["stem.0.weight"], torch.arange(6.0).reshape(2, 3))
    assert torch.equal(groups["weights"]["n"], torch.tensor(7))


def test_without_an_identity_any_run_is_read(path: Path) -> None:
    assert load_checkpoint(path)[0] == {"step": 3}


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ({**IDENTITY, "space_hash": "xyz"}, "its space_hash is 'abc', expected 'xyz'.*Delete it"),
        ({"space_hash": "abc"}, "belongs to another run: its schedule is .*expected None"),
        ({**IDENTITY, "seed": 1}, "its seed is None, expected 1"),
    ],
)
def test_another_run_is_refused_by_the_key_that_differs(
    path: Path, identity: dict, message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path, identity)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(path: Path, share: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CheckpointError, match="cannot be read as a checkpoint"):
        load_checkpoint(path, IDENTITY)


def test_another_hdf5_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.h5"
    h5py.File(path, "w").close()
    with pytest.raises(CheckpointError, match="is not a biglittle-checkpoint-2 file"):
        load_checkpoint(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent\.h5 cannot be read"):
        load_checkpoint(tmp_path / "absent.h5")


def test_a_write_that_dies_leaves_the_old_file(path: Path) -> None:
    before = path.read_bytes()

    class Dies:
        def detach(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, IDENTITY, {"step": 4}, weights={"a": Dies()})
    assert path.read_bytes() == before
    assert load_checkpoint(path, IDENTITY)[0] == {"step": 3}


def test_what_may_differ_is_decided_by_the_reader(path: Path) -> None:
    asked: list[tuple[str, object, object]] = []

    def accepts(key: str, found: object, wanted: object) -> bool:
        asked.append((key, found, wanted))
        return key != "space_hash" or found == wanted

    longer = {**IDENTITY, "schedule": {"seed": 0, "grow": ["k3_e3", "k3_e6"]}}
    assert load_checkpoint(path, longer, accepts)[0] == {"step": 3}
    assert [key for key, *_ in asked] == ["schedule", "space_hash"]
    assert asked[0][1:] == ({"seed": 0, "grow": ["k3_e3"]}, longer["schedule"])
    with pytest.raises(CheckpointError, match="its space_hash is 'abc', expected 'xyz'"):
        load_checkpoint(path, {**longer, "space_hash": "xyz"}, accepts)


@pytest.mark.parametrize(
    ("progress", "reason"),
    [
        ({"step": "3"}, "its progress.step is '3', expected a whole number"),
        ({"step": -1}, "its progress.step is -1, expected at least 0"),
        ({"epoch": 1.5}, "its progress.epoch is 1.5, expected a whole number"),
        ({"elapsed_s": None}, "its progress.elapsed_s is null, expected a number"),
    ],
)
def test_where_a_run_stands_is_a_number(
    tmp_path: Path, progress: dict[str, object], reason: str
) -> None:
    save_checkpoint(tmp_path / "c.h5", {}, progress, weights={})
    with pytest.raises(CheckpointError, match=reason):
        load_checkpoint(tmp_path / "c.h5")
