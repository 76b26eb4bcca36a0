"""What the profiler is asked where a user names a front: its networks and pairs, gate by gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biglittle.bench import Benchmark, BigLittleError, load_device
from biglittle.bench.errors import ArchitectureError
from biglittle.edge_profiler.session import ProfileRequest
from biglittle.edge_profiler.validate import networks_of
from biglittle.searchers.front_files import read_front
from biglittle.searchers.profile_requests import is_front, requests_for
from biglittle.searchers.table_front import table_front
from biglittle.searchers.validation import TOP, Measuring, validate_front

IDS = "8" * 22 + "," + "0" * 22


@pytest.fixture(scope="module")
def front_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The front of two gates within 2 ms, as JSON."""
    path = tmp_path_factory.mktemp("front") / "front.json"
    table_front(
        "fbnet-cifar10",
        "raspberry-pi-4",
        ("error", "latency_ms"),
        {"latency_ms": 2.0},
        ("margin", "entropy"),
    ).write(path)
    return path


def test_a_front_is_told_from_lists_of_ids(tmp_path: Path, front_file: Path) -> None:
    (tmp_path / "ids.csv").write_text("8" * 22 + "\n", encoding="utf-8")
    (tmp_path / "front.csv").write_text("little,big,gate\n", encoding="utf-8")
    (tmp_path / "ids.txt").write_text("little,big\n", encoding="utf-8")
    assert is_front(str(front_file))
    assert is_front(str(front_file.parent))
    assert is_front(str(tmp_path / "front.csv"))
    assert is_front(str(tmp_path))
    (tmp_path / "nothing").mkdir()
    for text in (
        str(tmp_path / "ids.csv"),
        str(tmp_path / "ids.txt"),
        str(tmp_path / "nothing"),
        "anchors",
    ):
        assert not is_front(text)
    assert not is_front(",".join([IDS] * 1000))


def test_what_names_no_front_is_asked_as_it_is() -> None:
    for text in ("anchors:10", IDS):
        request = ProfileRequest(networks=text)
        assert requests_for(request, "fbnet-cifar10", print) == [request]


def test_a_front_becomes_a_request_for_each_gate(front_file: Path) -> None:
    lines: list[str] = []
    request = ProfileRequest(networks=str(front_file), threads=2)
    requests = requests_for(request, "fbnet-cifar10", lines.append)
    (line,) = lines
    points = read_front(front_file).points
    assert {r.gate for r in requests} <= {*points.gate.tolist()}
    assert len({r.gate for r in requests}) == len(requests) > 0
    assert {(r.space, r.n_classes, r.threads) for r in requests} == {
        ("fbnet", Benchmark.load("fbnet-cifar10").table.n_classes, 2)
    }
    assert len({r.networks for r in requests}) == 1
    for each in requests:
        of_gate = points.gate == each.gate
        there = {*zip(points.little[of_gate], points.big[of_gate], strict=True)}
        assert {tuple(pair.split(":")) for pair in each.pairs.split(",")} <= there
    n_pairs = sum(len(r.pairs.split(",")) for r in requests)
    assert f"{n_pairs} pair" in line


def test_networks_have_the_classes_of_the_front_and_not_of_the_profile(
    front_file: Path, tmp_path: Path
) -> None:
    document = json.loads(front_file.read_text(encoding="utf-8"))
    config = document["config"]
    own = config["n_classes"]
    assert own != load_device("raspberry-pi-4").n_classes

    def measured(**changes: object) -> tuple[int, str]:
        lines: list[str] = []
        path, changed = tmp_path / "front.json", {**config, **changes}
        changed = {name: value for name, value in changed.items() if value is not None}
        path.write_text(json.dumps({**document, "config": changed}), encoding="utf-8")
        request = ProfileRequest(networks=str(path), n_classes=77)
        first, *_ = requests_for(request, "fbnet-cifar10", lines.append)
        return first.n_classes, lines[0]

    n, line = measured(n_classes=5)
    assert (n, "with 5 classes (as the front says)" in line) == (5, True)
    n, line = measured(n_classes=None)  # of an earlier version
    assert (n, "classes (those of table fbnet-cifar10)" in line) == (own, True)
    n, line = measured(n_classes=None, table="away")
    assert (n, "(as the profile of raspberry-pi-4, for want of" in line) == (100, True)
    assert measured(device="away", n_classes=5)[0] == 5
    n, line = measured(device="away", n_classes=None)
    assert (n, "with 77 classes (as --classes says)" in line) == (77, True)


def test_the_table_becomes_its_networks() -> None:
    (request,) = requests_for(ProfileRequest(networks="table"), "fbnet-cifar10", print)
    assert request.networks.split(",") == list(Benchmark.load("fbnet-cifar10").architectures)


def test_some_points_of_a_front_are_measured_or_all_of_them(front_file: Path) -> None:
    points = read_front(front_file).points
    request = ProfileRequest(networks=str(front_file))

    def measured(**how: object) -> tuple[set[str], str]:
        lines: list[str] = []
        first, *_ = requests_for(request, "fbnet-cifar10", lines.append, **how)  # type: ignore[arg-type]
        return {*first.networks.split(",")}, lines[0]

    every, line = measured(every=True)
    assert every == {*networks_of(points)}
    assert f"those of {len(points)} of {len(points)} points" in line
    assert "--all" not in line
    two, line = measured(top=2)
    assert f"those of 2 of {len(points)} points" in line
    assert line.endswith("--all measures the rest.")
    assert two < every
    assert measured() == measured(top=TOP)
    with pytest.raises(BigLittleError, match="got --top 2 and --all, which measures all points"):
        measured(top=2, every=True)


@pytest.mark.parametrize("given", [{"top": 3}, {"every": True}])
@pytest.mark.parametrize("again", ["", "noisy"])
def test_how_many_points_is_asked_of_fronts_alone(given, again: str) -> None:  # type: ignore[no-untyped-def]
    request = ProfileRequest(networks="anchors", again=again)
    with pytest.raises(BigLittleError, match=r"--(top|all) says .* no front; leave it out, or"):
        requests_for(request, "fbnet-cifar10", print, **given)


@pytest.mark.parametrize("given", [{"pairs": "8:0"}, {"blocks": True}])
def test_pairs_and_blocks_beside_a_front_are_refused(front_file: Path, given) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BigLittleError, match="leave out --pairs and --blocks"):
        requests_for(ProfileRequest(networks=str(front_file), **given), "fbnet-cifar10", print)


def test_a_network_that_was_joined_to_a_table_is_not_measured_by_its_name(
    front_file: Path, tmp_path: Path
) -> None:
    document = json.loads(front_file.read_text(encoding="utf-8"))
    point = next(p for p in document["front"] if p["escalation_rate"] > 0)
    document |= {"front": [{**point, "big": "my oracle"}], "recommended": []}
    joined = tmp_path / "joined.json"
    joined.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ArchitectureError, match="my oracle of the front is no arch") as shown:
        requests_for(ProfileRequest(networks=str(joined)), "fbnet-cifar10", print)
    advised = str(shown.value).rpartition("biglittle profile ")[2].split()
    assert advised[:2] == ["--networks", point["little"]]  # the advice is taken by the profiler
    classes = int(advised[3]) if len(advised) > 2 else ProfileRequest.n_classes
    assert classes == document["config"]["n_classes"]
    measuring = Measuring(tmp_path / "measured", say=print)
    for profile in (None, tmp_path / "elsewhere.json"):
        with pytest.raises(ArchitectureError, match=r"biglittle profile --networks FILE\.onnx"):
            validate_front(read_front(joined), None, profile, None, measuring)
