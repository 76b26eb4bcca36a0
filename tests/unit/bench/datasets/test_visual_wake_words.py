"""Visual Wake Words from annotations and pictures of COCO's form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench.datasets import fetch, get_dataset, visual_wake_words
from biglittle.bench.errors import DatasetError

image = pytest.importorskip("PIL.Image")


def instances(names: list[str]) -> dict[str, Any]:
    """Annotations as COCO writes them: a large person, a small one, a dog, nothing."""

    def box(number: int, category: int, area: float) -> dict[str, Any]:
        return {
            "id": 100 + number,
            "image_id": number,
            "category_id": category,
            "bbox": [0.0, 0.0, 10.0, area / 10],
            "area": area,
            "iscrowd": 0,
            "segmentation": [[0.0, 0.0, 1.0, 1.0, 2.0, 2.0]],
        }

    return {
        "info": {"year": 2017, "contributor": "COCO Consortium"},
        "licenses": [{"id": 1, "name": "Attribution", "url": "http://example.org"}],
        "images": [
            {"id": i, "file_name": name, "width": 120, "height": 100, "license": 1}
            for i, name in enumerate(names)
        ],
        "annotations": [
            *(box(0, 1, 6000.0), box(1, 1, 59.9), box(2, 18, 6000.0), box(0, 18, 5.0)),
            box(1, 1, 60.0),  # 0.5 % of the picture, and not more
        ],
        "categories": [
            {"id": 1, "name": "person", "supercategory": "person"},
            {"id": 18, "name": "dog", "supercategory": "animal"},
        ],
    }


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """A folder with four pictures a split."""
    (tmp_path / "annotations").mkdir()
    for year in ("train2017", "val2017"):
        (tmp_path / year).mkdir()
        names = [f"{i:012}.jpg" for i in range(4)]
        for i, name in enumerate(names):
            image.new("RGB", (120, 100), (60 * i, 0, 0)).save(tmp_path / year / name)
        path = tmp_path / "annotations" / f"instances_{year}.json"
        path.write_text(json.dumps(instances(names)))
    return tmp_path


def test_a_person_is_one_that_covers_enough(coco: Path) -> None:
    arrays = get_dataset("visual_wake_words").read(coco)
    assert arrays is not None
    assert arrays["y_train"].tolist() == [1, 0, 0, 0]
    assert arrays["x_test"].shape == (4, 96, 96, 3)
    assert np.all(arrays["x_test"][0] == 0)
    assert arrays["x_train"][3, 48, 48, 0] > 150


def test_what_is_missing_or_damaged_is_named(coco: Path) -> None:
    (coco / "val2017" / "000000000002.jpg").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"1 pictures are not usable: val2017/000000000002\.jpg"):
        visual_wake_words.read(coco)
    (coco / "val2017" / "000000000002.jpg").unlink()
    with pytest.raises(DatasetError, match=r"val2017/000000000002\.jpg .*No such file"):
        visual_wake_words.read(coco)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"categories": []}, "has no category 'person'"),
        ({"images": [{"id": 0, "file_name": "../x", "width": 1, "height": 1}]}, "file_name"),
        ({"images": 5}, "images"),
        ({"annotations": [{"image_id": 0, "category_id": 1, "area": -1}]}, "area"),
    ],
)
def test_other_annotations_are_refused(coco: Path, change: dict[str, Any], text: str) -> None:
    path = coco / "annotations" / "instances_train2017.json"
    path.write_text(json.dumps({**instances(["a.jpg"] * 4), **change}))
    with pytest.raises(DatasetError, match=text):
        visual_wake_words.read(coco)


def test_a_folder_without_annotations_holds_none(tmp_path: Path) -> None:
    assert visual_wake_words.read(tmp_path) is None


def test_it_is_kept_once_read_and_mapped_afterwards(coco: Path, tmp_path: Path) -> None:
    dataset = get_dataset("visual_wake_words")
    with pytest.raises(DatasetError, match=r"Get COCO's 2017 pictures .* fetch visual_wake_words"):
        fetch(dataset, "auto", tmp_path / "none")
    out = fetch(dataset, str(coco), tmp_path / "out")
    arrays = dataset.read(out)
    assert arrays is not None
    assert isinstance(arrays["x_train"], np.memmap)
    assert arrays["y_test"].tolist() == [1, 0, 0, 0]
