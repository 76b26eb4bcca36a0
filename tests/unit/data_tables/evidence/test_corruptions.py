"""Corrupted images: what each corruption does to a pixel, and that strengths are strengths."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.data_tables.evidence._corruptions import (
    BRIGHTNESS,
    CORRUPTIONS,
    NOISE,
    STRENGTHS,
    blur,
    brightness,
    corrupted,
    noise,
)


def _images() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 180, (6, 16, 16, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", sorted(CORRUPTIONS))
def test_a_higher_strength_moves_pixels_further(name: str) -> None:
    images = _images()
    moved = []
    for strength in STRENGTHS:
        out = CORRUPTIONS[name](images, strength, 0)
        assert (out.shape, out.dtype) == (images.shape, np.uint8)
        moved.append(np.abs(out.astype(float) - images).mean())
    assert 0 < moved[0] < moved[1] < moved[2]


def test_noise_has_its_deviation_and_its_seed() -> None:
    grey = np.full((20, 16, 16, 3), 128, np.uint8)
    for strength in STRENGTHS:
        out = noise(grey, strength, 3)
        assert out.std() / 255 == pytest.approx(NOISE[strength], rel=0.05)
        assert np.array_equal(out, noise(grey, strength, 3))
        assert not np.array_equal(out, noise(grey, strength, 4))


def test_blur_keeps_the_mean_of_a_dot_and_a_flat_image() -> None:
    flat = np.full((1, 16, 16, 3), 77, np.uint8)
    assert np.array_equal(blur(flat, 5), flat)
    dot = np.zeros((1, 17, 17, 3), np.uint8)
    dot[0, 8, 8] = 255
    smooth = blur(dot, 5)[0, :, :, 0].astype(float)
    assert np.array_equal(smooth, smooth.T)
    assert np.array_equal(smooth, smooth[::-1])
    assert smooth.sum() == pytest.approx(255, rel=0.1)  # pixels are rounded
    assert smooth[8, 8] == smooth.max() < 60


def test_brightness_raises_the_value_and_keeps_the_hue() -> None:
    image = np.array([100, 50, 0], np.uint8).reshape(1, 1, 1, 3)
    out = brightness(image, 5)[0, 0, 0].astype(float)
    assert out[0] / 255 == pytest.approx(100 / 255 + BRIGHTNESS[5], abs=0.003)
    assert out[1] / out[0] == pytest.approx(0.5, abs=0.01)
    assert out[2] == 0
    black, white = np.zeros((1, 1, 1, 3), np.uint8), np.full((1, 1, 1, 3), 255, np.uint8)
    assert np.unique(brightness(black, 1)).tolist() == [round(255 * BRIGHTNESS[1])]
    assert np.array_equal(brightness(white, 5), white)


def test_all_sets_are_there_by_name() -> None:
    sets = corrupted(_images())
    assert len(sets) == 1 + len(CORRUPTIONS) * len(STRENGTHS)
    assert np.array_equal(sets["clean"], _images())
    assert {"noise-1", "blur-3", "brightness-5"} <= set(sets)
