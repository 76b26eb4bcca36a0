"""The branch that is not taken does not run: ONNX Runtime has no event for any of its nodes."""

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.edge_profiler import onnx_model
from biglittle.edge_profiler.executed import executed_nodes
from biglittle.edge_profiler.onnx_cascade import chained_model
from biglittle.edge_profiler.onnx_gates import forced_threshold

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
SPACE = get_space("fbnet")
ARCHITECTURE = "2863848418780625260277"
IMAGES = np.random.default_rng(1).standard_normal((1, 3, 32, 32)).astype(np.float32)


def cascade(names, couplings, escalate):
    """Networks of one seed, and thresholds by which each gate escalates or does not."""
    networks = [onnx_model(SPACE, name, 10) for name in names]
    gates = [("margin", forced_threshold("margin", e)) for e in escalate]
    return chained_model(networks, gates, couplings)


def of_network(names, prefix):
    return [n for n in names if n.startswith(prefix)]


def test_the_rest_of_a_prefix_pair_runs_only_for_what_is_escalated():
    names = (f"{ARCHITECTURE}@12", ARCHITECTURE)
    kept, escalated = (
        executed_nodes(cascade(names, ["prefix"], [e]), IMAGES) for e in (False, True)
    )
    assert len(set(kept)) == len(kept)
    assert of_network(kept, "big/") == []
    little, big = (onnx_model(SPACE, name, 10).graph.node for name in names)
    assert len(of_network(kept, "little/")) == len(little)
    # The trunk runs once: what the whole network runs besides is what stands behind the exit.
    trunk = [n for n in little if n.name.startswith(("stem", "blocks"))]
    assert len(of_network(escalated, "big/")) == len(big) - len(trunk)
    assert of_network(escalated, "little/") == of_network(kept, "little/")


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize("coupling", ["sibling", "prefix"])
def test_the_idle_branch_has_no_event_however_the_runtime_fuses_nodes(coupling, optimised):
    names = (f"{ARCHITECTURE}@8s", ARCHITECTURE)
    kept, escalated = (
        executed_nodes(cascade(names, [coupling], [e]), IMAGES, optimised) for e in (False, True)
    )
    assert of_network(kept, "big/") == []
    assert of_network(escalated, "big/")
    assert of_network(kept, "little/") == of_network(escalated, "little/")


@pytest.mark.parametrize("n_asked", [1, 2, 3, 4])
def test_networks_behind_the_one_that_answers_do_not_run(n_asked):
    names = (f"{ARCHITECTURE}@4s", f"{ARCHITECTURE}@10", ARCHITECTURE, "8" * 21 + "0")
    escalate = [k < n_asked - 1 for k in range(3)]
    ran = executed_nodes(cascade(names, ["prefix", "prefix", "sibling"], escalate), IMAGES)
    counts = [len(of_network(ran, f"network{k + 1}/")) for k in range(4)]
    assert [count > 0 for count in counts] == [k < n_asked for k in range(4)]
    assert len(of_network(ran, "gate")) == 0 or {
        n.split("/")[0] for n in of_network(ran, "gate")
    } <= {f"gate{k + 1}" for k in range(min(n_asked, 3))}
