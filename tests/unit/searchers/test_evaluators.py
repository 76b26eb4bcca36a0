"""Every evaluator says what the bench says, and NaN where it knows nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from biglittle.bench import Benchmark, Candidates, SearchSpace, get_space
from biglittle.bench.device import DeviceProfile
from biglittle.bench.errors import (
    CheckpointError,
    ConstraintError,
    DatasetError,
    GateError,
    UnknownNameError,
)
from biglittle.bench.figures import checked_limits
from biglittle.bench.gates import get_gate, stored_metrics
from biglittle.bench.pareto import nondominated
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import SearchSettings, get_searcher
from biglittle.searchers.evaluators.grid import GridSweeps
from biglittle.searchers.evaluators.live import Answering, LiveEvaluator, Rough, kept_answers
from biglittle.searchers.evaluators.published import PublishedNetworks, nb201
from biglittle.searchers.evaluators.table import TableEvaluator
from biglittle.searchers.evaluators.worst_case import worst_case
from biglittle.searchers.judge import candidates_of
from biglittle.searchers.summary import front_values

OBJECTIVES = ("error", "latency_ms")


def made_up_device(space: SearchSpace, block_ms: NDArray[np.float64]) -> DeviceProfile:
    """A device of which the blocks alone are known."""
    return DeviceProfile(
        name="made-up",
        description="",
        space=space.name,
        space_hash=space.hash,
        n_classes=10,
        runtime="none",
        source="test",
        block_ms=block_ms,
    )


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(n_networks=14, seed=3), "test", "2020-01-01")
    return Benchmark.load(path)


def all_pairs(evaluator: TableEvaluator) -> tuple[np.ndarray, np.ndarray]:
    n = len(evaluator.listed)
    little, big = np.divmod(np.arange(n * n), n)
    return evaluator.listed[little], evaluator.listed[big]


@pytest.mark.parametrize("split", ["val", "test"])
def test_the_table_is_exact_point_by_point(bench: Benchmark, split: str) -> None:
    evaluator, rng = TableEvaluator(bench, DEVICE, split), np.random.default_rng(0)
    rows = rng.integers(0, len(evaluator.listed), (2, 300))
    gate, cut = rng.integers(0, 3, 300), rng.integers(0, 257, 300)
    candidates = Candidates(evaluator.listed[rows[0]], evaluator.listed[rows[1]], gate, cut)
    said = evaluator.evaluate(candidates)
    true = bench.query_many(said.little, said.big, said.gate, said.threshold, DEVICE, split)
    for name in ("accuracy", "escalation_rate", "latency_ms", "latency_p95_ms", "peak_memory_mib"):
        assert np.array_equal(getattr(said, name), getattr(true, name)), name
    assert dict(said.provenance) == dict(true.provenance)
    assert said.split == split


def test_curves_of_all_pairs_give_the_exact_front(bench: Benchmark) -> None:
    evaluator = TableEvaluator(bench, DEVICE)
    swept = evaluator.sweep(*all_pairs(evaluator))
    values = np.stack([1 - swept.figures["accuracy"], swept.figures["latency_ms"]], axis=1)
    values = values[nondominated(values)]
    exact = front_values(bench.front(DEVICE, OBJECTIVES).chosen, OBJECTIVES)
    assert np.allclose(values, exact[nondominated(exact)], rtol=0, atol=1e-12)
    assert set(np.unique(swept.owner)) == set(range(len(evaluator.listed) ** 2))
    gates = np.array(evaluator.gates)[swept.gate]
    some = np.random.default_rng(0).integers(0, len(gates), 50)
    for i in some:
        cut = get_gate(str(gates[i])).cut(swept.figures["threshold"][i], 10)
        assert int(cut) == swept.cut[i]


def test_every_pair_found_means_no_regret(bench: Benchmark) -> None:
    evaluator = TableEvaluator(bench, DEVICE)
    for name in ("random", "nsga2"):
        outcome = get_searcher(name).run(evaluator, 14 * 14, population=20)
        if outcome.n_evaluations == 14 * 14:
            assert bench.regret(outcome.front, DEVICE) == pytest.approx(0.0, abs=1e-9)
    assert get_searcher("random").run(evaluator, 500).n_evaluations <= 14 * 14


def test_what_is_not_in_the_table_is_nan_and_never_ranked(bench: Benchmark) -> None:
    evaluator = TableEvaluator(bench, DEVICE)
    stranger = get_space("fbnet").parse(["3" * 22])
    gate = np.zeros(1, int)
    said = evaluator.evaluate(Candidates(stranger, evaluator.listed[:1], gate, gate))
    assert np.isnan([said.accuracy[0], said.escalation_rate[0], said.latency_ms[0]]).all()
    assert np.isnan(evaluator.networks(stranger).accuracy[0])
    with pytest.raises(ConstraintError, match="not in the table"):
        evaluator.sweep(stranger, stranger)


def test_a_share_of_the_images_is_the_first_ones(bench: Benchmark) -> None:
    evaluator = TableEvaluator(bench, DEVICE)
    quarter = evaluator.at(0.25)
    right = bench.table.predictions("val").correct[:, :75]
    rows = [bench.row(a) for a in bench.table.space.format(quarter.listed)]
    assert np.array_equal(quarter.networks(quarter.listed).accuracy, right[rows].mean(axis=1))
    for share in (0.0, 1.5, 1e-6):
        with pytest.raises(ConstraintError, match="share"):
            TableEvaluator(bench, DEVICE, share=share)


def test_bounds_and_unknown_names_are_refused(bench: Benchmark) -> None:
    for gate in ("oracle", "random"):
        with pytest.raises(GateError, match="bound or a control"):
            TableEvaluator(bench, DEVICE, gates=[gate])
    with pytest.raises(UnknownNameError):
        TableEvaluator(bench, "no-such-device")


def test_worst_of_several_devices(bench: Benchmark) -> None:
    a, b = TableEvaluator(bench, DEVICE), TableEvaluator(bench, DEVICE)
    slow = b._costs.latency_ms.max() + 5.0 - b._costs.latency_ms  # the other way round
    b._costs = type(b._costs)(
        **{
            **vars(b._costs),
            "latency_ms": slow,
            "provenance": {"latency_ms": "measured", "energy_mj": "modelled"},
        }
    )
    both = worst_case([a, b])
    pairs = [g[:40] for g in all_pairs(a)]
    swept, one, two = both.sweep(*pairs), a.sweep(*pairs), b.sweep(*pairs)
    for name in ("latency_ms", "latency_p95_ms"):
        worst = np.maximum(one.figures[name], two.figures[name])
        assert np.array_equal(swept.figures[name], worst)
    assert swept.provenance["latency_ms"] == "simulated"  # the least founded of the two
    settings = SearchSettings(budget=60, limits={"latency_worst_ms": 60.0}, population=10)
    outcome = get_searcher("nsga2")(both, settings)
    for evaluator in (a, b):
        again = evaluator.networks(get_space("fbnet").parse(list(outcome.front.little)))
        other = evaluator.networks(get_space("fbnet").parse(list(outcome.front.big)))
        rate = outcome.front.escalation_rate
        worst = again.costs.latency_ms + (rate > 0) * other.costs.latency_ms
        assert (worst <= 60.0 + 1e-9).all()
    assert np.allclose(outcome.front.latency_worst_ms.max(), 60.0, atol=60.0)
    # point by point as well, where largest mean and largest p95 are of two devices
    gene = get_searcher("random")(both, SearchSettings(budget=60, gate="gene", seed=1))
    asked = candidates_of(gene.front, both, 10)
    exact = [
        e.networks(asked.little).costs.latency_ms
        + (gene.front.escalation_rate > 0) * e.networks(asked.big).costs.latency_ms
        for e in (a, b)
    ]
    assert np.allclose(gene.front.latency_worst_ms, np.maximum(*exact))
    assert worst_case([a]) is a
    with pytest.raises(ConstraintError, match="no device"):
        worst_case([])
    with pytest.raises(ConstraintError, match="agree"):
        worst_case([a, TableEvaluator(bench, DEVICE, gates=["margin"])])


def test_answers_are_kept_and_the_same_whether_they_were_or_not(tmp_path: Path) -> None:
    asked = []

    def answer(architecture: str, n: int) -> np.ndarray:
        asked.append((architecture, n))
        return np.random.default_rng(n).dirichlet(np.ones(10), n)

    first = kept_answers(answer, tmp_path / "deep" / "er")("8" * 22, 5)
    again = kept_answers(answer, tmp_path / "deep" / "er")("8" * 22, 5)
    assert asked == [("8" * 22, 5)]
    assert np.array_equal(first, again)
    assert first.dtype == np.float64
    kept_answers(answer, tmp_path / "deep" / "er")("8" * 22, 4)
    assert len(asked) == 2
    (tmp_path / "deep" / "er" / ("8" * 22 + "-5.npy")).write_bytes(b"no array")
    with pytest.raises(CheckpointError, match="Delete it"):
        kept_answers(answer, tmp_path / "deep" / "er")("8" * 22, 5)


def test_limits_that_are_no_fractions_or_no_numbers_are_refused() -> None:
    for name, value in (("accuracy", 95), ("error", 1.5), ("params", -1), ("macs", np.inf)):
        with pytest.raises(ConstraintError, match=name):
            checked_limits({name: value})
    with pytest.raises(UnknownNameError, match="latency_worst_ms"):
        checked_limits({"latency_worst": 3.0})


def test_params_are_counted(bench: Benchmark) -> None:
    evaluator = TableEvaluator(bench, DEVICE)
    settings = SearchSettings(objectives=("error", "params"), budget=40, population=10)
    outcome = get_searcher("nsga2")(evaluator, settings)
    space = get_space("fbnet")
    both = [
        space.params(space.parse(list(a)), 10) for a in (outcome.front.little, outcome.front.big)
    ]
    assert np.array_equal(outcome.front.params, both[0] + both[1])


def test_a_grid_of_cuts_stands_in_for_curves(bench: Benchmark) -> None:
    inner = TableEvaluator(bench, DEVICE)
    grid = GridSweeps(inner)
    little, big = inner.listed[:3], inner.listed[3:6]
    swept = grid.sweep(little, big)
    again = inner.evaluate(Candidates(little[swept.owner], big[swept.owner], swept.gate, swept.cut))
    assert np.array_equal(swept.figures["accuracy"], again.accuracy)
    assert np.bincount(swept.owner).min() == np.bincount(swept.owner).max()


def test_the_live_evaluator_agrees_with_a_table_of_the_same_answers(bench: Benchmark) -> None:
    space, labels = get_space("fbnet"), np.random.default_rng(0).integers(0, 10, 320)
    asked: list[tuple[str, int]] = []

    def answer(architecture: str, n: int) -> np.ndarray:
        asked.append((architecture, n))
        rng = np.random.default_rng(int(architecture, 9) % 2**32)
        odds = np.exp(rng.normal(size=(320, 10)) + 2.0 * np.eye(10)[labels])
        return (odds / odds.sum(axis=1, keepdims=True))[:n]

    n_choices = len(space.choices)
    block_ms = np.arange(22 * n_choices, dtype=float).reshape(22, n_choices) / 100
    profile = made_up_device(space, block_ms)
    live = LiveEvaluator(space, ("k3_e1", "skip"), answer, labels.astype(np.uint8), profile, 10)
    outcome = get_searcher("successive_halving").run(live, 20, population=8)
    assert len(asked) == len(set(asked)) == live.n_answered  # nothing is run twice
    assert {n for _, n in asked} == {20, 80, 320}
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


def test_the_live_evaluator_asks_as_roughly_as_it_is_told() -> None:
    space, labels = get_space("fbnet"), np.arange(40, dtype=np.uint8) % 10
    asked: list[tuple[str, int]] = []

    def way(name: str) -> Answering:
        def answer(architecture: str, n: int) -> np.ndarray:
            asked.append((name, n))
            return np.full((n, 10), 0.1)

        return answer

    profile = made_up_device(space, np.ones((22, len(space.choices))))
    rough = (Rough(0.1, 1.0, way("coarse")), Rough(0.5, 0.5, way("some")))
    live = LiveEvaluator(space, ("skip",), way("full"), labels, profile, 10, rough=rough)
    assert live.fidelities == (0.1, 0.5, 1.0)
    genomes = space.parse(["8" * 22])
    for fidelity in (0.1, 0.5, 1.0, 0.1):
        live.at(fidelity).at(fidelity).networks(genomes)
    live.networks(genomes)
    assert asked == [("coarse", 40), ("some", 20), ("full", 40)]


def test_single_networks_of_a_published_table() -> None:
    space, rng = get_space("nb201"), np.random.default_rng(0)
    genomes = np.unique(space.sample(rng, 200), axis=0)
    accuracy, latency = rng.random(len(genomes)), 1 + 9 * rng.random(len(genomes))
    evaluator = PublishedNetworks(space, space.format(genomes), accuracy, latency, 10)
    for name in ("random", "nsga2", "local_search"):
        outcome = get_searcher(name).run(evaluator, len(genomes) + 50, population=20)
        assert outcome.n_evaluations <= len(genomes)
        assert set(outcome.front.gate) == {"none"}
        assert (outcome.front.little == outcome.front.big).all()
        true = np.stack([1 - accuracy, latency], axis=1)
        if outcome.n_evaluations == len(genomes):
            assert len(outcome.front) == len(nondominated(true))
    unknown = space.parse(["000000"])
    if "000000" not in space.format(genomes):
        assert np.isnan(evaluator.networks(unknown).accuracy[0])
    with pytest.raises(ConstraintError, match="as many"):
        PublishedNetworks(space, ["000000"], accuracy, latency, 10)


def test_published_tables_that_are_not_there_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGLITTLE_REFERENCE_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match="BIGLITTLE_REFERENCE_DATA"):
        nb201()
    with pytest.raises(UnknownNameError, match="cifar10"):
        nb201(dataset="cifar-10")


@pytest.mark.reference_data
def test_nb201_has_the_published_front() -> None:
    try:
        evaluator = nb201()
    except DatasetError as error:
        pytest.skip(str(error))
    values = np.stack([1 - evaluator.accuracy, evaluator.latency_ms], axis=1)
    front = values[nondominated(values)]
    assert (len(values), len(front)) == (15_625, 44)
    assert front[:, 0].min() == pytest.approx(1 - 0.9157)
