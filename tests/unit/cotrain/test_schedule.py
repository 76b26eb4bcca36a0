"""Schedules: read from TOML, where every key is known or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

import biglittle.data_tables
from biglittle.bench.errors import BigLittleError, CheckpointError
from biglittle.bench.spaces import get_space
from biglittle.cotrain.schedule import Schedule, load_schedule

SHIPPED = Path(biglittle.data_tables.__file__).parent / "fbnet_cifar10" / "supernet.toml"
SMALLEST = """
space = "fbnet"
dataset = "cifar10"
anchor = "k3_e1"
batch = 16
momentum = 0.9
weight_decay = 0.0
label_smoothing = 0.0
distillation = 0.5
clip_norm = 5.0
seed = 0

[[phases]]
name = "anchor"
resolutions = [16, 32]
peak_lr = 0.1
end_lr = 0.01
warmup_steps = 10
"""


def _load(tmp_path: Path, text: str) -> Schedule:
    path = tmp_path / "schedule.toml"
    path.write_text(text)
    return load_schedule(path)


def test_the_shipped_schedule_names_choices_of_its_space() -> None:
    schedule = load_schedule(SHIPPED)
    choices = get_space(schedule.space).choices
    assert set(schedule.trained_choices) <= set(choices)
    assert {schedule.anchor, "skip"} <= set(schedule.trained_choices)
    assert all(name in choices for phase in schedule.phases for name in phase.grow)
    assert schedule.n_epochs == sum(len(phase.resolutions) for phase in schedule.phases)
    json.dumps(schedule.as_dict())


def test_an_epoch_is_located_in_its_phase() -> None:
    schedule = load_schedule(SHIPPED)
    first = len(schedule.phases[0].resolutions)
    assert schedule.locate(first - 1) == (0, schedule.phases[0], first - 1)
    assert schedule.locate(first) == (1, schedule.phases[1], 0)
    with pytest.raises(AssertionError):
        schedule.locate(schedule.n_epochs)


def test_learning_rate_warms_up_then_falls_along_a_cosine(tmp_path: Path) -> None:
    schedule = _load(tmp_path, SMALLEST)
    phase = schedule.phases[0]
    rates = [schedule.learning_rate(phase, step, 110) for step in range(111)]
    assert rates[:10] == pytest.approx([0.01 * (step + 1) for step in range(10)])
    assert rates[10] == pytest.approx(0.1)
    assert rates[60] == pytest.approx(0.055)
    assert rates[110] == pytest.approx(0.01)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_only_the_anchor_is_trained_without_sampling(tmp_path: Path) -> None:
    assert _load(tmp_path, SMALLEST).trained_choices == ("k3_e1",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("momentun = 1\n" + SMALLEST, "schedule.toml has the unknown key 'momentun'; expected"),
        (SMALLEST + "gamma = 1\n", r"phases\[0\] has the unknown key 'gamma'"),
        (SMALLEST + "[phases.large]\nskip = 1\n", r"phases\[0\].large has the unknown key 'skip'"),
        (
            SMALLEST + "[phases.small]\nskip_low = 0.1\n",
            r"phases\[0\].small is incomplete: it has no 'skip_high'",
        ),
        (SMALLEST.replace("batch = 16\n", ""), "is incomplete: .*'batch'"),
        (SMALLEST + "[", "cannot be read"),
    ],
)
def test_a_wrong_schedule_says_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BigLittleError, match=message):
        _load(tmp_path, text)


@pytest.mark.parametrize("without", ["resolutions = [16, 32]\n", SMALLEST[SMALLEST.index("[[") :]])
def test_a_phase_without_epochs_is_refused(tmp_path: Path, without: str) -> None:
    with pytest.raises(BigLittleError, match=r"it has no '(resolutions|phases)'"):
        _load(tmp_path, SMALLEST.replace(without, ""))
    with pytest.raises(CheckpointError, match="phase without epochs"):
        _load(tmp_path, SMALLEST.replace("[16, 32]", "[]"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BigLittleError, match=r"absent\.toml cannot be read"):
        load_schedule(tmp_path / "absent.toml")


def test_a_schedule_continues_itself_and_its_beginnings_alone(tmp_path: Path) -> None:
    first = _load(tmp_path, SMALLEST)
    second = SMALLEST[SMALLEST.index("[[") :].replace('"anchor"', '"more"')
    longer = _load(tmp_path, SMALLEST + second)
    assert first.continues(first)
    assert longer.continues(first)
    assert not first.continues(longer)
    for old, new in (("batch = 16", "batch = 32"), ("[16, 32]", "[16]"), ("seed = 0", "seed = 1")):
        changed = _load(tmp_path, SMALLEST.replace(old, new, 1) + second)
        assert not changed.continues(first)


def test_the_costliest_resolution_is_that_of_most_of_the_time_that_is_left(tmp_path: Path) -> None:
    text = SMALLEST.replace("[16, 32]", "[16, 16, 16, 16, 16, 32, 16]")
    schedule = _load(tmp_path, text)
    rows = [schedule.costliest_resolution(epoch) for epoch in (0, 3, 5, 6, 7)]
    assert rows == [16, 32, 32, 16, 16]
