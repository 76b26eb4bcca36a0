"""Documents in JSON, TOML and CSV with any value in any place: an answer, or one sentence."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench import get_space, load_device
from biglittle.bench.device import SHIPPED, parse_profile
from biglittle.edge_profiler.check import check_document, check_file
from biglittle.edge_profiler.meters.trace import read_trace
from biglittle.edge_profiler.profile_file import read_profile
from biglittle.searchers import read_front
from biglittle.searchers.front_files import to_toml
from biglittle.searchers.run_config import search_options
from biglittle.surrogates import Surrogate

ROOT = Path(__file__).resolve().parents[2]
SURROGATE = ROOT / "data_tables" / "fbnet_cifar10" / "surrogate"
#: What is put in the place of a value.
STRANGE: list[Any] = [
    *(None, True, False, 0, -1, 1, 3.5, -999974.0, 1e308, -1e-308, 2**63, 10**30, 10**400),
    *(math.nan, math.inf, -math.inf),
    *(
        "",
        "x",
        "5",
        "1_000",
        "\u0661",
        "a\nb",
        "\x1b[2J",
        "\u202e",
        "[/dev kit]",
        "=1+1",
        "x" * 9999,
    ),
    *([], [1], [[]], {}, {"": 1}, {"x": None}, [None] * 50),
]
NUMBER = {"latency_ms": 1.5, "provenance": "measured"}
PROFILE = {
    **json.loads((SHIPPED / "amd-epyc-f25-m17.json").read_text(encoding="utf-8")),
    "models": [{"file": "a.onnx", "sha256": "0" * 64, "shape": "1,3,8,8", **NUMBER}],
    "load_power": None,
    "interval": {"coverage": 0.9, "method": "bootstrap"},
}
PROFILE["networks"] = PROFILE["networks"][:12]
FIRST = json.loads((SHIPPED / "raspberry-pi-4.json").read_text(encoding="utf-8"))
PREDICTED = json.loads((SHIPPED / "raspberry-pi-5.json").read_text(encoding="utf-8"))
PREDICTED["networks"] = PREDICTED["networks"][:3]
FIGURES = {
    **dict.fromkeys(("latency_ms", "latency_p95_ms", "latency_worst_ms"), 3.0),
    **{"accuracy": 0.9, "escalation_rate": 0.2, "energy_mj": None},
    **dict.fromkeys(("macs", "params", "peak_memory_mib"), 5.0),
}
POINT = {
    **{"little": "8" * 22, "big": "0" * 22, "gate": "margin", "threshold": 0.5},
    **{"coupling": "sibling", "provenance": {"accuracy": "measured"}},
    **FIGURES,
}
SINGLE = {"architecture": "8" * 22, "provenance": {}, **FIGURES}
ANSWER = {
    **{"why": "at the knee", "budget": {"latency_ms": 3.0}, "aim": "accuracy", "verdict": "pair"},
    **{"source": "search", "row": 0, "pair": POINT, "single": SINGLE, "pairs": True},
    **{"gain": 0.1, "gain_low": 0.0, "gain_high": 0.2, "gain_interval": "bootstrap"},
}
FRONT = {
    "config": {
        **{"objectives": ["error", "latency_ms"], "limits": {"latency_ms": 20.0}, "soft": ""},
        "sources": {"device": "raspberry-pi-4", "table": "fbnet-cifar10", "evaluator": "table"},
    },
    "front": [{**POINT, "answers_alone": None, "best_single": SINGLE}] * 2,
    "recommended": [ANSWER],
}
CONFIG = {
    **{"searcher": "nsga2", "budget": 60, "seed": 0, "population": 20, "soft": "", "gate": "auto"},
    **{"objectives": ["error", "latency_ms"], "gates": ["margin"], "couplings": ["sibling"]},
    **{"limits": {"latency_ms": 20.0}, "sources": FRONT["config"]["sources"], "run": {"n": 3}},
}


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    yield at
    named = value.items() if isinstance(value, dict) else ()
    for key, part in enumerate(value) if isinstance(value, list) else named:
        yield from places(part, (*at, key))


def altered(document: Any, rng: np.random.Generator) -> Any:
    """A copy with one to three strange values, names or gaps."""
    made = copy.deepcopy(document)
    for _ in range(int(rng.integers(1, 4))):
        every = [place for place in places(made) if place]
        if not every:
            break
        *above, last = every[int(rng.integers(0, len(every)))]
        holder = made
        for key in above:
            holder = holder[key]
        strange = copy.deepcopy(STRANGE[int(rng.integers(0, len(STRANGE)))])
        match int(rng.integers(0, 6)):
            case 0:
                del holder[last]
            case 1 if isinstance(holder, dict):
                holder[str(strange)] = holder.pop(last)
            case _:
                holder[last] = strange
    return made


def read_checked(path: Path) -> object:
    """Both readers of a profile's file."""
    check_file(path).text()
    profile = load_device(path)
    space = get_space("fbnet")
    if profile.space_hash == space.hash:
        profile.latency_ms(space, space.parse(["8" * 22, "0" * 22]))
    return profile.summary


JSON: dict[str, tuple[Any, Callable[[Path], object]]] = {
    "profile": (PROFILE, read_checked),
    "first profile": (FIRST, read_checked),
    "predicted profile": (PREDICTED, read_checked),
    "session": (PROFILE, read_profile),
    "front": (FRONT, lambda path: [*read_front(path).points, read_front(path).question]),
}


@pytest.mark.parametrize("kind", JSON)
def test_json_with_any_value_in_any_place(
    tmp_path: Path, answers: Any, count: Callable[[int], int], kind: str
) -> None:
    document, reader = JSON[kind]
    path = tmp_path / "document.json"
    for seed in range(count(150)):
        made = altered(document, np.random.default_rng(seed))
        path.write_text(json.dumps(made), encoding="utf-8", errors="replace")
        answers.of(lambda: reader(path), seed)
    assert answers.refused > answers.answers / 4


@pytest.mark.parametrize("kind", JSON)
def test_what_is_altered_is_read_as_it_was(tmp_path: Path, kind: str) -> None:
    document, reader = JSON[kind]
    (tmp_path / "document.json").write_text(json.dumps(document), encoding="utf-8")
    assert reader(tmp_path / "document.json")


@pytest.mark.parametrize("kind", JSON)
def test_damaged_json(
    tmp_path: Path, answers: Any, mutations: Callable[[bytes, int], Iterator[bytes]], kind: str
) -> None:
    document, reader = JSON[kind]
    path = tmp_path / "document.json"
    for number, content in enumerate(mutations(json.dumps(document).encode(), 150)):
        path.write_bytes(content)
        answers.of(lambda: reader(path), number)


def test_the_admission_test_takes_any_document(count: Callable[[int], int]) -> None:
    for seed in range(count(100)):
        made = altered(PROFILE, np.random.default_rng(seed))
        assert check_document(made, "x.json").text()
    for strange in STRANGE:
        assert not check_document(strange, "x.json").passed


def test_a_profile_that_is_taken_has_figures_that_can_be(count: Callable[[int], int]) -> None:
    from biglittle.bench.errors import BigLittleError

    for seed in range(count(150)):
        made = altered(FIRST, np.random.default_rng(seed))
        try:
            profile = parse_profile(made, "x")
        except BigLittleError:
            continue
        assert isinstance(profile.space, str)
        if profile.block_ms is not None:  # NaN: a block that the runtime could not run
            blocks = profile.block_ms[~np.isnan(profile.block_ms)]
            assert ((blocks >= 0) & (blocks < 1e9 + 1)).all()
        assert 0 <= profile.constant_ms <= 1e9
        assert profile.load_power_mw is None or profile.load_power_mw > 0


def test_a_config_with_any_value_in_any_place(
    tmp_path: Path, answers: Any, count: Callable[[int], int]
) -> None:
    path = tmp_path / "config.toml"
    for seed in range(count(150)):
        made = altered(CONFIG, np.random.default_rng(seed))
        try:
            text = to_toml(made)
        except Exception:  # what TOML has no word for
            continue
        path.write_text(text, encoding="utf-8", errors="replace")
        answers.of(lambda: search_options(path), seed)
    assert answers.refused > 0


@pytest.mark.parametrize("name", ["fine_tune.toml", "scratch.toml"])
def test_a_damaged_recipe(
    tmp_path: Path, answers: Any, mutations: Callable[[bytes, int], Iterator[bytes]], name: str
) -> None:
    pytest.importorskip("torch")
    from biglittle.cotrain.recipe import load_recipe

    path = tmp_path / "recipe.toml"
    for number, content in enumerate(mutations((ROOT / "cotrain" / name).read_bytes(), 50)):
        path.write_bytes(content)
        answers.of(lambda: load_recipe(path), number)
    assert answers.refused > 0


def test_a_damaged_schedule(
    tmp_path: Path, answers: Any, mutations: Callable[[bytes, int], Iterator[bytes]]
) -> None:
    pytest.importorskip("torch")
    from biglittle.cotrain.schedule import load_schedule

    path = tmp_path / "schedule.toml"
    whole = (ROOT / "cotrain" / "progressive_shrinking.toml").read_bytes()
    for number, content in enumerate(mutations(whole, 150)):
        path.write_bytes(content)
        answers.of(lambda: load_schedule(path), number)
    assert answers.refused > 0


def test_a_surrogate_with_any_value_in_any_place(
    tmp_path: Path, answers: Any, count: Callable[[int], int]
) -> None:
    whole = json.loads((SURROGATE / "surrogate.json").read_text(encoding="utf-8"))
    small = {key: whole.pop(key) for key in ("accuracy", "pairs", "report", "features")}
    for path in SURROGATE.glob("*.onnx"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for seed in range(count(150)):
        rng = np.random.default_rng(seed)
        made = altered(whole, rng) | (altered(small, rng) if seed % 2 else small)
        (tmp_path / "surrogate.json").write_text(json.dumps(made), encoding="utf-8")
        answers.of(lambda: Surrogate.load(tmp_path, check=False), seed)
    assert answers.refused > 0


def test_a_damaged_csv(
    tmp_path: Path, answers: Any, mutations: Callable[[bytes, int], Iterator[bytes]]
) -> None:
    heads = [*POINT, *(f"{name}_provenance" for name in FIGURES)]
    cells = [str(POINT.get(name) or "") if name != "provenance" else "" for name in heads]
    front, trace = tmp_path / "front.csv", tmp_path / "trace.csv"
    content = "\n".join([",".join(heads), *[",".join(cells)] * 3]).encode()
    samples = b"time_s,power_mw,marker\n0,5,0\n1,6,1\n2,5,0\n"
    for number, damaged in enumerate(mutations(content, 200)):
        front.write_bytes(damaged)
        answers.of(lambda: read_front(front), number)
    for number, damaged in enumerate(mutations(samples, 100)):
        trace.write_bytes(damaged)
        answers.of(lambda: read_trace(trace), number)
    for text in ("a" * 200_000, '"' + "a," * 200_000, "sep=x\n" + "a" * 200_000):
        front.write_text(text, encoding="utf-8")
        answers.of(lambda: read_front(front), text[:9])
    assert answers.refused > 0
