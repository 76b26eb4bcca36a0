"""Specialisation of a supernet: given pairs, the few best, and what is handed out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from biglittle.bench import Benchmark, Pair, get_space
from biglittle.bench.datasets import Dataset, Images
from biglittle.bench.device import DeviceProfile
from biglittle.bench.errors import BigLittleError, CheckpointError, ConstraintError
from biglittle.bench.evaluator import SweepingEvaluator
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import (
    EvaluationLog,
    Progress,
    SearchOutcome,
    SearchSettings,
    get_searcher,
)
from biglittle.searchers.evaluators.live import LiveEvaluator
from biglittle.searchers.evaluators.table import TableEvaluator
from biglittle.searchers.given_pairs import judged
from biglittle.searchers.log import LoggedBatch
from biglittle.searchers.specialise import (
    SpecialiseSettings,
    best_pairs,
    evolve,
    specialise,
)
from biglittle.searchers.with_weights import Weights, WithWeights

SPACE = get_space("fbnet")
CHOICES = ("k3_e1", "skip")
LABELS = np.arange(40, dtype=np.uint8) % 10


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> TableEvaluator:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(n_networks=14, seed=3), "test", "2020-01-01")
    return TableEvaluator(Benchmark.load(path), DEVICE)


def profile() -> DeviceProfile:
    block = np.array([int(c == "skip") or 5 for c in SPACE.choices], float)  # skip 1, others 5
    return DeviceProfile(
        name="made-up",
        description="",
        space="fbnet",
        space_hash=SPACE.hash,
        n_classes=10,
        runtime="none",
        source="test",
        block_ms=np.tile(block, (22, 1)),
        constant_ms=2.0,
    )


def live(penalty: float = 0.0, choices: tuple[str, ...] = CHOICES) -> LiveEvaluator:
    """Networks that know more labels the fewer layers they skip; ``penalty`` of layer 0."""

    def answer(architecture: str, n: int) -> np.ndarray:
        known = 12 + architecture.count("0") - int(penalty * (architecture[0] == "0"))
        right = np.arange(n) % 40 < known
        said = np.where(right, LABELS[:n], (LABELS[:n] + 1) % 10)
        sure = np.where(right, 0.9, 0.3)
        return (1 - sure[:, None]) / 9 + (sure - (1 - sure) / 9)[:, None] * np.eye(10)[said]

    return LiveEvaluator(SPACE, choices, answer, LABELS, profile(), 10)


def test_given_pairs_have_their_best_point_within_the_limits(evaluator: TableEvaluator) -> None:
    ids = SPACE.format(evaluator.listed)
    rng = np.random.default_rng(0)
    pairs = [Pair(ids[a], ids[b]) for a, b in rng.integers(0, len(ids), (12, 2))]
    limit = float(np.quantile(evaluator.networks(evaluator.listed).costs.latency_ms, 0.5))
    outcome = judged(evaluator, [*pairs, pairs[0]], {"latency_ms": limit})
    assert outcome.n_evaluations == len(set(pairs))
    assert outcome.best is not None
    parsed = [SPACE.parse([getattr(p, part) for p in pairs]) for part in ("little", "big")]
    swept = evaluator.sweep(parsed[0], parsed[1]).figures
    within = swept["latency_ms"] <= limit
    assert outcome.best.accuracy[0] == swept["accuracy"][within].max()
    assert outcome.best.latency_ms[0] <= limit
    with pytest.raises(ConstraintError, match="no pairs"):
        judged(evaluator, [])
    with pytest.raises(ConstraintError, match="does not know"):
        judged(evaluator, [Pair("1" * 22, "1" * 22)])
    with pytest.raises(ConstraintError, match="best reachable"):
        judged(evaluator, pairs, {"latency_ms": 1e-6})


def test_the_few_best_are_within_the_limits_best_first_and_apart() -> None:
    settings = SpecialiseSettings({"latency_ms": 70.0}, budget=300, few=5, apart=6)
    predictor = live()
    outcome = evolve(predictor, settings)
    found = best_pairs(outcome, predictor, settings.few, settings.apart)
    assert len(found) == 5
    assert outcome.best is not None
    assert found[0][0] == outcome.best.accuracy[0]
    accuracy = [a for a, _ in found]
    assert accuracy == sorted(accuracy, reverse=True)
    genomes = [SPACE.parse([p.little, p.big]) for _, p in found]
    for i, one in enumerate(genomes):
        assert all((one != other).sum() >= 6 for other in genomes[:i])
    for worth, pair in found:
        best = judged(predictor, [pair], settings.limits).best
        assert best is not None
        assert best.accuracy[0] == worth


@pytest.mark.parametrize(("rate", "n"), [(0.001, 2), (0.5, 3)])
def test_another_big_network_that_hardly_answers_makes_no_other_pair(rate: float, n: int) -> None:
    genes = np.zeros((3, 46), np.int64)
    genes[1, 22:44] = 1  # another big
    genes[2, :22] = 1  # another little
    figures = {"accuracy": np.array([0.9, 0.89, 0.8]), "escalation_rate": np.full(3, rate)}
    nothing = np.zeros(3, np.int64)
    batch = LoggedBatch(genes, 3.0, 1.0, 0.0, np.arange(3), nothing, nothing, figures)
    outcome = SimpleNamespace(
        log=EvaluationLog({}, [batch]), settings=SimpleNamespace(limits={"error": 0.5})
    )
    found = best_pairs(cast(SearchOutcome, outcome), live(), few=3, apart=2)
    assert [worth for worth, _ in found] == [0.9, 0.89, 0.8][:: 1 if n == 3 else 2]


def test_what_was_promised_too_much_is_not_chosen() -> None:
    settings = SpecialiseSettings({"latency_ms": 70.0}, budget=300, few=6, apart=2)
    best, considered = specialise(live(), live(penalty=9), settings)
    values = [c.val.accuracy for c in considered if c.val is not None]
    assert best.accuracy == max(values)
    assert best.latency_ms is not None
    assert best.latency_ms <= 70.0
    assert considered[0].predicted.accuracy >= considered[-1].predicted.accuracy
    again, _ = specialise(live(), live(penalty=9), settings)
    assert again == best


def test_bad_settings_and_a_predictor_of_other_weights() -> None:
    for given in ({"few": 0}, {"few": 9, "budget": 8}, {"apart": 0}):
        with pytest.raises(ConstraintError, match="expected at least"):
            SpecialiseSettings({"latency_ms": 20.0}, **given)
    with pytest.raises(BigLittleError, match="latency_ms"):
        SpecialiseSettings({"latency": 20.0})
    settings = SpecialiseSettings({"latency_ms": 70.0}, budget=40, few=1)
    with pytest.raises(ConstraintError, match="predictor of these weights"):
        specialise(live(choices=("k3_e1", "k5_e1", "skip")), live(), settings)
    with pytest.raises(ConstraintError, match="best reachable"):
        specialise(live(), live(), SpecialiseSettings({"latency_ms": 1.0}, budget=40, few=1))


def test_a_pair_is_handed_out_as_it_was_evaluated(tmp_path: Path, made_up: Dataset) -> None:
    torch = pytest.importorskip("torch")
    onnxruntime = pytest.importorskip("onnxruntime")
    from biglittle.cotrain.supernet import Supernet
    from biglittle.searchers.ofa import Trained, deliver

    rng = np.random.default_rng(0)
    splits = {
        name: Images(
            rng.integers(0, 256, (n, 32, 32, 3)).astype(np.uint8),
            rng.integers(0, 10, n).astype(np.uint8),
        )
        for name, n in (("train", 16), ("val", 20), ("test", 24))
    }
    torch.manual_seed(0)
    trained = Trained(Supernet(SPACE, 10), "0" * 64, CHOICES, made_up, splits)
    settings = SpecialiseSettings({"latency_ms": 60.0}, budget=30, few=2)
    sources = {"kind": "made up"}
    report = deliver(
        trained, profile(), settings, lambda live: _as_if(live), sources, tmp_path / "pair"
    )
    folder = tmp_path / "pair"
    names = {"little.onnx", "big.onnx", "cascade.onnx", "little.safetensors", "ofa.json"}
    assert names <= {p.name for p in folder.iterdir()}
    assert report == json.loads((folder / "ofa.json").read_text())
    assert report["val"]["provenance"]["accuracy"] == "measured"
    assert report["val"]["provenance"]["latency_ms"] == "block-sum"
    assert report["val"]["latency_ms"] <= 60.0
    for field in ("little", "big", "gate", "threshold"):
        assert report["test"][field] == report["val"][field]
    # the cascade answers the test images as the report says
    session = onnxruntime.InferenceSession(str(folder / "cascade.onnx"))
    name = session.get_inputs()[0].name
    said = [session.run(None, {name: x[None]}) for x in splits["test"].images]
    logits = next(i for i, o in enumerate(session.get_outputs()) if o.name == "logits")
    right = [s[logits].argmax() == y for s, y in zip(said, splits["test"].labels, strict=True)]
    assert np.mean(right) == pytest.approx(report["test"]["accuracy"])

    # read again, never asked again; another question is refused
    def no_predictor(live: LiveEvaluator) -> LiveEvaluator:
        raise AssertionError("asked again")

    again = deliver(trained, profile(), settings, no_predictor, sources, folder)
    assert again == report
    other = SpecialiseSettings({"latency_ms": 50.0}, budget=30, few=2)
    with pytest.raises(CheckpointError, match="another question"):
        deliver(trained, profile(), other, no_predictor, sources, folder)
    (folder / "ofa.json").write_text("{")
    with pytest.raises(CheckpointError, match="as the report of a specialised pair"):
        deliver(trained, profile(), settings, no_predictor, sources, folder)


def _as_if(real: LiveEvaluator) -> LiveEvaluator:
    """A predictor of the same shape that runs nothing."""
    n = real._n_images
    chances = np.random.default_rng(0).dirichlet(np.ones(10), n)
    return LiveEvaluator(SPACE, CHOICES, lambda a, k: chances[:k], real._labels, real.profile, 10)


def test_a_predictor_is_fitted_on_what_networks_answered() -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("sklearn")
    from biglittle.searchers.specialise import sampled_predictor

    judge = live()
    predictor = sampled_predictor(judge, LABELS, profile(), 10, samples=40)
    ids = ["0" * 22, "80" * 11, "8" * 22]
    genomes = SPACE.parse(ids)
    predicted, true = predictor.networks(genomes), judge.networks(genomes)
    assert predicted.provenance == "predicted"
    assert isinstance(predictor, SweepingEvaluator)  # so that no grid of cuts stands in for curves
    assert (np.diff(predicted.accuracy) < 0).all()  # it ranks them
    assert np.abs(predicted.accuracy - true.accuracy).max() < 0.15
    assert np.array_equal(predicted.costs.latency_ms, true.costs.latency_ms)


def weights(tmp_path: Path) -> Weights:
    """A supernet of random weights, with as few images as there can be."""
    torch = pytest.importorskip("torch")
    from biglittle.bench.datasets import Images, get_dataset
    from biglittle.cotrain.supernet import Supernet

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (130, 32, 32, 3)).astype(np.uint8)
    train = Images(pixels, rng.integers(0, 10, 130).astype(np.uint8))
    return Weights(Supernet(SPACE, 10), {"train": train}, get_dataset("cifar10"), tmp_path)


def test_darts_is_called_as_any_searcher(tmp_path: Path) -> None:
    told: list[Progress] = []
    find = WithWeights("darts", weights(tmp_path), ("raspberry-pi-4",))
    settings = SearchSettings(budget=2, limits={"latency_ms": 300.0}, objectives=("error", "macs"))
    outcome = find(live(), settings, told.append)
    assert [(t.n_evaluations, t.budget) for t in told] == [(1, 2), (2, 2)]
    assert outcome.n_evaluations == 1
    assert len(set(outcome.front.little)) == 1
    assert outcome.best is None
    assert (outcome.front.latency_ms <= 300.0).all()
    assert 0 < outcome.seconds_evaluating < outcome.seconds_total
    scored = find(live(), replace(settings, soft="accuracy - macs/1e12"))
    assert scored.best is not None
    with pytest.raises(ConstraintError, match="best reachable"):
        find(live(), replace(settings, limits={"latency_ms": 1.0}))
    for given in ({"checkpoint": tmp_path / "log.npz"}, {"warm": object()}):
        with pytest.raises(ConstraintError, match="keeps no log"):
            find(live(), settings, **given)
    with pytest.raises(ConstraintError, match="for one device"):
        WithWeights("darts", find.weights, ("one", "two"))


def test_ofa_is_called_as_any_searcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    folder = SimpleNamespace(load=lambda path: None)
    monkeypatch.setattr("biglittle.surrogates.Surrogate", folder)
    monkeypatch.setattr("biglittle.surrogates.SurrogateEvaluator", lambda fitted, device: live())
    find = WithWeights("ofa", weights(tmp_path), ("raspberry-pi-4",))
    settings = SearchSettings(budget=200, limits={"latency_ms": 70.0})
    outcome = find(live(penalty=9), settings)
    assert outcome.n_evaluations == SpecialiseSettings.few
    assert (outcome.front.latency_ms <= 70.0).all()
    best, _ = specialise(live(), live(penalty=9), SpecialiseSettings({"latency_ms": 70.0}, 200))
    assert outcome.front.accuracy.max() == best.accuracy
    with pytest.raises(ConstraintError, match="at least one"):
        find(live(), replace(settings, limits={}))


@pytest.mark.parametrize("name", ["darts", "ofa"])
def test_who_asks_for_them_as_searchers_is_told_the_command(name: str) -> None:
    with pytest.raises(BigLittleError, match=f"python -m biglittle.searchers.{name}"):
        get_searcher(name)


def test_the_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from biglittle.searchers.ofa import main

    for arguments, message in (
        (["specialise"], "give at least one"),
        (
            ["specialise", "--latency-ms-max", "20", "--weights", str(tmp_path / "none")],
            "train a supernet",
        ),
        (["train", "--epochs", "0", "--from", "scratch"], "at least 1"),
    ):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 1
        assert message in capsys.readouterr().err
