"""Energies of a finished profile that are of another part of the machine than what ran."""

from __future__ import annotations

import pytest

from biglittle.edge_profiler.meters._misfit import misfit

CPU, GPU = "onnxruntime 1.20 CPUExecutionProvider", "onnxruntime 1.20 CUDAExecutionProvider"


@pytest.mark.parametrize(
    ("runtime", "meter"),
    [
        (CPU, None),
        (CPU, {"name": "rapl", "rail": "packages"}),
        (GPU, {"name": "nvml", "rail": "board"}),
        (GPU, {"name": "ina3221", "rail": "module, VDD_IN", "covers": ["cpu", "gpu"]}),
        ("a runtime that nobody knows", {"name": "rapl", "rail": "packages"}),
    ],
)
def test_a_rail_that_carries_what_ran_is_right(runtime, meter) -> None:  # type: ignore[no-untyped-def]
    assert misfit({"runtime": runtime, "meter": meter}) is None


@pytest.mark.parametrize(
    ("runtime", "meter", "words"),
    [
        (GPU, {"name": "rapl", "rail": "packages"}, "ran on the GPU"),
        (CPU, {"name": "nvml", "rail": "board"}, "ran on the CPU"),
        (GPU, {"name": "ina3221", "rail": "sum", "covers": ["cpu"]}, "--meter auto"),
        (CPU, {"name": "ina3221", "rail": "module, VIN_SYS_5V0"}, "is not the module"),
    ],
)
def test_another_rail_is_named_with_what_to_do(runtime, meter, words) -> None:  # type: ignore[no-untyped-def]
    assert words in str(misfit({"runtime": runtime, "meter": meter}))
