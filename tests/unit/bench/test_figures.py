"""The catalogue of figures: what a limit on each is called, and that asking costs no numpy."""

from __future__ import annotations

import subprocess
import sys

from biglittle.bench.figures import FIGURES


def test_a_limit_is_named_and_explained_by_the_catalogue() -> None:
    assert FIGURES["latency_p95_ms"].limit == "latency_p95_ms_max"
    assert FIGURES["accuracy"].limit == "accuracy_min"
    helps = {name: figure.limit_help for name, figure in FIGURES.items()}
    assert helps["latency_ms"] == "Highest mean latency in ms."
    assert helps["accuracy"] == "Lowest accuracy, a fraction."
    assert helps["params"] == "Most parameters (of both networks)."
    assert helps["macs"] == "Most mean MACs."
    assert len({*helps.values()}) == len(helps)


def test_the_catalogue_and_the_package_come_without_numpy() -> None:
    code = (
        "import sys; from biglittle.bench.figures import FIGURES; import biglittle.bench as bench; "
        "assert 'numpy' not in sys.modules; "
        "assert all(getattr(bench, name) for name in bench.__all__)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_figure_that_is_there_is_shown_as_nothing() -> None:
    """A quantised network has less than a tenth of a MiB, one of two layers takes microseconds."""
    memory, latency = FIGURES["peak_memory_mib"].text, FIGURES["latency_ms"].text
    assert [memory(v) for v in (0.0, 0.0438, 0.2317, 12.41)] == ["0.0", "0.04", "0.2", "12.4"]
    shown = ["0.000", "0.0112", "0.0118", "0.252", "12.4"]
    assert [latency(v) for v in (0.0, 0.01124, 0.01182, 0.2521, 12.41)] == shown
