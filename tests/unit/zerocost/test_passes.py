"""What is shared: each pass once, from a seed of its own, and none that was not declared."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from biglittle.zerocost import of_network  # noqa: E402
from biglittle.zerocost.forwards import Forwards  # noqa: E402
from biglittle.zerocost.network import PassError  # noqa: E402
from biglittle.zerocost.passes import PASSES, Passes  # noqa: E402


def test_a_pass_runs_once_and_is_described_by_its_function(make, batch) -> None:  # type: ignore[no-untyped-def]
    passes = Passes(Forwards(make(), *batch, ["counts", "synaptic_flow"]))
    assert passes.counts is passes.counts
    assert passes.forwards.n_images == len(batch[0])
    assert set(passes.forwards.durations_s) == {"counts"}
    assert vars(Passes)["counts"].__doc__ == of_network.counts.__doc__


def test_a_pass_does_not_depend_on_what_ran_before(make, batch) -> None:  # type: ignore[no-untyped-def]
    needs = ["gaussian_response", "image_jacobian", "block_gradients"]
    values = []
    for order in (needs, needs[::-1]):
        passes = Passes(Forwards(make(), *batch, needs))
        read = {name: getattr(passes, name) for name in order}
        values.append((read["gaussian_response"], read["image_jacobian"].tolist()))
    assert values[0] == values[1]


def test_only_declared_passes_may_be_read(make, batch) -> None:  # type: ignore[no-untyped-def]
    passes = Passes(Forwards(make(), *batch, ["counts"]))
    with pytest.raises(AssertionError, match="'weights' was not declared"):
        _ = passes.weights
    with pytest.raises(AssertionError, match="no such pass"):
        Passes(Forwards(make(), *batch, ["weighst"]))


def test_a_pass_that_failed_fails_again_without_running_again(make, batch) -> None:  # type: ignore[no-untyped-def]
    passes, calls = Passes(Forwards(make(), *batch, [])), []

    def compute() -> None:
        calls.append(1)
        raise PassError("no such figure")

    for _ in range(2):
        with pytest.raises(PassError, match="no such figure"):
            passes.once("step", compute)
    assert calls == [1]


def test_passes_that_take_labels_say_so(make, batch) -> None:  # type: ignore[no-untyped-def]
    passes = Passes(Forwards(make(), batch[0], None, sorted(PASSES)))
    for name, labels in PASSES.items():
        if labels:
            with pytest.raises(PassError, match="needs labels"):
                getattr(passes, name)
        else:
            getattr(passes, name)
