"""Options of a verb that come from a dataclass, or from the catalogue of figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from typer.testing import CliRunner

from biglittle.bench.figures import FIGURES
from biglittle.expand_options import with_limits, with_options


@dataclass(frozen=True)
class BakeOptions:
    """Options of a verb that bakes."""

    flour: Annotated[str, typer.Argument(help="Kind of flour.")]
    minutes: Annotated[int, typer.Option(min=1, help="In the oven.")] = 30
    tin: Annotated[Path | None, typer.Option("--in", help="Tin to bake in.")] = None


app = typer.Typer()
baked: list[tuple[BakeOptions, dict[str, float], bool]] = []


@app.command()
@with_options
@with_limits
def bake(options: BakeOptions, limits: dict[str, float], loud: bool = False) -> None:
    """Bakes a loaf."""
    baked.append((options, limits, loud))


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_a_dataclass_becomes_options_and_comes_back_whole() -> None:
    assert _run("rye", "--minutes", "5", "--in", "tin", "--loud")[0] == 0
    assert baked.pop() == (BakeOptions("rye", 5, Path("tin")), {}, True)
    assert _run("rye")[0] == 0
    assert baked.pop() == (BakeOptions("rye"), {}, False)


def test_options_of_a_dataclass_are_checked_as_any_other() -> None:
    assert _run()[0] == 2
    assert _run("rye", "--minutes", "0")[0] == 2
    code, out = _run("--help")
    assert code == 0
    assert "Bakes a loaf." in out
    assert "In the oven." in out


def test_every_figure_of_the_catalogue_has_a_limit() -> None:
    for name, figure in FIGURES.items():
        option = f"--{figure.limit.replace('_', '-')}"
        assert _run("rye", option, "0.5")[0] == 0
        assert baked.pop()[1] == {name: 0.5}
    assert _run("rye", "--latency-ms-max", "0", "--accuracy-min", "0.9")[0] == 0
    assert baked.pop()[1] == {"latency_ms": 0.0, "accuracy": 0.9}
