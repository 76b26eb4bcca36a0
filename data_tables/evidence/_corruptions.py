"""Images as a camera in trouble would give them: noise, blur and brightness, at three strengths.

Parameters are those of severities 1, 3 and 5 for images of 32 x 32 pixels.

Source: Hendrycks and Dietterich 2019, Benchmarking Neural Network Robustness to Common Corruptions
and Perturbations (CIFAR-10-C: Gaussian noise, Gaussian blur, brightness); written anew here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

STRENGTHS = (1, 3, 5)
NOISE = {1: 0.04, 3: 0.08, 5: 0.10}  # standard deviation, of the range of a pixel
BLUR = {1: 0.4, 3: 0.7, 5: 1.0}  # standard deviation of the kernel, pixels
BRIGHTNESS = {1: 0.05, 3: 0.15, 5: 0.30}  # added to the value of hue, saturation and value
_REACH = 4.0  # standard deviations that a kernel extends to


def noise(images: Pixels, strength: int, seed: int = 0) -> Pixels:
    """Images with independent Gaussian noise on every pixel and channel, of the same shape.

    Args:
        images: pixels, uint8, shape (n, height, width, channels).
        strength: severity, one of ``STRENGTHS``.
        seed: seed of the noise.
    """
    rng = np.random.default_rng([seed, strength])
    noisy = images / 255.0 + rng.normal(0.0, NOISE[strength], images.shape)
    return _pixels(noisy)


def blur(images: Pixels, strength: int, seed: int = 0) -> Pixels:
    """Images under a Gaussian kernel, edges continued by their last pixel, of the same shape.

    Args:
        images: pixels, uint8, shape (n, height, width, channels).
        strength: severity, one of ``STRENGTHS``.
        seed: not used, since nothing is random here.
    """
    sigma = BLUR[strength]
    reach = int(np.ceil(_REACH * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    smooth = images / 255.0
    for axis in (1, 2):
        widths = [(0, 0)] * smooth.ndim
        widths[axis] = (reach, reach)
        padded, n = np.pad(smooth, widths, mode="edge"), smooth.shape[axis]
        parts = (np.take(padded, np.arange(i, i + n), axis) for i in range(len(kernel)))
        smooth = np.sum([w * part for w, part in zip(kernel, parts, strict=True)], axis=0)
    return _pixels(smooth)


def brightness(images: Pixels, strength: int, seed: int = 0) -> Pixels:
    """Brighter images: the largest channel of each pixel is raised, hue and saturation stay.

    Args:
        images: pixels, uint8, shape (n, height, width, channels).
        strength: severity, one of ``STRENGTHS``.
        seed: not used, since nothing is random here.
    """
    colours = images / 255.0
    value = colours.max(axis=3, keepdims=True)
    raised = np.minimum(value + BRIGHTNESS[strength], 1.0)
    scaled = colours * np.divide(raised, value, out=np.ones_like(value), where=value > 0)
    return _pixels(np.where(value > 0, scaled, raised))


def _pixels(shares: NDArray[np.float64]) -> Pixels:
    return np.rint(255.0 * np.clip(shares, 0.0, 1.0)).astype(np.uint8)


CORRUPTIONS = {"noise": noise, "blur": blur, "brightness": brightness}


def corrupted(images: Pixels, seed: int = 0) -> dict[str, Pixels]:
    """The images as they are, as ``clean``, and under each corruption, as ``noise-1`` and so on."""
    out = {"clean": images}
    for name, corrupt in CORRUPTIONS.items():
        out |= {f"{name}-{s}": corrupt(images, s, seed) for s in STRENGTHS}
    return out
