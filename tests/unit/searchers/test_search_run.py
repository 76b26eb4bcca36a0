"""The command line searches what it is told to, and says how to go on."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from biglittle.bench import Benchmark
from biglittle.bench.errors import ConstraintError, UnknownNameError
from biglittle.bench.synthetic import DEVICE
from biglittle.searchers import SearchSettings
from biglittle.searchers.explore import saved_front
from biglittle.searchers.front_files import read_front
from biglittle.searchers.judge import Judge, judge_called
from biglittle.searchers.search_run import FILES, check_alone, run_search


def test_chosen_on_val_and_shown_on_test(search, table: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, err = search("--budget", "120", "--out", str(tmp_path), "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["config"]["sources"]["reported_on"] == "test"
    bench, points = Benchmark.load(table), read_front(tmp_path).points
    true = bench.query_many(points.little, points.big, points.gate, points.threshold, DEVICE)
    assert np.allclose(points.accuracy, true.accuracy)
    assert len(document["front"]) == len(points)


def test_on_several_devices_too_what_is_chosen_on_val_is_shown_on_test(
    table: str, tmp_path: Path
) -> None:
    devices = (DEVICE, "raspberry-pi-5")
    judge, bench = judge_called("table", devices, table), Benchmark.load(table)
    report = run_search(judge, "random", SearchSettings(budget=120, seed=1))
    pairs = [answer for answer in report.answers if answer.pair is not None]
    assert pairs
    for answer in pairs:
        point, single = answer.pair, answer.single
        assert point is not None
        asked = (point.little, point.big), (point.gate, point.threshold)
        on_each = [bench.query(*asked, device) for device in devices]
        assert point.accuracy == on_each[0].accuracy  # on test
        assert point.latency_ms == max(each.latency_ms or 0.0 for each in on_each)
        assert single is not None
        row = bench.row(single["architecture"])
        assert single["accuracy"] == bench.accuracy("test")[row]
        assert single["latency_ms"] == max(bench.costs(d).latency_ms[row] for d in devices)
        assert answer.gain == pytest.approx(point.accuracy - single["accuracy"])
        assert (answer.interval or "").startswith("bootstrap")
        assert answer.decided is not None
        if answer.row is not None:
            assert report.outcome.front[answer.row].accuracy == point.accuracy
    page = report.page()
    key, curve = next(iter(page.curves.items()))
    assert curve.val is not None
    (costs,) = curve.costs.values()
    single_costs = [bench.curve(key[:2], key[2], d).latency_ms[curve.cuts] for d in devices]
    assert np.array_equal(costs["latency_ms"], np.max(single_costs, axis=0))
    report.write(tmp_path)
    saved = saved_front(read_front(tmp_path))
    assert saved.curves.keys() == page.curves.keys()
    assert [answer.big for answer in saved.answers] == [answer.big for answer in report.answers]
    assert any(answer.big for answer in saved.answers)
    assert saved.singles is not None
    assert page.singles is not None
    assert np.array_equal(saved.singles.singles.accuracy, page.singles.singles.accuracy)
    assert np.array_equal(
        page.singles.singles.accuracy, bench.accuracy("test")[bench.table.rows(exits=True)]
    )


def test_where_latencies_of_exits_are_predicted_a_search_says_so() -> None:
    device, says = "raspberry-pi-4", "cut at an exit are predicted there"
    judge = judge_called("table", (device,), "fbnet-cifar10")
    cut, whole = (
        run_search(judge, "random", SearchSettings(budget=40, couplings=(coupling,)))
        for coupling in ("prefix", "nested")
    )
    text = io.StringIO()
    cut.print(Console(file=text, width=200), 3, None)
    names = {*cut.outcome.front.little.tolist(), *cut.outcome.front.big.tolist()}
    told = cut.document()["config"]["sources"]["latency"]
    assert says in told
    assert told.split()[-1].rstrip(".") in names
    assert says in " ".join(text.getvalue().split())
    assert "latency" not in whole.document()["config"]["sources"]


def test_it_says_how_to_go_on(search, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = search("--budget", "60", "--out", str(tmp_path))
    assert code == 0
    for verb in ("cotrain", "profile", "validate"):
        assert f"biglittle {verb} " in out
    assert str(tmp_path / "front.json") in out
    (profile,) = (line for line in out.splitlines() if "biglittle profile " in line)
    if "--pairs " in profile:  # where the front does not propose just what is recommended
        assert all(len(pair) == 45 for pair in profile.split("--pairs ")[1].split()[0].split(","))
    else:
        assert f"--networks {tmp_path}/front.json --top " in profile
    out = search("--budget", "60")[1]
    assert "--out out/search    # the same again" in out
    assert "biglittle cotrain out/search/front.json" in out


def test_objectives_that_are_no_figure_of_a_point_are_printed(search) -> None:  # type: ignore[no-untyped-def]
    arguments = ("--budget", "60", "--objectives", "error,latency_worst_ms,params")
    code, out, err = search(*arguments, "--searcher", "nsga3")
    assert code == 0, err
    head = next(line for line in out.splitlines() if "acc" in line and "escal" in line)
    assert head.split()[-2:] == ["worst", "params"]
    assert "worst: latency of an escalated input" in " ".join(out.split())
    assert "params" not in search("--budget", "60")[1]


def test_limits_objectives_soft_and_checkpoint(search, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    log = str(tmp_path / "log.npz")
    arguments = ("--objectives", "error,latency_worst_ms,params", "--accuracy-min", "0.2")
    arguments += (
        "--soft",
        "accuracy - 0.01*latency_ms",
        "--params-max",
        "1e9",
        "--checkpoint",
        log,
    )
    code, out, err = search("--budget", "100", "--json", *arguments)
    assert code == 0, err
    document = json.loads(out)
    assert {"latency_worst_ms", "params"} <= set(document["front"][0])
    assert document["best"]["accuracy"] > 0
    code, again, _ = search("--budget", "100", "--json", *arguments)
    assert json.loads(again) == document
    code, _, err = search("--budget", "100", "--seed", "4", *arguments)
    assert code != 0
    assert "seed" in err
    Path(log).write_bytes(b"no log")
    code, _, err = search("--budget", "100", *arguments)
    assert code != 0
    assert "log of a search" in err


def test_a_search_goes_on_under_a_larger_budget(search, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    log = ("--checkpoint", str(tmp_path / "log.npz"), "--json")
    small = json.loads(search("--budget", "60", *log)[1])
    code, out, err = search("--budget", "1000", *log)  # whose population would be another one
    assert code == 0, err
    large = json.loads(out)
    population = [d["config"]["population"] for d in (small, large)]
    assert population == [20, 20]
    assert len(large["front"]) >= len(small["front"])


def test_the_best_under_a_score_is_what_to_go_on_with(search) -> None:  # type: ignore[no-untyped-def]
    code, out, err = search("--budget", "60", "--soft", "accuracy - 0.01*latency_ms")
    assert code == 0, err
    best = " ".join(out.split()).split("Best under accuracy - 0.01*latency_ms: ")[1].split()
    assert f"--pairs {best[0]}:{best[2].strip(',')}" in out
    answer = " ".join(out.split("Which pair?")[1].split()[:40])
    assert answer.startswith("With the best score (mean latency of at most ")
    assert f"{best[0]} -> {best[2].strip(',')}" in answer


def test_a_warm_start_has_no_regret(search, table: str) -> None:  # type: ignore[no-untyped-def]
    code, out, err = search("--budget", "200", "--warm-start", "--json")
    assert code == 0, err
    bench = Benchmark.load(table)
    exact = bench.front(DEVICE).points
    pairs = {(p["little"], p["big"], p["gate"]) for p in json.loads(out)["front"]}
    assert len(pairs & {(p.little, p.big, p.gate) for p in exact}) > 0.8 * len(
        {(p.little, p.big) for p in exact}
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--budget", "0"), "budget 0"),
        (("--soft", "__import__('os')"), "not allowed"),
        (("--soft", "accuracy - latenzy_ms"), "latency_ms"),
        (("--accuracy-min", "95"), "fraction"),
        (
            ("--accuracy-min", "0.999", "--latency-ms-max", "0.5", "--budget", "40"),
            "best reachable",
        ),
        (("--searcher", "nsga4"), "nsga3"),
        (("--searcher", "darts"), "add --on live"),
        (("--on", "tabel"), "Did you mean 'table'"),
        (("--gate-search", "outside"), "gate mode"),
        (("--gate", "oracle"), "bound or a control"),
        (("--proxy", "epochs"), "--on live"),
        (("--on", "surrogate", "--gate", "margin"), "gates are fixed"),
    ],
)
def test_bad_input_is_one_clear_line(search, arguments: tuple[str, ...], text: str) -> None:  # type: ignore[no-untyped-def]
    code, out, err = search(*arguments)
    assert code != 0
    assert text in err
    assert "Traceback" not in err
    assert not out.strip()


@pytest.fixture(scope="module")
def judge(table: str) -> Judge:
    return judge_called("table", [DEVICE], table)


def test_a_search_is_reported_on_test_and_says_how_to_go_on(judge: Judge) -> None:
    moved: list[tuple[int, int]] = []
    report = run_search(
        judge, "random", SearchSettings(budget=60), on_progress=lambda *at: moved.append(at)
    )
    assert moved[-1] == (60, 60)
    assert report.outcome.front.split == "test"
    assert report.singles is None
    assert report.document()["config"]["searcher"] == "random"
    text = io.StringIO()
    report.print(Console(file=text, width=200), 5, None, ["search", "--budget", "60"])
    assert "How to go on:" in text.getvalue()
    assert "biglittle search --budget 60 --out out/search" in text.getvalue()


def test_a_search_writes_its_files(judge: Judge, tmp_path: Path) -> None:
    report = run_search(judge, "random", SearchSettings(budget=60), warm=True)
    report.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*FILES}
    document = json.loads((tmp_path / "front.json").read_text())
    assert document["front"] == json.loads(json.dumps(report.document()))["front"]


def test_what_does_not_suit_is_refused(judge: Judge) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'random'"):
        run_search(judge, "randm", SearchSettings(budget=60))
    with pytest.raises(ConstraintError, match="Leave them out"):
        check_alone("random,nsga2", True, None)
    check_alone("random,nsga2", False, None)
    check_alone("", True, Path("log.npz"))


def test_latencies_that_may_be_twice_as_long_are_warned_of_beside_the_answer(
    search,  # type: ignore[no-untyped-def]
    tmp_path: Path,
) -> None:
    board = "jetson-nano"  # its interval goes beyond a factor of two
    code, out, err = search("--budget", "60", "--device", board, "--out", str(tmp_path))
    assert code == 0, err
    assert f"Which pair? Warning: on {board} predicted latencies" in " ".join(out.split())
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.index('<p class="warning">') < page.index("<table")


def test_the_same_search_writes_the_same_page(search, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pages = []
    for name in ("a", "b"):
        assert search("--budget", "60", "--seed", "3", "--out", str(tmp_path / name))[0] == 0
        pages.append((tmp_path / name / "report.html").read_bytes())
    assert pages[0] == pages[1]
    assert b"curves" in pages[0]
