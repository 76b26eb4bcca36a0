"""``search --config`` repeats a search, and says what is not as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from biglittle.bench import BigLittleError
from biglittle.bench.synthetic import DEVICE
from biglittle.searchers.run_config import search_options, set_otherwise

FRONT = ("front.csv", "front.json")


ASKED = {
    "plain": [],
    "limits": ["--latency-ms-max", "25", "--accuracy-min", "0.5", "--objectives", "error,macs"],
    "all": [
        *("--searcher", "random", "--seed", "7", "--population", "20", "--warm-start"),
        *("--gate", "margin,entropy", "--gate-search", "gene"),
        *("--soft", "accuracy - 0.01*latency_ms"),
        *("--budget-params", "1500000", "--budget-macs", "4e7"),
    ],
}


@pytest.mark.parametrize("name", ASKED)
def test_a_config_repeats_its_search_to_the_byte(  # type: ignore[no-untyped-def]
    name: str, command_line, table: str, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    arguments = ("--on", "table", "--table", table, "--device", DEVICE, "--budget", "60")
    code, _, err = command_line("search", *arguments, *ASKED[name], "--out", str(first))
    assert code == 0, err
    for given in (first / "config.toml", first):
        code, _, err = command_line("search", "--config", str(given), "--out", str(second))
        assert code == 0, err
        assert " here and " not in err
        for file in FRONT:
            assert (first / file).read_bytes() == (second / file).read_bytes()


def test_an_option_beside_the_config_takes_precedence_and_is_said(  # type: ignore[no-untyped-def]
    command_line, table: str, tmp_path: Path
) -> None:
    arguments = ("--on", "table", "--table", table, "--device", DEVICE, "--budget", "60")
    assert command_line("search", *arguments, "--out", str(tmp_path))[0] == 0
    again = ("search", "--config", str(tmp_path), "--seed", "3", "--budget", "60", "--json")
    code, out, err = command_line(*again)
    assert code == 0, err
    assert '"seed": 3' in out
    assert "seed is 3 here and 0 in" in err
    assert "budget" not in err  # the same as in the file


def test_what_was_searched_and_is_another_now_is_said(  # type: ignore[no-untyped-def]
    command_line, table: str, tmp_path: Path
) -> None:
    arguments = ("--on", "table", "--table", table, "--device", DEVICE, "--budget", "60")
    assert command_line("search", *arguments, "--out", str(tmp_path))[0] == 0
    config = tmp_path / "config.toml"
    lines = config.read_text().splitlines()
    config.write_text(
        "\n".join('table_sha256 = "00"' if ln.startswith("table_sha256") else ln for ln in lines)
    )
    code, _, err = command_line("search", "--config", str(config))
    assert code == 0, err
    assert "table_sha256 is" in err
    assert "and was 00 in" in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = ", "is not TOML"),
        ("seed = 3", "it has no field 'searcher'"),
        ('searcher = "nsga2"', "it has no field 'sources'"),
        ('searcher = "nsga2"\n[sources]\n', "sources has no field 'evaluator'"),
        ('searcher = "nsga2"\nsed = 3\n[sources]\nevaluator = "table"', "a field 'sed'"),
        ('searcher = 3\n[sources]\nevaluator = "table"', "searcher is 3, expected a text"),
        ('searcher = "a"\nbudget = nan\n[sources]\nevaluator = "table"', "nan is not a number"),
        ('searcher = "a"\nseed = -1\n[sources]\nevaluator = "table"', "seed is -1"),
        ('searcher = "a"\n[limits]\nx = "1"\n[sources]\nevaluator = "a"', "limits.x is '1'"),
    ],
)
def test_a_file_that_no_search_wrote_is_refused(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(BigLittleError, match=message):
        search_options(file)


def test_a_config_that_is_not_there_says_where_one_comes_from(tmp_path: Path) -> None:
    with pytest.raises(BigLittleError, match="biglittle search --out FOLDER"):
        search_options(tmp_path)


def test_only_what_was_typed_and_is_another_value_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        'searcher = "nsga2"\nseed = 3\nbudget = 60\n[limits]\nlatency_p95_ms = 20.0\n'
        '[sources]\nevaluator = "surrogate"\ndevice = "raspberry-pi-4"\n'
    )
    assert search_options(tmp_path)["latency_p95_ms_max"] == 20.0
    typed = {"seed": 4, "budget": 60, "top": 5, "latency_p95_ms_max": 25.0}
    assert set_otherwise(tmp_path, typed) == [
        f"seed is 4 here and 3 in {tmp_path}",
        f"latency_p95_ms_max is 25.0 here and 20.0 in {tmp_path}",
    ]
