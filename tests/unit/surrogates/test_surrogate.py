import json
import shutil

import numpy as np
import pytest

from biglittle.bench import Benchmark, Candidates
from biglittle.bench.errors import SurrogateError
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.surrogates import Surrogate


def candidates(surrogate, n, seed=0, cut=None):
    rng = np.random.default_rng(seed)
    little, big = (surrogate.space.sample(rng, n, surrogate.choices) for _ in range(2))
    cuts = rng.integers(0, 257, n) if cut is None else np.full(n, cut)
    return Candidates(little, big, rng.integers(0, len(surrogate.gates), n), cuts)


def test_the_ends_are_little_alone_and_big_alone(surrogate):
    for cut, member in ((0, "little"), (256, "big")):
        asked = candidates(surrogate, 30, cut=cut)
        accuracy, rate = surrogate.predict(asked)
        alone = surrogate.accuracy(getattr(asked, member))
        np.testing.assert_allclose(accuracy, alone, atol=2e-6)  # models compute in float32
        assert (rate == cut / 256).all()


def test_escalation_rises_with_the_cut(surrogate):
    one = candidates(surrogate, 1)
    for gate in range(len(surrogate.gates)):
        little, big = (np.repeat(g, 257, axis=0) for g in (one.little, one.big))
        asked = Candidates(little, big, np.full(257, gate), np.arange(257))
        assert (np.diff(surrogate.predict(asked)[1]) >= 0).all()


def test_a_network_with_itself_is_itself_at_every_cut(surrogate):
    asked = candidates(surrogate, 20)
    accuracy, _ = surrogate.predict(Candidates(asked.little, asked.little, asked.gate, asked.cut))
    np.testing.assert_allclose(accuracy, surrogate.accuracy(asked.little), atol=2e-6)


def test_a_batch_says_what_single_questions_say(surrogate):
    asked = candidates(surrogate, 12)
    together = surrogate.predict(asked)
    for i in range(12):
        part = slice(i, i + 1)
        one = Candidates(asked.little[part], asked.big[part], asked.gate[part], asked.cut[part])
        for whole, single in zip(together, surrogate.predict(one), strict=True):
            np.testing.assert_allclose(single[0], whole[i], atol=5e-6)


def test_it_has_learnt_something(surrogate, data):
    truth = data.predictions["val"].correct.mean(axis=1)
    predicted = surrogate.predict_networks(data.genomes).accuracy
    assert np.corrcoef(predicted, truth)[0, 1] > 0.9


def test_intervals_hold_what_is_predicted_and_are_nan_where_none_were_calibrated(
    surrogate, calibrated_surrogate
):
    asked = candidates(surrogate, 25)
    accuracy, rate = surrogate.predict(asked)
    bare, points = (s.predict_points(asked) for s in (surrogate, calibrated_surrogate))
    assert np.isnan(bare.low).all()
    assert np.isnan(bare.rate_high).all()
    np.testing.assert_allclose(points.accuracy, accuracy, atol=1e-12)
    np.testing.assert_allclose(points.escalation_rate, rate, atol=1e-12)
    assert (points.low <= points.accuracy).all()
    assert (points.accuracy <= points.high).all()
    assert ((points.rate_low <= rate) & (rate <= points.rate_high)).all()
    networks = calibrated_surrogate.predict_networks(asked.little)
    assert (networks.low < networks.accuracy).all()
    assert (networks.accuracy < networks.high).all()


def test_no_candidates_is_no_error(surrogate):
    assert [len(a) for a in surrogate.predict(candidates(surrogate, 0))] == [0, 0]


@pytest.mark.parametrize(("field", "value"), [("cut", 257), ("cut", -1), ("gate", 9)])
def test_values_out_of_range_are_refused(surrogate, field, value):
    asked = candidates(surrogate, 2)
    getattr(asked, field)[1] = value
    with pytest.raises(SurrogateError, match=field):
        surrogate.predict(asked)


def test_a_choice_never_seen_is_refused(surrogate):
    asked = candidates(surrogate, 2)
    asked.big[1, 4] = surrogate.space.choices.index("k5_e6")
    with pytest.raises(SurrogateError, match="k5_e6"):
        surrogate.predict(asked)


def test_genomes_of_another_space_are_refused(surrogate):
    with pytest.raises(SurrogateError, match="expects"):
        surrogate.predict_networks(np.zeros((2, 6), np.uint8))


def test_a_tampered_model_is_refused(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = copy / "pairs.mean.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(SurrogateError, match="edited"):
        Surrogate.load(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"files": {"../../secret": "0" * 64}}, "secret"),
        ({"files": ["a.onnx"]}, "files is a list, expected an object"),
        ({"space": 5}, "space is 5, expected a text"),
        ({"n_classes": "ten"}, "n_classes is 'ten'"),
        ({"support": {"architectures": [1], "threshold": 1}}, r"architectures\[0\] is 1"),
        ({"grid": ["a"]}, r"grid\[0\] is 'a', expected a number"),
        ({"accuracy": {"member": "ridge", "link": {"kind": 3}}}, "link.kind is 3"),
    ],
)
def test_a_document_of_other_types_is_refused_before_a_model_is_read(
    folder, tmp_path, change, message
):
    copy = shutil.copytree(folder, tmp_path / "copy")
    document = json.loads((copy / "surrogate.json").read_text()) | change
    (copy / "surrogate.json").write_text(json.dumps(document))
    for path in copy.glob("*.onnx"):
        path.unlink()
    with pytest.raises(SurrogateError, match=message):
        Surrogate.load(copy, check=False)


@pytest.mark.parametrize("key", ["report", "seed", "sha256", "accuracy"])
def test_an_edited_document_is_refused(folder, tmp_path, key):
    copy = shutil.copytree(folder, tmp_path / "copy")
    document = json.loads((copy / "surrogate.json").read_text())
    if key == "accuracy":
        document["accuracy"]["link"]["ceiling"] = 1.0
    elif key == "sha256":
        del document["sha256"]
    else:
        document[key] = 7 if key == "seed" else {"level": 0.5}
    (copy / "surrogate.json").write_text(json.dumps(document))
    with pytest.raises(SurrogateError, match="was edited"):
        Surrogate.load(copy)
    assert Surrogate.load(copy, check=False).space.name == "fbnet"
    assert Surrogate.load(folder).document["sha256"]


@pytest.mark.parametrize(
    ("key", "value"), [("format", "other-1"), ("space_hash", "0" * 64), ("grid", [0.5])]
)
def test_a_surrogate_of_another_version_is_refused(folder, tmp_path, key, value):
    copy = shutil.copytree(folder, tmp_path / "copy")
    document = json.loads((copy / "surrogate.json").read_text())
    (copy / "surrogate.json").write_text(json.dumps(document | {key: value}))
    with pytest.raises(SurrogateError):
        Surrogate.load(copy)


def test_a_missing_folder_says_what_to_do(tmp_path):
    with pytest.raises(SurrogateError, match=r"Fit one: biglittle surrogate fit; or search"):
        Surrogate.load(tmp_path / "none")
    table = tmp_path / "mine.h5"
    write_table(table, synthetic_table(), "1", "d")
    with pytest.raises(SurrogateError) as refused:
        Surrogate.load(tmp_path / "surrogate")
    verb, option, path = str(refused.value).rpartition("biglittle ")[2].rstrip(".").split(" --")
    assert (verb, option, path) == ("search", "on table", f"table {table}")
    assert Benchmark.load(path.removeprefix("table ")).table.path == table


def test_candidates_are_not_needed_twice(surrogate):
    one = surrogate.space.sample(np.random.default_rng(0), 1, surrogate.choices)
    many = np.repeat(one, 300, axis=0)
    asked = Candidates(many, many, np.zeros(300, int), np.arange(300) % 257)
    networks, rows = surrogate._rows(asked)
    assert len(networks) == 1
    assert len(rows) == 300
