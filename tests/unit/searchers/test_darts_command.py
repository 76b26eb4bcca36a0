"""``biglittle darts`` searches from scratch, and says what is wrong in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

from biglittle.searchers.darts_command import summary

TINY = ["--steps", "2", "--batch", "4", "--resolution", "8", "--images", "30"]


@pytest.fixture
def darts(command_line, noise: None):  # type: ignore[no-untyped-def]
    """Runs the verb on images of noise."""
    return lambda *arguments: command_line("darts", *arguments)


def test_it_searches_from_scratch(darts) -> None:  # type: ignore[no-untyped-def]
    code, out, err = darts(*TINY, "--from", "scratch", "--entropy-weight", "0", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["start"] == "scratch"
    assert f"derived: {document['little']} -> {document['big']}" in err
    assert document["settings"]["choices"] is None  # all nine of the space
    assert document["settings"]["entropy_weight"] == 0.0
    assert document["front"][0]["provenance"]["accuracy"] == "measured"


def test_bits_are_searched_for_and_the_pair_is_run_with_them(darts, with_heads: str) -> None:  # type: ignore[no-untyped-def]
    start = ("--from", with_heads, "--weights-rate", "0", "--bits")
    code, out, err = darts(*TINY, *start, "--json")
    assert code == 0, err
    document = json.loads(out)
    pair = document["with_bits"]
    assert pair["little"].startswith(f"{document['little']}:w")
    assert pair["big"].startswith(f"{document['big']}:w")
    assert pair["images"] == 20
    assert pair["provenance"]["accuracy"] == "simulated"
    assert pair["points"][0]["escalation_rate"] == 0.0
    assert "latency_ms" not in pair["points"][0]  # nobody measured such a network
    code, out, err = darts(*TINY, *start)
    assert code == 0, err
    assert f"{pair['little']} -> {pair['big']}" in out
    assert "GBitOps" in out


@pytest.fixture
def with_heads(tmp_path: Path) -> str:
    """The weights of a supernet with those of two exits beside them."""
    torch = pytest.importorskip("torch")
    from biglittle.bench import get_space
    from biglittle.cotrain.exit_heads import ExitHeads, save_exit_heads, trunk_hash
    from biglittle.cotrain.supernet import Supernet
    from biglittle.cotrain.weights import HEADS, load_weights, save_weights

    space, path = get_space("fbnet"), tmp_path / "supernet.safetensors"
    torch.manual_seed(0)
    save_weights(path, Supernet(space, 10), {"choices": json.dumps(["k3_e1", "skip"])})
    trunk = trunk_hash(load_weights(path).state_dict())
    save_exit_heads(tmp_path / HEADS, ExitHeads(space, 10, ("4s", "12")), trunk, {})
    return str(path)


def test_exits_of_the_derived_network_are_evaluated_where_prefix_is_asked_for(
    darts, with_heads: str
) -> None:  # type: ignore[no-untyped-def]
    start = ("--from", with_heads, "--weights-rate", "0")
    code, out, err = darts(*TINY, *start, "--coupling", "prefix", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["couplings"] == ["prefix"]
    assert document["pairs"] == 2
    big = document["big"]
    for point in document["front"]:
        assert point["coupling"] == "prefix"
        assert (point["little"], point["big"]) in [(f"{big}@4s", big), (f"{big}@12", big)]
    code, out, err = darts(*TINY, *start, "--coupling", "prefix")
    assert code == 0, err
    assert "evaluated: 2 pairs of coupling prefix" in out
    assert f"{big}, prefix, " in out
    code, out, err = darts(*TINY, *start)  # whole networks, as ever
    assert "@" not in out
    assert "evaluated" not in out


def test_it_says_how_accurate_and_how_fast_the_pair_is() -> None:
    words = {"accuracy": "measured", "latency_ms": "block-sum", "escalation_rate": "measured"}
    points = [
        {
            "gate": "margin",
            "threshold": 0.25,
            "accuracy": accuracy,
            "latency_ms": latency_ms,
            "escalation_rate": 0.5,
            "provenance": words,
        }
        for accuracy, latency_ms in ((0.75, 20.0), (0.5, 10.0))
    ]
    report = {"little": "88", "big": "00", "front": points, "best": points[0]}
    pair, best = summary({**report, "settings": {"latency_ms": None}})
    assert pair.startswith("88 -> 00: 2 operating points")
    assert best.startswith("the most accurate on val: margin 0.25, accuracy 75.00 % (measured)")
    assert "latency 20 ms (block-sum)" in best
    within = summary({**report, "settings": {"latency_ms": 30.0}})[1]
    assert within.startswith("the most accurate on val within 30 ms on average: margin 0.25")
    beyond = summary({**report, "best": None, "settings": {"latency_ms": 5.0}})[1]
    assert beyond.startswith("no operating point is within 5 ms on average; the fastest on val:")
    assert "latency 10 ms (block-sum)" in beyond


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "0"], "at least 1 step"),
        (["--gbitops", "1"], "add --bits"),
        (["--bits", "--gbitops", "0"], "positive temperature"),
        (["--from", "none.safetensors"], "no weights none.safetensors"),
        (["--device", "raspbery-pi-4", *TINY], "raspberry-pi-4"),
        ([*TINY, "--from", "scratch", "--images", "5"], "two halves"),
        ([*TINY, "--from", "scratch", "--images", "0"], "at least 1"),
        ([*TINY, "--from", "scratch", "--coupling", "prefix"], "train the heads"),
        ([*TINY, "--coupling", "prefixed"], "Did you mean 'prefix'"),
    ],
)
def test_what_is_wrong_is_one_line(darts, arguments: list[str], message: str) -> None:  # type: ignore[no-untyped-def]
    code, out, err = darts(*arguments)
    assert code == 1
    assert message in err
    assert not out


def test_an_accelerator_is_derived_with_the_pair(darts, command_line, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    space = tmp_path / "some.toml"
    space.write_text(
        'name = "some"\nrows = [8, 16]\ncolumns = 16\nweight_buffer_kib = [4, 16]\n'
        'activation_buffer_kib = 16\nbandwidth_bits = 64\ndataflow = "row-stationary"\n',
        encoding="utf-8",
    )
    start = (*TINY, "--from", "scratch", "--accelerators", str(space))
    code, out, err = darts(*start, "--area-max", "0.2", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["area_mm2"] <= 0.2
    assert document["front"][0]["provenance"]["latency_ms"] == "modelled"
    code, out, err = darts(*start, "--area-max", "0.2")
    assert code == 0, err
    chip = tmp_path / "chip.toml"
    chip.write_text(out[out.index("name = ") :], encoding="utf-8")
    code, out, err = command_line("accelerator", "show", str(chip), "--json")
    assert code == 0, err
    assert json.loads(out)["name"] == document["accelerator"]["name"]
    code, _, err = darts(*start, "--area-max", "0.001")
    assert code != 0
    assert "the least" in err
    code, _, err = darts(*TINY, "--from", "scratch", "--area-max", "0.1")
    assert code != 0
    assert "--accelerators edge" in err
