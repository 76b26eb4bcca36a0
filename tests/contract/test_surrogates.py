"""Every member and every pair model of a surrogate keeps the same promises."""

from __future__ import annotations

import json

import numpy as np
import pytest

from biglittle.bench.errors import MissingExtraError, SurrogateError, UnknownNameError
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table import Table
from biglittle.bench.table_writer import write_table
from biglittle.surrogates import MEMBERS, PAIR_MODELS, fit_data, get_member, get_pair_model
from biglittle.surrogates.curve import GRID
from biglittle.surrogates.networks import Networks
from biglittle.surrogates.pairs import CandidateRows, composed_curves
from biglittle.testing import MemberContract
from biglittle.testing.surrogates import networks, targets

pytest.importorskip("xgboost")
pytest.importorskip("onnx")


@pytest.fixture(autouse=True, scope="module")
def _short_training():  # type: ignore[no-untyped-def]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biglittle.surrogates.members.gnn.EPOCHS", 6)
        patch.setattr("biglittle.surrogates.pairs.gnn.EPOCHS", 1)
        patch.setattr("biglittle.surrogates.pairs.gnn.PER_EPOCH", 32)
        yield


class TestMembers(MemberContract):
    names = MEMBERS.shipped()


@pytest.mark.parametrize("kind", [MEMBERS, PAIR_MODELS])
def test_the_file_is_the_name_and_a_line_says_what_it_does(kind) -> None:  # type: ignore[no-untyped-def]
    for name in kind.names():
        entry = kind.load(name)
        assert entry.name == name
        assert 10 < len(entry.summary) < 90


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
