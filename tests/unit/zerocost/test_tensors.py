"""Order, chance and the graph behind tensors."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.zerocost.network import PassError  # noqa: E402
from biglittle.zerocost.tensors import (  # noqa: E402
    by_images,
    canonical_order,
    check_finite,
    leaves,
    random_signs,
    seeded,
)


def test_the_order_follows_from_images_and_labels_alone(batch) -> None:  # type: ignore[no-untyped-def]
    images, labels = batch
    images = torch.cat([images, images[:2]])  # twice the same image, under other labels
    labels = torch.cat([labels, (labels[:2] + 1) % 3])
    ordered = canonical_order(images, labels)
    assert sorted(ordered) == list(range(len(images)))
    turned = torch.arange(len(images) - 1, -1, -1)
    again = canonical_order(images[turned], labels[turned])
    assert torch.equal(images[ordered], images[turned][again])
    assert torch.equal(labels[ordered], labels[turned][again])


def test_signs_are_signs_whatever_lies_where_in_memory() -> None:
    like = torch.zeros(4, 3, 5, 5, dtype=torch.float64)
    one, two = (random_signs(like, np.random.default_rng(0)) for _ in range(2))
    assert torch.equal(one, two)
    assert one.shape == like.shape
    assert one.dtype == like.dtype
    assert one.is_contiguous(memory_format=torch.channels_last)
    assert set(one.flatten().tolist()) == {-1.0, 1.0}
    assert random_signs(torch.zeros(7), np.random.default_rng(0)).shape == (7,)


def test_a_seed_leaves_the_global_generator_as_it_was() -> None:
    state = torch.get_rng_state()
    with seeded(3, torch.device("cpu")):
        one = torch.rand(2)
    with seeded(3, torch.device("cpu")):
        assert torch.equal(one, torch.rand(2))
    assert torch.equal(torch.get_rng_state(), state)


def test_leaves_are_what_an_output_depends_on() -> None:
    used, unused = (torch.ones(2, requires_grad=True) for _ in range(2))
    out = (used * 2 + used.sin()).sum() + 0 * unused.detach().sum()
    assert {id(leaf) for leaf in leaves(out.grad_fn)} == {id(used)}
    assert list(leaves(None)) == []


def test_gradients_that_are_not_there_or_not_finite_are_a_reason() -> None:
    x, other = (torch.ones(2, 3, requires_grad=True) for _ in range(2))
    with pytest.raises(PassError, match="does not depend on its input"):
        by_images(other * 2, torch.ones(2, 3), x)
    with pytest.raises(PassError, match="the thing is not finite"):
        check_finite(torch.tensor([1.0, float("inf")]), "the thing")
