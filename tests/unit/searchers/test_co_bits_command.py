"""``biglittle accelerator search --bits`` on images of noise: what it says, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench import Benchmark  # noqa: E402
from biglittle.edge_profiler.accelerators.space import load_space  # noqa: E402
from biglittle.edge_profiler.accelerators.stage_costs import StageGrid  # noqa: E402
from biglittle.searchers import bits_lab  # noqa: E402
from biglittle.searchers.bits_lab import Lab  # noqa: E402
from biglittle.searchers.co_bits_run import lab_evaluator, simulated, spread  # noqa: E402

NAME, OTHER = "8088880080000088808880", "8888880888808880888888"


@pytest.fixture
def space(tmp_path: Path) -> Path:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\nrows = [8, 16]\ncolumns = 16\nweight_buffer_kib = 4\n'
        'activation_buffer_kib = 16\nbandwidth_bits = 64\ndataflow = "row-stationary"\n'
    )
    return file


@pytest.fixture
def search(command_line, space: Path, random_weights: Path):  # type: ignore[no-untyped-def]
    """Runs the verb with few evaluations."""
    usual = (
        "--from",
        str(random_weights),
        "--images",
        "16",
        "--evaluations",
        "150",
        "--population",
        "50",
    )
    return lambda *arguments: command_line("accelerator", "search", str(space), *usual, *arguments)


def test_points_are_predicted_and_some_that_are_shown_are_run(search, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "out"
    given = ("--bits", f"{NAME},{OTHER}", "--check", "2", "--top", "3", "--out", str(out))
    code, text, err = search(*given)
    assert code == 0, err
    document = json.loads((out / "co_search.json").read_text(encoding="utf-8"))
    config, front = document["config"], document["front"]
    assert config["networks"] == [NAME, OTHER]
    assert (config["chosen_on"], config["images"], config["evaluator"]) == ("val", 16, "bits")
    run = [record for record in front if "simulated" in record]
    assert 1 <= len(run) <= 2
    for record in front:
        words = record["provenance"]
        assert words["accuracy"] == words["escalation_rate"] == "predicted"
        assert words["latency_ms"] == words["energy_mj"] == words["area_mm2"] == "modelled"
        assert {record[name].partition(":")[0] for name in ("little", "big")} <= {NAME, OTHER}
    lines = text.splitlines()
    assert "predicted from answers at 8 bits to 16 images of val" in text
    assert sum("(simulated)" in line for line in lines) == len(run)
    for record in run:  # below the row of the point that was run
        after = record["simulated"]
        assert after["provenance"]["accuracy"] == "simulated"
        assert after["provenance"]["latency_ms"] == "modelled"
        line = f"run: {100 * after['accuracy']:.2f} % and {100 * after['escalation_rate']:.1f} %"
        at = [i for i, one in enumerate(lines) if line in one]
        above = "\n".join(lines[max(0, i - 2)] + lines[i - 1] for i in at)
        assert f"{100 * record['accuracy']:5.2f}" in above
        assert record["little"] in above
    files = {file.stem for file in (out / "accelerators").iterdir()}
    assert files == {record["accelerator"] for record in front}


def test_sensitivities_are_kept_and_the_same_seed_gives_the_same_front(  # type: ignore[no-untyped-def]
    search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ("--bits", NAME, "--check", "0", "--out", str(tmp_path / "out"), "--json")
    code, first, err = search(*given)
    assert code == 0, err

    def refused(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(bits_lab, "measured_sensitivity", refused)
    code, second, err = search(*given)
    assert code == 0, err
    assert json.loads(first)["front"] == json.loads(second)["front"]
    assert not [record for record in json.loads(first)["front"] if "simulated" in record]


def test_at_8_bits_everywhere_what_is_predicted_is_what_is_simulated(
    space: Path, random_weights: Path
) -> None:
    bench, accelerators = Benchmark.load("fbnet-cifar10"), load_space(space)
    lab = Lab.of(bench, str(random_weights), None, 16)
    grid = StageGrid(accelerators, bench.table.space, (NAME, OTHER), 10)
    judge = lab_evaluator(lab, grid, np.arange(len(accelerators)))
    domain = judge.domain
    x = domain.repaired(np.tile(domain.options - 1, (2, 1)))
    x[:, 0] = 0  # little is the first network, and big the second one
    genes, _, _ = judge.values(x, ("error", "latency_ms"))
    points = judge.points(genes)
    assert len(points) > 1
    assert set(points.little) == {f"{NAME}:w8a8"}
    for i, run in enumerate(simulated(lab, judge, genes)):
        assert run["accuracy"] == pytest.approx(points.accuracy[i], abs=1e-6)
        assert run["escalation_rate"] == pytest.approx(points.escalation_rate[i], abs=1e-6)
        assert run["latency_ms"] == pytest.approx(points.latency_ms[i], abs=1e-6)


def test_rows_are_spread_evenly() -> None:
    assert spread([3, 5, 8, 9], 2) == [3, 9]
    assert spread([3, 5], 4) == [3, 5]
    assert spread([3, 5], 0) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bits", ""], "--bits names no network"),
        (["--bits", " , "], "--bits names no network"),
        (["--bits", "0123456701234567012345"], "is not in table"),
        (["--bits", "0123"], "4 characters"),
        (["--bits", f"{NAME}:w5a8"], "5 bits; expected 4, 6 or 8"),
        (["--bits", f"{NAME}:w4a8"], "has bits already"),
        (["--bits", NAME, "--area-max", "0.001"], "the least is"),
        (["--bits", NAME, "--check", "-1"], "--check -1 is not usable"),
        (["--bits", NAME, "--images", "0"], "--images 0 is not usable"),
        (["--bits", NAME, "--pair", f"{NAME},{OTHER}"], "do not go with it"),
        (["--bits", NAME, "--on", "table"], "do not go with it"),
        (["--bits", NAME, "--coupling", "sibling"], "do not go with it"),
    ],
)
def test_what_cannot_be_searched(search, arguments: list[str], words: str) -> None:  # type: ignore[no-untyped-def]
    code, _, err = search(*arguments)
    assert code != 0
    assert words in err


def test_accelerators_of_other_bits_are_refused(search, space: Path) -> None:  # type: ignore[no-untyped-def]
    space.write_text(space.read_text() + "weight_bits = 16\n")
    code, _, err = search("--bits", NAME)
    assert code != 0
    assert "16-bit weights" in err
