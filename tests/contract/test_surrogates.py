"""Every member and every pair model of a surrogate keeps the same promises."""

from __future__ import annotations

import json

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import MissingExtraError, SurrogateError, UnknownNameError
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table import Table
from biglittle.bench.table_writer import write_table
from biglittle.surrogates import MEMBERS, PAIR_MODELS, fit_data, get_member, get_pair_model
from biglittle.surrogates.curve import GRID
from biglittle.surrogates.networks import Networks
from biglittle.surrogates.pairs import CandidateRows, composed_curves

pytest.importorskip("xgboost")
pytest.importorskip("onnx")

CHOICES = ("k3_e1", "k3_e6", "skip")


@pytest.fixture(autouse=True, scope="module")
def _short_training():  # type: ignore[no-untyped-def]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biglittle.surrogates.members.gnn.EPOCHS", 6)
        patch.setattr("biglittle.surrogates.pairs.gnn.EPOCHS", 1)
        patch.setattr("biglittle.surrogates.pairs.gnn.PER_EPOCH", 32)
        yield


def networks(n: int, space: str = "fbnet", columns: bool = False) -> Networks:
    found = get_space(space)
    choices = CHOICES if space == "fbnet" else found.choices
    rng = np.random.default_rng(0)
    genomes = np.unique(found.sample(rng, 4 * n, choices), axis=0)
    genomes = genomes[rng.permutation(len(genomes))[:n]]
    if not columns:
        return Networks(found, choices, 10, genomes)
    further = rng.normal(size=(n, 1)).astype(np.float32)
    return Networks(found, choices, 10, genomes, further, ("proxy",))


def targets(of: Networks) -> np.ndarray:
    macs = of.log_macs - of.log_macs.mean()
    return np.column_stack([0.6 + 0.05 * np.tanh(macs), 0.3 * macs])


_FITTED: dict[tuple[str, str], object] = {}


def fitted(name: str, space: str = "fbnet"):  # type: ignore[no-untyped-def]
    if (name, space) not in _FITTED:
        given = networks(60, space)
        try:
            _FITTED[name, space] = get_member(name).fit(given, targets(given), 3)
        except MissingExtraError as error:
            pytest.skip(str(error))
    return _FITTED[name, space]


@pytest.mark.parametrize("kind", [MEMBERS, PAIR_MODELS])
def test_the_file_is_the_name_and_a_line_says_what_it_does(kind) -> None:  # type: ignore[no-untyped-def]
    for name in kind.names():
        entry = kind.load(name)
        assert entry.name == name
        assert 10 < len(entry.summary) < 90


@pytest.mark.parametrize("space", ["fbnet", "nb201"])
@pytest.mark.parametrize("name", MEMBERS.names())
def test_it_learns_gives_finite_figures_and_a_spread(name: str, space: str) -> None:
    given = networks(90, space).take(np.arange(60, 90))
    said = fitted(name, space).predict(given)
    assert said.mean.shape == said.std.shape == (30, 2)
    assert np.isfinite(said.mean).all()
    assert (said.std >= 0).all()
    np.testing.assert_allclose(fitted(name, space).mean(given), said.mean, atol=1e-12)
    assert said.mean[:, 0].std() > 0


@pytest.mark.parametrize("name", MEMBERS.names())
def test_json_and_onnx_are_all_there_is_of_it(name: str) -> None:
    one, given = fitted(name), networks(40)
    document = json.loads(json.dumps(one.document))
    assert all(file.endswith(".onnx") for file in one.files)
    again = get_member(name).load(document, dict(one.files))
    for a, b in zip(
        (one.predict(given).mean, one.predict(given).std),
        (again.predict(given).mean, again.predict(given).std),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", MEMBERS.names())
def test_the_same_seed_gives_the_same_member(name: str) -> None:
    given = networks(60)
    fitted(name)  # skips where something is not installed
    again = get_member(name).fit(given, targets(given), 3)
    assert json.dumps(again.document) == json.dumps(fitted(name).document)
    assert dict(again.files) == dict(fitted(name).files)


@pytest.mark.parametrize("name", MEMBERS.names())
def test_a_batch_says_what_single_questions_say(name: str) -> None:
    given = networks(7)
    whole = fitted(name).predict(given)
    for i in range(7):
        one = fitted(name).predict(given.take(np.array([i])))
        np.testing.assert_allclose(one.mean[0], whole.mean[i], atol=2e-5)
        np.testing.assert_allclose(one.std[0], whole.std[i], atol=1e-3)
    assert fitted(name).predict(given.take(np.zeros(0, np.intp))).mean.shape == (0, 2)


@pytest.mark.parametrize("name", MEMBERS.names())
def test_poor_data_is_refused(name: str) -> None:
    given = networks(60)
    few = given.take(np.arange(5))
    with pytest.raises(SurrogateError, match="too few"):
        get_member(name).fit(few, targets(few))
    broken = targets(given)
    broken[3, 0] = np.nan
    with pytest.raises(SurrogateError, match="finite"):
        get_member(name).fit(given, broken)
    with pytest.raises(SurrogateError, match="do not go with"):
        get_member(name).fit(given, targets(given)[:50])


@pytest.mark.parametrize(
    "name", ["ridge", "xgboost", "ridge_xgboost", "gaussian_process", "gaussian_process_ard"]
)
def test_further_columns_are_used_and_missed(name: str) -> None:
    given = networks(60, columns=True)
    truth = targets(given) + 0.5 * given.columns
    bare = Networks(given.space, given.choices, 10, given.genomes)
    informed = get_member(name).fit(given, truth)
    blind = get_member(name).fit(bare, truth)

    def off(model, of):  # type: ignore[no-untyped-def]
        return np.abs(model.mean(of) - truth).mean()

    assert off(informed, given) < 0.5 * off(blind, bare) or off(informed, given) < 0.01
    with pytest.raises(SurrogateError, match="proxy"):
        informed.predict(bare)
    with pytest.raises(SurrogateError, match="proxy"):
        blind.predict(given)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("contract") / "table.h5"
    write_table(path, synthetic_table(40), "0", "2026-01-01")
    return fit_data(Table(path))


@pytest.fixture(scope="module", params=PAIR_MODELS.names())
def pairs(request: pytest.FixtureRequest, data):  # type: ignore[no-untyped-def]
    model = get_pair_model(request.param)
    try:
        return model, model.fit(data, get_member("ridge"), 1)
    except MissingExtraError as error:
        pytest.skip(str(error))


def test_curves_start_at_little_end_at_big_and_rise_in_escalation(pairs, data) -> None:  # type: ignore[no-untyped-def]
    alone = np.random.default_rng(0).uniform(0.2, 0.9, len(data))
    cuts = np.arange(257)
    for gate in range(len(data.gates)):
        for little, big in ((0, 7), (9, 3), (5, 5)):
            rows = np.full(257, little), np.full(257, big)
            asked = CandidateRows(*rows, np.full(257, gate), cuts)
            accuracy, rate = pairs[1].predict(data.networks, alone, asked)
            assert accuracy[0] == pytest.approx(alone[little], abs=1e-12)
            assert accuracy[-1] == pytest.approx(alone[big], abs=1e-12)
            assert (rate[0], rate[-1]) == (0, 1)
            assert (np.diff(rate) >= 0).all()
            assert ((accuracy >= 0) & (accuracy <= 1)).all()
            if little == big:
                np.testing.assert_allclose(accuracy, alone[little], atol=1e-12)


def test_whole_curves_hold_the_points_of_single_questions(pairs, data) -> None:  # type: ignore[no-untyped-def]
    little, big = np.array([0, 9, 5, 9]), np.array([7, 3, 5, 1])
    accuracy = data.accuracy()
    rates, gain = pairs[1].curves(data.networks, accuracy, little, big)
    assert rates.shape == (4, len(data.gates), 257)
    assert gain.shape == (4, len(data.gates), len(GRID))
    assert (np.diff(rates, axis=-1) >= 0).all()
    assert (rates[..., 0] == 0).all()
    assert (rates[..., -1] == 1).all()
    cuts = np.array([0, 90, 180, 256])
    at = rates[..., cuts]
    said = composed_curves(accuracy, little, big, at, gain)
    pair, gate, place = (x.ravel() for x in np.indices(at.shape))
    asked = CandidateRows(little[pair], big[pair], gate, cuts[place])
    expected = pairs[1].predict(data.networks, accuracy, asked)
    np.testing.assert_allclose(said.ravel(), expected[0], atol=1e-5)
    np.testing.assert_allclose(at.ravel(), expected[1], atol=1e-5)


def test_pairs_are_json_and_onnx_and_repeat(pairs, data) -> None:  # type: ignore[no-untyped-def]
    model, one = pairs
    rng = np.random.default_rng(2)
    rows = rng.integers(0, len(data), (2, 50))
    asked = CandidateRows(*rows, rng.integers(0, 3, 50), rng.integers(0, 257, 50))
    said = one.predict(data.networks, data.accuracy(), asked)
    document = json.loads(json.dumps(one.document))
    for again in (model.load(document, dict(one.files)), model.fit(data, get_member("ridge"), 1)):
        for a, b in zip(again.predict(data.networks, data.accuracy(), asked), said, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)  # JSON keeps seven digits of a basis


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="ridge"):
        get_member("rigde")
    with pytest.raises(UnknownNameError, match="item_response"):
        get_pair_model("item_respons")
