"""Figures of a profile that cannot be: units, order, noise, and sums that pose as measured."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.edge_profiler.check import check_document
from biglittle.edge_profiler.check_figures import held_out_error

SPACE = get_space("fbnet")


def with_column(document, **columns):
    for i, entry in enumerate(document["networks"]):
        for name, change in columns.items():
            entry[name] = change(i, entry)
    return document


def codes(document, severity="error"):
    return {f.code for f in check_document(document, "x").findings if f.severity == severity}


def scaled(document, factor):
    return with_column(
        document,
        latency_ms=lambda _, e: e["latency_ms"] * factor,
        latency_p90_ms=lambda _, e: e["latency_p90_ms"] * factor,
    )


def test_swapped_units_are_recognised(good):
    assert codes(scaled(good(), 1e-3)) == {"units"}  # seconds
    assert codes(scaled(good(), 1e3)) == {"units"}  # microseconds
    text = check_document(scaled(good(), 1e-3), "x").text()
    assert "are they in seconds? The unit is milliseconds" in text


def test_one_network_in_another_unit_is_named(good):
    document = good()
    entry = document["networks"][7]
    entry["latency_ms"] *= 1000
    entry["latency_p90_ms"] *= 1000
    assert codes(document) == {"mixed-units"}
    assert entry["architecture"] in check_document(document, "x").text()


def test_energies_in_joules_and_without_a_meter(good):
    meter = {"name": "nvml", "rail": "board"}
    joules = with_column(good(meter=meter), energy_mj=lambda _, e: e["latency_ms"] * 4e-6)
    assert codes(joules) == {"units"}
    fine = with_column(good(meter=meter), energy_mj=lambda _, e: e["latency_ms"] * 4)
    assert codes(fine) == set()
    assert codes(fine | {"meter": None}) == {"meter"}


@pytest.mark.parametrize(
    ("meter", "words"),
    [
        ({"name": "nvml", "rail": "GPU board, host not included"}, "--meter auto"),
        ({"name": "x", "rail": "y", "covers": ["gpu"]}, "ran on the CPU"),
        ({"name": "tegrastats", "rail": "module, VIN_SYS_5V0"}, "is not the module"),
        ({"name": "rapl", "rail": "1 processor package"}, None),
    ],
)
def test_a_rail_that_does_not_carry_what_ran_is_warned_of(good, meter, words):
    document = with_column(good(meter=meter), energy_mj=lambda _, e: e["latency_ms"] * 4)
    warnings = [f.message for f in check_document(document, "x").findings if f.code == "meter"]
    assert [words in w for w in warnings] == ([True] if words else [])


def test_memory_in_gibibytes_and_swapped_percentiles(good):
    assert codes(with_column(good(), peak_memory_mib=lambda *_: 0.02)) == {"units"}
    assert codes(with_column(good(), peak_memory_mib=lambda *_: 30.0)) == set()
    swapped = with_column(good(), latency_p90_ms=lambda _, e: e["latency_ms"] * 0.9)
    assert codes(swapped) == {"percentile"}


def test_shuffled_rows_and_constant_columns(good):
    document = good()
    ms = [e["latency_ms"] for e in document["networks"]]
    order = np.random.default_rng(1).permutation(len(ms))
    shuffled = with_column(
        document,
        latency_ms=lambda i, _: ms[order[i]],
        latency_p90_ms=lambda i, _: ms[order[i]] * 1.1,
    )
    assert codes(shuffled) == {"order"}
    flat = with_column(good(), latency_ms=lambda *_: 9.0, latency_p90_ms=lambda *_: 9.5)
    assert {"order", "clock"} <= codes(flat)


def test_noise_few_runs_and_no_count(good):
    assert codes(with_column(good(), ratio_spread=lambda *_: 0.9)) == {"noise"}
    tail = with_column(good(), latency_p90_ms=lambda _, e: e["latency_ms"] * 2)
    assert codes(tail) == {"noise"}
    assert codes(with_column(good(), n=lambda *_: None)) == {"repeats"}
    assert codes(with_column(good(), n=lambda *_: 5), "warning") == {"repeats"}


def test_a_sum_of_parts_is_found_and_a_noisy_measurement_is_not(good):
    rng = np.random.default_rng(0)
    parts = rng.uniform(0.5, 3, (SPACE.n_layers, len(SPACE.choices)))

    def sums(noise):
        document = good(n=260)
        ids = [e["architecture"] for e in document["networks"]]
        genomes = SPACE.parse(ids)
        ms = 5 + parts[np.arange(SPACE.n_layers), genomes].sum(axis=1)
        ms = np.round(ms * np.exp(rng.normal(0, noise, len(ms))), 4)
        return with_column(
            document,
            latency_ms=lambda i, _: float(ms[i]),
            latency_p90_ms=lambda i, _: float(ms[i]) * 1.1,
        )

    assert "sum-of-parts" in codes(sums(0.0))
    assert "sum-of-parts" not in codes(sums(0.005))
    # Called by its name, a sum is welcome.
    honest = with_column(sums(0.0), provenance=lambda *_: "block-sum")
    assert "sum-of-parts" not in codes(honest)


def test_a_sum_over_operators_is_found_with_fewer_rows_than_blocks(good):
    per_op = np.random.default_rng(2)
    known = {}

    def ms(architecture):
        ops = SPACE.operators(architecture, 10)
        return 2 + sum(known.setdefault(op, per_op.uniform(0.05, 0.4)) for op in ops)

    document = with_column(
        good(n=150),
        latency_ms=lambda _, e: ms(e["architecture"]),
        latency_p90_ms=lambda _, e: ms(e["architecture"]) * 1.1,
    )
    assert "sum-of-parts" in codes(document)


def test_rows_that_nothing_determines_are_no_evidence():
    assert held_out_error(np.eye(6), np.arange(6) + 1.0) is None


def test_too_few_networks_and_failed_ones(good):
    few = good()
    few["networks"] = few["networks"][:10]
    assert (codes(few), codes(few, "warning")) == (set(), {"few"})  # enough to search with
    few["networks"] = few["networks"][:4]
    assert codes(few) == {"too-few"}
    assert "profile --networks anchors:10 --out x" in check_document(few, "x").text()
    failed = good()
    failed["networks"][0] |= {"latency_ms": None, "latency_p90_ms": None, "error": "no kernel"}
    assert codes(failed) == set()
    assert "no kernel" in check_document(failed, "x").text()
    assert codes(failed, "warning") == {"failed-networks"}


@pytest.mark.parametrize("n", [1, 2, 12])
def test_a_profile_of_networks_cut_at_exits_alone_wants_whole_ones_too(good, n):
    document = good(protocol={"name": "bracketed-ratio", "threads": 2, "rounds": 4})
    document["networks"] = document["networks"][:n]
    for entry in document["networks"]:
        entry["architecture"] += "@8"
    (finding,) = [f for f in check_document(document, "x").findings if f.severity == "error"]
    assert finding.code == "exits-alone"
    assert finding.message.startswith(f"all {n} networks with a latency are cut at exits")
    assert finding.advice == (
        "biglittle profile --networks anchors:10 --threads 2 --rounds 4 --out x"
    )
    document["networks"] += good()["networks"][-10:]
    assert "exits-alone" not in codes(document)


def test_the_advice_for_more_networks_names_their_space_and_classes(good):
    few = good(n_classes=100)
    few["networks"] = few["networks"][:4]
    (finding,) = [f for f in check_document(few, "x").findings if f.code == "too-few"]
    assert finding.advice == "biglittle profile --networks anchors:10 --classes 100 --out x"


def test_no_rows_are_no_evidence():
    assert held_out_error(np.empty((0, 6)), np.empty(0)) is None


def test_another_space_and_another_definition_of_it(good):
    assert codes(good(space_hash="0" * 64)) == {"other-space"}
    assert codes(good(space="fbnot")) == {"other-space"}
    foreign = good()
    foreign["networks"][3]["architecture"] = "9" * 22
    assert codes(foreign) == {"other-space"}
