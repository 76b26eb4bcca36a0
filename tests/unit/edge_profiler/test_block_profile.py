"""Tables of blocks on a fake runtime whose networks are sums, so that every figure is known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from biglittle.bench import get_space, load_device
from biglittle.bench.device import parse_profile
from biglittle.bench.errors import ArchitectureError, DeviceError, ProfileError
from biglittle.edge_profiler.alternation import alternating_protocol
from biglittle.edge_profiler.block_profile import profile_blocks
from biglittle.edge_profiler.block_table import whole_networks
from biglittle.edge_profiler.check import check_document
from biglittle.edge_profiler.onnx_graph import import_onnx
from biglittle.edge_profiler.protocol import Protocol
from biglittle.edge_profiler.session import ProfileRequest, progress_line, run_request, summary

pytest.importorskip("onnx")
SPACE = get_space("fbnet")
CALL_NS, NODE_NS = 50_000, 100_000
SHORT = Protocol(warm_up=0, rounds=2, runs_per_round=2, max_dropped=4, idle_gap_s=0)
#: It stands at the layers 2, 3 and 4.
BAD, BAD_DIGIT, PLACES = "2.k5_e6", "7", (2, 3, 4)


@pytest.fixture(scope="module", autouse=True)
def each_graph_is_made_once():
    """The graphs of whole networks, which are most of what a pass takes here, are kept."""
    from biglittle.edge_profiler import subject

    made, make = {}, subject.onnx_model

    def kept_model(space, architecture, n_classes):
        key = space.name, architecture, n_classes
        if key not in made:
            made[key] = make(space, architecture, n_classes)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "onnx_model", kept_model)
        yield


class Additive:
    """A call takes 50 us and a node 100 us, but those of the null network, which take nothing."""

    description, precision, runs_on = "additive 1.0", "fp32", "cpu"

    def __init__(self, refuse=(), interrupt_at=None):
        self.now_ns, self.refuse, self.interrupt_at = 0, refuse, interrupt_at
        self.loaded = []

    def clock(self):
        return self.now_ns

    def load(self, model, threads):
        graph = import_onnx().load_from_string(model).graph
        self.loaded.append(graph.name)
        if graph.name in self.refuse or self._has_bad(graph.name):
            raise ProfileError("no kernel for this convolution")
        cost_ns = CALL_NS + NODE_NS * sum(node.op_type != "Identity" for node in graph.node)

        def run():
            if graph.name == self.interrupt_at:
                raise KeyboardInterrupt
            self.now_ns += cost_ns

        return run

    def _has_bad(self, name):
        """Whether a network has the block that is refused, at any of its places."""
        if f"block {BAD}" not in self.refuse or not name.startswith("fbnet_"):
            return False
        id_, _, cut = name.removeprefix("fbnet_").partition("@")
        run = len(id_) if not cut else int(cut.rstrip("s")) + 1
        return any(id_[layer] == BAD_DIGIT for layer in PLACES if layer < run)


def nodes_ms(names):
    """What the fake runtime takes for networks of the space."""
    from biglittle.edge_profiler import onnx_model

    count = [len(onnx_model(SPACE, name, 10).graph.node) for name in names]
    return np.array(count) * NODE_NS / 1e6 + CALL_NS / 1e6


def measured(runtime, **more):
    settings = {"protocol": SHORT, "passes": 1, "runtime": runtime, "clock": runtime.clock}
    return profile_blocks(SPACE, 10, **{**settings, **more})


@pytest.fixture(scope="module")
def whole():
    return measured(Additive(), networks=["8" * 22])


def test_sums_are_what_whole_networks_take_where_a_device_adds_up(whole):
    fit = whole["fit"]
    assert fit["overhead_ms"] == pytest.approx(CALL_NS / 1e6)
    assert fit["constant_ms"] == pytest.approx(CALL_NS / 1e6, abs=1e-4)
    assert fit["factor"] == pytest.approx(1.0, abs=1e-4)
    assert fit["per_million_weights_ms"] == pytest.approx(0.0, abs=1e-3)
    assert (fit["blocks"], fit["fitted_to"], fit["held_out"]["networks"]) == (124, 20, 20)
    assert fit["held_out"]["max_error"] < 1e-4
    assert fit["held_out"]["spearman"] > 0.99  # networks of as many nodes are tied
    assert fit["held_out_uncorrected"]["median_error"] > fit["held_out"]["median_error"]


def test_the_bench_reads_it_as_a_sum_of_blocks_exits_included(whole, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(whole))
    device = load_device(path)
    assert device.provenance["latency_ms"] == "block-sum"
    genomes = SPACE.sample(np.random.default_rng(3), 5)
    expected = nodes_ms(SPACE.format(genomes))
    assert device.latency_ms(SPACE, genomes) == pytest.approx(expected, rel=1e-3)
    exits = SPACE.exit_numbers(["2", "6s", "12", "20s", ""])
    names = ["@".join(filter(None, pair)) for pair in zip(
        SPACE.format(genomes), SPACE.exit_names(exits), strict=True
    )]  # fmt: skip
    got = device.latency_ms(SPACE, genomes, exits)
    assert got == pytest.approx(nodes_ms(names), rel=1e-3)
    trunk = device.trunk_ms(SPACE, genomes, exits)
    assert (trunk[:4] < got[:4]).all()
    model = device.latency
    assert dict(model.provenance(genomes, exits))["latency_ms"] == "block-sum"
    assert np.isnan(model.interval_ms(genomes, exits)).all()
    # Stem, call and the layers before the exit: what is left is the head.
    heads = [len(SPACE.get_exit(cut).operators) for cut in ("2", "6s")]
    assert (got - trunk)[0] > (got - trunk)[1] > 0
    assert heads[0] > heads[1]
    assert model.complete
    assert model.warning == ""


def test_networks_that_were_named_are_measured_beside_and_the_file_passes(whole):
    ids = [n["architecture"] for n in whole["networks"]]
    fitted, held_out = whole_networks(SPACE)
    assert ids == [*fitted, *held_out, "8" * 22]
    assert not set(fitted) & set(held_out)
    admission = check_document(whole, "mine.json")
    assert not [f for f in admission.findings if f.code in ("schema", "document")]
    text = "\n".join(summary(whole, "mine.json"))
    assert "124 of 124 blocks measured" in text
    assert "On 20 other whole networks the sums are off by 0.0%" in text
    assert progress_line(whole["blocks"][0]).startswith("0.k3_e1 ")


def test_a_block_that_cannot_run_is_marked_and_its_networks_say_why(tmp_path):
    pytest.importorskip("scipy")
    from biglittle.data_tables.devices.predict_named import predict_named

    profile = measured(Additive(refuse=(f"block {BAD}", "block exit.4s")))
    (failed,) = [b for b in profile["blocks"] if b["block"] == BAD]
    assert failed["latency_ms"] is None
    assert "no kernel" in failed["error"]
    assert f"({BAD}, exit.4s)" in profile["notes"][0]
    assert profile["block_table"]["latency_ms"][2][7] is None
    assert profile["block_table"]["heads_ms"]["4s"] is None
    assert 0 < profile["fit"]["held_out"]["networks"] < 20
    device = parse_profile(profile, "mine.json")
    model = device.latency
    with_it, without = "0" * 4 + "7" + "0" * 17, "0" * 22
    latency = model.latency_ms(SPACE.parse([with_it, without]))
    assert np.isnan(latency).tolist() == [True, False]
    assert "3 blocks could not be run" in model.warning
    assert "2.k5_e6, 3.k5_e6, 4.k5_e6" in model.warning
    assert model.complete
    assert model.operators().model.coefficients.sum() > 0
    with pytest.raises(DeviceError, match=r"could not run 4\.k5_e6"):
        predict_named(device, with_it)
    with pytest.raises(DeviceError, match="the head of exit 4s"):
        predict_named(device, without + "@4s")
    assert predict_named(device, without).provenance["latency_ms"] == "block-sum"
    assert predict_named(device, with_it + "@2").latency_ms > 0  # cut before that layer


def test_a_layer_of_which_nothing_runs_keeps_searches_out(whole):
    rows = [list(row) for row in whole["block_table"]["latency_ms"]]
    rows[5] = [None] * len(rows[5])
    table = whole["block_table"] | {"latency_ms": rows}
    device = parse_profile(whole | {"block_table": table}, "mine.json")
    assert not device.latency.complete


def test_without_stem_or_head_there_is_no_table(tmp_path):
    with pytest.raises(ProfileError, match="the head of space 'fbnet' could not be measured"):
        measured(Additive(refuse=("block head",)), out=tmp_path / "mine.json")


def test_a_run_that_was_stopped_goes_on(tmp_path, whole):
    out = tmp_path / "mine.json"
    with pytest.raises(KeyboardInterrupt):
        measured(Additive(interrupt_at="block 0.k3_e6"), out=out)
    there = [b["block"] for b in json.loads(out.read_text())["blocks"]]
    assert there == ["0.k3_e1", "0.k3_e1_g2", "0.k3_e3"]
    runtime = Additive()
    resumed = measured(runtime, out=out, networks=["8" * 22])
    assert "block 0.k3_e3" not in runtime.loaded
    assert resumed["block_table"] == whole["block_table"]
    again = Additive()
    measured(again, out=out, networks=["8" * 22])
    assert len(again.loaded) == 1  # the reference


def test_every_pass_goes_over_everything_and_the_median_stands():
    runtime = Additive()
    profile = measured(runtime, passes=3, networks=[])
    first = [name for name in runtime.loaded if name == "block 0.k3_e1"]
    assert len(first) == 3
    entry = profile["blocks"][0]
    assert len(entry["passes"]) == 3
    assert entry["n"] == sum(p["n"] for p in entry["passes"]) == 12
    assert entry["ratio_spread"] == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pairs": "x:y"}, "--blocks and --pairs"),
        ({"again": "noisy"}, "--blocks and --again"),
        ({"space": "nb201"}, "networks of space 'nb201' are graphs"),
        ({"meter": "rapl"}, "rapl"),
    ],
)
def test_what_does_not_go_with_blocks_is_refused_in_a_line(change, message, tmp_path):
    with pytest.raises(ProfileError, match=message) as caught:
        run_request(ProfileRequest(blocks=True, **change), tmp_path / "mine.json")
    assert "\n" not in str(caught.value)


def test_further_networks_are_those_that_were_named(tmp_path):
    asked = {}

    def measure(space, n_classes, protocol, runtime, **more):
        asked.update(more, protocol=protocol)
        return {}

    run_request(ProfileRequest(blocks=True), None, measure_blocks=measure)
    assert asked["networks"] == []
    request = ProfileRequest(networks="anchors:3", blocks=True, threads=2, rounds=7)
    run_request(request, None, measure_blocks=measure)
    assert len(asked["networks"]) == 3
    assert asked["protocol"] == alternating_protocol(2, 7)
    with pytest.raises(ArchitectureError):
        run_request(ProfileRequest(networks="999", blocks=True), None, measure_blocks=measure)


def test_a_file_of_whole_networks_is_not_gone_on_with(tmp_path, fake_runtime, profile):
    out = tmp_path / "mine.json"
    profile(fake_runtime(), out=out)
    with pytest.raises(ProfileError, match="give another file"):
        measured(Additive(), out=out)


def test_a_table_from_a_busy_machine_is_called_that_with_advice_that_works(whole, tmp_path):
    fit = whole["fit"] | {"held_out": whole["fit"]["held_out"] | {"median_error": 0.2}}
    networks = [n | {"ratio_spread": n["ratio"] / 4, "n": 40} for n in whole["networks"]]
    busy = whole | {"fit": fit, "networks": networks}
    findings = {f.code: f for f in check_document(busy, "busy.json").findings}
    assert "20.0% from whole networks" in findings["block-sums"].message
    assert "block-sums" not in {f.code for f in check_document(whole, "mine.json").findings}
    command = "biglittle profile --blocks --out quiet.json"
    assert findings["block-sums"].advice == command
    assert command in findings["noise"].advice
    assert "--again" not in findings["noise"].advice
    out = tmp_path / "busy.json"
    out.write_text(json.dumps(busy))
    with pytest.raises(ProfileError, match=r"--blocks --out quiet\.json"):
        run_request(ProfileRequest(again="noisy"), out)
    # The advice: another file, which begins anew.
    asked = {}
    request = ProfileRequest(blocks=True)
    run_request(request, tmp_path / "quiet.json", measure_blocks=lambda *a, **k: asked.update(k))
    assert asked["out"] == tmp_path / "quiet.json"
