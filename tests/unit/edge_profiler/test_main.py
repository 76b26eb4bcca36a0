"""The light command line, which boards run."""

from __future__ import annotations

from biglittle.edge_profiler import __main__ as light
from biglittle.edge_profiler.session import (
    ProfileRequest,
)

A, B = "8" * 22, "0" * 22


def test_the_light_command_line(tmp_path, capsys, monkeypatch):
    def run(request, out, told):
        told(1, 1, {"architecture": A, "latency_ms": 2.0})
        seen.append((request, out))
        return {}

    seen = []
    monkeypatch.setattr(light, "run_request", run)
    monkeypatch.setattr(light, "summary", lambda profile, out, before: ["done"])
    out = tmp_path / "p.json"
    assert light.main(["--networks", A, "--classes", "5", "--out", str(out)]) == 0
    assert seen == [(ProfileRequest(A, n_classes=5), out)]
    said = capsys.readouterr()
    assert (said.out, "1/1" in said.err) == ("done\n", True)
    monkeypatch.undo()
    assert light.main(["--networks", "9"]) == 1
    assert capsys.readouterr().err.startswith("error: ")
