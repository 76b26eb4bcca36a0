"""Two rounds of active learning with a made-up evaluator, killed and gone on from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("scipy")
pytest.importorskip("xgboost")

from biglittle.bench import load_device
from biglittle.bench.errors import CheckpointError, ConstraintError
from biglittle.bench.rows import NetworkKey, is_held_out
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table import Table
from biglittle.bench.table_contents import encode_predictions
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.building.active_learning import (
    ImproveSettings,
    improve,
    lines,
)
from biglittle.data_tables.building.evaluate import Evaluation, EvaluationKey

SETTINGS = ImproveSettings(batch=8, budget=150)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, replace(synthetic_table(40), devices={}), "0", "2026-01-01")
    return Table(path)


class MadeUp:
    """Answers as the made-up table's networks do, but weaker: what was found was promised more."""

    def __init__(self, table: Table) -> None:
        self.table, self.asked = table, list[str]()

    def __call__(self, architecture: str) -> Evaluation:
        self.asked.append(architecture)
        space, answers = self.table.space, {}
        macs = space.macs(space.parse(architecture), 10)[0]
        skill = np.log(macs / self.table.networks["macs"].min())
        for split in ("val", "test"):
            labels = self.table.predictions(split).labels
            difficulty = np.random.default_rng(len(labels)).normal(size=len(labels))
            logits = np.random.default_rng(int(macs)).normal(size=(len(labels), 10))
            logits[np.arange(len(labels)), labels] += 1.5 * (skill - difficulty)
            odds = np.exp(logits)
            top1, codes = encode_predictions(odds / odds.sum(axis=1, keepdims=True), labels)
            answers[split] = {"top1": top1, **codes}
        return Evaluation(
            EvaluationKey(NetworkKey(architecture), origin="made up"), "0" * 64, answers
        )


class Killed(Exception):  # noqa: N818
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def run(table: Table, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("improve") / "run"
    ask, said = MadeUp(table), list[str]()
    before = table.path.read_bytes()
    found = improve(table, folder, ask, load_device("raspberry-pi-4"), 2, SETTINGS, said.append)
    assert table.path.read_bytes() == before
    return folder, found, ask.asked, said


def test_rounds_add_what_they_found_and_say_how_far_off_they_were(run, table: Table) -> None:  # type: ignore[no-untyped-def]
    folder, found, asked, said = run
    assert [r["round"] for r in found["rounds"]] == [1, 2]
    assert json.loads((folder / "active_learning.json").read_text()) == found
    known = {str(a) for a in table.networks["architecture"]}
    names = [n["architecture"] for r in found["rounds"] for n in r["networks"]]
    assert names == asked
    assert len(set(names)) == len(names) > SETTINGS.batch
    assert not known & set(names)
    grown = Table(folder / "table.h5")
    assert [str(a) for a in grown.networks["architecture"][len(table) :]] == names
    labels = table.predictions("val").labels
    for record in found["rounds"]:
        assert 0 < len(record["networks"]) <= SETTINGS.batch
        assert {n["reason"] for n in record["networks"]} == {"spread", "uncertain"}
        for network in record["networks"]:
            row = grown.network_row(network["architecture"])
            right = grown.predictions("val").top1[row] == labels
            assert network["evaluated_accuracy"] == pytest.approx(right.mean())
            assert network["held_out"] == is_held_out(network["architecture"])
        for point in record["points"]:
            assert {point["little"], point["big"]} & {n["architecture"] for n in record["networks"]}
            assert 0 <= point["evaluated_escalation_rate"] <= 1
            assert point["latency_ms"] <= 30
        gap = [n["accuracy"] - n["evaluated_accuracy"] for n in record["networks"]]
        assert record["figures"]["networks"]["mae"] == pytest.approx(np.abs(gap).mean())
    fitted = [r["n_fitted"] for r in found["rounds"]]
    learnt = [not n["held_out"] for n in found["rounds"][0]["networks"]]
    assert fitted[1] - fitted[0] == sum(learnt)
    assert any("min left" in line for line in said)


def test_all_rounds_are_compared_on_the_same_networks(run) -> None:  # type: ignore[no-untyped-def]
    _, found, _, _ = run
    held_out = [n for r in found["rounds"] for n in r["networks"] if n["held_out"]]
    rows = found["held_out"]
    assert held_out, "the seed finds none: choose another one"
    assert [row["after_rounds"] for row in rows] == [0, 1, 2]
    assert {row["n"] for row in rows} == {len(held_out)}
    assert rows[0]["n_fitted"] < rows[1]["n_fitted"] < rows[2]["n_fitted"]
    # Nothing was known of how weak such networks are: to see some of them helps.
    assert rows[2]["mae"] < rows[0]["mae"]
    text = lines(found)
    assert sum("round" in line for line in text) >= 5


def test_a_run_goes_on_after_it_was_killed_and_ends_the_same(
    run, table: Table, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    _, whole, asked, _ = run
    device = load_device("raspberry-pi-4")

    class Dying(MadeUp):
        def __call__(self, architecture: str) -> Evaluation:
            if len(self.asked) == 3:
                raise Killed
            return super().__call__(architecture)

    dying, second = Dying(table), MadeUp(table)
    with pytest.raises(Killed):
        improve(table, tmp_path / "run", dying, device, 1, SETTINGS)
    improve(table, tmp_path / "run", second, device, 1, SETTINGS)
    assert dying.asked + second.asked == asked[: len(whole["rounds"][0]["networks"])]
    again = improve(table, tmp_path / "run", MadeUp(table), device, 2, SETTINGS)
    assert again == whole
    nothing = MadeUp(table)
    assert improve(table, tmp_path / "run", nothing, device, 2, SETTINGS) == whole
    assert not nothing.asked
    with pytest.raises(CheckpointError, match="settings"):
        improve(table, tmp_path / "run", nothing, device, 2, replace(SETTINGS, seed=1))


def test_val_alone_is_enough_for_a_surrogate(table: Table, tmp_path: Path) -> None:
    class ValAlone(MadeUp):
        def __call__(self, architecture: str) -> Evaluation:
            whole = super().__call__(architecture)
            return replace(whole, answers={"val": whole.answers["val"]})

    folder, device = tmp_path / "run", load_device("raspberry-pi-4")
    own = tmp_path / "table.h5"
    own.write_bytes(table.path.read_bytes())
    own.with_suffix(".json").write_bytes(table.path.with_suffix(".json").read_bytes())
    found = improve(Table(own), folder, ValAlone(table), device, 1, SETTINGS)
    new = [n["architecture"] for n in found["rounds"][0]["networks"]]
    assert not (folder / "table.h5").exists()
    last = json.loads((folder / "surrogates" / "round-1" / "surrogate.json").read_text())
    assert last["n_found"] == len(new) > 0
    learnt = {a for a in new if not is_held_out(a)}
    assert learnt <= set(last["support"]["architectures"])
    # What lies beside the table is learnt from as well, and not evaluated again.
    (tmp_path / "found.npz").write_bytes((folder / "found.npz").read_bytes())
    second = ValAlone(table)
    further = improve(Table(own), tmp_path / "second", second, device, 1, SETTINGS)
    assert not set(new) & set(second.asked)
    first = json.loads((tmp_path / "second/surrogates/round-0/surrogate.json").read_text())
    assert first["n_found"] == len(new)
    after = json.loads((tmp_path / "second/surrogates/round-1/surrogate.json").read_text())
    assert after["n_found"] == len(new) + len(further["rounds"][0]["networks"])


def test_no_round_is_refused(table: Table, tmp_path: Path) -> None:
    with pytest.raises(ConstraintError, match="rounds"):
        improve(table, tmp_path, MadeUp(table), load_device("raspberry-pi-4"), 0)
