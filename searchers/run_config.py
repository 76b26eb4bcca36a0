"""A search again: the options that ``config.toml`` of an earlier one stands for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import __version__
from ..bench.documents import read_toml, typed
from ..bench.errors import BigLittleError
from ..bench.figures import get_figure
from ..bench.precision import FP32
from .front_document import RunConfig
from .front_question import FrontQuestion

FILE = "config.toml"
#: Keys that are an option of ``biglittle search`` by themselves.
PLAIN = (
    *("searcher", "budget", "population", "seed", "soft", "gate"),
    *("budget_params", "budget_macs"),
)
GATED = ("table", "live")  # evaluators whose gates can be chosen


def read_config(path: str | Path) -> dict[str, Any]:
    """What the ``config.toml`` of a search holds; the folder that has one will do.

    Raises:
        BigLittleError: no such file, or one that no search wrote.
    """
    path = Path(path)
    path = path / FILE if path.is_dir() else path
    expected = f"Expected the {FILE} that 'biglittle search --out FOLDER' leaves in its folder."
    try:
        config = read_toml(path, dict[str, Any])
        typed(config, RunConfig)
    except OSError as error:
        raise BigLittleError(
            f"cannot read {path}: {error.strerror or error}. {expected}"
        ) from error
    except ValueError as error:
        raise BigLittleError(f"{path} is not of a search: {error}. {expected}") from error
    return config


def search_options(path: str | Path) -> dict[str, Any]:
    """Value by parameter of ``biglittle search`` that repeats the search of a ``config.toml``.

    Raises:
        BigLittleError: no such file, or one with a key that no search writes.
    """
    config = read_config(path)
    sources, question = config["sources"], FrontQuestion.of(config, str(path))
    options = {name: config[name] for name in PLAIN if name in config}
    options |= {
        "on": sources["evaluator"],
        "objectives": ",".join(config.get("objectives", ("error", "latency_ms"))),
        "device": ",".join(question.devices.values()),
        "warm": bool(sources.get("warm_start", False)),
    }
    if config.get("couplings"):
        options["coupling"] = ",".join(config["couplings"])
    if question.precisions != (FP32,):
        options["precision"] = ",".join(question.precisions)
    if question.table is not None:
        options["table"] = question.table
    if sources["evaluator"] in GATED:
        options["gates"] = ",".join(config.get("gates", ()))
    for option, key in (("proxy", "proxy"), ("epochs", "training_passes")):
        if key in sources:
            options[option] = sources[key]
    for name, value in config.get("limits", {}).items():
        options[get_figure(name).limit] = value
    return options


def set_otherwise(path: str | Path, typed: Mapping[str, Any]) -> list[str]:
    """One sentence for every option of a repeated search that is not as in its ``config.toml``.

    Args:
        path: ``config.toml`` of the search that is repeated.
        typed: value by parameter of ``biglittle search`` of the options that a user typed.

    Raises:
        BigLittleError: no such file, or one that no search wrote.
    """
    return [
        f"{name} is {typed[name]!r} here and {value!r} in {path}"
        for name, value in search_options(path).items()
        if name in typed and typed[name] != value
    ]


def what_changed(path: str | Path, now: Mapping[str, Any]) -> list[str]:
    """One sentence for everything that a repeated search rests on and that is another one now.

    Args:
        path: ``config.toml`` of the search that is repeated.
        now: the sources of the search that repeats it, as in its config.

    Raises:
        BigLittleError: no such file, or one that no search wrote.
    """
    config = read_config(path)
    before = {**config["sources"], "biglittle_version": config.get("biglittle_version")}
    after = {**now, "biglittle_version": __version__}
    return [
        f"{name} is {str(after[name])[:12]} now and was {str(before[name])[:12]} in {path}: the "
        "front may differ from the one there."
        for name in sorted({*before} & {*after})
        if name.endswith(("_sha256", "_version")) and before[name] != after[name]
    ]
