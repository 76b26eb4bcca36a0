"""The live evaluator agrees with a table, runs nothing twice and saves on what it is told to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from biglittle.bench import Candidates, get_space
from biglittle.bench.device_profile import DeviceProfile
from biglittle.bench.errors import (
    ConstraintError,
    UnknownNameError,
)
from biglittle.bench.gates import get_gate, stored_metrics
from biglittle.searchers import get_searcher
from biglittle.searchers.evaluators.live import Answering, LiveEvaluator, Rough


def test_the_live_evaluator_agrees_with_a_table_of_the_same_answers(
    made_up_device: Callable[..., DeviceProfile],
) -> None:
    space, labels = get_space("fbnet"), np.random.default_rng(0).integers(0, 10, 320)
    calls: list[tuple[str, int]] = []

    def answer(architecture: str, n: int) -> np.ndarray:
        calls.append((architecture, n))
        rng = np.random.default_rng(int(architecture, 9) % 2**32)
        odds = np.exp(rng.normal(size=(320, 10)) + 2.0 * np.eye(10)[labels])
        return (odds / odds.sum(axis=1, keepdims=True))[:n]

    n_choices = len(space.choices)
    block_ms = np.arange(22 * n_choices, dtype=float).reshape(22, n_choices) / 100
    profile = made_up_device(block_ms=block_ms, constant_ms=0.0)
    live = LiveEvaluator(space, ("k3_e1", "skip"), answer, labels.astype(np.uint8), profile, 10)
    outcome = get_searcher("successive_halving").run(live, 20, population=8)
    assert len(calls) == len(set(calls)) == live.n_answered  # nothing is run twice
    assert {n for _, n in calls} == {20, 80, 320}
    point = outcome.front[0]
    chances = {a: answer(a, 320) for a in (point.little, point.big)}
    metric = get_gate(point.gate)
    codes = metric.encode(metric.compute(chances[point.little]), 10)
    up = codes < metric.cut(point.threshold, 10)
    right = {a: c.argmax(axis=1) == labels for a, c in chances.items()}
    assert point.accuracy == np.where(up, right[point.big], right[point.little]).mean()
    assert point.escalation_rate == up.mean()
    assert point.provenance["accuracy"] == "measured"
    assert live.gates == stored_metrics()
    with pytest.raises(ConstraintError, match="images"):
        LiveEvaluator(space, ("skip",), answer, labels, profile, 10, n_images=0)


def test_rough_answers_of_a_live_supernet_save_on_what_is_asked() -> None:
    torch = pytest.importorskip("torch")
    from biglittle.bench.datasets import Images, get_dataset
    from biglittle.cotrain.supernet import Supernet
    from biglittle.searchers.evaluators.live import rough_answers, shrunk, supernet_answers

    rng, space = np.random.default_rng(0), get_space("fbnet")
    torch.manual_seed(0)
    net, dataset = Supernet(space, 10), get_dataset("cifar10")

    def split(n: int) -> Images:
        pixels = rng.integers(0, 256, (n, 32, 32, 3)).astype(np.uint8)
        return Images(pixels, rng.integers(0, 10, n).astype(np.uint8))

    splits, network = {"train": split(256), "val": split(16)}, "8" * 22
    small = shrunk(splits["val"], 2)
    assert small.images.shape == (16, 16, 16, 3)
    corner = splits["val"].images[3, :2, :2, 1]
    assert abs(float(small.images[3, 0, 0, 1]) - corner.mean()) <= 0.5
    full = supernet_answers(net, splits, dataset)(network, 16)
    ways = {k: rough_answers(k, net, splits, dataset, 1.0) for k in ("images", "epochs")}
    ways["resolution"] = rough_answers("resolution", net, splits, dataset)
    assert all([w.share for w in ways[k]] == [1 / 16, 1 / 4] for k in ways)
    assert [w.images for w in ways["images"]] == [1 / 16, 1 / 4]
    assert {w.images for k in ("epochs", "resolution") for w in ways[k]} == {1.0}
    coarse = [w.answer(network, 16) for w in ways["resolution"]]
    assert not np.allclose(coarse[0], full)
    assert not np.allclose(coarse[0], coarse[1])
    trained = [ways[k][1].answer(network, 16) for k in ("images", "epochs")]  # 2 steps, 1 step
    assert not np.allclose(trained[0], full)
    assert not np.allclose(trained[0], trained[1])
    again = supernet_answers(net, splits, dataset)(network, 16)
    assert np.array_equal(again, full)  # the supernet stays as it was
    with pytest.raises(ConstraintError, match="networks are not trained"):
        rough_answers("epochs", net, splits, dataset)
    with pytest.raises(UnknownNameError, match="resolution"):
        rough_answers("resolutoin", net, splits, dataset)
    with pytest.raises(ConstraintError, match="divisor"):
        supernet_answers(net, splits, dataset, shrink=5)


def test_the_live_evaluator_asks_as_roughly_as_it_is_told(
    made_up_device: Callable[..., DeviceProfile],
) -> None:
    space, labels = get_space("fbnet"), np.arange(40, dtype=np.uint8) % 10
    calls: list[tuple[str, int]] = []

    def way(name: str) -> Answering:
        def answer(architecture: str, n: int) -> np.ndarray:
            calls.append((name, n))
            return np.full((n, 10), 0.1)

        return answer

    profile = made_up_device()
    rough = (Rough(0.1, 1.0, way("coarse")), Rough(0.5, 0.5, way("some")))
    live = LiveEvaluator(space, ("skip",), way("full"), labels, profile, 10, rough=rough)
    assert live.fidelities == (0.1, 0.5, 1.0)
    genomes = space.parse(["8" * 22])
    for fidelity in (0.1, 0.5, 1.0, 0.1):
        live.at(fidelity).at(fidelity).networks(genomes)
    live.networks(genomes)
    assert calls == [("coarse", 40), ("some", 20), ("full", 40)]


def test_a_device_without_power_gives_pairs_their_words(
    live: Callable[..., LiveEvaluator],
) -> None:
    evaluator = live()
    assert "energy_mj" not in evaluator.profile.provenance
    genomes, none = evaluator.space.parse(["8" * 22]), np.zeros(1, np.int64)
    words = evaluator.evaluate(Candidates(genomes, genomes, none, none)).provenance
    assert dict(evaluator.sweep(genomes, genomes).provenance) == dict(words)
    assert (words["accuracy"], words["latency_ms"]) == ("measured", "block-sum")
    assert words["energy_mj"] == evaluator.profile.latency.provenance()["energy_mj"]
