"""What is alive while the operators of a graph run, worked out by hand."""

from __future__ import annotations

from biglittle.bench.arena import chain_peaks, peaks, steps
from biglittle.bench.graph import IMAGE, Graph, GraphBuilder
from biglittle.bench.operators import Operator


def conv(inside: int, outside: int, size: int = 4, stride: int = 1, groups: int = 1) -> Operator:
    return Operator("conv", inside, outside, size, size, 3, stride, groups)


def same(kind: str, channels: int, size: int = 4) -> Operator:
    return Operator(kind, channels, channels, size, size)  # type: ignore[arg-type]


def residual() -> Graph:
    """A stem of 4 channels, and a block that widens them to 8 and adds what came in."""
    builder = GraphBuilder()
    stem = builder.chain([conv(3, 4), same("batch_norm", 4), same("relu", 4)], IMAGE)
    block = [conv(4, 8), same("relu", 8), conv(8, 4), same("batch_norm", 4), same("add", 4)]
    builder.chain(block, stem)
    return builder.graph()


def test_inputs_and_output_of_an_operator_are_alive_and_a_sum_keeps_what_came_in() -> None:
    found = peaks(residual())
    assert found.image == 3 * 16
    assert found.reading == (3 + 4) * 16  # the stem
    assert found.others == (4 + 8 + 4) * 16  # the second convolution, the stem's output kept
    assert found.most == 16 * 16
    assert found.kept == (16 + 3) * 16  # with the image there to the end


def test_a_batch_norm_or_relu_is_part_of_what_stands_before_it() -> None:
    assert [step.inputs for step in steps(residual())] == [(IMAGE,), (0,), (1,), (2, 0)]


def test_a_relu_of_what_others_read_too_writes_a_tensor_of_its_own() -> None:
    builder = GraphBuilder()
    first = builder.node(conv(3, 4), IMAGE)
    relu = builder.node(same("relu", 4), first)
    builder.node(same("add", 4), relu, first)
    graph = builder.graph()
    assert [step.inputs for step in steps(graph)] == [(IMAGE,), (0,), (1, 0)]
    assert peaks(graph).others == 3 * 4 * 16


def test_a_relu_of_the_image_writes_a_tensor_of_its_own() -> None:
    found = chain_peaks([same("relu", 3), conv(3, 1)])
    assert (found.image, found.reading, found.others) == (48, 96, 64)


def test_a_shuffle_of_channels_does_not_work_in_place() -> None:
    plain = chain_peaks([conv(4, 8), conv(8, 8, stride=2, groups=8)])
    shuffled = chain_peaks([conv(4, 8), same("channel_shuffle", 8), conv(8, 8, stride=2, groups=8)])
    assert plain.others == (8 + 2) * 16
    assert shuffled.others == (8 + 8) * 16


def test_nothing_is_alive_of_no_operator() -> None:
    found = chain_peaks([])
    assert (found.image, found.reading, found.others, found.most) == (0, 0, 0, 0)


def test_what_does_not_depend_on_the_image_is_not_run() -> None:
    builder = GraphBuilder()
    first = builder.node(conv(3, 4), IMAGE)
    zero = builder.node(same("zero", 4), first)
    wide = builder.node(conv(4, 64), zero)
    narrow = builder.node(conv(64, 4), wide)
    builder.node(same("add", 4), narrow, first)
    assert peaks(builder.graph()).most == (3 + 4) * 16
