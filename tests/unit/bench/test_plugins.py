"""Plug-ins: registered in Python, from a file, from an installed package, and every way to fail."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench import plugin_file as plugins
from biglittle.bench.errors import PluginError, UnknownNameError
from biglittle.bench.gates import GATES, get_gate, pair_gates, stored_metrics
from biglittle.bench.kept_front import folder
from biglittle.bench.synthetic import DEVICE
from biglittle.plugin_options import REGISTRIES, registry_of

#: A gate that is as sure as the top two probabilities are apart, by its rank.
GATE = '''
"""``halved``: half of the margin."""

from dataclasses import dataclass

from biglittle.bench.gates import DerivedGate


@dataclass(frozen=True)
class Halved:
    def scores(self, answers):
        return answers.codes["margin"] / 512.0


METRIC = DerivedGate("halved", lambda answers, right: Halved(), "of this test")
'''


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """No plug-in of one test is there in another."""
    before = dict(GATES._added)
    yield
    GATES._added.clear()
    GATES._added.update(before)
    get_gate.cache_clear()
    plugins.entry_points.cache_clear()


@pytest.fixture
def gate_file(tmp_path: Path) -> Path:
    path = tmp_path / "halved.py"
    path.write_text(GATE, encoding="utf-8")
    return path


def announced(
    monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str], package: str = "theirs"
) -> None:
    """Has an installed package announce objects, as (name, module:object)."""

    def entry_points(group: str) -> tuple[object, ...]:
        dist = SimpleNamespace(name=package)
        of = [EntryPoint(name, value, group) for name, value in points]
        return tuple(
            SimpleNamespace(name=p.name, value=p.value, dist=dist, load=p.load)
            for p in of
            if group == "biglittle.gates"
        )

    monkeypatch.setattr(plugins, "entry_points", entry_points)


# ---- what works --------------------------------------------------------------------------------
def test_a_gate_from_a_file_is_asked_like_any_other(
    gate_file: Path, bench: Benchmark, pair: Pair
) -> None:
    assert GATES.register_file(gate_file) == "halved"
    assert GATES.register_file(gate_file) == "halved"  # it is not run again
    assert "halved" in GATES.names()
    assert "halved" not in GATES.shipped()
    assert "halved" in pair_gates()
    assert "halved" not in stored_metrics()
    curve = bench.curve(pair, "halved", DEVICE)
    whole = bench.curve(pair, "margin", DEVICE)
    assert curve.accuracy[-1] == whole.accuracy[-1]
    assert bench.query(pair, Gate("halved", 0.0), DEVICE).escalation_rate == 0
    assert len(bench.front(DEVICE, gates=["margin", "halved"]))


def test_registered_in_python_it_has_its_own_name(bench: Benchmark, pair: Pair) -> None:
    mine = dataclasses.replace(get_gate("learned"), name="mine")
    assert GATES.register("mine", mine) == "mine"
    assert GATES.load("mine") is mine
    learned, again = (bench.curve(pair, name, DEVICE) for name in ("learned", "mine"))
    assert np.array_equal(learned.accuracy, again.accuracy)
    GATES.register("mine", mine)  # the same again is no clash


def test_an_installed_package_announces_one(
    monkeypatch: pytest.MonkeyPatch, gate_file: Path
) -> None:
    monkeypatch.syspath_prepend(gate_file.parent)
    announced(monkeypatch, ("halved", "halved:METRIC"))
    assert "halved" in GATES.names()
    assert "halved" not in sys.modules  # listing imports nothing
    assert get_gate("halved").name == "halved"
    del sys.modules["halved"]


def test_a_front_under_a_plug_in_is_never_kept(
    gate_file: Path, bench: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biglittle.bench.kept_front.WORTH_S", 0.0)
    GATES.register_file(gate_file)
    before = {*folder().glob("*.npz")} if folder().exists() else set()
    bench.front(DEVICE, gates=["halved"])
    after = {*folder().glob("*.npz")} if folder().exists() else set()
    assert after == before


def test_files_stand_among_names_as_they_were_typed(gate_file: Path) -> None:
    assert GATES.typed(f"margin, {gate_file}") == "margin,halved"
    assert GATES.typed("margin") == "margin"


@pytest.mark.parametrize("group", REGISTRIES)
def test_every_kind_has_a_group_of_its_own(group: str) -> None:
    if group in ("methods", "proxies"):
        pytest.importorskip("torch")
    registry = registry_of(group)
    assert registry.group == f"biglittle.{group}"
    assert registry.complaint(object())
    for name in registry.shipped():
        try:
            entry = registry.load(name)
        except ImportError:
            continue
        if group != "gates" or entry.kind != "stored":
            assert registry.complaint(entry) == "", name


# ---- what does not -----------------------------------------------------------------------------
def test_a_shipped_name_is_not_taken_over(
    gate_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clash = tmp_path / "margin.py"
    clash.write_text(GATE, encoding="utf-8")
    with pytest.raises(
        PluginError, match=r"margin\.py: there is a gate metric 'margin' already.*rename"
    ):
        GATES.register_file(clash)
    with pytest.raises(PluginError, match=r"'margin' already \(it ships with biglittle\)"):
        GATES.register("margin", get_gate("learned"))
    announced(monkeypatch, ("margin", "theirs:METRIC"))
    with pytest.raises(
        PluginError, match=r"package 'theirs' .* 'margin' beside the one that ships"
    ):
        GATES.names()
    assert GATES.load("margin") is get_gate("margin")  # what ships is what is asked


def test_two_plug_ins_of_one_name_are_refused(gate_file: Path, tmp_path: Path) -> None:
    GATES.register_file(gate_file)
    other = tmp_path / "other" / "halved.py"
    other.parent.mkdir()
    other.write_text(GATE, encoding="utf-8")
    with pytest.raises(PluginError, match=r"other/halved\.py: .* already \(from .*halved\.py\)"):
        GATES.register_file(other)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("import nothing_like_it", r"mine\.py, line 1: .*ModuleNotFoundError.*nothing_like_it"),
        ("x = 1\nx +", r"mine\.py, line 2: .*SyntaxError"),
        ("\n1 / 0\n", r"mine\.py, line 2: .*ZeroDivisionError: division by zero"),
        ("raise SystemExit", r"mine\.py, line 1: .*SystemExit: it ended"),
        ("x = 1", r"mine\.py has no METRIC; expected it to end with one"),
        (
            "METRIC = 3",
            "is not a gate metric: got an object of type int, expected one of Der",
        ),
        (GATE, "its name is 'halved', and its key 'mine'; make them the same"),
        (
            "from biglittle.bench.gates import get_metric\nMETRIC = get_metric('margin')",
            "tables keep shipped metrics alone; give a DerivedGate",
        ),
    ],
)
def test_a_broken_file_names_itself_and_what_is_wrong(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PluginError, match=complaint) as caught:
        GATES.register_file(path)
    assert "mine.py" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "mine" not in GATES.names()


def test_a_broken_package_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    announced(monkeypatch, ("theirs", "nothing_like_it:METRIC"))
    with pytest.raises(
        PluginError, match=r"package 'theirs' \(nothing_like_it:METRIC\): the plug-in cannot"
    ):
        GATES.load("theirs")


def test_names_that_are_none_and_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="'My Gate' is not a usable name"):
        GATES.register("My Gate", get_gate("learned"))
    with pytest.raises(PluginError, match=r"none\.py: there is no such file.*bench/gates"):
        GATES.register_file(tmp_path / "none.py")


def test_a_path_that_nobody_typed_is_a_name_and_never_run(gate_file: Path) -> None:
    gate_file.write_text("raise AssertionError('it was run')", encoding="utf-8")
    with pytest.raises(UnknownNameError):
        GATES.load(str(gate_file))
    with pytest.raises(UnknownNameError):
        Gate(str(gate_file), 0.5)


def test_a_proxy_that_reads_a_pass_that_there_is_not_is_refused() -> None:
    pytest.importorskip("torch")
    from biglittle.zerocost import PROXIES, Proxy

    mine = Proxy("mine", "this test", ("nothing",), False, lambda passes: 1.0)
    with pytest.raises(PluginError, match="needs the pass 'nothing', expected some of"):
        PROXIES.register("mine", mine)
    with pytest.raises(PluginError, match="got an object of type int, expected a Proxy"):
        PROXIES.register("mine", 3)
