"""A data set of anybody's pictures, and what is wrong with some."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.datasets import get_dataset, import_folder, prepared_names
from biglittle.bench.datasets._pictures import square
from biglittle.bench.errors import BigLittleError, DatasetError, UnknownNameError

image = pytest.importorskip("PIL.Image")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of data sets, empty."""
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def paint(path: Path, colour: object, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.new(mode, size, colour).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten red and five blue pictures, of several formats and shapes."""
    folder = tmp_path / "pictures"
    for i in range(10):
        paint(folder / "red" / f"{i}.{'png' if i % 2 else 'jpg'}", (250, 0, 0), (30 + i, 50))
    for i in range(5):
        paint(folder / "blue" / "deeper" / f"{i}.PNG", (0, 0, 250))
    (folder / "red" / "notes.txt").write_text("not a picture")
    (folder / ".hidden").mkdir()
    return folder


def test_a_folder_becomes_a_data_set(folder: Path, data: Path) -> None:
    dataset, skipped = import_folder(folder, "colours", 24)
    assert (dataset.classes, dataset.height, skipped) == (("blue", "red"), 24, [])
    splits = dataset.load()
    assert {name: len(part) for name, part in splits.items()} == {"train": 10, "val": 2, "test": 3}
    for part in splits.values():
        red = part.images[:, 12, 12, 0] > 200
        assert np.array_equal(red, part.labels == 1)
    assert get_dataset("colours").hashes == dataset.hashes
    assert prepared_names() == ("colours",)
    assert dataset.mean[0] > dataset.mean[2] > 0.2


def test_the_same_pictures_are_the_same_data_set(folder: Path) -> None:
    first, _ = import_folder(folder, "one", 16)
    again, _ = import_folder(folder, "two", 16)
    other, _ = import_folder(folder, "three", 16, seed=1)
    assert first.hashes == again.hashes
    assert first.hashes != other.hashes


def test_train_and_val_are_taken_as_they_are(tmp_path: Path) -> None:
    for split, n in (("train", 4), ("val", 2)):
        for i, name in enumerate(("n01440764", "n01443537", "n01484850")):
            for j in range(n):
                paint(tmp_path / "imagenet" / split / name / f"{j}.JPEG", (80 * i, 0, 0))
    dataset, _ = import_folder(tmp_path / "imagenet", "small-imagenet", 32)
    splits = dataset.load()
    assert {name: len(part) for name, part in splits.items()} == {"train": 9, "val": 3, "test": 6}
    paint(tmp_path / "imagenet" / "val" / "n09999999" / "0.jpg", 0)
    with pytest.raises(DatasetError, match="different classes, for example 'n09999999'"):
        import_folder(tmp_path / "imagenet", "small-imagenet", 32)


def test_more_than_256_classes_are_kept_apart(tmp_path: Path) -> None:
    for i in range(300):
        for j in range(3):
            paint(tmp_path / "many" / f"c{i:03}" / f"{j}.bmp", 0, (8, 8))
    dataset, _ = import_folder(tmp_path / "many", "many", 8)
    test = dataset.load()["test"]
    assert test.labels.dtype == np.uint16
    assert test.labels.tolist() == list(range(300))


def test_pictures_are_cut_as_torchvision_cuts_them(tmp_path: Path) -> None:
    """Against the steps of its reference written out: shorter side, bilinear, middle."""
    pixels = np.random.default_rng(0).integers(0, 256, (61, 90, 3), np.uint8)
    picture = image.fromarray(pixels)
    picture.save(tmp_path / "p.png")
    resized = picture.resize((int(36 * 90 / 61), 36), image.Resampling.BILINEAR)
    left, top = round((resized.width - 32) / 2.0), round((36 - 32) / 2.0)
    expected = np.asarray(resized)[top : top + 32, left : left + 32]
    assert np.array_equal(square(tmp_path / "p.png", 32), expected)


def test_pictures_that_are_not_usable_are_named_or_left_out(folder: Path, data: Path) -> None:
    (folder / "red" / "a.jpg").write_bytes(b"no picture")
    (folder / "red" / "b.png").write_bytes((folder / "red" / "1.png").read_bytes()[:40])
    paint(folder / "blue" / "c.jpg", (0, 0, 0, 0), mode="CMYK")
    with pytest.raises(DatasetError) as error:
        import_folder(folder, "colours", 16)
    text = str(error.value)
    assert "pictures are not usable" in text
    assert "--broken skip" in text
    assert "\n" not in text
    assert not (data / "colours" / "dataset.json").exists()
    assert not list(data.rglob("*.npy"))
    dataset, skipped = import_folder(folder, "colours", 16, on_broken="skip")
    assert sorted(Path(line.split(" (")[0]).name for line in skipped) == ["a.jpg", "b.png", "c.jpg"]
    assert any("CMYK, expected RGB or grey" in line for line in skipped)
    assert sum(map(len, dataset.load().values())) == 15
    assert json.loads((data / "colours" / "dataset.json").read_text())["skipped"] == skipped


def test_no_format_that_runs_something_is_opened(folder: Path) -> None:
    image.new("RGB", (20, 20)).save(folder / "red" / "a.eps")
    (folder / "red" / "a.eps").rename(folder / "red" / "a.png")
    with pytest.raises(DatasetError, match=r"a\.png"):
        import_folder(folder, "colours", 16)


def test_two_classes_that_a_disk_may_confuse_are_refused(folder: Path) -> None:
    for name in ("Red", "rot\u0308", "r\u00f6t"):
        paint(folder / name / "0.png", 0)
    with pytest.raises(DatasetError, match="has the classes 'Red' and 'red', which are one"):
        import_folder(folder, "colours", 16)


def test_folders_without_classes_say_what_is_expected(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    paint(tmp_path / "one" / "only" / "0.png", 0)
    paint(tmp_path / "half" / "train" / "a" / "0.png", 0)
    (folder / "green").mkdir()
    for place, text in [
        ("empty", r"there is 0 class \(none\)"),
        ("one", r"there is 1 class \(only\); expected at least two"),
        ("half", "neither test nor val"),
        ("absent", "is not a folder"),
        ("pictures", r"too few usable pictures for train: green \(0\)"),
    ]:
        with pytest.raises(DatasetError, match=text):
            import_folder(tmp_path / place, "colours", 16)


@pytest.mark.parametrize("name", ["cifar10", "cifar-10-", "../x", "", "Colours", "tables", "svhn"])
def test_names_are_ours_to_choose(folder: Path, name: str) -> None:
    if name == "cifar-10-":
        import_folder(folder, name, 16)
        return
    with pytest.raises(DatasetError, match="cannot be the name of a data set"):
        import_folder(folder, name, 16)


def test_settings_are_checked(folder: Path) -> None:
    with pytest.raises(DatasetError, match="--size 7 is not usable; expected 8 to 1024"):
        import_folder(folder, "colours", 7)
    with pytest.raises(DatasetError, match="expected refuse or skip"):
        import_folder(folder, "colours", 16, on_broken="mend")


def test_what_was_altered_is_refused(folder: Path, data: Path) -> None:
    import_folder(folder, "colours", 16)
    file = data / "colours" / "x_test.npy"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(
        DatasetError, match=r"array x_test .* expected .*: the images are incomplete"
    ):
        get_dataset("colours").load()
    file.write_bytes(b"\0")
    with pytest.raises(DatasetError, match="biglittle data import"):
        get_dataset("colours").load()
    (data / "colours" / "dataset.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"dataset\.json cannot be read"):
        get_dataset("colours")


def test_an_unknown_name_lists_own_ones_too(folder: Path) -> None:
    import_folder(folder, "colours", 16)
    with pytest.raises(UnknownNameError, match="Did you mean 'colours'"):
        get_dataset("colour")


def test_the_verb_makes_one_and_lists_it(folder: Path, command_line) -> None:  # type: ignore[no-untyped-def]
    (folder / "red" / "a.jpg").write_bytes(b"no picture")
    words = ("data", "import", str(folder), "--name", "colours", "--size", "16")
    code, _, err = command_line(*words)
    assert code == 1
    assert "--broken skip" in err
    code, out, err = command_line(*words, "--broken", "skip")
    assert code == 0
    assert "2 classes, 10 train, 2 val, 3 test, 16x16 pixels" in out
    assert "left out: " in err
    code, out, _ = command_line("data", "list")
    assert "colours: here" in out
    assert issubclass(DatasetError, BigLittleError)
