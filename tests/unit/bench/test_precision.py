"""Networks in int8: their names, what they cost, what they share, and how a table is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench import Benchmark, Cascade, Pair
from biglittle.bench.cost import network_costs
from biglittle.bench.coupling import INT8_ORIGIN, Couplings
from biglittle.bench.device import find_device, load_device, parse_profile, read_document
from biglittle.bench.device_columns import column_words, device_columns
from biglittle.bench.errors import (
    ArchitectureError,
    ConstraintError,
    DeviceError,
    TableError,
    UnknownNameError,
)
from biglittle.bench.id_lists import read_ids, read_pairs
from biglittle.bench.network_names import are_ids, network_names
from biglittle.bench.precision import (
    PRECISIONS,
    checked_precisions,
    mib_per_value,
    split_precision,
)
from biglittle.bench.provenance import words_at
from biglittle.bench.rows import COUPLINGS
from biglittle.bench.spaces import canonical_name, get_space, parse_networks
from biglittle.bench.synthetic import DEVICE, synthetic_table, with_int8
from biglittle.bench.table_text import table_text
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.devices.predict_named import predict_named

FBNET, BIG = get_space("fbnet"), "3200002020236000800000"
PI = "raspberry-pi-4"
WORDS = {"latency_ms": "measured", "energy_mj": "modelled"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("int8") / "table.h5"
    write_table(path, with_int8(synthetic_table(8, n_exits=2)), "1", "2026-01-01")
    return path


@pytest.fixture(scope="module")
def both(file: Path) -> Benchmark:
    return Benchmark.load(file, precisions=("int8", "fp32"))


# ---- names -------------------------------------------------------------------------------------
def test_names_say_the_precision_in_one_way() -> None:
    name = f"{BIG}@12:int8"
    assert canonical_name(FBNET, name) == name
    assert canonical_name(FBNET, f"{BIG}:fp32") == BIG
    genomes, exits = parse_networks(FBNET, [name, BIG], PRECISIONS)
    assert (genomes[0] == genomes[1]).all()
    assert exits.tolist() == [FBNET.exit_numbers(["12"])[0], 0]
    assert network_names(FBNET, genomes[:1], exits[:1], "int8").tolist() == [name]
    assert are_ids([name, BIG])
    assert not are_ids(["resnet:int8"])
    assert checked_precisions(("int8", "fp32")) == ("fp32", "int8")
    assert checked_precisions(()) == checked_precisions(None) == ("fp32",)


@pytest.mark.parametrize("bits", ["int7", "int4", "INT8", "fp16", ""])
def test_a_precision_outside_of_the_list_is_named_with_those_there_are(bits: str) -> None:
    with pytest.raises(ArchitectureError, match="fp32"):
        parse_networks(FBNET, f"{BIG}:{bits}")
    with pytest.raises(UnknownNameError, match="precision"):
        split_precision(f"{BIG}:{bits}")
    with pytest.raises(UnknownNameError, match="precision"):
        checked_precisions((bits,))


def test_whoever_knows_fp32_alone_refuses_others() -> None:
    with pytest.raises(ArchitectureError, match=rf"is in int8.*in fp32 alone; name {BIG}@12\."):
        parse_networks(FBNET, ["0" * 22, f"{BIG}@12:int8"])
    assert parse_networks(FBNET, f"{BIG}:fp32")[0].shape == (1, 22)


def test_a_list_tells_a_pair_from_a_precision() -> None:
    a, b = "000000", "333333"
    space = get_space("nb201")
    assert read_ids(f"{a}:int8,{b}", space) == [f"{a}:int8", b]
    assert read_pairs(f"{a}:int8:{b}, {b}:{a}", space) == [(f"{a}:int8", b), (b, a)]
    assert read_pairs(f"{a}:int8:{b}:int8", space) == [(f"{a}:int8", f"{b}:int8")]


# ---- costs and couplings -----------------------------------------------------------------------
def test_memory_is_by_precision_and_work_is_not() -> None:
    genomes, exits = parse_networks(FBNET, [BIG, BIG, f"{BIG}@12"])
    precisions = np.array(["fp32", "int8", "int8"])
    ms = np.ones(3)
    costs = network_costs(
        FBNET, genomes, 10, ms, ms, 0.0, WORDS, exits=exits, trunk_ms=ms / 2, precisions=precisions
    )
    assert costs.weights_mib[0] == 4 * costs.weights_mib[1]
    assert costs.activation_mib[0] == 4 * costs.activation_mib[1]
    assert costs.params[0] == costs.params[1]
    assert costs.macs[0] == costs.macs[1]
    assert costs.trunk is not None
    features = FBNET.trunk_features(exits)[2]
    assert costs.trunk.features_mib[2] == pytest.approx(features / 2**20)
    assert costs.trunk.weights_mib[2] == pytest.approx(costs.trunk.params[2] / 2**20)
    assert mib_per_value(["fp32", "int8"]).tolist() == [4 / 2**20, 1 / 2**20]


def test_int8_shares_trunks_and_nothing_with_other_precisions() -> None:
    names = [BIG, f"{BIG}@12", "0" * 22, "3" * 22]
    genomes, exits = parse_networks(FBNET, names + names)
    origin = np.repeat([0, INT8_ORIGIN], len(names))
    couplings = Couplings(FBNET, 10, genomes, exits, origin)

    def kind(little: int, big: int) -> str:
        several = COUPLINGS[int(couplings.kinds(np.array([little]), np.array([big]))[0])]
        assert couplings.one_name(little, big) == several
        return several

    assert kind(1, 0) == kind(5, 4) == "prefix"
    assert kind(2, 3) == "nested"
    assert kind(6, 7) == "sibling"
    assert {kind(i, j) for i in range(4) for j in range(4, 8)} == {"sibling"}


# ---- a table -----------------------------------------------------------------------------------
def test_a_table_is_asked_for_fp32_unless_told_otherwise(file: Path) -> None:
    plain, table = Benchmark.load(file), Benchmark.load(file, precisions="int8").table
    assert not any(":" in name for name in plain.table.names[plain.table.rows(exits=True)])
    assert all(name.endswith(":int8") for name in table.names[table.rows(exits=True)])
    assert len(table.rows(exits=True)) == len(plain.table.rows(exits=True))
    assert plain.table.comparable([int(table.rows()[0])]).size == 2 * len(table.rows(exits=True))


def test_pairs_of_any_precisions_are_answered(both: Benchmark) -> None:
    little, big = both.table.names[both.table.rows()][[0, -1]]
    a, b = little.partition(":")[0], big.partition(":")[0]
    gate = ("margin", 0.4)
    in_fp32 = both.query((a, b), gate, DEVICE)
    mixed = both.query((f"{a}:int8", b), gate, DEVICE)
    in_int8 = both.query(Pair(f"{a}:int8", f"{b}:int8"), gate, DEVICE)
    assert mixed.latency_ms < in_fp32.latency_ms
    assert in_int8.latency_ms < mixed.latency_ms
    assert in_int8.peak_memory_mib == pytest.approx(
        (both.costs(DEVICE).params[[both.row(a), both.row(b)]].sum() / 2**20)
        + both.costs(DEVICE).activation_mib[[both.row(f"{a}:int8"), both.row(f"{b}:int8")]].max()
    )
    assert mixed.coupling == in_int8.coupling == "sibling"
    chain = both.query_cascade(Cascade([f"{a}:int8", a, b], [gate, gate]), DEVICE)
    assert chain.networks == (f"{a}:int8", a, b)
    assert chain.couplings[0] == "sibling"


def test_an_exit_of_an_int8_network_shares_its_trunk(both: Benchmark) -> None:
    cut = next(name for name in both.table.names if "@12:int8" in name)
    whole = f"{cut.partition('@')[0]}:int8"
    assert both.query((cut, whole), ("margin", 0.4), DEVICE).coupling == "prefix"
    fp32 = whole.partition(":")[0]
    assert both.query((cut, fp32), ("margin", 0.4), DEVICE).coupling == "sibling"


def test_the_front_of_both_precisions_is_never_worse(file: Path, both: Benchmark) -> None:
    def reached(bench: Benchmark) -> dict[str, float]:
        front = bench.front(DEVICE).chosen
        return {ms: acc for ms, acc in zip(front.latency_ms, front.accuracy, strict=True)}

    every = reached(both)
    for precision in ("fp32", "int8"):
        for ms, accuracy in reached(Benchmark.load(file, precisions=precision)).items():
            best = max(acc for other, acc in every.items() if other <= ms + 1e-9)
            assert best >= accuracy - 1e-12
    names = {*both.front(DEVICE).points.little, *both.front(DEVICE).points.big}
    assert any(name.endswith(":int8") for name in names)


def test_a_network_that_is_there_in_fp32_alone_says_so(tmp_path: Path, both: Benchmark) -> None:
    path = tmp_path / "table.h5"
    write_table(path, synthetic_table(4), "1", "2026-01-01")
    bench = Benchmark.load(path)
    with pytest.raises(TableError, match=r"in fp32: name it without :int8, or add .*--stage int8"):
        bench.query((f"{bench.architectures[0]}:int8", bench.architectures[1]), ("margin", 0.4), PI)
    assert bench.info()["precisions"] == {"fp32": 4, "int8": 0}
    facts = both.info()
    assert facts["precisions"]["int8"] == facts["precisions"]["fp32"]
    assert "in int8" in "\n".join(table_text(facts))
    assert "in int8 are predicted" in both.promise(PI)
    assert "int8" not in bench.promise(PI)
    fp32, int8 = bench.architectures[0], f"{bench.architectures[0]}:int8"
    assert "in int8 are predicted" in bench.promise("raspberry-pi-5", (int8, fp32))
    assert "98% interval" in bench.promise("raspberry-pi-5", (int8, fp32))
    assert "98% interval" not in bench.promise("raspberry-pi-5", (int8, int8))
    assert "int8" not in bench.promise("raspberry-pi-5", (fp32, fp32))
    assert "only those measured in it have a latency" in bench.promise("jetson-nano", (int8, int8))


def test_a_pair_that_is_cut_at_an_exit_says_where_the_interval_of_its_latency_is() -> None:
    bench = Benchmark.load("fbnet-cifar10")
    pair = "8288880880000088008888@12s", "8288880880000088008888@16"
    assert bench.promise(PI, pair).endswith(f"biglittle device predict {PI} {pair[0]}.")
    predicted = predict_named(load_device(PI), pair[0])
    assert predicted.provenance["latency_ms"] == "predicted"
    assert predicted.latency_low_ms is not None
    assert bench.promise(PI, ("0" * 22, "3" * 22)) == ""
    assert bench.promise("amd-epyc-f25-m17", pair).startswith("Latencies of all but")
    assert bench.promise(PI, ("teacher", "0" * 22)) == ""
    assert bench.exit_promise(PI, ("0" * 22, *pair)) == bench.promise(PI, pair)
    assert bench.exit_promise("raspberry-pi-5", pair) == ""  # its own promise is of all networks
    unseen = "8288880880000088008881@12s"  # of a search with a surrogate
    assert bench.exit_promise(PI, (unseen,)).endswith(f"predict {PI} {unseen}.")


def test_a_table_without_int8_says_how_to_add_it(tmp_path: Path) -> None:
    path = tmp_path / "table.h5"
    write_table(path, synthetic_table(4), "1", "2026-01-01")
    with pytest.raises(TableError, match=r"no networks in int8.*table extend --stage int8"):
        Benchmark.load(path, precisions=("fp32", "int8"))
    with pytest.raises(UnknownNameError, match="int4"):
        Benchmark.load(path, precisions=("int4",))


# ---- what a device says ------------------------------------------------------------------------
def test_a_published_factor_predicts_int8_and_says_so() -> None:
    profile = load_device("raspberry-pi-4")
    genomes, exits = parse_networks(FBNET, [BIG, f"{BIG}@12"])
    plain, model = profile.latency, profile.latency_in("int8")
    factor = profile.factors["int8"]
    assert factor.low <= factor.ratio <= factor.high < 1
    expected = factor.ratio * plain.latency_ms(genomes, exits)
    np.testing.assert_allclose(model.latency_ms(genomes, exits), expected)
    np.testing.assert_allclose(
        model.trunk_ms(genomes, exits)[1], factor.ratio * plain.trunk_ms(genomes, exits)[1]
    )
    np.testing.assert_allclose(
        model.energy_mj(genomes, exits), factor.ratio * plain.energy_mj(genomes, exits)
    )
    low, high = model.interval_ms(genomes, exits)
    assert (low < expected).all()
    assert (expected < high).all()
    assert model.provenance(genomes)["latency_ms"] == "predicted"
    assert model.blocks().latency_ms(genomes)[0] == pytest.approx(expected[0])
    assert "times 0." in model.promise
    with pytest.raises(DeviceError, match="does not say what operators take in int8"):
        model.operators()
    assert profile.latency_in("fp32") is plain


def test_a_device_without_a_factor_has_no_figure_and_says_what_to_do(file: Path) -> None:
    profile = load_device("jetson-nano")
    model = profile.latency_in("int8")
    assert np.isnan(model.latency_ms(FBNET.parse([BIG]))).all()
    assert not model.complete
    with pytest.raises(DeviceError, match="biglittle profile --precision int8"):
        model.blocks()
    with pytest.raises(ConstraintError, match=r"on jetson-nano; .*say nothing of int8"):
        Benchmark.load(file, precisions="int8").front("jetson-nano")


def test_columns_of_a_device_are_in_the_order_of_the_networks() -> None:
    profile = load_device("raspberry-pi-4")
    ids, precisions = [BIG, "0" * 22, BIG, "0" * 22], np.array(["int8", "fp32", "fp32", "int8"])
    columns = device_columns(profile, FBNET, ids, precisions=precisions)
    alone = profile.latency_ms(FBNET, FBNET.parse(ids))
    ratio = columns["latency_ms"] / alone
    np.testing.assert_allclose(ratio[[1, 2]], 1.0)
    np.testing.assert_allclose(ratio[[0, 3]], profile.factors["int8"].ratio)
    words = column_words(columns)
    assert [words_at(words, i)["latency_ms"] for i in range(4)] == [
        *("predicted", "block-sum", "block-sum", "predicted")
    ]


def test_a_factor_outside_of_its_interval_is_refused() -> None:
    raw = read_document(find_device("raspberry-pi-4"))
    raw["other_precisions"][0]["latency_factor"] = 2.0
    with pytest.raises(DeviceError, match=r"factor 2 for int8 lies outside of its own interval"):
        parse_profile(raw, "mine.json")
    raw["other_precisions"][0]["precision"] = "int4"
    with pytest.raises(DeviceError, match="int4"):
        parse_profile(raw, "mine.json")


def test_a_query_says_how_good_latencies_in_int8_are(command_line: Any) -> None:
    pair = ("8088880080000088808880@12s:int8", "8088880080000088808880@14:int8")
    for verb in (("query",), ("cascade", "--threshold", "0.3")):
        code, text, err = command_line(*verb, *pair, "--device", "raspberry-pi-5")
        assert code == 0, err
        assert "Latencies in int8 are predicted" in " ".join(text.split())
        assert "of 100 networks" not in text  # that is said of fp32
        code, text, err = command_line(*verb, *pair, "--device", "jetson-nano")
        assert code == 0, err
        words = " ".join(text.split())
        assert "mean latency not available" in words
        assert "the profile states no ratio to its own precision" in words
        assert "are predicted" not in words
