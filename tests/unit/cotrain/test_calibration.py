"""Which images ranges are taken from."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench.datasets import Dataset, Images
from biglittle.bench.errors import DatasetError
from biglittle.cotrain.calibration import CALIBRATION_IMAGES, calibration_images


@pytest.mark.parametrize("split", ["val", "test"])
def test_images_that_choose_or_report_are_refused_for_calibration(
    split: str, digits: Dataset, digit_splits: dict[str, Images]
) -> None:
    with pytest.raises(DatasetError, match=rf"{split}.*refused.*Expected 'train'") as refusal:
        calibration_images(digit_splits, digits, split)
    assert "\n" not in str(refusal.value)
    with pytest.raises(DatasetError, match="0 calibration images; expected at least 1"):
        calibration_images(digit_splits, digits, n_images=0)


def test_calibration_takes_the_first_training_images(
    digits: Dataset, digit_splits: dict[str, Images]
) -> None:
    shown = calibration_images(digit_splits, digits, n_images=3)
    first = digit_splits["train"].images[:3].astype(np.float32).transpose(0, 3, 1, 2) / 255
    np.testing.assert_allclose(shown, (first - 0.3) / 0.35, atol=1e-5)
    assert len(calibration_images(digit_splits, digits)) == CALIBRATION_IMAGES
