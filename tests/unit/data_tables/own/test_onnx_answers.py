"""Networks in ONNX files as sources of ``import answers``: they are run on inputs."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from biglittle.bench import Benchmark
from biglittle.bench.errors import AnswersError
from biglittle.cli import app
from biglittle.data_tables.own.onnx_answers import OnnxAnswers

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


def network(matrix: Any, batch: Any = "N", softmax: bool = False, outputs: int = 1) -> Any:
    """A network that multiplies its flattened input by a matrix."""
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["y0"]),
        *(helper.make_node("Identity", ["y0"], [f"y{k}"]) for k in range(1, outputs)),
    ]
    nodes += [helper.make_node("Softmax", ["y0"], ["p"])] if softmax else []
    names = ["p"] if softmax else [f"y{k}" for k in range(outputs)]
    k = matrix.shape[1]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 1, 5, 2])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, k]) for name in names],
        [numpy_helper.from_array(np.asarray(matrix, np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def mine(given: Any) -> Any:
    """Networks whose answers to the inputs are the logits of the given ones."""
    rng = np.random.default_rng(0)
    inputs = np.zeros((len(given.labels), 10), np.float32)
    inputs[:, :5], inputs[:, 5:] = np.log(given.answers["small"]), np.log(given.answers["large"])
    inputs += rng.normal(scale=1e-3, size=inputs.shape).astype(np.float32)
    np.save(given.folder / "x.npy", inputs.reshape(-1, 1, 5, 2))
    for name, at in (("small", 0), ("large", 5)):
        onnx.save(network(np.eye(10)[:, at : at + 5]), given.folder / f"{name}.onnx")
        (given.folder / f"{name}.npy").unlink()
    return given


def run(*words: Any) -> Result:
    return CliRunner().invoke(app, ["import", "answers", *map(str, words)])


def sources(given: Any) -> tuple[Any, ...]:
    files = [given.folder / f"{name}.onnx" for name in ("small", "large")]
    costs = ("--cost", "small=4", "--cost", "large=70")
    out = ("--out", given.folder / "t.h5")
    return (*files, "--labels", given.folder / "y.npy", *costs, *out)


def inputs(given: Any) -> tuple[Any, ...]:
    return ("--inputs", given.folder / "x.npy")


def test_from_two_onnx_files_to_a_verdict_and_the_cascade(
    mine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    result = run(*sources(mine), *inputs(mine))
    assert result.exit_code == 0, result.exception
    assert "small.onnx is run on" in result.stdout
    assert "it answers logits." in result.stdout
    assert "Verdict: ask large only where the" in result.stdout
    bench = Benchmark.load(mine.folder / "t.h5")
    assert bench.info()["given"]["answers"] == {"small": "logits", "large": "logits"}
    x = np.load(mine.folder / "x.npy")
    rows = np.setdiff1d(np.arange(len(x)), bench.table.val_index)
    expected = np.mean(x[rows].reshape(-1, 10)[:, :5].argmax(1) == mine.labels[rows])
    assert bench.accuracy()[bench.row("small")] == expected
    # The last step writes the pair: it answers and escalates as the table says of it.
    (step,) = [line for line in result.stdout.splitlines() if line.startswith("  python -c")]
    monkeypatch.chdir(mine.folder)
    exec(shlex.split(step)[2], {})
    session = onnxruntime.InferenceSession("cascade.onnx", providers=["CPUExecutionProvider"])
    answers = [session.run(None, {"images": x[row : row + 1]}) for row in rows]
    (query,) = [line for line in result.stdout.splitlines() if line.startswith("  biglittle query")]
    words = query.split()
    gate = (words[words.index("--gate") + 1], float(words[words.index("--threshold") + 1]))
    point = bench.query(("small", "large"), gate, "given")
    right = np.mean([a[0].argmax() == y for a, y in zip(answers, mine.labels[rows], strict=True)])
    assert right == pytest.approx(point.accuracy, abs=0.02)
    escalated = np.mean([bool(a[1]) for a in answers])
    assert escalated == pytest.approx(point.escalation_rate, abs=0.02)


def test_without_inputs_the_error_says_how_to_go_on(mine: Any) -> None:
    result = run(*sources(mine))
    assert isinstance(result.exception, AnswersError)
    assert "is a network and not what it answered. Add --inputs X.npy" in str(result.exception)
    assert "np.save('small.npy', answers)" in str(result.exception)


def test_a_folder_runs_those_that_have_no_answers(mine: Any) -> None:
    out = ("--out", mine.folder / "f.h5", "--json")
    (mine.folder / "own").mkdir()
    np.save(mine.folder / "own" / "middle.npy", mine.answers["middle"])
    for name in ("small", "large"):
        (mine.folder / f"{name}.onnx").rename(mine.folder / "own" / f"{name}.onnx")
    words = (mine.folder / "own", "--labels", mine.folder / "y.npy", *inputs(mine), *out)
    document = json.loads(run(*words, "--cost", "small=1", "--cost", "middle=2",
                              "--cost", "large=3").stdout)  # fmt: skip
    assert set(document["accuracy"]) == {"small", "middle", "large"}
    assert len(document["notes"]) == 2


def test_val_has_inputs_of_its_own(mine: Any) -> None:
    x = np.load(mine.folder / "x.npy")
    for side, rows in (("val", slice(0, 250)), ("test", slice(250, None))):
        np.save(mine.folder / f"x-{side}.npy", x[rows])
        np.save(mine.folder / f"y-{side}.npy", mine.labels[rows])
    files = [mine.folder / f"{name}.onnx" for name in ("small", "large")]
    val = [word for file in files for word in ("--val", file)]
    out = ("--out", mine.folder / "v.h5")
    words = (*files, "--labels", mine.folder / "y-test.npy", "--inputs", mine.folder / "x-test.npy")
    more = ("--val-labels", mine.folder / "y-val.npy", "--val-inputs", mine.folder / "x-val.npy")
    assert run(*words, *val, *more, *out).exit_code == 0
    assert Benchmark.load(out[1]).table.n_images == {"val": 250, "test": 350}
    assert "which names no networks here" in str(run(*words, *more[2:], *out).exception)


@pytest.mark.parametrize("batch", [1, 7, "N"])
@pytest.mark.parametrize("softmax", [False, True])
def test_answers_are_those_of_each_input_whatever_the_batch(
    tmp_path: Path, batch: Any, softmax: bool
) -> None:
    rng = np.random.default_rng(0)
    matrix, x = rng.normal(size=(10, 3)), rng.normal(size=(90, 1, 5, 2))
    path = tmp_path / "a.onnx"
    onnx.save(network(matrix, batch, softmax), path)
    asked = OnnxAnswers("a", path, x)
    odds = np.exp(x.reshape(90, 10) @ matrix)
    expected = odds / odds.sum(1, keepdims=True) if softmax else np.log(odds)
    np.testing.assert_allclose(asked.read(), expected, rtol=1e-3, atol=1e-4)
    assert asked.kind() == ("probabilities" if softmax else "logits")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros((4, 5, 2, 1)), r"channels last: np\.moveaxis"),
        (np.zeros((4, 10)), r"shape \(4, 10\), and .* takes \(any number, 1, 5, 2\)"),
        (np.zeros((0, 1, 5, 2)), "expected one of these for each label"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(tmp_path: Path, inputs: Any, message: str) -> None:
    path = tmp_path / "a.onnx"
    onnx.save(network(np.ones((10, 3))), path)
    with pytest.raises(AnswersError, match=message):
        OnnxAnswers("a", path, inputs).read()


def test_files_that_cannot_be_asked_are_refused(mine: Any, tmp_path: Path) -> None:
    path, x = tmp_path / "a.onnx", np.zeros((4, 1, 5, 2))
    onnx.save(network(np.ones((10, 3)), outputs=2), path)
    with pytest.raises(AnswersError, match=r"gives 2 outputs of shapes .* np\.save\('a\.npy'"):
        OnnxAnswers("a", path, x).read()
    path.write_bytes(b"not a network")
    with pytest.raises(AnswersError, match="cannot be run by ONNX Runtime"):
        OnnxAnswers("a", path, x).read()
    short = ("--inputs", mine.folder / "short.npy")
    np.save(short[1], np.zeros((3, 1, 5, 2)))
    assert "holds 3 inputs and there are 600 labels" in str(run(*sources(mine), *short).exception)
    other = ("--inputs", mine.folder / "costs.csv")
    assert "is not a .npy file" in str(run(*sources(mine), *other).exception)
    files = (
        mine.folder / "middle.npy",
        "--labels",
        mine.folder / "y.npy",
        "--out",
        tmp_path / "o.h5",
    )
    assert "no network in an ONNX file" in str(run(*files, *inputs(mine)).exception)
