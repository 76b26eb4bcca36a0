"""The differentiable search: its parts in closed form, and a run at a tiny scale."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench import get_space  # noqa: E402
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.device import DeviceProfile  # noqa: E402
from biglittle.bench.errors import ConstraintError, DeviceError, UnknownNameError  # noqa: E402
from biglittle.cotrain.supernet import Supernet  # noqa: E402
from biglittle.edge_profiler.anchors import anchor_networks  # noqa: E402
from biglittle.searchers.darts import (  # noqa: E402
    DartsSettings,
    Derived,
    evaluated,
    expected_latency_ms,
    main,
    relaxed_pair,
    sampled_forward,
    search,
    soft_forward,
)
from biglittle.searchers.evaluators.live import LiveEvaluator  # noqa: E402

SPACE = get_space("fbnet")
TINY = {"choices": ("k3_e1", "skip"), "steps": 3, "batch": 4, "resolution": 8}
ALL = {**TINY, "paths": "all"}


def profile(**other: object) -> DeviceProfile:
    block = np.array([int(c == "skip") or 5 for c in SPACE.choices], float)  # skip 1, others 5
    known: dict[str, object] = {
        "name": "made-up",
        "description": "",
        "space": "fbnet",
        "space_hash": SPACE.hash,
        "n_classes": 10,
        "runtime": "none",
        "source": "test",
        "block_ms": np.tile(block, (22, 1)),
        "constant_ms": 2.0,
    }
    return DeviceProfile(**{**known, **other})


def test_one_hot_chances_are_the_network_itself() -> None:
    torch.manual_seed(0)
    net = Supernet(SPACE, 10).eval()
    images, path = torch.randn(2, 3, 8, 8), [0, 8] * 11
    chances = torch.zeros(22, 2)
    chances[np.arange(22), [0, 1] * 11] = 1.0
    with torch.no_grad():
        assert torch.allclose(
            soft_forward(net, images, chances, [0, 8]), net(images, path), atol=1e-5
        )


def test_a_sampled_path_is_a_network_and_tells_how_the_loss_would_change() -> None:
    torch.manual_seed(0)
    net = Supernet(SPACE, 10).eval().requires_grad_(False)
    images = torch.randn(2, 3, 8, 8)
    alpha = torch.zeros(22, 2, requires_grad=True)
    logits = sampled_forward(
        net, images, alpha.softmax(dim=-1), [0, 8], torch.Generator().manual_seed(1)
    )
    generator = torch.Generator().manual_seed(1)
    drawn = torch.multinomial(torch.full((22, 2), 0.5), 2, generator=generator)[:, 0]
    path = [[0, 8][i] for i in drawn.tolist()]
    with torch.no_grad():
        assert torch.allclose(logits, net(images, path), atol=1e-5)
    logits.square().sum().backward()
    # of the last layer: how the loss changes from the output of one choice to that of the other
    features = net.stem(images)
    for layer, choice in zip(net.layers[:-1], path[:-1], strict=True):
        features = layer(features, choice)
    outs = [net.layers[-1](features, c) for c in (0, 8)]
    x = outs[drawn[-1]].clone().requires_grad_()
    net.classifier(net.head(x)).square().sum().backward()
    slope = [(x.grad * out).sum() for out in outs]
    expected = 0.25 * (slope[0] - slope[1])  # p (1 - p) at even chances
    assert alpha.grad[-1, 0].item() == pytest.approx(expected.item(), rel=1e-3)
    assert alpha.grad[-1].sum().item() == pytest.approx(0.0, abs=1e-4)


def test_expected_latency_of_sure_and_of_even_chances() -> None:
    block = torch.tensor(profile().block_ms[:, [0, 8]])
    sure = torch.zeros(2, 22, 2, dtype=block.dtype)
    sure[0, :, 0], sure[1, :, 1] = 1.0, 1.0
    assert expected_latency_ms(sure, block, 2.0).tolist() == [112.0, 24.0]
    even = torch.full((2, 22, 2), 0.5, dtype=block.dtype)
    assert expected_latency_ms(even, block, 2.0).tolist() == [68.0, 68.0]


def test_a_cold_gate_is_the_real_one() -> None:
    little = torch.tensor([[4.0, 0.0], [0.1, 0.0]])
    big = torch.tensor([[0.0, 9.0], [0.0, 9.0]])
    log_chance, rate = relaxed_pair(little, big, torch.tensor(0.8), 1e-4)
    assert rate.item() == pytest.approx(0.5)
    assert log_chance.argmax(dim=1).tolist() == [0, 1]
    warm = relaxed_pair(little.requires_grad_(), big, torch.tensor(0.8), 0.1)[1]
    warm.backward()
    assert little.grad.abs().sum() > 0  # the escalation rate teaches the little network


@pytest.fixture(scope="module")
def images(made_up: Dataset) -> tuple[Images, Dataset]:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
    return Images(pixels, rng.integers(0, 10, 40).astype(np.uint8)), replace(made_up, height=8)


@pytest.mark.parametrize(
    "given", [TINY, {**ALL, "weights_rate": 0.0}, {**TINY, "latency_ms": 90.0}]
)
def test_a_tiny_search_derives_a_pair_that_is_evaluated(
    images: tuple[Images, Dataset], given: dict[str, object]
) -> None:
    train, dataset = images
    torch.manual_seed(0)
    net = Supernet(SPACE, 10)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    settings, told = DartsSettings(**given), []
    found = search(net, train, dataset, profile(), settings, lambda step, said: told.append(said))
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert len(found.history) == len(told) == 3
    assert np.allclose(found.chances.sum(axis=2), 1.0)
    assert set(found.little + found.big) <= {"0", "8"}
    again = search(net, train, dataset, profile(), settings)
    assert (again.little, again.big, again.threshold) == (found.little, found.big, found.threshold)

    labels = np.arange(50, dtype=np.uint8) % 10
    chance = np.full((50, 10), 0.05) + 0.5 * np.eye(10)[labels]
    live = LiveEvaluator(SPACE, ("k3_e1", "skip"), lambda a, n: chance[:n], labels, profile(), 10)
    document = evaluated(found, live, settings)
    assert {p["little"] for p in document["front"]} == {found.little}
    assert document["front"][0]["accuracy"] == 1.0
    assert document["best"]["accuracy"] == 1.0
    assert all(p.requires_grad for p in net.parameters())  # frozen in the copy alone


def test_a_latency_out_of_reach_is_no_best(images: tuple[Images, Dataset]) -> None:
    labels = np.arange(20, dtype=np.uint8) % 10
    chance = np.full((20, 10), 0.05) + 0.5 * np.eye(10)[labels]
    live = LiveEvaluator(SPACE, ("k3_e1", "skip"), lambda a, n: chance[:n], labels, profile(), 10)
    pair = Derived("0" * 22, "0" * 22, 0.5, 1.0, np.ones((2, 22, 2)), ())
    document = evaluated(pair, live, DartsSettings(latency_ms=50.0))
    assert document["best"] is None
    assert len(document["front"]) == 1


#: Latency outweighs what is learnt, so that its sign alone decides where Adam goes.
LATENCY_ALONE = {"steps": 3, "latency_weight": 1e6, "entropy_weight": 0.0, "weights_rate": 0.0}


@pytest.mark.parametrize(("aim_ms", "of_skip"), [(50.0, 1), (500.0, -1)])
def test_an_aim_is_approached_from_above_and_from_below(
    images: tuple[Images, Dataset], aim_ms: float, of_skip: int
) -> None:
    train, dataset = images
    torch.manual_seed(0)
    aimed = {**TINY, **LATENCY_ALONE, "architecture_rate": 0.3, "latency_ms": aim_ms}
    derived = search(Supernet(SPACE, 10), train, dataset, profile(), DartsSettings(**aimed))
    # Adam's steps follow the sign of the distance, which is one for all layers of big.
    assert (of_skip * (derived.chances[1, :, 1] - 0.5) > 0).all()
    distance = [abs(step["latency_ms"] - aim_ms) for step in derived.history]
    assert distance[-1] < distance[0]


def test_latency_alone_leaves_the_big_network_nothing_but_skips(
    images: tuple[Images, Dataset],
) -> None:
    train, dataset = images
    torch.manual_seed(0)
    settings = DartsSettings(**{**ALL, **LATENCY_ALONE}, architecture_rate=0.1)
    derived = search(Supernet(SPACE, 10), train, dataset, profile(), settings)
    # Of E[latency] = t_little + r t_big both derivatives have one sign: r > 0, and r rises with
    # the threshold. Little's also counts how sure it is, which follows from its weights alone.
    assert derived.big == "8" * 22
    assert derived.threshold < settings.threshold


def test_latency_alone_leaves_a_sure_little_network_nothing_but_skips(
    images: tuple[Images, Dataset],
) -> None:
    train, dataset = images
    torch.manual_seed(0)
    # The largest of ten probabilities is at least 0.1: far over this threshold, nothing escalates.
    sure = {"threshold": 0.01, "temperature": 1e-4}
    settings = DartsSettings(**{**ALL, **LATENCY_ALONE, **sure}, architecture_rate=0.1)
    derived = search(Supernet(SPACE, 10), train, dataset, profile(), settings)
    assert derived.history[-1]["escalation_rate"] == 0.0
    assert derived.little == "8" * 22


@pytest.mark.parametrize(
    "given",
    [{"steps": 0}, {"batch": 1}, {"temperature": 0.0}, {"threshold": 1.0}, {"latency_ms": 0.0}],
)
def test_bad_settings(given: dict[str, float]) -> None:
    with pytest.raises(ConstraintError, match="cannot be searched with"):
        DartsSettings(**given)


def test_a_board_of_which_ten_networks_were_measured_is_searched_for(
    images: tuple[Images, Dataset],
) -> None:
    pytest.importorskip("scipy")
    train, dataset = images
    ids = anchor_networks(SPACE, 10)
    figures = dict(zip(ids, profile().latency_ms(SPACE, SPACE.parse(ids)).tolist(), strict=True))
    board = profile(block_ms=None, constant_ms=0.0, measured_ms=figures)
    derived = search(Supernet(SPACE, 10), train, dataset, board, DartsSettings(**TINY))
    assert set(derived.little + derived.big) <= {"0", "8"}


def test_what_it_cannot_search(images: tuple[Images, Dataset]) -> None:
    train, dataset = images
    net = Supernet(SPACE, 10)
    with pytest.raises(DeviceError, match="block table"):
        search(net, train, dataset, profile(block_ms=None), DartsSettings(**TINY))
    with pytest.raises(ConstraintError, match="nothing to search"):
        search(net, train, dataset, profile(), DartsSettings(**{**TINY, "choices": ("skip",)}))
    with pytest.raises(UnknownNameError, match="two"):
        DartsSettings(paths="tow")
    with pytest.raises(ConstraintError, match="two halves"):
        search(net, train, dataset, profile(), DartsSettings(**{**TINY, "batch": 30}))


def test_the_command_searches_from_scratch_and_says_what_is_wrong(
    images: tuple[Images, Dataset],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, dataset = images
    splits = {"train": train, "val": train.subset(np.arange(20))}
    facts = replace(dataset, read=lambda folder: {})
    monkeypatch.setattr(Dataset, "load", lambda self, folder: splits)
    monkeypatch.setattr("biglittle.bench.datasets.get_dataset", lambda name: facts)
    tiny = ["--steps", "2", "--batch", "4", "--resolution", "8", "--images", "30"]
    main([*tiny, "--from", "scratch", "--entropy-weight", "0"])
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["start"] == "scratch"
    assert f"derived: {document['little']} -> {document['big']}" in err
    assert document["settings"]["choices"] is None  # all nine of the space
    assert document["front"][0]["provenance"]["accuracy"] == "measured"
    for arguments, message in (
        (["--steps", "0"], "at least 1 step"),
        (["--from", "none.safetensors"], "no weights none.safetensors"),
        (["--device", "raspbery-pi-4", *tiny], "raspberry-pi-4"),
        ([*tiny, "--from", "scratch", "--images", "5"], "two halves"),
        ([*tiny, "--from", "scratch", "--images", "0"], "at least 1"),
    ):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 1
        assert message in capsys.readouterr().err
