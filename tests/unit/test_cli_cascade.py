"""``biglittle cascade`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biglittle.bench import Benchmark
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table


@pytest.fixture
def run(command_line, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Runs the verb on a made-up table with exits; gives its network that has them as well."""
    path = tmp_path / "t.h5"
    write_table(path, synthetic_table(5, n_val=60, n_test=80, n_exits=1), "1", "2026-01-01")
    cut = str(Benchmark.load(path).table.names[-1]).partition("@")[0]

    def call(*words: str) -> tuple[int, str, str]:
        named = [word.replace("A", cut) if word[0] == "A" else word for word in words]
        return command_line("cascade", *named, "--table", str(path), "--device", DEVICE)  # type: ignore[no-any-return]

    return call


def test_point_choice_and_front_are_answered_as_json_and_as_text(run) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = run("A@4", "A@12", "A", "--threshold", "0.4,0.5", "--json")
    point = json.loads(out)
    assert code == 0
    assert point["thresholds"] == [0.4, 0.5]
    assert sum(point["answered"]) == pytest.approx(1.0)
    assert point["provenance"]["latency_ms"] == "simulated"
    assert point["couplings"] == ["prefix", "prefix"]
    code, out, _ = run("A", "--exits", "4,12", "--latency-ms-max", "1000", "--json")
    assert (code, len(json.loads(out)["networks"])) == (0, 3)
    code, out, _ = run("A@4", "A", "--objectives", "error,macs", "--json")
    assert code == 0
    assert json.loads(out)["config"]["objectives"] == ["error", "macs"]
    code, out, _ = run("A", "--stages", "2", "--json")
    assert (code, json.loads(out)["config"]["cascades"]) == (0, 18)
    code, out, _ = run("A@4", "A", "--gate", "entropy", "--top", "2")
    assert (code, len(out.splitlines())) == (0, 4)


def test_errors_are_one_line(run) -> None:  # type: ignore[no-untyped-def]
    for words, message in (
        (("A@4", "A", "--threshold", "0.4,0.5"), "2 thresholds were given for 2 networks"),
        (("A@4", "A@12", "A", "--threshold", "0.5"), "expected 2, one a gate"),
        (("A@20", "A", "--threshold", "0.5"), "is not in table"),
        (("A", "A", "A", "A", "A"), "5 networks given; a cascade has 2 to 4"),
        (("A", "--exits", "12,4"), "do not follow one another"),
        (("A@4", "A", "--latency-ms-max", "0.1"), "The best reachable, each by itself"),
    ):
        code, out, err = run(*words)
        assert (code, out) == (1, "")
        assert len(err.splitlines()) == 1
        assert message in err
