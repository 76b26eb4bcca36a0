"""What the verbs take: every option explains itself, and none is lost on the way to its verb."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from biglittle import cli_options
from biglittle.cli_options import ProfileOptions, SearchOptions, StageOptions, names_of
from biglittle.edge_profiler.session import ProfileRequest
from biglittle.searchers.run_config import search_options

OPTIONS = [
    options
    for _, options in inspect.getmembers(cli_options, inspect.isclass)
    if dataclasses.is_dataclass(options)
]


def test_a_list_of_names_forgives_blanks() -> None:
    assert names_of(" margin, entropy ,") == ("margin", "entropy")
    assert names_of("") == ()


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: str(options.__name__))
def test_every_option_says_what_it_is_for(options: Any) -> None:
    for name, hint in get_type_hints(options, include_extras=True).items():
        (info,) = hint.__metadata__
        assert info.help, name


def test_options_of_profile_are_what_the_profiler_is_asked() -> None:
    assert vars(ProfileRequest(**vars(ProfileOptions()))) == vars(ProfileRequest())


def test_a_repeated_search_sets_options_that_there_are(tmp_path: Any) -> None:
    (tmp_path / "config.toml").write_text(
        'searcher = "nsga2"\nobjectives = ["error", "macs"]\ngates = ["margin"]\nseed = 1\n'
        '[sources]\nevaluator = "live"\ndevice = "raspberry-pi-4"\ntable = "fbnet-cifar10"\n'
        'proxy = "epochs"\ntraining_passes = 1.0\nwarm_start = true\n'
    )
    names = {field.name for field in dataclasses.fields(SearchOptions)}
    assert {*search_options(tmp_path)} <= names


def test_each_table_is_built_in_a_folder_of_its_own() -> None:
    assert StageOptions(name="flowers-64").folder == Path("build/flowers-64")
    assert StageOptions().folder == Path("build", StageOptions().name)
    assert StageOptions(name="flowers-64", working=Path("here")).folder == Path("here")
