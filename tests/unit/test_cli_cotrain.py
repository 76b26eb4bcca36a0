"""``biglittle cotrain`` from a front to checked ONNX files, on small images, and its errors."""

from __future__ import annotations

import csv
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
pytest.importorskip("safetensors")

from biglittle.bench import Benchmark, Gate, Pair  # noqa: E402
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.figures import POINT_FIGURES  # noqa: E402

LITTLE, BIG = "8" * 22, "0" * 22


@pytest.fixture
def front(tmp_path: Path) -> Path:
    """A front.csv of one real pair and one single network in disguise, as a search writes it."""
    bench = Benchmark.load("fbnet-cifar10")
    points = [
        bench.query(Pair(LITTLE, big), Gate("margin", 0.2), "raspberry-pi-4", "val").as_dict()
        for big in (BIG, LITTLE)
    ]
    path = tmp_path / "front.csv"
    with path.open("w", newline="") as file:
        heads = ["little", "big", "gate", "threshold", *POINT_FIGURES]
        words = [f"{name}_provenance" for name in POINT_FIGURES]
        writer = csv.DictWriter(file, [*heads, *words, "device", "table"])
        writer.writeheader()
        for point in points:
            row = {f"{name}_provenance": point["provenance"][name] for name in POINT_FIGURES}
            row |= {"device": "raspberry-pi-4", "table": "fbnet-cifar10"}
            writer.writerow({name: point[name] for name in heads} | row)
    return path


@pytest.fixture
def run(command_line):  # type: ignore[no-untyped-def]
    """Runs ``biglittle cotrain``."""
    return partial(command_line, "cotrain")


def test_a_front_becomes_checked_networks(  # type: ignore[no-untyped-def]
    run,
    front: Path,
    tmp_path: Path,
    digits: Dataset,
    digit_splits: dict[str, Images],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from biglittle.cotrain import front as front_module
    from biglittle.cotrain import train_pair
    from biglittle.searchers import front_training  # noqa: F401  has its data sets before the patch

    few = {s: digit_splits[s].subset(np.arange(40)) for s in ("val", "test")}
    few["train"] = digit_splits["train"].subset(np.arange(128))

    class Here:
        def load(self, folder: Path | None) -> dict[str, Images]:
            return few

    monkeypatch.setattr("biglittle.bench.datasets.get_dataset", lambda name: Here())
    for module in (front_module, train_pair):
        monkeypatch.setattr(module, "get_dataset", lambda name: digits)
    arguments = (str(front), "--images", "128", "--out", str(tmp_path / "out"), "--threads", "1")
    code, out, err = run(*arguments, "--json")
    assert code == 0, err
    assert "1 are single networks in effect" in err
    document = json.loads(out)
    (report,) = document["pairs"]
    folder = tmp_path / "out" / f"{LITTLE}-{BIG}" / "joint"
    assert {p.name for p in folder.iterdir()} == {
        "little.safetensors", "big.safetensors", "little.onnx", "big.onnx", "cascade.onnx",
        "report.json",
    }  # fmt: skip
    assert report["deployed"]["images"] == 40
    assert report["after"]["test"]["provenance"]["latency_ms"] == "block-sum"
    assert report["promised_by_table"]["provenance"]["accuracy"] == "measured"
    assert report["config"]["sources"]["table_sha256"]
    ort.InferenceSession(str(folder / "cascade.onnx"))
    code, out, err = run(*arguments)  # finished: nothing is trained again
    assert code == 0, err
    assert "step" not in err
    assert "block-sum" in out
    code, _, err = run(*arguments, "--seed", "1")
    assert code == 1
    assert "its seed is 0, expected 1" in err


def test_a_network_and_its_exit_become_a_checked_pair(  # type: ignore[no-untyped-def]
    run,
    tmp_path: Path,
    digits: Dataset,
    digit_splits: dict[str, Images],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from biglittle.cotrain import front as front_module
    from biglittle.cotrain import train_network, train_pair
    from biglittle.cotrain.prefix import OWN
    from biglittle.cotrain.weights import load_network
    from biglittle.searchers import front_training  # noqa: F401  has its data sets before the patch

    few = {s: digit_splits[s].subset(np.arange(40)) for s in ("val", "test")}
    few["train"] = digit_splits["train"].subset(np.arange(128))

    class Here:
        def load(self, folder: Path | None) -> dict[str, Images]:
            return few

    monkeypatch.setattr("biglittle.bench.datasets.get_dataset", lambda name: Here())
    for module in (front_module, train_pair, train_network):
        monkeypatch.setattr(module, "get_dataset", lambda name: digits)
    big, out = "0" + "8" * 21, tmp_path / "out"
    code, text, err = run(
        "--little", f"{big}@12", "--big", big, "--images", "400", "--method", "independent",
        "--out", str(out), "--threads", "1", "--json",
    )  # fmt: skip
    assert code == 0, err
    (report,) = json.loads(text)["pairs"]
    folder = out / f"{big}@12-{big}" / "independent"
    assert {p.name for p in folder.iterdir()} == {
        "little.safetensors", "big.safetensors", "little.onnx", "big.onnx", "cascade.onnx",
        "report.json",
    }  # fmt: skip
    assert report["promised"]["provenance"]["accuracy"] == "measured"
    assert report["promised"]["escalation_rate"] <= 0.2
    little, whole = (load_network(folder / f"{r}.safetensors").state_dict() for r in
                     ("little", "big"))  # fmt: skip
    assert all(k.startswith(OWN) or torch.equal(v, whole[k]) for k, v in little.items())
    size = {n: (folder / f"{n}.onnx").stat().st_size for n in ("little", "big", "cascade")}
    assert size["cascade"] < size["little"] + size["big"]  # the trunk is there once


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((f"{BIG}@12", "8" * 22), "an exit of another architecture"),
        ((f"{BIG}@13", BIG), "13"),
        ((BIG, LITTLE, "--coupling", "prefix"), "a whole network"),
        ((f"{BIG}@12", BIG, "--coupling", "sibling"), "shares its trunk"),
        ((f"{BIG}@12", f"{BIG}@8"), "does not run on"),
    ],
)
def test_a_pair_that_is_not_coupled_as_asked_is_one_line(run, tmp_path, arguments, text) -> None:  # type: ignore[no-untyped-def]
    little, big, *more = arguments
    out = str(tmp_path / "out")
    code, printed, err = run("--little", little, "--big", big, *more, "--out", out)
    assert (code, printed) == (1, "")
    assert text in err
    assert err.splitlines()[-1].startswith("error: ")
    assert run("--little", little)[0] == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--method", "jont"), "Did you mean 'joint'"),
        (("--from", "inherit"), "Did you mean 'inherited'"),
        (("--recipe", "absent.toml"), "cannot be read"),
        (("--table", "fbnet"), "unknown table"),
        (("--device", "jetson-nano"), "was searched for raspberry-pi-4"),
    ],
)
def test_bad_input_is_one_line_and_an_exit_code(run, front, tmp_path, arguments, text) -> None:  # type: ignore[no-untyped-def]
    code, out, err = run(str(front), "--out", str(tmp_path / "out"), *arguments)
    assert code == 1
    assert out == ""
    assert text in err
    assert err.splitlines()[-1].startswith("error: ")


def test_a_file_that_is_no_front(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "front.csv").write_text("a,b\n1,2\n")
    code, _, err = run(str(tmp_path / "front.csv"))
    assert code == 1
    assert "is not a front" in err
    assert run(str(tmp_path / "absent.csv"))[0] == 1
