"""Cascades cut at their gates answer as in one graph, stage by stage, in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from biglittle.bench.cascade import Cascade  # noqa: E402
from biglittle.bench.errors import ProfileError  # noqa: E402
from biglittle.bench.spaces import get_space  # noqa: E402
from biglittle.edge_profiler.cascade_graph import cascade_graph  # noqa: E402
from biglittle.edge_profiler.onnx_network import onnx_model  # noqa: E402
from biglittle.edge_profiler.onnx_parts import graph_parts  # noqa: E402
from biglittle.edge_profiler.onnx_torch import GraphModule  # noqa: E402

ARCH = "8108880080000088808880"  # a layer with a shuffle of channels among them
IMAGE = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32)


def answered(content: bytes) -> Any:
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"images": IMAGE})[0]


def by_parts(content: bytes) -> tuple[list[Any], list[bool]]:
    """The answer of every part, and every decision."""
    values: dict[str, Any] = {"images": torch.from_numpy(IMAGE)}
    answers, decisions = [], []
    for part in graph_parts(content, "cascade.onnx"):
        with torch.no_grad():
            outputs = GraphModule(part).eval()(*(values[name] for name in part.inputs))
        values |= dict(zip(part.outputs, outputs, strict=True))
        answers.append(outputs[0].numpy())
        decisions += [bool(outputs[1].any())] if len(outputs) > 1 else []
    return answers, decisions


def test_a_network_is_one_part() -> None:
    content = onnx_model(get_space("fbnet"), ARCH, 10).SerializeToString()
    (part,) = graph_parts(content, "network.onnx")
    assert part.inputs == ("images",)
    assert part.outputs == ("logits",)
    (answer,), decisions = by_parts(content)
    assert decisions == []
    assert np.allclose(answer, answered(content), atol=1e-4)


@pytest.mark.parametrize("metric", ["margin", "max_prob", "entropy"])
@pytest.mark.parametrize("coupled", [True, False])
def test_every_stage_answers_as_the_graph_that_stops_there(metric: str, coupled: bool) -> None:
    keeping, sending = (np.inf, -1.0) if metric == "entropy" else (-1.0, np.inf)
    for kept in range(3):
        gates = [(metric, keeping if i == kept else sending) for i in range(2)]
        if coupled:
            cascade = Cascade.exits_of(ARCH, ["4s", "12"], gates)
        else:
            cascade = Cascade(["8" * 22, "0" + "8" * 21, ARCH], gates)
        content = cascade_graph(get_space("fbnet"), cascade, 10).SerializeToString()
        parts = graph_parts(content, "cascade.onnx")
        assert [len(part.outputs) > 1 for part in parts] == [True, True, False]
        assert ("images" in parts[-1].inputs) is not coupled
        answers, decisions = by_parts(content)
        assert decisions[: kept + 1] == [True] * kept + [False] * (kept < 2)
        assert np.allclose(answers[kept], answered(content), atol=1e-4)


def test_what_has_no_form_here_is_named() -> None:
    helper = onnx.helper
    images = helper.make_tensor_value_info("images", 1, [1, 3, 4, 4])
    logits = helper.make_tensor_value_info("logits", 1, [1, 3, 4, 4])
    node = helper.make_node("Erf", ["images"], ["logits"])
    model = helper.make_model(helper.make_graph([node], "g", [images], [logits]))
    (part,) = graph_parts(model.SerializeToString(), "erf.onnx")
    with pytest.raises(ProfileError, match="the graph has Erf, which has no LiteRT form here"):
        GraphModule(part)
    with pytest.raises(ProfileError, match=r"mine\.onnx is not an ONNX file"):
        graph_parts(b"nothing", "mine.onnx")


def test_a_router_before_the_answer_is_refused() -> None:
    helper = onnx.helper
    branches = {}
    for name, kind in (("then_branch", "Relu"), ("else_branch", "Neg")):
        out = helper.make_tensor_value_info(f"{name}/logits", 1, [1, 3])
        node = helper.make_node(kind, ["images"], [out.name])
        branches[name] = helper.make_graph([node], name, [], [out])
    images = helper.make_tensor_value_info("images", 1, [1, 3])
    sure = helper.make_tensor_value_info("sure", 9, [])
    logits = helper.make_tensor_value_info("logits", 1, [1, 3])
    node = helper.make_node("If", ["sure"], ["logits"], **branches)
    model = helper.make_model(helper.make_graph([node], "g", [images, sure], [logits]))
    with pytest.raises(ProfileError, match="leave out --format litert"):
        graph_parts(model.SerializeToString(), "routed.onnx")
