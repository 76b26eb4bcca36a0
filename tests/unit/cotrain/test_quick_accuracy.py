"""A rough accuracy while a supernet is trained."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.spaces import get_space  # noqa: E402
from biglittle.cotrain.quick_accuracy import quick_accuracy  # noqa: E402
from biglittle.cotrain.supernet import Supernet  # noqa: E402


@pytest.mark.usefixtures("one_thread")
def test_quick_accuracy_is_a_fraction_and_leaves_the_supernet_alone(
    digit_splits: dict[str, Images], digits: Dataset
) -> None:
    net = Supernet(get_space("fbnet"), n_classes=10)
    before = {name: t.clone() for name, t in net.state_dict().items()}
    accuracy = quick_accuracy(net, "8" * 22, digit_splits, digits, resolution=16, n=50)
    assert 0 <= accuracy <= 1
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())
