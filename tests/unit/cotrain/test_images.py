"""Training batches: normalised, cropped, flipped and resized, all from one generator."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.cotrain.images import CROP_PADDING, augmented_batch, normalised  # noqa: E402


def test_normalised(digits: Dataset, digit_splits: dict[str, Images]) -> None:
    images = digit_splits["val"].subset(np.arange(5))
    x = normalised(images, digits)
    assert x.shape == (5, 3, 32, 32)
    assert x.dtype == torch.float32
    expected = (images.images / 255 - np.array(digits.mean)) / np.array(digits.std)
    np.testing.assert_allclose(x.permute(0, 2, 3, 1).numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("error")
def test_images_that_cannot_be_written_are_copied(
    digits: Dataset, digit_splits: dict[str, Images]
) -> None:
    images = digit_splits["val"].subset(np.arange(5))
    before = normalised(images, digits)
    images.images.flags.writeable = False
    assert torch.equal(normalised(images, digits), before)


def test_a_generator_decides_the_batch(digits: Dataset, digit_splits: dict[str, Images]) -> None:
    def batch(seed: int) -> torch.Tensor:
        rng = np.random.default_rng(seed)
        return augmented_batch(digit_splits["train"], digits, np.arange(8), 32, rng)[0]

    assert torch.equal(batch(0), batch(0))
    assert not torch.equal(batch(0), batch(1))


def test_every_image_is_a_crop_of_itself_or_of_its_mirror_image(
    digits: Dataset, digit_splits: dict[str, Images]
) -> None:
    index = np.array([5, 3, 8, 13])
    rng = np.random.default_rng(0)
    x, y = augmented_batch(digit_splits["train"], digits, index, 32, rng)
    assert y.tolist() == digit_splits["train"].labels[index].tolist()
    assert y.dtype == torch.int64
    plain = normalised(digit_splits["train"].subset(index), digits)
    padded = torch.nn.functional.pad(plain, (CROP_PADDING,) * 4)
    for got, source in zip(x, padded, strict=True):
        crops = source.unfold(1, 32, 1).unfold(2, 32, 1)  # (channels, 9, 9, 32, 32)
        candidates = torch.cat([crops, crops.flip(-1)], 1).permute(1, 2, 0, 3, 4).flatten(0, 1)
        assert (candidates == got).flatten(1).all(1).any()


def test_a_lower_resolution_averages_areas(
    digits: Dataset, digit_splits: dict[str, Images]
) -> None:
    full, half = (
        augmented_batch(digit_splits["train"], digits, np.arange(4), side, np.random.default_rng(0))
        for side in (32, 16)
    )
    assert half[0].shape == (4, 3, 16, 16)
    torch.testing.assert_close(half[0], torch.nn.functional.avg_pool2d(full[0], 2))
    assert torch.equal(full[1], half[1])
