"""Graphs of operators: what is needless, what a runtime executes, what is alive at once."""

from __future__ import annotations

from biglittle.bench import get_space
from biglittle.bench.graph import IMAGE, GraphBuilder, lowered, peak_elements, simplified
from biglittle.bench.operators import Operator

SPACE = get_space("nb201")


def _macs(operators) -> int:
    return sum(op.macs for op in operators)


def test_an_add_in_a_chain_adds_what_came_in() -> None:
    builder = GraphBuilder()
    add = Operator("add", 4, 4, 2, 2)
    builder.chain([Operator("conv", 4, 4, 2, 2), add, Operator("relu", 4, 4, 2, 2)], IMAGE)
    assert [node.inputs for node in builder.graph()] == [(IMAGE,), (0, IMAGE), (1,)]


def test_operators_on_zeros_are_executed_but_not_needed() -> None:
    # Node 1 is zero; the convolution from it to node 3 computes a constant.
    graph = SPACE.graph("000330", 10)
    executed, dangling = lowered(graph)
    one, two = (_macs(SPACE.operators(a, 10)) for a in ("000300", "000330"))
    assert (_macs(n.operator for n in executed), dangling) == (two, ())
    assert _macs(n.operator for n in simplified(graph)) == one


def test_a_lone_convolution_at_a_dead_end_is_named_and_a_sum_is_not() -> None:
    # Edge 0-1 is a convolution that nothing reads; in the second, node 2 is a sum nothing reads.
    assert len(lowered(SPACE.graph("300300", 10))[1]) == 15
    assert not lowered(SPACE.graph("133300", 10))[1]


def test_nothing_is_left_of_a_network_without_output() -> None:
    assert lowered(()) == ((), ())
    assert simplified(SPACE.graph("000000", 10)) == ()


def test_peak_counts_a_branch_that_waits() -> None:
    builder = GraphBuilder()
    first = builder.node(Operator("conv", 1, 4, 2, 2), IMAGE)
    second = builder.node(Operator("conv", 4, 4, 2, 2), first)
    third = builder.node(Operator("conv", 4, 4, 2, 2), second)
    builder.node(Operator("add", 4, 4, 2, 2), third, first)
    # While the third runs: its input, its output, and the first, which the sum needs.
    assert peak_elements(builder.graph()) == 3 * 16
