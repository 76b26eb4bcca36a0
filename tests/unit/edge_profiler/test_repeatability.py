"""How well the profiler repeats itself, on clocks that drift as the test says."""

import json

import pytest

from biglittle.bench import get_space
from biglittle.edge_profiler import __main__ as light
from biglittle.edge_profiler import repeatability as module

SPACE = get_space("fbnet")
REFERENCE = "0" * 22


def test_repeatability_tells_a_drifting_clock_from_a_drifting_network():
    onnx = pytest.importorskip("onnx")
    from biglittle.edge_profiler import Protocol
    from biglittle.edge_profiler.repeatability import repeatability

    class Runtime:
        description, precision = "fake", "fp32"
        now_ns, loads = 0, 0

        def __init__(self, all_slow_down=0.0, network_slows_down=0.0):
            self.rates = all_slow_down, network_slows_down

        def load(self, model, threads):
            graph = onnx.load_from_string(model).graph
            self.loads += 1
            other = 0.0 if graph.name.endswith(REFERENCE) else self.rates[1]
            factor = 1 + self.loads * (self.rates[0] + other)

            def run():
                self.now_ns += int(1000 * len(graph.node) * factor)

            return run

    def ranges(runtime):
        # The reference is loaded first in every session, so that all networks share its clock.
        short = Protocol(warm_up=0, rounds=2, runs_per_round=2)
        rows = repeatability(SPACE, runtime, short, 3, clock=lambda: runtime.now_ns)
        assert [len(r["ratios"]) for r in rows] == [3, 3, 3]
        return [r["ratio_range"] for r in rows], [r["raw_range"] for r in rows]

    steady = ranges(Runtime())
    assert max(steady[0] + steady[1]) < 1e-3
    ratio, raw = ranges(Runtime(all_slow_down=0.01))
    assert max(ratio) < 0.01 < min(raw)
    assert min(ranges(Runtime(network_slows_down=0.01))[0]) > 0.01


def test_the_light_command_line_prints_the_document_and_tells_by_its_exit_code(capsys, monkeypatch):
    def report(space, engine, protocol, repeats, anchors, log):
        calls.append((space.name, protocol.rounds, protocol.threads, repeats, anchors))
        return {"networks": [{"repeats_within_1_percent": repeats < 7}]}

    calls = []
    monkeypatch.setattr(module, "report", report)
    words = ["--networks", "anchors:3", "--rounds", "2", "--threads", "4", "--repeatability"]
    assert light.main(words) == 0
    assert json.loads(capsys.readouterr().out) == {"networks": [{"repeats_within_1_percent": True}]}
    assert light.main([*words, "7"]) == 1
    assert calls == [("fbnet", 2, 4, module.REPEATS, 3), ("fbnet", 2, 4, 7, 3)]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--networks", REFERENCE, "--repeatability"], "expected 'anchors' or 'anchors:10'"),
        (["--repeatability", "0"], "expected at least 1"),
    ],
)
def test_what_cannot_be_tried_says_what_can(capsys, words, text):
    assert light.main(words) == 1
    assert text in capsys.readouterr().err
