"""How soon documents are parsed into types: msgspec, against pydantic as the baseline.

What counts on a board is the first document of a fresh process: the import and the first parse of
a device profile's networks. Hence msgspec in ``bench/documents.py``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.perf

MSGSPEC = """
import msgspec
class Network(msgspec.Struct):
    architecture: str
    latency_ms: float
    provenance: str
class Profile(msgspec.Struct):
    device: str
    networks: list[Network]
msgspec.json.decode(TEXT, type=Profile)
"""
PYDANTIC = """
import pydantic
class Network(pydantic.BaseModel):
    architecture: str
    latency_ms: float
    provenance: str
class Profile(pydantic.BaseModel):
    device: str
    networks: list[Network]
Profile.model_validate_json(TEXT)
"""
TEXT = (
    'TEXT = b\'{"device": "x", "networks": [\' + b",".join(\n'
    '    [b\'{"architecture": "8", "latency_ms": 1.5, "provenance": "measured"}\'] * 300) + b"]}"\n'
)
RUNS = 9


def first_parse_s(code: str, runs: int = RUNS) -> float:
    """Median seconds of a fresh process, of which bare Python's are taken off."""

    def once(text: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", text], check=True)
        return time.perf_counter() - began

    taken = [(once(TEXT + code), once(TEXT)) for _ in range(runs)]
    return statistics.median(both - bare for both, bare in taken)


@pytest.mark.skipif(find_spec("pydantic") is None, reason="pydantic is not installed")
def test_the_first_document_of_a_process(benchmark) -> None:  # type: ignore[no-untyped-def]
    runs = 1 if benchmark.disabled else RUNS
    baseline_s = first_parse_s(PYDANTIC, runs)
    ours_s = benchmark.pedantic(first_parse_s, args=(MSGSPEC, runs), rounds=1)
    benchmark.extra_info["msgspec_ms"] = 1000 * ours_s
    benchmark.extra_info["pydantic_ms"] = 1000 * baseline_s
    benchmark.extra_info["of_pydantic"] = ours_s / baseline_s
    print(f"msgspec {1000 * ours_s:.0f} ms, pydantic {1000 * baseline_s:.0f} ms")
