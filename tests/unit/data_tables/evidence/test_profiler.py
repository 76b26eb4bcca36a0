"""What the profiler is worth on this machine, as its page says it."""

from __future__ import annotations

from biglittle.data_tables.evidence import profiler as profiler_figures


def test_what_the_profiler_needs_is_added_up_from_what_is_installed() -> None:
    sizes = profiler_figures.installed_mib(("numpy", "no-such-package"))
    assert set(sizes) == {"numpy"}
    assert 10 < sizes["numpy"][0] < 200


def test_figures_of_a_busy_machine_say_so_on_the_page() -> None:
    found = {
        "device": "here", "runtime": "ort", "load_average": 3.0, "repeats": 5, "import_s": 0.2,
        "networks": [
            {"ratio_range": 0.004, "raw_range": 0.2}, {"ratio_range": 0.006, "raw_range": 0.1},
        ],
        "installed_mib": {"numpy": (55.0, 13.0), "onnx": (22.0, 3.0)},
        "anchors": 40, "anchors_s": 61.0, "failed": 0, "null_network_us": 5.0,
    }  # fmt: skip
    text = profiler_figures.page(found)
    assert "within 0.60 %" in text
    assert "a stopwatch alone within 20.0 %" in text
    assert "77 MiB" in text
    assert "40 anchors take 61 s" in text
    assert "busy machine" in text
    assert "busy" not in profiler_figures.page({**found, "load_average": 0.1})
