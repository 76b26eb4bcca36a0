"""Making the cascades that ship: from the table's recommendation, once, and only what is wanted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench import Benchmark, Gate, Pair, Table
from biglittle.bench.datasets import Dataset
from biglittle.bench.errors import ConstraintError, TableError
from biglittle.bench.networks import build_network
from biglittle.bench.recommend import Budget, Recommendation
from biglittle.bench.table_writer import write_table
from biglittle.cotrain.evaluate import logits_of
from biglittle.cotrain.recipe import FINE_TUNE, load_recipe
from biglittle.data_tables.building import cascades as make
from biglittle.data_tables.building import reproduce
from biglittle.data_tables.building import stages as build
from biglittle.data_tables.building.plan import Plan
from biglittle.data_tables.ready.cards import page, ready_cascades

NETWORKS = ("8" * 22, "0" + "8" * 21)
SETTINGS = """
training = "{training}"
[[cascades]]
name = "tiny"
device = "raspberry-pi-4"
limits = {{ latency_ms = 50.0 }}
"""


@pytest.fixture
def built(
    plan: Plan,
    few: Dataset,
    assembled: Callable[[int], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Plan:
    monkeypatch.setattr(reproduce, "get_dataset", lambda _: few)
    path = assembled(2)
    contents = dataclasses.replace(Table(path).contents(), choices=("k3_e1", "skip"))
    write_table(path, contents, "1", "d")
    (plan.recipe.folder / make.SETTINGS).write_text(SETTINGS.format(training="inherited"))
    return plan


def answered(bench: Benchmark) -> Recommendation:
    """What the table would say if its pair were worth it."""
    pair = bench.query(Pair(*NETWORKS), Gate("margin", 0.5), "raspberry-pi-4")
    single = {"architecture": NETWORKS[0], "accuracy": 0.05}
    return Recommendation(
        Budget("of the test", {"latency_ms": 50.0}),
        "table",
        None,
        pair,
        single,
        0.01,
        decided="pair",
    )


def test_a_graph_answers_as_the_table_says_and_is_made_once(
    built: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "recommended", lambda bench, *_: answered(bench))
    table = built.working / "table.h5"
    assert build.run_stage("cascades", built, table) == "cascades ready to run: tiny"
    bench = Benchmark.load(table)
    (ready,) = ready_cascades(bench.table)
    point = answered(bench).pair
    assert point is not None
    card = ready.card
    assert card.accuracy == pytest.approx(point.accuracy, abs=0.02)  # 100 images
    assert card.escalation_rate == pytest.approx(point.escalation_rate, abs=0.02)
    assert (card.training, card.gain, card.n_images) == ("inherited", 0.01, 100)
    assert np.isfinite([answer.logits for answer in card.made]).all()
    changed = ready.graph.stat().st_mtime_ns
    monkeypatch.delattr(make, "recommended")  # what is there already costs no search
    make.make_cascades(built, table)
    assert ready.graph.stat().st_mtime_ns == changed


def test_one_that_is_not_wanted_any_more_goes(built: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "recommended", lambda bench, *_: answered(bench))
    table = built.working / "table.h5"
    make.make_cascades(built, table)
    text = SETTINGS.format(training="inherited").replace("tiny", "other")
    (built.recipe.folder / make.SETTINGS).write_text(text)
    assert make.make_cascades(built, table) == ["other"]
    (ready,) = ready_cascades(Benchmark.load(table).table)
    files = {path.name for path in (table.parent / make.FOLDER).iterdir()}
    assert files == {"other.json", ready.graph.name}


def test_cascades_with_one_graph_share_its_file_until_none_needs_it(
    built: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "recommended", lambda bench, *_: answered(bench))
    table, settings = built.working / "table.h5", built.recipe.folder / make.SETTINGS
    one = SETTINGS.format(training="inherited")
    twin = one[one.index("[[") :].replace("tiny", "twin").replace("50.0", "60.0")
    settings.write_text(one + twin, encoding="utf-8")
    assert make.make_cascades(built, table) == ["tiny", "twin"]
    both = ready_cascades(Benchmark.load(table).table)
    assert [ready.card.name for ready in both] == ["tiny", "twin"]
    graph, folder = both[0].graph, table.parent / make.FOLDER
    assert both[1].graph == graph
    other = folder / "of-somebody.onnx"  # no graph of this stage: not its own to delete
    other.touch()
    settings.write_text(one, encoding="utf-8")
    make.make_cascades(built, table)
    assert set(folder.iterdir()) == {folder / "tiny.json", graph, other}
    settings.write_text('training = "inherited"\ncascades = []\n', encoding="utf-8")
    assert make.make_cascades(built, table) == []
    assert set(folder.iterdir()) == {other}


def test_a_graph_or_card_that_was_lost_or_changed_is_made_anew(
    built: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "recommended", lambda bench, *_: answered(bench))
    table = built.working / "table.h5"
    make.make_cascades(built, table)
    bench = Benchmark.load(table)
    (ready,) = ready_cascades(bench.table)
    content, card = ready.content(), ready.folder / "tiny.json"
    for damage in (
        ready.graph.unlink,
        lambda: ready.graph.write_bytes(content[:-1]),
        lambda: card.write_text("{", encoding="utf-8"),
    ):
        damage()
        with pytest.raises(TableError, match="table build --stage cascades"):
            ready_cascades(bench.table)[0].content()
        build.run_stage("cascades", built, table)  # as the message advises
        (again,) = ready_cascades(bench.table)
        assert again.content() == content


def test_a_trained_pair_is_taken_from_its_run_beside_a_single_network_trained_as_long(
    built: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "recommended", lambda bench, *_: answered(bench))
    table = built.working / "table.h5"
    make.make_cascades(built, table)
    (inherited,) = ready_cascades(Benchmark.load(table).table)
    text = SETTINGS.format(training="joint")
    (built.recipe.folder / make.SETTINGS).write_text("epochs = 2\n" + text, encoding="utf-8")
    asked: dict[str, Any] = {}
    net = build_network(NETWORKS[0], 10, "fbnet", 0).eval()

    def pair_job(bench, name, device, methods, recipe, start, seed, out, *rest):  # type: ignore[no-untyped-def]
        asked.update(device=device, methods=methods, start=start, out=out, images=recipe.images)
        return SimpleNamespace(out=out, start=lambda name: (name, net)[1])

    def cotrain_front(job, points, splits, on_progress):  # type: ignore[no-untyped-def]
        (point,) = points
        folder = job.out / f"{point.little}-{point.big}" / "joint"
        folder.mkdir(parents=True)
        (folder / "cascade.onnx").write_bytes(inherited.graph.read_bytes())
        yield {
            "training": {"steps": 7, "images": 448, "duration_s": 1.5},
            "after": {"test": point.as_dict()},
            "deployed": {"input": {"name": "images"}},
        }

    def train_network(name, recipe, splits, folder, start, *rest):  # type: ignore[no-untyped-def]
        asked.update(single=name, alike=recipe.images == asked["images"], start_is=start is net)
        return start

    monkeypatch.setattr(make, "pair_recipe", lambda *_: load_recipe(FINE_TUNE))
    monkeypatch.setattr(make, "pair_job", pair_job)
    monkeypatch.setattr(make, "cotrain_front", cotrain_front)
    monkeypatch.setattr(make, "train_network", train_network)
    make.make_cascades(built, table)
    (trained,) = ready_cascades(Benchmark.load(table).table)
    splits = built.images()
    assert asked == {
        "device": "raspberry-pi-4",
        "methods": ("joint",),
        "start": "inherited",
        "out": built.working / make.FOLDER / "tiny",
        "images": 2 * len(splits["train"]),
        "single": NETWORKS[0],
        "alike": True,
        "start_is": True,
    }
    card = trained.card
    assert card.training == "joint"
    assert card.origin["training"]["steps"] == 7
    right = logits_of(net, splits["test"], built.dataset).argmax(axis=1) == splits["test"].labels
    assert card.single["accuracy"] == right.mean()
    assert card.gain == pytest.approx(card.accuracy - right.mean())
    assert card.gain_low is not None
    assert card.gain_high is not None
    assert card.gain_low <= card.gain <= card.gain_high
    words = page(card)
    assert "trained on as one from those of the supernet (`joint`), with 448 images" in words
    assert f"`{NETWORKS[0]}`, trained as long" in words
    monkeypatch.delattr(make, "cotrain_front")  # what is there already is not trained again
    assert make.make_cascades(built, table) == ["tiny"]


def test_a_pair_that_is_trained_on_need_not_be_better_before(
    built: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Benchmark.load(built.working / "table.h5")
    worse = dataclasses.replace(answered(bench), decided="single")
    assert worse.verdict == "single"
    monkeypatch.setattr(make, "exact_front", lambda *_: SimpleNamespace(chosen=None))
    monkeypatch.setattr(make, "table_answers", lambda *_: [worse])
    wanted = make.Wanted("tiny", "raspberry-pi-4", {"latency_ms": 50.0})
    assert make.recommended(bench, wanted, make.Settings("joint", [wanted])) is worse
    with pytest.raises(ConstraintError, match="recommends single there"):
        make.recommended(bench, wanted, make.Settings("inherited", [wanted]))


def test_limits_that_no_pair_is_worth_are_named(built: Plan) -> None:
    bench = Benchmark.load(built.working / "table.h5")
    wanted = make.Wanted("tiny", "raspberry-pi-4", {"latency_ms": 1e-3})
    with pytest.raises(ConstraintError, match=r"cascade tiny .*recommends .*cascades\.toml"):
        make.recommended(bench, wanted, make.Settings("inherited", [wanted]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SETTINGS.format(training="inherited") * 1 + "colour = 3\n", "colour"),
        ("training = 3\ncascades = []\n", "training"),
        (SETTINGS.format(training="x") + SETTINGS.format(training="x").split("\n", 2)[2], "two"),
    ],
)
def test_settings_with_a_mistake_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / make.SETTINGS
    path.write_text(text)
    with pytest.raises(TableError, match=said):
        make.read_settings(path)
