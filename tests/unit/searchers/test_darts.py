"""The differentiable search: its parts in closed form, and a run at a tiny scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench import get_space  # noqa: E402
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.device_profile import DeviceProfile  # noqa: E402
from biglittle.bench.errors import ConstraintError, DeviceError  # noqa: E402
from biglittle.cotrain.supernet import Supernet  # noqa: E402
from biglittle.edge_profiler.anchors import anchor_networks  # noqa: E402
from biglittle.searchers.darts import Derived, evaluated, search  # noqa: E402
from biglittle.searchers.darts_settings import DartsSettings  # noqa: E402
from biglittle.searchers.evaluators.live import LiveEvaluator  # noqa: E402

SPACE = get_space("fbnet")
TINY = {"choices": ("k3_e1", "skip"), "steps": 3, "batch": 4, "resolution": 8}
ALL = {**TINY, "paths": "all"}


@pytest.fixture(scope="module")
def images(made_up: Dataset) -> tuple[Images, Dataset]:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
    return Images(pixels, rng.integers(0, 10, 40).astype(np.uint8)), replace(made_up, height=8)


@pytest.mark.parametrize(
    "given", [TINY, {**ALL, "weights_rate": 0.0}, {**TINY, "latency_ms": 90.0}]
)
def test_a_tiny_search_derives_a_pair_that_is_evaluated(
    images: tuple[Images, Dataset],
    given: dict[str, object],
    made_up_device: Callable[..., DeviceProfile],
) -> None:
    train, dataset = images
    torch.manual_seed(0)
    net = Supernet(SPACE, 10)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    settings, steps = DartsSettings(**given), []
    derived = search(
        net, train, dataset, made_up_device(), settings, lambda step, figures: steps.append(figures)
    )
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert len(derived.history) == len(steps) == 3
    assert np.allclose(derived.chances.sum(axis=2), 1.0)
    assert set(derived.little + derived.big) <= {"0", "8"}
    again = search(net, train, dataset, made_up_device(), settings)
    assert (again.little, again.big, again.threshold) == (
        derived.little,
        derived.big,
        derived.threshold,
    )

    labels = np.arange(50, dtype=np.uint8) % 10
    chance = np.full((50, 10), 0.05) + 0.5 * np.eye(10)[labels]
    live = LiveEvaluator(
        SPACE, ("k3_e1", "skip"), lambda a, n: chance[:n], labels, made_up_device(), 10
    )
    document = evaluated(derived, live, settings)
    assert {p["little"] for p in document["front"]} == {derived.little}
    assert document["front"][0]["accuracy"] == 1.0
    assert document["best"]["accuracy"] == 1.0
    assert all(p.requires_grad for p in net.parameters())  # frozen in the copy alone


def test_a_latency_out_of_reach_is_no_best(
    images: tuple[Images, Dataset], made_up_device: Callable[..., DeviceProfile]
) -> None:
    labels = np.arange(20, dtype=np.uint8) % 10
    chance = np.full((20, 10), 0.05) + 0.5 * np.eye(10)[labels]
    live = LiveEvaluator(
        SPACE, ("k3_e1", "skip"), lambda a, n: chance[:n], labels, made_up_device(), 10
    )
    pair = Derived("0" * 22, "0" * 22, 0.5, 1.0, np.ones((2, 22, 2)), ())
    document = evaluated(pair, live, DartsSettings(latency_ms=50.0))
    assert document["best"] is None
    assert len(document["front"]) == 1


#: Latency outweighs what is learnt, so that its sign alone decides where Adam goes.
LATENCY_ALONE = {"steps": 3, "latency_weight": 1e6, "entropy_weight": 0.0, "weights_rate": 0.0}


@pytest.mark.parametrize(("aim_ms", "of_skip"), [(50.0, 1), (500.0, -1)])
def test_an_aim_is_approached_from_above_and_from_below(
    images: tuple[Images, Dataset],
    aim_ms: float,
    of_skip: int,
    made_up_device: Callable[..., DeviceProfile],
) -> None:
    train, dataset = images
    torch.manual_seed(0)
    aimed = {**TINY, **LATENCY_ALONE, "architecture_rate": 0.3, "latency_ms": aim_ms}
    derived = search(Supernet(SPACE, 10), train, dataset, made_up_device(), DartsSettings(**aimed))
    # Adam's steps follow the sign of the distance, which is one for all layers of big.
    assert (of_skip * (derived.chances[1, :, 1] - 0.5) > 0).all()
    distance = [abs(step["latency_ms"] - aim_ms) for step in derived.history]
    assert distance[-1] < distance[0]


def test_latency_alone_leaves_the_big_network_nothing_but_skips(
    images: tuple[Images, Dataset], made_up_device: Callable[..., DeviceProfile]
) -> None:
    train, dataset = images
    torch.manual_seed(0)
    settings = DartsSettings(**{**ALL, **LATENCY_ALONE}, architecture_rate=0.1)
    derived = search(Supernet(SPACE, 10), train, dataset, made_up_device(), settings)
    # Of E[latency] = t_little + r t_big both derivatives have one sign: r > 0, and r rises with
    # the threshold. Little's also counts how sure it is, which follows from its weights alone.
    assert derived.big == "8" * 22
    assert derived.threshold < settings.threshold


def test_latency_alone_leaves_a_sure_little_network_nothing_but_skips(
    images: tuple[Images, Dataset], made_up_device: Callable[..., DeviceProfile]
) -> None:
    train, dataset = images
    torch.manual_seed(0)
    # The largest of ten probabilities is at least 0.1: far over this threshold, nothing escalates.
    sure = {"threshold": 0.01, "temperature": 1e-4}
    settings = DartsSettings(**{**ALL, **LATENCY_ALONE, **sure}, architecture_rate=0.1)
    derived = search(Supernet(SPACE, 10), train, dataset, made_up_device(), settings)
    assert derived.history[-1]["escalation_rate"] == 0.0
    assert derived.little == "8" * 22


def test_a_board_of_which_ten_networks_were_measured_is_searched_for(
    images: tuple[Images, Dataset], made_up_device: Callable[..., DeviceProfile]
) -> None:
    pytest.importorskip("scipy")
    train, dataset = images
    ids = anchor_networks(SPACE, 10)
    figures = dict(
        zip(ids, made_up_device().latency_ms(SPACE, SPACE.parse(ids)).tolist(), strict=True)
    )
    board = made_up_device(block_ms=None, constant_ms=0.0, measured_ms=figures)
    derived = search(Supernet(SPACE, 10), train, dataset, board, DartsSettings(**TINY))
    assert set(derived.little + derived.big) <= {"0", "8"}


def test_what_it_cannot_search(
    images: tuple[Images, Dataset], made_up_device: Callable[..., DeviceProfile]
) -> None:
    train, dataset = images
    net = Supernet(SPACE, 10)
    with pytest.raises(DeviceError, match="block table"):
        search(net, train, dataset, made_up_device(block_ms=None), DartsSettings(**TINY))
    with pytest.raises(ConstraintError, match="nothing to search"):
        search(
            net, train, dataset, made_up_device(), DartsSettings(**{**TINY, "choices": ("skip",)})
        )
    with pytest.raises(ConstraintError, match="two halves"):
        search(net, train, dataset, made_up_device(), DartsSettings(**{**TINY, "batch": 30}))
