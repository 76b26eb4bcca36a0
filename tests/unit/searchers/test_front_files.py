"""What is written is what is read."""

from __future__ import annotations

import csv
import dataclasses
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench import Benchmark, Points
from biglittle.bench.errors import BigLittleError
from biglittle.bench.figures import POINT_FIGURES
from biglittle.bench.provenance import PROVENANCES, MemberWords, with_fields
from biglittle.bench.recommend import budgets, marks, recommend
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import (
    SearchOutcome,
    SingleNetworks,
    front_json,
    get_searcher,
    read_front,
    write_results,
)
from biglittle.searchers.evaluators.table import TableEvaluator
from biglittle.searchers.front_files import to_toml
from biglittle.searchers.front_question import FrontQuestion

Config = dict[str, Any]


def _same(a: Any, b: Any) -> None:
    figures = {n for n in a.provenance if not np.isnan(getattr(a, n)).all()}  # no figure, no word
    assert {n: a.provenance[n] for n in figures} == {n: b.provenance[n] for n in figures}
    for field in fields(a):
        if field.name != "provenance":
            np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name))


def test_json_round_trip(
    tmp_path: Path, outcome: SearchOutcome, best: SingleNetworks, config: Config
) -> None:
    written = write_results(tmp_path / "deep" / "er", outcome, config, best)
    assert [p.name for p in written] == ["front.csv", "front.json", "config.toml"]
    assert sorted(p.name for p in written[0].parent.iterdir()) == sorted(p.name for p in written)
    back = read_front(written[0].parent)
    assert back.config == config
    _same(back.points, outcome.front)
    assert back.best_singles is not None
    _same(back.best_singles, best)
    words = read_front(written[1]).points.provenance
    assert words.items() <= outcome.front.provenance.items()


def test_a_file_keeps_the_coupling_of_its_pairs(
    outcome: SearchOutcome, best: SingleNetworks, config: Config, tmp_path: Path
) -> None:
    coupling = np.array(["nested", "prefix", "sibling", "", *["sibling"] * 21])
    points = Points(**{**vars(outcome.front), "coupling": coupling})
    write_results(tmp_path, dataclasses.replace(outcome, front=points), config, best)
    for name in ("front.json", "front.csv"):
        assert read_front(tmp_path / name).points.coupling.tolist() == coupling.tolist()
    document = json.loads((tmp_path / "front.json").read_text(encoding="utf-8"))
    assert [r["coupling"] for r in document["front"][:4]] == ["nested", "prefix", "sibling", None]
    del document["front"][0]["coupling"]  # as earlier versions wrote it
    (tmp_path / "old.json").write_text(json.dumps(document), encoding="utf-8")
    assert read_front(tmp_path / "old.json").points.coupling[0] == ""
    document["front"][1]["coupling"] = "glued"
    (tmp_path / "bad.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(
        BigLittleError, match=r"front\[1\].coupling is 'glued'.*sibling, nested, prefix"
    ):
        read_front(tmp_path / "bad.json")


def test_json_has_the_promised_face(
    outcome: SearchOutcome, best: SingleNetworks, config: Config
) -> None:
    document = json.loads(json.dumps(front_json(config, outcome.front, best), allow_nan=False))
    assert list(document) == ["config", "front"]
    promised = (
        "little big coupling gate threshold accuracy escalation_rate latency_ms latency_p95_ms"
    )
    promised += " latency_worst_ms energy_mj macs params peak_memory_mib provenance"
    promised += " ram_kib flash_kib answers_alone best_single"
    assert list(document["front"][0]) == promised.split()
    assert document["front"][0]["best_single"] is None
    assert document["front"][0]["energy_mj"] is None
    assert document["front"][-1]["best_single"]["provenance"]["accuracy"] == "predicted"
    assert "best_single" not in front_json(config, outcome.front)["front"][0]


def test_csv_carries_every_figure_with_its_provenance(
    tmp_path: Path, outcome: SearchOutcome, best: SingleNetworks, config: Config
) -> None:
    path = write_results(tmp_path, outcome, config, best)[0]
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    front = outcome.front
    assert [r["little"] for r in rows] == front.little.tolist()
    assert [float(r["threshold"]) for r in rows] == front.threshold.tolist()
    for name in ("accuracy", "escalation_rate", "latency_ms", "latency_p95_ms", "macs"):
        assert [float(r[name]) for r in rows] == front.figure(name).tolist()
        assert {r[f"{name}_provenance"] for r in rows} == {front.provenance[name]}
    assert {r["energy_mj"] for r in rows} == {""}
    assert [r["best_single_architecture"] for r in rows] == best.architecture.tolist()
    assert rows[-1]["best_single_accuracy_provenance"] == "predicted"


def test_csv_and_json_hold_every_objective_of_a_search(tmp_path: Path, config: Config) -> None:
    table = synthetic_table(n_networks=14, seed=3)
    write_table(tmp_path / "table.h5", table, "test", "2020-01-01")
    evaluator = TableEvaluator(Benchmark.load(tmp_path / "table.h5"), DEVICE)
    outcome = get_searcher("random").run(evaluator, budget=30)
    paths = write_results(tmp_path / "out", outcome, config)
    with paths[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    records = json.loads(paths[1].read_text())["front"]
    missing = set(POINT_FIGURES) - set(rows[0])
    assert not missing
    space = evaluator.space
    for row, record in zip(rows, records, strict=True):
        pair = space.parse([row["little"], row["big"]])
        resident = space.params(pair, 10)[: 2 if record["escalation_rate"] else 1]
        shared = 0
        if record["coupling"] == "nested" and len(resident) == 2:
            shared = space.nested_params(pair[:1], pair[1:], 10)[0]
        assert float(row["params"]) == record["params"] == resident.sum() - shared
        costs = evaluator.networks(pair).costs
        big = costs.latency_ms[1] if float(row["escalation_rate"]) > 0 else 0.0
        worst = costs.latency_ms[0] + costs.gate_ms + big
        assert float(row["latency_worst_ms"]) == pytest.approx(worst)
        assert row["params_provenance"] == record["provenance"]["params"] == "modelled"
        assert row["latency_worst_ms_provenance"] == row["latency_p95_ms_provenance"] != ""
    for path in paths[:2]:
        _same(read_front(path).points, dataclasses.replace(outcome.front, split=None))


def test_config_is_toml(tmp_path: Path, outcome: SearchOutcome, config: Config) -> None:
    tomllib = pytest.importorskip("tomllib")
    path = write_results(tmp_path, outcome, config)[2]
    back = tomllib.loads(path.read_text())
    run = back.pop("run")
    assert back == config
    assert run["n_evaluations"] == 1000
    assert run["overhead_s"] == pytest.approx(0.5)


def test_toml_of_awkward_values() -> None:
    tomllib = pytest.importorskip("tomllib")
    awkward = {
        "text": 'quote " back\\slash\nline \x7f é \U0001f600',
        "with space": True,
        "tiny": 1e-07,
        "huge": 1e300,
        "nothing": float("inf"),
        "many": [1, 2.5, "x", False],
        "empty": {},
        "a": {"b.c": {"d": 1}},
    }
    assert tomllib.loads(to_toml({**awkward, "left_out": None})) == awkward
    assert tomllib.loads(to_toml({"n": np.int64(3), "x": np.float32(0.5)})) == {"n": 3, "x": 0.5}
    with pytest.raises(BigLittleError, match="'odd' is a set"):
        to_toml({"odd": {1}})


def test_unwritable_folder(outcome: SearchOutcome, config: Config, blocked: Path) -> None:
    with pytest.raises(BigLittleError, match="cannot write results to") as caught:
        write_results(blocked, outcome, config)
    assert "\n" not in str(caught.value)


def test_a_failure_leaves_what_was_there(
    tmp_path: Path, outcome: SearchOutcome, config: Config
) -> None:
    (tmp_path / "front.csv").write_text("old")
    (tmp_path / "front.json.d").mkdir()
    config_is_a_folder = tmp_path / "config.toml"
    (config_is_a_folder / "x").mkdir(parents=True)
    with pytest.raises(BigLittleError, match="cannot write results"):
        write_results(tmp_path, outcome, config)
    assert not list(tmp_path.glob("*.partial"))
    assert not list(tmp_path.glob(".*.partial"))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"config": {}, "front": [{}]}', '{"config": 3, "front": []}']
)
def test_a_file_that_is_no_front(tmp_path: Path, text: str) -> None:
    (tmp_path / "front.json").write_text(text)
    with pytest.raises(BigLittleError, match="is not a front"):
        read_front(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "it is a list, expected an object"),
        ("3", "it is 3, expected an object"),
        ('{"config": {}}', "it has no field 'front'"),
        ('{"front": []}', "it has no field 'config'"),
        ('{"config": {}, "front": {}}', "front is an object, expected a list"),
        ('{"config": {}, "front": [7]}', "front[0] is 7, expected an object"),
        ('{"config": {}, "front": [{"little": "8"}]}', "front[0] has no field 'big'"),
        ('{"config": {"sources": 3}, "front": []}', "config.sources is 3, expected an object"),
        ('{"config": {"device": 5}, "front": []}', "config.device is 5, expected a text"),
        ('{"config": {}, "front": NaN}', "NaN is not a number in JSON"),
        ('{"config": {}, "front": [], "recommended": 1}', "recommended is 1, expected a list"),
    ],
)
def test_what_a_front_lacks_is_said_in_words(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "front.json"
    path.write_text(text)
    with pytest.raises(BigLittleError) as caught:
        read_front(path)
    assert f"front.json is not a front: {problem}" in str(caught.value)
    assert "Error" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(BigLittleError, match="cannot read"):
        read_front(tmp_path / "nowhere.json")


def test_points_that_are_measured_and_points_that_are_given_may_stand_in_one_front(
    tmp_path: Path, outcome: SearchOutcome, config: Config
) -> None:
    words = ["measured", "given"] * 12 + ["given"]
    ranks = np.array([PROVENANCES.index(word) for word in words], np.uint8)
    answers = MemberWords(dict.fromkeys(("accuracy", "escalation_rate"), ranks))
    common = {n: w for n, w in outcome.front.provenance.items() if n not in answers}
    front = dataclasses.replace(outcome.front, provenance=with_fields(common, answers))
    write_results(tmp_path, dataclasses.replace(outcome, front=front), config)
    for name in ("front.json", "front.csv"):
        back = read_front(tmp_path / name).points
        assert [p.provenance["accuracy"] for p in back] == words


def test_records_of_different_provenance_are_refused(
    tmp_path: Path, outcome: SearchOutcome
) -> None:
    document = front_json({}, outcome.front)
    document["front"][3]["provenance"]["accuracy"] = "measured"
    (tmp_path / "front.json").write_text(json.dumps(document))
    with pytest.raises(BigLittleError, match="differ in provenance"):
        read_front(tmp_path)


def test_every_record_keeps_the_word_of_its_own_latency(
    tmp_path: Path, outcome: SearchOutcome
) -> None:
    document = front_json({}, outcome.front)
    for field in ("latency_ms", "latency_p95_ms", "latency_worst_ms"):
        document["front"][3]["provenance"][field] = "predicted"
    (tmp_path / "front.json").write_text(json.dumps(document))
    points = read_front(tmp_path).points
    words = [point.provenance["latency_ms"] for point in points]
    assert words[3] == "predicted"
    assert set(words[:3]) == {document["front"][0]["provenance"]["latency_ms"]}
    again = [record["provenance"]["latency_p95_ms"] for record in front_json({}, points)["front"]]
    assert again == [r["provenance"]["latency_p95_ms"] for r in document["front"]]


def test_same_points_same_bytes(tmp_path: Path, outcome: SearchOutcome, config: Config) -> None:
    slower = SearchOutcome(**{**vars(outcome), "seconds_total": 9.0})
    first = write_results(tmp_path / "a", outcome, config)
    second = write_results(tmp_path / "b", slower, config)
    assert isinstance(outcome.front, Points)
    assert [p.read_bytes() for p in first[:2]] == [p.read_bytes() for p in second[:2]]


def test_a_front_reads_the_same_from_csv_and_json(
    tmp_path: Path, outcome: SearchOutcome, config: Config
) -> None:
    write_results(tmp_path, outcome, {"seed": 0})
    from_csv, from_json = (read_front(tmp_path / f"front.{kind}") for kind in ("csv", "json"))
    assert from_csv.points.records() == from_json.points.records()
    assert read_front(tmp_path).label == "front.json"
    (tmp_path / "front.json").unlink()
    assert read_front(tmp_path).points.records() == from_csv.points.records()
    assert from_csv.points.provenance == from_json.points.provenance
    assert from_csv.config == {}
    write_results(tmp_path, outcome, config)
    assert read_front(tmp_path / "front.csv").question == FrontQuestion(
        "front.csv", {"raspberry-pi-4": "raspberry-pi-4"}
    )


def _spreadsheet(text: str, decimal: str = ",") -> str:
    """The same table as a spreadsheet of a country with decimal commas saves it."""
    rows = list(csv.reader(text.splitlines()))
    head, *body = rows
    assert head[0] == "little"
    swapped = [[c if k < 3 else c.replace(".", decimal) for k, c in enumerate(r)] for r in body]
    lines = [";".join([*head, "my note"]), *(";".join([*r, "a, b"]) for r in swapped)]
    return "\r\n".join(lines) + "\r\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_front_that_a_spreadsheet_saved_is_the_same_front(
    tmp_path: Path, outcome: SearchOutcome, config: Config, encoding: str
) -> None:
    written, *_ = write_results(tmp_path, outcome, config)
    before = read_front(written)
    written.write_bytes(_spreadsheet(written.read_text()).encode(encoding))
    _same(read_front(written).points, before.points)
    assert read_front(written).question == before.question
    document = tmp_path / "front.json"
    document.write_bytes(document.read_text().encode(encoding))
    assert read_front(document).config == config


def test_what_a_spreadsheet_spoilt_is_named(
    tmp_path: Path, outcome: SearchOutcome, config: Config
) -> None:
    written, *_ = write_results(tmp_path, outcome, config)
    text = written.read_text()
    little = text.splitlines()[1].split(",")[0]
    written.write_text(text.replace(little, "2.86385E+21", 1))
    with pytest.raises(BigLittleError, match=r"line 2, column 'little'.*as text"):
        read_front(written)
    accuracy = text.splitlines()[0].split(",").index("accuracy")
    cells = text.splitlines()[1].split(",")
    cells[accuracy] = "Jan 85"
    lines = [text.splitlines()[0], ",".join(cells), *text.splitlines()[2:]]
    written.write_text("\n".join(lines))
    with pytest.raises(BigLittleError, match=r"line 2, column 'accuracy': got 'Jan 85'"):
        read_front(written)


@pytest.mark.parametrize("text", ["", "little,big\na,b\n", "not a front"])
def test_another_csv_is_no_front(tmp_path: Path, text: str) -> None:
    path = tmp_path / "front.csv"
    path.write_text(text)
    with pytest.raises(BigLittleError, match="is not a front: it has no column"):
        read_front(path)


def test_a_front_of_an_earlier_version_has_no_worst_case_and_no_parameters(
    tmp_path: Path, outcome: SearchOutcome, config: Config
) -> None:
    written = write_results(tmp_path, outcome, config)
    document = json.loads(written[1].read_text())
    for record in document["front"]:
        for name in ("latency_worst_ms", "params"):
            del record[name]
            record["provenance"].pop(name, None)
    written[1].write_text(json.dumps(document))
    with written[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    heads = [n for n in rows[0] if not n.startswith(("latency_worst_ms", "params"))]
    with written[0].open("w", newline="") as file:
        writer = csv.DictWriter(file, heads, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    for path in written[:2]:
        back = read_front(path).points
        assert np.isnan(back.latency_worst_ms).all()
        assert np.isnan(back.params).all()
        assert back.latency_ms.tolist() == outcome.front.latency_ms.tolist()


def test_what_is_recommended_travels_with_the_files(
    tmp_path: Path, outcome: SearchOutcome, config: Config
) -> None:
    questions = budgets(outcome.front, {})
    answers = recommend(outcome.front, questions, outcome.singles)
    write_results(tmp_path, outcome, config, recommended=answers)
    whole = read_front(tmp_path / "front.json")
    assert whole.recommended is not None
    assert [a.record() for a in whole.recommended] == [a.record() for a in answers]
    assert set(whole.recommended_rows) == set(marks(answers))
    assert set(read_front(tmp_path / "front.csv").recommended_rows) == set(marks(answers))


def test_a_pair_of_the_table_is_proposed_beside_the_front(
    tmp_path: Path, outcome: SearchOutcome, config: Config
) -> None:
    (answer, *_) = recommend(outcome.front, budgets(outcome.front, {}))
    better = dataclasses.replace(answer, source="table", row=None)
    write_results(tmp_path, outcome, config, recommended=[better])
    front = read_front(tmp_path)
    assert front.recommended_elsewhere == (better.pair,)
    assert front.recommended_rows == ()


def test_a_point_that_asks_one_network_alone_says_which(
    tmp_path: Path, outcome: SearchOutcome, config: Config
) -> None:
    rate = np.array([0.0, 1.0] + [0.5] * (len(outcome.front) - 2))
    front = dataclasses.replace(outcome.front, escalation_rate=rate)
    write_results(tmp_path, dataclasses.replace(outcome, front=front), config)
    document = json.loads((tmp_path / "front.json").read_text("utf-8"))
    told = [record["answers_alone"] for record in document["front"]]
    assert told == [front.little[0], front.big[1], *[None] * (len(front) - 2)]
    with (tmp_path / "front.csv").open(encoding="utf-8") as file:
        cells = [row["answers_alone"] for row in csv.DictReader(file)]
    assert cells == [t or "" for t in told]


def refusal(
    folder: Path, document: dict[str, Any], part: str, index: int, change: dict[str, Any]
) -> str:
    """What is said of a front's document with one entry changed."""
    changed = json.loads(json.dumps(document))
    changed[part][index] |= change
    (folder / "front.json").write_text(json.dumps(changed))
    with pytest.raises(BigLittleError) as caught:
        read_front(folder)
    return str(caught.value)


def test_every_figure_of_a_front_is_a_number_that_it_can_have(
    tmp_path: Path, outcome: SearchOutcome, config: Config
) -> None:
    document = front_json(config, outcome.front)
    for change, problem in (
        ({"accuracy": 1.5}, "accuracy is 1.5, expected at most 1"),
        ({"latency_ms": -3.0}, "latency_ms is -3.0, expected at least 0"),
        ({"latency_ms": "3"}, "latency_ms is '3', expected a number or null"),
        ({"little": "a\nbiglittle --evil"}, "front[2].little is"),
        ({"gate": "\x1b[2J"}, "control characters"),
        ({"provenance": {"accuracy": "guessed"}}, "provenance.accuracy is 'guessed'"),
        ({"best_single": {"architecture": 1}}, "best_single.architecture is 1"),
    ):
        assert problem in refusal(tmp_path, document, "front", 2, change)


def test_answers_of_a_front_are_checked_too(
    tmp_path: Path, outcome: SearchOutcome, best: SingleNetworks, config: Config
) -> None:
    answers = recommend(outcome.front, budgets(outcome.front, {}), best)
    write_results(tmp_path, outcome, config, best, answers)
    assert read_front(tmp_path).recommended is not None
    document = json.loads((tmp_path / "front.json").read_text())
    for change, problem in (
        ({"aim": "beauty"}, "is about 'beauty', expected some of"),
        ({"pair": {"little": "8"}}, "pair has no field"),
        ({"row": -1}, "row is -1, expected at least 0"),
        ({"gain": "much"}, "gain is 'much', expected a number or null"),
    ):
        assert problem in refusal(tmp_path, document, "recommended", 0, change)


def test_text_of_others_is_no_formula_in_a_spreadsheet(
    tmp_path: Path, outcome: SearchOutcome
) -> None:
    n = len(outcome.front)
    names = np.array(["=1+1", "+a", "-b", "@c", "'=d", "plain", *["e"] * (n - 6)])
    points = Points(**{**vars(outcome.front), "little": names})
    config = {"sources": {"device": "=cmd()", "table": "fbnet-cifar10"}}
    written, *_ = write_results(tmp_path, dataclasses.replace(outcome, front=points), config)
    with written.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert not [cell for row in rows for cell in row.values() if cell[:1] in ("=", "+", "@")]
    assert [row["little"] for row in rows[:6]] == ["'=1+1", "'+a", "'-b", "'@c", "''=d", "plain"]
    back = read_front(written)
    assert back.points.little.tolist() == names.tolist()
    assert back.question.devices == {"=cmd()": "=cmd()"}
    _same(back.points, points)


def test_digits_of_another_script_are_not_numbers(
    tmp_path: Path, outcome: SearchOutcome, config: Config
) -> None:
    written, *_ = write_results(tmp_path, outcome, config)
    head, first, *rest = written.read_text().splitlines()
    for text in ("\u0661", "1_000", "nan", "inf"):
        cells = first.split(",")
        cells[head.split(",").index("latency_ms")] = text
        written.write_text("\n".join([head, ",".join(cells), *rest]))
        with pytest.raises(BigLittleError, match="line 2, column 'latency_ms'"):
            read_front(written)
