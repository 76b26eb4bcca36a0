"""Views of the images, which are the same whenever they are asked for."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.errors import BigLittleError  # noqa: E402
from biglittle.cotrain.images import cropped_batch  # noqa: E402
from biglittle.cotrain.views import Views  # noqa: E402


def test_a_view_is_the_same_whenever_it_is_asked_for(
    digit_splits: dict[str, Images], digits: Dataset
) -> None:
    train, views = digit_splits["train"], Views(3, seed=5)
    crop = views.crop(1, len(train))
    one, labels = cropped_batch(train, digits, np.arange(10), 8, crop.take(np.arange(10)))
    some, _ = cropped_batch(train, digits, np.array([7, 2]), 8, crop.take(np.array([7, 2])))
    assert torch.equal(one[[7, 2]], some)
    assert labels.tolist() == train.labels[:10].tolist()
    assert not np.array_equal(crop.top, views.crop(2, len(train)).top)
    with pytest.raises(BigLittleError, match="expected at least 1"):
        Views(0)
