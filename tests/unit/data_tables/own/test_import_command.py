"""``biglittle import answers``: from files to a table and a verdict; what is said of bad ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from biglittle.bench import Benchmark, BigLittleError, get_space, load_device
from biglittle.bench.errors import AnswersError, ConstraintError
from biglittle.cli import app
from biglittle.data_tables.own.verdict import verdict


def run(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def imported(given: Any, *words: Any) -> tuple[Benchmark, dict[str, Any]]:
    out = given.folder / "out" / "mine.h5"
    result = run("import", "answers", *words, "--out", out, "--replace", "--json")
    if result.exception:
        raise result.exception
    return Benchmark.load(out), json.loads(result.stdout)


def files(given: Any) -> list[Path]:
    return [given.folder / f"{name}.npy" for name in given.answers]


def labels(given: Any) -> tuple[str, Path]:
    return "--labels", given.folder / "y.npy"


def costs(given: Any) -> tuple[str, Path]:
    return "--costs", given.folder / "costs.csv"


def test_two_files_and_two_costs_are_a_verdict_by_one_command(given: Any) -> None:
    small, _, large = files(given)
    out = given.folder / "mine.h5"
    result = run(
        "import", "answers", small, large, *labels(given),
        "--cost", "small=4", "--cost", "large=70", "--out", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "2 networks, 5 classes, 300 images of val and 300 of test" in result.stdout
    assert "Verdict: ask large only where the" in result.stdout
    assert "90% interval" in result.stdout
    command = next(x for x in result.stdout.splitlines() if x.startswith("  biglittle query"))
    assert run(*command.split()[1:]).exit_code == 0
    pair = json.loads(run(*command.split()[1:-1], "--json").stdout)
    bench = Benchmark.load(out)
    point = bench.query(("small", "large"), (pair["gate"], pair["threshold"]), "given")
    assert pair["accuracy"] == point.accuracy
    chosen = verdict(bench, "given").answer.pair  # the command repeats it to the last digit
    assert chosen is not None
    assert (pair["gate"], pair["threshold"]) == (chosen.gate, chosen.threshold)


def test_the_verdict_is_the_cheapest_pair_as_accurate_as_the_best_network(given: Any) -> None:
    bench, document = imported(given, given.folder)
    verdict = document["verdicts"][0]
    best = bench.accuracy("val").max()
    point, single = verdict["pair"], verdict["single"]
    assert bench.accuracy("val")[bench.row(single["architecture"])] == best
    front = bench.front("given")
    enough = [p for p in front.chosen if p.accuracy >= best and 0.01 <= p.escalation_rate <= 0.99]
    cheapest = min(enough, key=lambda p: p.latency_ms)
    assert (point["little"], point["big"]) == (cheapest.little, cheapest.big)
    assert (point["gate"], point["threshold"]) == (cheapest.gate, cheapest.threshold)
    assert verdict["gain"] == pytest.approx(point["accuracy"] - single["accuracy"])
    assert verdict["gain_low"] <= verdict["gain"] <= verdict["gain_high"]


def test_limits_ask_for_the_most_accurate_within_them(given: Any) -> None:
    _, document = imported(given, given.folder, "--latency-ms-max", 20)
    verdict = document["verdicts"][0]
    assert verdict["budget"] == {"latency_ms": 20.0}
    assert verdict["single"]["architecture"] == "middle"
    out = given.folder / "t.h5"
    text = run("import", "answers", given.folder, "--latency-ms-max", 20, "--out", out).stdout
    assert "Verdict: Within the limits (mean latency of at most 20" in text


def test_a_folder_has_labels_and_costs_beside_the_answers(given: Any) -> None:
    bench, document = imported(given, given.folder)
    assert list(bench) == ["small", "middle", "large"]
    assert document["info"]["training"] == {"given": 3}
    assert bench.costs("given").latency_ms.tolist() == [4.0, 18.0, 70.0]


def test_val_and_test_lie_in_folders_or_are_named(given: Any) -> None:
    for side, rows in (("val", slice(0, 250)), ("test", slice(250, None))):
        folder = given.folder / "both" / side
        folder.mkdir(parents=True)
        np.save(folder / "labels.npy", given.labels[rows])
        for name, array in given.answers.items():
            np.save(folder / f"{name}.npy", array[rows])
    (given.folder / "both" / "costs.csv").write_text((given.folder / "costs.csv").read_text())
    bench, _ = imported(given, given.folder / "both")
    assert bench.table.n_images == {"val": 250, "test": 350}
    val, test = given.folder / "both" / "val", given.folder / "both" / "test"
    again, _ = imported(given, test, "--val", val, *costs(given))
    assert again.accuracy("val").tolist() == bench.accuracy("val").tolist()
    assert again.accuracy().tolist() == bench.accuracy().tolist()


def test_rows_are_put_into_the_order_of_the_labels_by_ids(given: Any) -> None:
    ids = np.array([f"{i:04}.png" for i in range(len(given.labels))])
    order = np.random.default_rng(1).permutation(len(ids))
    np.savez(given.folder / "y.npz", labels=given.labels, ids=ids)
    small, middle, _ = files(given)
    np.savez(
        given.folder / "large.npz", probabilities=given.answers["large"][order], ids=ids[order]
    )
    words = (small, middle, given.folder / "large.npz", *costs(given))
    bench, document = imported(given, *words, "--labels", given.folder / "y.npz")
    whole, _ = imported(given, *files(given), *labels(given), *costs(given))
    assert bench.accuracy().tolist() == whole.accuracy().tolist()
    assert document["notes"] == ["large: rows were put into the order of the labels, by their ids."]
    with pytest.raises(AnswersError, match="and the labels do not; give labels with a column 'id'"):
        imported(given, *words, *labels(given))
    np.savez(given.folder / "large.npz", probabilities=given.answers["large"][1:], ids=ids[1:])
    with pytest.raises(AnswersError, match=r"1 of the 600 with a label are not among them, '0000"):
        imported(given, *words, "--labels", given.folder / "y.npz")


def test_kinds_are_of_all_or_of_one(given: Any) -> None:
    np.save(given.folder / "small.npy", np.log(given.answers["small"]))
    words = (*files(given), *labels(given), *costs(given))
    with pytest.raises(AnswersError, match="give kind 'logits'"):
        imported(given, *words)
    bench, _ = imported(given, *words, "--kind", "small=logits")
    assert bench.accuracy("test")[0] > 0.3
    with pytest.raises(AnswersError, match="--kind names 'smal'"):
        imported(given, *words, "--kind", "smal=logits")


def test_several_devices_and_figures_come_in_one_file(given: Any) -> None:
    file = given.folder / "more.csv"
    file.write_text(
        "model;device;latency_ms;energy_mj;macs\n"
        "small;pi;4,5;;1000000\nlarge;pi;70;;9000000\nsmall;nano;2;1;\nlarge;nano;20;9;\n"
    )
    small, _, large = files(given)
    bench, document = imported(given, small, large, *labels(given), "--costs", file)
    assert bench.devices == ("nano", "pi")
    point = bench.query(("small", "large"), ("margin", 0.5), "nano")
    assert point.energy_mj == pytest.approx(1 + 9 * point.escalation_rate)
    assert point.macs == pytest.approx(1e6 + 9e6 * point.escalation_rate)
    assert [v["device"] for v in document["verdicts"]] == ["nano", "pi"]


def test_without_costs_a_table_is_written_and_says_what_is_missing(given: Any) -> None:
    bench, document = imported(given, *files(given), *labels(given))
    assert document["verdicts"] == []
    assert "add --cost NAME=MS for each" in document["notes"][0]
    assert len(bench) == 3


def test_limits_that_nothing_meets_leave_a_table_that_is_named(given: Any) -> None:
    out = given.folder / "out" / "x.h5"
    result = run("import", "answers", given.folder, "--latency-ms-max", 0.01, "--out", out)
    assert isinstance(result.exception, ConstraintError)
    assert f"The table is written: {out}. Ask it within other limits" in str(result.exception)
    assert len(Benchmark.load(out)) == 3
    result = run("import", "answers", given.folder, "--energy-mj-max", 3, "--out", out)
    text = str(result.exception)
    assert "has no energy_mj on given; expected figures that were given with the answers" in text
    assert "latency_ms" not in text


def test_a_table_of_other_answers_is_not_replaced_unless_that_is_asked_for(given: Any) -> None:
    small, middle, large = files(given)
    out = ("--out", given.folder / "mine.h5")
    same = ("import", "answers", small, large, *labels(given), *out)
    assert run(*same).exit_code == 0
    again = run(*same, "--seed", 3, "--cost", "small=4", "--cost", "large=9")
    assert again.exit_code == 0  # other costs and another split of the same answers
    before = out[1].read_bytes()
    for other in (middle, f"large={middle}"):
        words = ("import", "answers", small, other, *labels(given), *out)
        result = run(*words)
        assert isinstance(result.exception, AnswersError)
        assert "is there already, and is not a table of these answers; add --replace" in str(
            result.exception
        )
        assert out[1].read_bytes() == before
    assert run(*words, "--replace").exit_code == 0
    out[1].write_text("notes of mine")
    assert isinstance(run(*same).exception, AnswersError)
    assert out[1].read_text() == "notes of mine"


def test_verdicts_name_their_device_and_go_on_with_what_they_advise(given: Any) -> None:
    file = given.folder / "more.csv"
    file.write_text(
        "network,device,latency_ms\nsmall,pi,4\nlarge,pi,70\nsmall,nano,9\nlarge,nano,10\n"
    )
    small, _, large = files(given)
    out = given.folder / "two.h5"
    result = run("import", "answers", small, large, *labels(given), "--costs", file, "--out", out)
    verdicts = [line for line in result.stdout.splitlines() if line.startswith("Verdict")]
    assert verdicts[0].startswith("Verdict on nano: use one network.")
    assert verdicts[1].startswith("Verdict on pi: ask large only where")
    # The verdict on the first device is a single network: no pair is to be asked about.
    assert f"biglittle front --table {out} --device nano" in result.stdout
    assert "biglittle query" not in result.stdout


def test_a_file_that_is_missing_is_told_before_labels_are(given: Any) -> None:
    for name in ("nowhere.npy", "nowhere", "small=nowhere.npy"):
        with pytest.raises(AnswersError, match="cannot be read: there is no such file"):
            imported(given, name)


def test_every_verb_takes_the_table(given: Any) -> None:
    imported(given, given.folder)
    table = ("--table", given.folder / "out" / "mine.h5")
    front = run("front", *table, "--json")
    assert json.loads(front.stdout)["config"]["device"] == "given"
    for words in (
        ("query", "small", "large", *table),
        ("query", "small", "large", *table, "--explain"),
        ("cascade", "small", "middle", "large", *table),
        ("cascade", "small", "middle", "large", "--threshold", "0.3,0.5", *table),
        ("front", *table),
        ("table", "info", table[1]),
        ("search", "--on", "table", *table, "--budget", 60, "--json"),
    ):
        result = run(*words)
        assert result.exit_code == 0, (words, result.output, result.exception)
        assert "raspberry" not in result.stdout
        assert "one digit a layer" not in result.stdout
    shown = run("show", "small", *table)
    assert isinstance(shown.exception, BigLittleError)
    assert "known by their answers alone" in str(shown.exception)


def test_a_search_of_the_table_finds_its_front(given: Any) -> None:
    imported(given, given.folder)
    table = ("--table", given.folder / "out" / "mine.h5")
    exact = json.loads(run("front", *table, "--json").stdout)["front"]
    found = json.loads(run("search", "--on", "table", *table, "--budget", 60, "--json").stdout)
    points = {(p["little"], p["big"], p["gate"], p["threshold"]) for p in found["front"]}
    mine = {(p["little"], p["big"], p["gate"], p["threshold"]) for p in exact}
    assert len(points & mine) > 0.9 * len(mine)


def test_onnx_files_are_predicted_on_a_device_and_measured_here(given: Any) -> None:
    pytest.importorskip("onnx")
    from biglittle.edge_profiler.onnx_network import onnx_model

    ids = {"small": "8" * 22, "middle": "0" * 22, "large": "3" * 22}
    for name, architecture in ids.items():
        model = onnx_model(get_space("fbnet"), architecture, 10)
        (given.folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    (given.folder / "costs.csv").unlink()
    bench, document = imported(given, given.folder, "--predict-on", "raspberry-pi-4", "--measure")
    assert bench.devices == ("raspberry-pi-4", "this-machine")
    pi, here = (bench.costs(device) for device in bench.devices)
    assert (pi.provenance["latency_ms"], here.provenance["latency_ms"]) == ("predicted", "measured")
    assert pi.provenance["macs"] == "modelled"
    assert pi.latency_ms.argsort().tolist() == [0, 1, 2]
    assert here.latency_ms[0] < here.latency_ms[2]
    point = bench.query(("small", "large"), ("margin", 0.5), "this-machine")
    assert point.provenance["latency_ms"] == "modelled"  # a mean of two that were measured
    assert point.provenance["accuracy"] == "given"
    assert len(document["verdicts"]) == 2


def test_a_network_that_is_named_as_an_architecture_has_the_figure_of_a_profile(given: Any) -> None:
    small, large = "8" * 22, "3" * 22
    bench, _ = imported(
        given, f"{small}={given.folder / 'small.npy'}", f"{large}={given.folder / 'large.npy'}",
        *labels(given), "--predict-on", "raspberry-pi-4",
    )  # fmt: skip
    shipped = Benchmark.load("fbnet-cifar10")
    device = load_device("raspberry-pi-4")
    space = shipped.table.space
    expected = device.latency_ms(space, space.parse([small, large]))
    assert np.allclose(bench.costs("raspberry-pi-4").latency_ms, expected)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--predict-on", "raspberry-pi-4"), "Give --costs FILE with what it takes instead"),
        (("nothing.npy",), "cannot be read"),
        (("--cost", "small"), "is not NAME=MS"),
        (("--cost", "smal=3"), "a cost is given for 'smal', of which there are no answers"),
        (("--onnx", "small=a.onnx"), "add --predict-on DEVICE, --measure"),
        (("--measure",), "needs ONNX files: --onnx NAME=FILE"),
        (("--split", "0"), "a share of 0 of the images"),
        (("--out", "mine.npz"), "expected one that ends in .h5"),
        (("--kind", "odds"), "got kind 'odds'"),
    ],
)
def test_what_cannot_be_imported(given: Any, words: tuple[str, ...], message: str) -> None:
    out = ("--out", given.folder / "o.h5")
    result = run("import", "answers", *files(given), *labels(given), *out, *words)
    assert isinstance(result.exception, BigLittleError)
    assert message in str(result.exception)


def test_two_files_of_one_name_are_told_apart_by_a_name(given: Any) -> None:
    (given.folder / "other").mkdir()
    other = given.folder / "other" / "small.npy"
    np.save(other, given.answers["large"])
    with pytest.raises(AnswersError, match="two networks are called 'small'"):
        imported(given, files(given)[0], other, *labels(given))
    bench, _ = imported(given, files(given)[0], f"the other one={other}", *labels(given))
    assert list(bench) == ["small", "the other one"]


def test_no_labels_and_an_empty_folder_are_named(given: Any, tmp_path: Path) -> None:
    with pytest.raises(AnswersError, match="no labels were given; expected --labels FILE"):
        imported(given, *files(given))
    (given.folder / "empty").mkdir()
    with pytest.raises(AnswersError, match=r"has no answers; expected \.npy, \.npz, \.csv"):
        imported(given, given.folder / "empty", *labels(given))


def test_a_bad_cost_file_is_named_with_its_line(given: Any) -> None:
    file = given.folder / "bad.csv"
    for text, message in (
        ("network,latency\nsmall,4\n", "has the columns network, latency; expected network"),
        ("network,latency_ms\nsmall,fast\n", "line 2, column 'latency_ms'"),
        ("", "has the columns none"),
    ):
        file.write_text(text)
        with pytest.raises(AnswersError, match=message):
            imported(given, *files(given), *labels(given), "--costs", file)


def test_of_many_classes_a_reader_sees_those_that_are_escalated_most(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 300, 2000)
    for name, skill in (("small", 4.0), ("large", 9.0)):
        logits = rng.normal(size=(2000, 300))
        logits[np.arange(2000), labels] += skill
        np.save(tmp_path / f"{name}.npy", logits)
    np.save(tmp_path / "labels.npy", labels)
    out, page = tmp_path / "out" / "t.h5", tmp_path / "out" / "pair.html"
    costs = ("--cost", "small=1", "--cost", "large=9")
    words = (tmp_path, "--kind", "logits", *costs, "--out", out)
    assert run("import", "answers", *words).exit_code == 0
    asked = ("query", "small", "large", "--threshold", "0.3", "--table", out)
    text = run(*asked, "--explain", "--out", page).stdout
    assert "the 40 of 300 that are escalated most" in " ".join(text.split())
    assert len(text.splitlines()) < 150
    assert "300" in page.read_text(encoding="utf-8")
    record = json.loads(run(*asked, "--explain", "--json").stdout)["diagnostics"]
    assert len(record["class_accuracy"]) == 300


@pytest.mark.parametrize(
    "words",
    [
        ("show", "small"),
        ("search", "--budget", "20"),
        ("search", "--on", "live", "--budget", "20"),
        ("profile", "--networks", "table"),
        ("table", "extract", "small", "--out", "small.onnx"),
    ],
)
def test_what_needs_to_build_a_network_says_that_nobody_knows_how(
    given: Any, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(given.folder)
    imported(given, given.folder)
    result = run(*words, "--table", given.folder / "out" / "mine.h5")
    assert isinstance(result.exception, BigLittleError)
    assert "known by their answers alone" in str(result.exception)


@pytest.mark.parametrize("words", [("cotrain",), ("validate", "--measure", "here")])
def test_a_front_of_given_networks_is_not_built_either(given: Any, words: Any) -> None:
    pytest.importorskip("torch")
    imported(given, given.folder)
    front = given.folder / "out" / "front.json"
    table = ("--table", given.folder / "out" / "mine.h5")
    assert run("front", *table, "--out", front).exit_code == 0
    result = run(words[0], front, *words[1:])
    assert isinstance(result.exception, BigLittleError)
    assert "known by their answers alone" in str(result.exception)


def test_a_promise_and_a_page_are_made_of_given_networks(given: Any) -> None:
    imported(given, given.folder)
    path = given.folder / "out" / "mine.h5"
    promised = run("query", "small", "large", "--guarantee", "loss=0.1", "--table", path)
    assert "Promised: accuracy at most 10.00 points below big's" in promised.stdout
    page = given.folder / "out" / "page.html"
    explored = run("explore", path, "--device", "given", "--out", page)
    assert explored.exit_code == 0, explored.exception
    assert "middle" in page.read_text(encoding="utf-8")


def test_a_cost_that_is_not_known_is_why_there_is_no_verdict(given: Any) -> None:
    (given.folder / "costs.csv").write_text("network,latency_ms\nsmall,4\nmiddle,18\nlarge,\n")
    out = given.folder / "mine.h5"
    result = run("import", "answers", *files(given), *labels(given), *costs(given), "--out", out)
    assert result.exit_code == 0, result.output
    assert "Verdict" not in result.stdout
    assert "No verdict on given: the latency of large is not known there" in result.stdout
    advised = ("--cost", "large=70", "--cost", "small=4", "--cost", "middle=18", "--replace")
    again = run("import", "answers", *files(given), *labels(given), *advised, "--out", out)
    assert "Verdict" in again.stdout
    assert "No verdict" not in again.stdout


def test_without_costs_a_limit_on_escalation_names_the_best_pair_within_it(given: Any) -> None:
    words = (*files(given), *labels(given), "--escalation-rate-max", 0.3)
    bench, document = imported(given, *words)
    (verdict,) = document["verdicts"]
    pair, little, big = verdict["pair"], verdict["single"], verdict["big_alone"]
    assert pair["big"] == "large"  # the most accurate on val
    best = 0.0
    for name in ("small", "middle"):
        for gate in bench.table.metrics:
            curve = bench.curve((name, "large"), gate, "given", "val")
            best = max(best, curve.accuracy[curve.escalation_rate <= 0.3].max())
    two, gate = (pair["little"], pair["big"]), (pair["gate"], pair["threshold"])
    chosen = bench.query(two, gate, "given", "val")
    assert chosen.accuracy == best
    assert 0.01 <= chosen.escalation_rate <= 0.3
    assert pair["accuracy"] == bench.query(two, gate, "given").accuracy  # on test
    for alone, name, start in ((little, pair["little"], verdict), (big, "large", big)):
        assert alone["architecture"] == name
        assert alone["accuracy"] == bench.accuracy()[bench.row(name)]
        assert start["gain"] == pytest.approx(pair["accuracy"] - alone["accuracy"])
        assert start["gain_low"] <= start["gain"] <= start["gain_high"]
    out = given.folder / "t.h5"
    text = run("import", "answers", *words, "--out", out).stdout
    assert "Verdict within the limits (escalation rate of at most 30.0 % on val" in text
    assert f"beside {pair['little']} alone ({little['accuracy']:.2%})." in text
    assert f"Beside its big network alone ({100 * big['accuracy']:.2f} %, given)" in text
    command = next(x for x in text.splitlines() if x.startswith("  biglittle query"))
    assert run(*command.split()[1:]).exit_code == 0


def test_without_costs_a_limit_on_accuracy_is_met_with_the_least_escalation(given: Any) -> None:
    words = (*files(given), *labels(given), "--accuracy-min", 0.6)
    bench, document = imported(given, *words)
    pair = document["verdicts"][0]["pair"]
    two, gate = (pair["little"], pair["big"]), (pair["gate"], pair["threshold"])
    chosen = bench.query(two, gate, "given", "val")
    assert chosen.accuracy >= 0.6
    for name in ("small", "middle"):
        for metric in bench.table.metrics:
            curve = bench.curve((name, "large"), metric, "given", "val")
            rate = curve.escalation_rate[(curve.accuracy >= 0.6) & (curve.escalation_rate >= 0.01)]
            assert chosen.escalation_rate <= rate.min(initial=1.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--latency-ms-max", 3), "no limit on latency_ms can be kept; give --cost NAME=MS"),
        (("--escalation-rate-max", 0.3, "--accuracy-min", 1), "ends in large meets the limits"),
    ],
)
def test_without_costs_a_limit_that_cannot_be_kept_is_an_error(
    given: Any, words: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(ConstraintError, match=message) as error:
        imported(given, *files(given), *labels(given), *words)
    assert "--objectives error,escalation_rate." in str(error.value)


def test_costs_are_not_lost_unless_that_is_asked_for(given: Any) -> None:
    out = given.folder / "mine.h5"
    same = ("import", "answers", *files(given), *labels(given), "--out", out)
    (given.folder / "own.csv").write_text(
        "network,device,latency_ms,energy_mj\nsmall,my board,4,1\nmiddle,my board,18,\n"
        "large,my board,70,\n"
    )
    assert run(*same, "--costs", given.folder / "own.csv").exit_code == 0
    before = out.read_bytes()
    for words in ((), costs(given)):  # none at all, and those of another device
        result = run(*same, *words)
        assert isinstance(result.exception, AnswersError)
        assert "with energy_mj on my board, latency_ms on my board, which would be lost" in str(
            result.exception
        )
        assert out.read_bytes() == before
    assert run(*same, "--costs", given.folder / "own.csv", "--seed", 3).exit_code == 0
    assert run(*same, *costs(given), "--replace").exit_code == 0
    assert Benchmark.load(out).devices == ("given",)
