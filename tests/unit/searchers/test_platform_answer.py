"""The verb ``platform``: a pair, a front, and what is refused."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench.errors import BigLittleError, TableError
from biglittle.bench.platform import EXAMPLE, parse_platform
from biglittle.bench.provenance import PROVENANCES, MemberWords
from biglittle.searchers.platform_answer import front_on_platform, pair_on_platform
from biglittle.searchers.platform_command import app

ARCH = "8088880080000088808880"
PREFIX = f"{ARCH}@14"


@pytest.fixture(scope="module")
def bench() -> Benchmark:
    return Benchmark.load("fbnet-cifar10")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "two.json"
    path.write_text(json.dumps(EXAMPLE | {"rail": "wall"}))
    return path


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_a_pair_is_told_under_every_mapping(bench: Benchmark, file: Path) -> None:
    got = run(str(file), PREFIX, ARCH, "--threshold", "0.4", "--json")
    assert got.exit_code == 0, got.output
    document = json.loads(got.stdout)
    rows = document["mappings"]
    assert len(rows) == 8  # it shares a trunk, so that features travel as well
    point = bench.query(Pair(PREFIX, ARCH), Gate("margin", 0.4), "raspberry-pi-4")
    here = [r for r in rows if r["little_on"] == r["big_on"] == "raspberry-pi-4"]
    assert here[0]["latency_ms"] == pytest.approx(point.latency_ms)
    assert here[0]["accuracy"] == point.accuracy
    assert here[0]["provenance"]["latency_ms"] == point.provenance["latency_ms"] == "predicted"
    both = [r for r in rows if r["little_on"] != r["big_on"]]
    assert {r["provenance"]["latency_ms"] for r in both} == {"modelled"}
    assert here[0]["provenance"]["accuracy"] == "measured"
    assert all(r["energy_mj"] > 0 for r in rows)
    siblings = json.loads(run(str(file), "0" * 22, ARCH, "--json").stdout)
    assert {r["sent"] for r in siblings["mappings"]} == {"input", "nothing"}


def test_a_table_for_readers_names_provenance_and_what_is_missing(file: Path) -> None:
    text = " ".join(run(str(file), PREFIX, ARCH).stdout.split())
    alone = "on raspberry-pi-4 alone and on jetson-nano alone"
    assert f"Latency predicted {alone}; modelled over both devices; link" in text
    assert text.count("Warning: on jetson-nano predicted latencies may be off") == 1
    document = json.loads(run(str(file), PREFIX, ARCH, "--json").stdout)
    assert list(document["latency_warnings"]) == ["jetson-nano"]
    assert "mean energy (modelled)" in text
    file.write_text(json.dumps(EXAMPLE))
    assert "No energy: energies are taken at two places" in run(str(file), PREFIX, ARCH).stdout
    assert json.loads(run(str(file)).stdout)["platform"] == "pi-and-nano"
    fresh = file.with_name("fresh.json")
    assert run(str(fresh), "--example").exit_code == 0
    assert json.loads(fresh.read_text()) == EXAMPLE


def test_a_front_is_told_with_the_best_of_all_its_points(bench: Benchmark, tmp_path: Path) -> None:
    from biglittle.searchers.front_files import write_files

    points = bench.query_many([PREFIX, "0" * 22], [ARCH, ARCH], "margin", [0.4, 0.3],
                              "raspberry-pi-4")  # fmt: skip
    platform = parse_platform(EXAMPLE | {"rail": "wall"}, "two.json")
    answer = front_on_platform(platform, points)
    assert len(answer.records) == 8 + 6
    best = [r for r in answer.records if r["on_front"]]
    assert 0 < len(best) < len(answer.records)
    values = np.array([[1 - r["accuracy"], r["latency_ms"], r["energy_mj"]] for r in best])
    for row in values:
        assert not ((values <= row).all(axis=1) & (values < row).any(axis=1)).any()
    records = [points[i].as_dict() for i in range(len(points))]
    document = {"config": {"device": "raspberry-pi-4"}, "front": records}
    write_files(tmp_path, {"front.json": json.dumps(document), "two.json": json.dumps(EXAMPLE)})
    got = run(str(tmp_path / "two.json"), "--front", str(tmp_path), "--json")
    assert got.exit_code == 0, got.output
    assert len(json.loads(got.stdout)["mappings"]) == 14


def test_where_nothing_is_escalated_it_does_not_matter_where_the_big_network_is(
    bench: Benchmark,
) -> None:
    points = bench.query_many(["0" * 22], [ARCH], "margin", [0.0], "raspberry-pi-4")
    assert points.escalation_rate.tolist() == [0]
    answer = front_on_platform(parse_platform(EXAMPLE, "two.json"), points)
    sites = [(r["little_on"], r["big_on"]) for r in answer.records]
    assert sites == [(site, site) for site in ("raspberry-pi-4", "jetson-nano")]


def test_of_many_rows_a_spread_is_shown(bench: Benchmark) -> None:
    cuts = np.linspace(0, 0.9, 12).tolist()
    points = bench.query_many([PREFIX] * 12, [ARCH] * 12, "margin", cuts, "raspberry-pi-4")
    answer = front_on_platform(parse_platform(EXAMPLE, "two.json"), points)
    best = [r["accuracy"] for r in answer.records if r["on_front"]]
    assert len(best) > 3
    console = Console(file=io.StringIO(), width=200)
    answer.print(console, 3)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert f"3 of {len(answer.records)} rows" in text
    for accuracy in (min(best), max(best)):
        assert f"{100 * accuracy:.2f}" in text
    answer.print(console, 1000)
    assert "--top shows more" not in console.file.getvalue()[len(text) :]  # type: ignore[attr-defined]


@pytest.mark.parametrize("changed", [{}, {"rail": "wall"}])
@pytest.mark.parametrize("width", [80, 120])
def test_rows_of_a_front_and_the_pairs_below_them_are_numbered(
    bench: Benchmark, width: int, changed: dict[str, str]
) -> None:
    points = bench.query_many([PREFIX, "0" * 22], [ARCH, ARCH], "margin", [0.4, 0.3],
                              "raspberry-pi-4")  # fmt: skip
    answer = front_on_platform(parse_platform(EXAMPLE | changed, "two.json"), points)
    out = io.StringIO()
    answer.print(Console(file=out, width=width), 20)
    head = out.getvalue().partition(f"1  {answer._shown(20)[0]['little']}")[0]
    assert "#" in head
    assert max(map(len, out.getvalue().splitlines())) <= width
    for number, row in enumerate(answer._shown(20), start=1):
        mark = "*" if row["on_front"] else ""
        (line,) = [w for w in head.splitlines() if w.strip(" │").startswith(f"{mark}{number} ")]
        assert f"{100 * row['accuracy']:.2f}" in line
        assert {row["little_on"], row["big_on"]} <= set(line.split())
        below = f"{number:>2}  {row['little']} -> {row['big']}, margin {row['threshold']:.3g}"
        assert below.strip() in out.getvalue()


def test_each_point_of_a_front_keeps_its_own_word(bench: Benchmark) -> None:
    points = bench.query_many([PREFIX, "0" * 22], [ARCH, ARCH], "margin", [0.4, 0.3],
                              "raspberry-pi-4")  # fmt: skip
    ranks = np.array([PROVENANCES.index(word) for word in ("measured", "predicted")], np.uint8)
    common = {n: w for n, w in points.provenance.items() if n != "accuracy"}
    points = replace(points, provenance=MemberWords({"accuracy": ranks}, common))
    platform = parse_platform(EXAMPLE, "two.json")
    answer = front_on_platform(platform, points)
    words = {(r["little"], r["provenance"]["accuracy"]) for r in answer.records}
    assert words == {(PREFIX, "measured"), ("0" * 22, "predicted")}
    console = Console(file=io.StringIO(), width=200)
    answer.print(console, 3)
    assert "Accuracy and escalation measured, predicted" in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("FILE", "--example"), "is there already"),
        (("FILE", "0" * 22), "both LITTLE and BIG"),
        (("FILE", "0" * 22, ARCH, "--front", "x"), "not both"),
    ],
)
def test_half_a_question_is_refused(words: tuple[str, ...], message: str, file: Path) -> None:
    got = run(*(str(file) if word == "FILE" else word for word in words))
    assert isinstance(got.exception, BigLittleError)
    assert message in str(got.exception)


def test_a_table_of_another_space_is_refused(bench: Benchmark) -> None:
    import dataclasses

    platform = parse_platform(EXAMPLE, "two.json")
    site = platform.sites[0]
    other = dataclasses.replace(
        site, profile=dataclasses.replace(site.profile, space_hash="0" * 64)
    )
    moved = dataclasses.replace(platform, sites=(other, other))
    with pytest.raises(TableError, match="profiles and table of one space"):
        pair_on_platform(moved, bench, Pair(PREFIX, ARCH), Gate("margin", 0.4), "test")


def test_branched_networks_are_priced_with_either_host(file: Path) -> None:
    pytest.importorskip("scipy")
    got = run(str(file), "--branched", "mobilenet-v2,4444446", "--json")
    assert got.exit_code == 0, got.output
    rows = json.loads(got.stdout)["networks"]
    assert [(r["network"], r["host"]) for r in rows] == [
        ("mobilenet-v2", "raspberry-pi-4"),
        ("4444446", "raspberry-pi-4"),
        ("mobilenet-v2", "jetson-nano"),
        ("4444446", "jetson-nano"),
    ]
    assert rows[0]["other_ms"] == 0 < rows[1]["other_ms"]
    assert rows[0]["energy_mj"] is not None
    assert rows[0]["provenance"]["latency_ms"] == "modelled"
    text = run(str(file), "--branched", "4444446", "--classes", "1000").stdout
    assert "with jetson-nano as host" in text
    assert text.count("Warning: on jetson-nano predicted latencies") == 1
    for words, message in (
        (("--space", "fbnet"), "has no branches"),
        (("--front", "x"), "not several"),
    ):
        refused = run(str(file), "--branched", "4444446", *words)
        assert message in str(refused.exception)


@pytest.mark.parametrize("changed", [{}, {"rail": "wall"}])
def test_a_narrow_terminal_cuts_no_word(bench: Benchmark, changed: dict[str, str]) -> None:
    answer = pair_on_platform(
        parse_platform(EXAMPLE | changed, "two.json"), bench, Pair(PREFIX, ARCH),
        Gate("margin", 0.4), "test",
    )  # fmt: skip
    for width in (80, 120):
        out = io.StringIO()
        answer.print(Console(file=out, width=width), 20)
        text = out.getvalue()
        assert "\u2026" not in text
        assert "raspberry-pi-4 " in text.partition("no other row")[0]
        assert max(map(len, text.splitlines())) <= width
        assert ("energy" in text.partition("no other row")[0]) == bool(changed)
        assert "Accuracy and escalation measured." in " ".join(text.split())
        objectives = "error, mean latency and mean energy" if changed else "error and mean latency"
        assert f"no other row beats it in {objectives}" in " ".join(text.split())
