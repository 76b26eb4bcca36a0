"""The command line as a user meets it: JSON alone on stdout, one line per error, no traceback."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import h5py
import pytest

import biglittle
from biglittle.bench import Benchmark
from biglittle.bench.figures import FIGURES
from biglittle.bench.shipped_tables import find_table
from biglittle.searchers import search_run

LITTLE, BIG = "8" * 22, "0" * 22


@pytest.fixture
def run(command_line):  # type: ignore[no-untyped-def]
    """Runs ``biglittle``."""
    return command_line


def _verbs(command, *before: str):  # type: ignore[no-untyped-def]
    import typer

    yield before
    for name in getattr(command, "commands", {}):
        _, inner, _ = command.resolve_command(typer.Context(command), [name])
        yield from _verbs(inner, *before, name)


def test_every_verb_explains_itself(run) -> None:  # type: ignore[no-untyped-def]
    import typer

    from biglittle.cli import app

    verbs = list(_verbs(typer.main.get_command(app)))
    assert {("surrogate", "fit"), ("darts",), ("ofa", "specialise")} <= {*verbs}
    for verb in verbs:
        code, out, err = run(*verb, "--help")
        assert (code, err) == (0, "")
        assert "Usage" in out


def test_query_json_has_the_promised_fields(run) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = run("query", LITTLE, BIG, "--threshold", "0.42", "--json")
    point = json.loads(out)
    assert code == 0
    assert {"little", "big", "gate", "threshold", "accuracy", "escalation_rate"} <= {*point}
    assert point["provenance"]["accuracy"] == "measured"
    assert point["provenance"]["latency_ms"] == "block-sum"
    code, out, _ = run("query", LITTLE, BIG)
    assert code == 0
    assert "block-sum" in out


def test_a_guarantee_chooses_the_threshold_of_a_query(run) -> None:  # type: ignore[no-untyped-def]
    asked = ("query", LITTLE, BIG, "--guarantee", "loss=0.02", "--delta", "0.2")
    code, out, _ = run(*asked, "--json")
    point = json.loads(out)
    assert code == 0
    assert point["guarantee"]["threshold"] == point["threshold"]
    assert (point["guarantee"]["level"], point["guarantee"]["delta"]) == (0.02, 0.2)
    code, out, _ = run(*asked)
    assert code == 0
    assert "Promised: accuracy at most 2.00 points below big's with probability 80 %" in out
    code, out, _ = run(*asked, "--explain", "--json")
    assert json.loads(out)["guarantee"] == point["guarantee"]
    code, _, err = run(*asked, "--threshold", "0.4")
    assert code != 0
    assert "give one of them" in err


def test_a_query_says_the_threshold_to_the_last_digit(run) -> None:  # type: ignore[no-untyped-def]
    asked = ("query", LITTLE, BIG, "--guarantee", "loss=0.02")
    threshold = json.loads(run(*asked, "--json")[1])["threshold"]
    assert f"{threshold:g}" != repr(threshold)
    for explained in ((), ("--explain",)):
        assert f"margin {threshold!r}" in run(*asked, *explained)[1].splitlines()[0]


def test_a_probability_without_a_guarantee_is_refused(run) -> None:  # type: ignore[no-untyped-def]
    code, _, err = run("query", LITTLE, BIG, "--delta", "0.2")
    assert code != 0
    assert "delta 0.2 was given without a guarantee" in err
    assert "give --guarantee" in err


def test_a_query_that_is_explained_is_evaluated_once(run, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    evaluated = []
    evaluate = Benchmark.query

    def counted(self: Benchmark, *arguments: Any) -> Any:
        evaluated.append(arguments)
        return evaluate(self, *arguments)

    monkeypatch.setattr(Benchmark, "query", counted)
    assert run("query", LITTLE, BIG, "--explain")[0] == 0
    assert len(evaluated) == 1


@pytest.mark.parametrize("gate", ["margin", "per_class", "oracle"])
def test_query_explained(run, tmp_path: Path, gate: str) -> None:  # type: ignore[no-untyped-def]
    asked = ("query", LITTLE, BIG, "--gate", gate, "--threshold", "0.42", "--explain")
    code, out, _ = run(*asked, "--json")
    point = json.loads(out)
    found = point["diagnostics"]
    assert code == 0
    assert found["accuracy"] == point["accuracy"]
    assert found["escalation_rate"] == point["escalation_rate"]
    assert found["provenance"]["oracle_accuracy"] == "modelled"
    assert len(found["class_escalation_rate"]) == len(found["classes"]) == 10
    assert ("class_max_prob_thresholds" in found) == (gate == "per_class")
    code, out, _ = run(*asked)
    assert code == 0
    assert "airplane" in out
    assert "escalation rate, % (measured)" in out
    code, out, _ = run(*asked[:-1], "--out", str(tmp_path / "pair.html"))
    assert code == 0
    assert out.startswith("Written:")
    assert 'id="view-svg"' in (tmp_path / "pair.html").read_text(encoding="utf-8")


def test_front_and_info_json(run) -> None:  # type: ignore[no-untyped-def]
    asked = ("front", "--gate", "margin", "--latency-ms-max", "15")  # one gate is soon asked
    code, out, _ = run(*asked, "--json")
    document = json.loads(out)
    assert code == 0
    assert document["config"]["chosen_on"] == "val"
    assert document["front"]
    code, out, _ = run("table", "info", "fbnet-cifar10", "--json")
    assert json.loads(out)["sha256"] == Benchmark.load("fbnet-cifar10").table.sha256
    assert run(*asked, "--top", "3")[0] == 0


def test_front_of_the_oracle_says_that_no_device_runs_it(run, tmp_path) -> None:  # type: ignore[no-untyped-def]
    target = tmp_path / "front.json"
    code, out, _ = run("front", "--gate", "oracle", "--out", str(target))
    assert code == 0
    assert "No device can run oracle" in out
    document = json.loads(target.read_text())
    assert document["config"]["gates"] == ["oracle"]
    assert document["config"]["complete"] is True
    assert {p["gate"] for p in document["front"]} == {"oracle"}


def test_an_interrupted_front_is_shown_and_written(run, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("biglittle.cli._progress", lambda label: nullcontext(stop))
    monkeypatch.setenv("BIGLITTLE_CACHE", str(tmp_path))  # a front that is kept is not interrupted
    target = tmp_path / "front.json"
    code, out, _ = run("front", "--out", str(target))
    assert code == 130
    assert "Interrupted" in out
    document = json.loads(target.read_text())
    assert document["config"]["complete"] is False
    assert document["front"]


def test_search_writes_everything_and_repeats_itself(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    arguments = ("search", "--budget", "600", "--seed", "3", "--latency-ms-max", "20")
    code, out, _ = run(*arguments, "--out", str(tmp_path / "a"), "--json")
    assert code == 0
    assert {f.name for f in (tmp_path / "a").iterdir()} == {
        "report.html",
        "front.csv",
        "front.json",
        "config.toml",
    }
    front = json.loads(out)["front"]
    assert front == json.loads((tmp_path / "a" / "front.json").read_text())["front"]
    assert all(p["latency_ms"] <= 20 for p in front)
    assert {p["provenance"]["accuracy"] for p in front} == {"predicted"}
    for p in front:  # the heads of exits are predicted
        cut = "@" in p["little"] + p["big"]
        assert p["provenance"]["latency_ms"] == ("predicted" if cut else "block-sum")
    run(*arguments, "--out", str(tmp_path / "b"))
    same = [(tmp_path / d / "front.csv").read_bytes() for d in ("a", "b")]
    assert same[0] == same[1]


def test_measured_device_is_searched_with_predicted_latency(run) -> None:  # type: ignore[no-untyped-def]
    devices = [d for d in Benchmark.load("fbnet-cifar10").devices if d != "raspberry-pi-4"]
    asked = ("search", "--device", devices[0], "--latency-ms-max", "0.5", "--budget", "400")
    code, out, _ = run(*asked, "--json")
    assert code == 0
    assert json.loads(out)["front"][0]["provenance"]["latency_ms"] == "predicted"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("query", "123", BIG), "22 digits"),
        (("query", LITTLE, "x" * 22), "'x'"),
        (("query", LITTLE, BIG, "--threshold", "2"), "from 0 to 1"),
        (("query", LITTLE, BIG, "--gate", "margn"), "Did you mean 'margin'"),
        (("front", "--device", "raspbery-pi-4"), "Did you mean 'raspberry-pi-4'"),
        (("front", "--objectives", "error,latency"), "unknown objective"),
        (("front", "--gate", "margin", "--latency-ms-max", "1"), "best reachable"),
        (
            ("front", "--gate", "margin", "--objectives", "error,macs", "--ram-kib", "1"),
            "itself: ram_kib ",
        ),
        (
            ("front", "--gate", "margin", "--objectives", "error,macs", "--flash-kib-max", "1"),
            "itself: flash_kib ",
        ),
        (("front", "--ram-kib", "-1"), "expected a number of at least 0"),
        (("search", "--device", "raspbery-pi-4"), "Did you mean 'raspberry-pi-4'"),
        (("search", "--searcher", "nsga22"), "Did you mean 'nsga2'"),
        (("search", "--budget", "0"), "budget"),
        (("search", "--budget", "400", "--latency-ms-max", "1"), "best reachable"),
        (("search", "--table", "fbnet"), "unknown table"),
        (("table", "build", "--stage", "bake"), "unknown stage"),
        (("data", "fetch", "cifar11"), "Did you mean 'cifar10'"),
        (("device", "show", "nothing.json"), "cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_an_exit_code(run, arguments, text) -> None:  # type: ignore[no-untyped-def]
    code, out, err = run(*arguments)
    assert code == 1
    assert out == ""
    assert text in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_damaged_tables_are_refused(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    source, copy = find_table("fbnet-cifar10"), tmp_path / "table.h5"
    shutil.copy(source.with_suffix(".json"), tmp_path)
    copy.write_bytes(source.read_bytes()[:-1000])
    assert "edited or is truncated" in run("table", "info", str(copy))[2]
    shutil.copy(source, copy)
    with h5py.File(copy, "r+") as file:
        file.attrs["name"] = "edited"
    assert "SHA-256" in run("table", "info", str(copy))[2]


def test_unwritable_folder_is_noticed_before_the_search(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "file").write_text("")
    code, _, err = run("search", "--budget", "400", "--out", str(tmp_path / "file" / "out"))
    assert code == 1
    assert "cannot be written" in err


def test_env_and_device_list(run) -> None:  # type: ignore[no-untyped-def]
    assert json.loads(run("env", "--json")[1])["packages"]["numpy"]
    assert "raspberry-pi-4" in json.loads(run("device", "list", "--json")[1])
    assert "block-sum" in run("device", "list")[1]


def test_version_and_completion(run) -> None:  # type: ignore[no-untyped-def]
    assert run("--version")[:2] == (0, f"biglittle {biglittle.__version__}\n")
    assert "--install-completion" in run("--help")[1]


@pytest.mark.parametrize(
    "verb", [["cotrain", "front.csv"], ["table", "verify"], ["darts"], ["ofa", "train"]]
)
def test_a_verb_that_trains_says_in_one_line_that_torch_is_missing(verb: list[str]) -> None:
    code = (
        f"import sys; sys.modules['torch'] = None; sys.argv[1:] = {verb}; "
        "from biglittle.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install --constraint constraints.txt '.[train]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_front_whose_place_is_gone_at_the_end_is_kept_elsewhere(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, search_once = tmp_path / "out", search_run.run_search

    def then_gone(*given):  # type: ignore[no-untyped-def]
        report = search_once(*given)
        shutil.rmtree(out)
        out.write_text("")
        return report

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(search_run, "run_search", then_gone)
    asked = ("search", "--budget", "400", "--latency-ms-max", "20")  # as another test asks it
    code, said, err = run(*asked, "--out", str(out))
    assert code == 1
    (rescue,) = tmp_path.glob("biglittle-*")
    assert f"written to {rescue} instead" in err
    assert str(rescue) in said
    assert {p.name for p in rescue.iterdir()} == {*search_run.FILES}


def test_a_page_that_cannot_be_written_is_said_before_the_search(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.html").mkdir()
    monkeypatch.setattr(search_run, "run_search", lambda *_: pytest.fail("it searched"))
    code, _, err = run("search", "--budget", "400", "--out", str(tmp_path))
    assert code == 1
    assert "report.html is a folder" in err


def test_the_command_line_brings_nothing_heavy_before_a_verb_needs_it() -> None:
    code = (
        "import sys; from biglittle.cli import app; import typer; typer.main.get_command(app); "
        "assert not {'numpy', 'h5py', 'torch', 'onnxruntime'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_command_line_stays_a_list_of_verbs() -> None:
    text = (Path(biglittle.__file__).parent / "cli.py").read_text(encoding="utf-8")
    assert text.count("\n") <= 1000
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            assert len(arguments) <= 12, node.name


def test_what_searches_takes_a_limit_on_every_figure(run) -> None:  # type: ignore[no-untyped-def]
    for verb in (("search",), ("front",), ("ofa", "specialise")):
        code, out, _ = run(*verb, "--help")
        assert code == 0
        shown = out.replace("\n", " ")
        for figure in FIGURES.values():
            option = f"--{figure.limit.replace('_', '-')}"
            assert f"{option} " in shown or f"{option}," in shown
