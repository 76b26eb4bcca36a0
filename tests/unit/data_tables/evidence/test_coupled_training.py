"""The comparison of co-training: its plan, packed answers, thresholds and intervals."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, load_device
from biglittle.bench.errors import CheckpointError
from biglittle.data_tables.evidence import coupled_training
from biglittle.data_tables.evidence._coupled_answers import (
    PairBits,
    RunAnswers,
    compared,
    load_answers,
    save_answers,
    two_way_interval,
)
from biglittle.data_tables.evidence._coupled_plan import (
    ALONE,
    DEVICE,
    METHODS,
    Job,
    front_of,
    jobs_of,
    mean_latency_ms,
    pair_terms,
    plan_of,
    rate_at,
)
from biglittle.data_tables.evidence._coupled_rivals import ANY, SINGLE
from biglittle.data_tables.evidence.coupled_training import (
    coupled_training_text,
    frozen_plan,
    pair_bits,
    results,
)

N_VAL, N = 400, 1000


@pytest.fixture(scope="module")
def bench() -> Benchmark:
    return Benchmark.load("fbnet-cifar10")


@pytest.fixture(scope="module")
def plan(bench: Benchmark) -> dict:  # type: ignore[type-arg]
    return plan_of(bench)


def _answers(seed: int, roles: tuple[str, ...], share: float = 0.8) -> RunAnswers:
    rng = np.random.default_rng(seed)
    right = {role: rng.random(N) < share for role in roles}
    return RunAnswers(right, {roles[0]: rng.integers(0, 256, N, np.uint8)})


def test_the_plan_has_the_pairs_it_promises(plan, bench: Benchmark) -> None:  # type: ignore[no-untyped-def]
    kinds = [p["coupling"] for p in plan["pairs"]]
    assert kinds.count("prefix") >= 6
    assert kinds.count("sibling") >= 3
    profile = load_device(DEVICE)
    for pair in plan["pairs"]:
        ids = pair["little"], pair["big"]
        kind, costs, shared = pair_terms(bench.table.space, profile, *ids, 10)
        assert kind == pair["coupling"]
        assert costs.latency_ms[0] < costs.latency_ms[1]
        assert (shared is not None) == (kind == "prefix")
        if shared is not None:  # the whole pair costs less than both networks
            assert mean_latency_ms(costs, shared, 1.0) < costs.latency_ms.sum()


def test_any_first_part_of_the_jobs_is_balanced(plan) -> None:  # type: ignore[no-untyped-def]
    jobs = list(jobs_of(plan))
    assert len({job.name for job in jobs}) == len(jobs)
    assert [job.seed for job in jobs] == sorted(job.seed for job in jobs)
    pairs = [(j.little, j.big, j.seed) for j in jobs if j.little]
    blocks = [key for i, key in enumerate(pairs) if i == 0 or pairs[i - 1] != key]
    assert len(blocks) == len(set(blocks))  # all methods of a pair, then the next pair
    assert sum(j.method == ALONE for j in jobs) >= plan["seeds"] * 3
    assert {m for ways in METHODS.values() for m in ways} <= {j.method for j in jobs}


def test_a_plan_stays_as_it_was_when_the_table_grows(bench: Benchmark, tmp_path: Path) -> None:
    first = frozen_plan(bench, tmp_path, {})
    assert frozen_plan(bench, tmp_path, {"plan": {"pairs": []}}) == first
    assert frozen_plan(bench, tmp_path / "other", {"plan": {"pairs": []}}) == {"pairs": []}


def test_runs_of_other_weights_are_neither_counted_nor_gone_on_from(
    bench: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen_plan(bench, tmp_path, {})
    figures = {"plan": {"pairs": []}, "runs": {"a": {}}, **coupled_training.origin()}
    assert coupled_training.of_these_weights(figures) == figures
    others = {"supernet_sha256": "f" * 64, "exit_heads_sha256": "f" * 64}
    assert coupled_training.of_these_weights({**figures, "supernet_sha256": "f" * 64}) == {}
    monkeypatch.setattr(coupled_training, "origin", lambda: others)
    with pytest.raises(CheckpointError, match="give an empty folder with --working"):
        frozen_plan(bench, tmp_path, {})
    frozen_plan(bench, tmp_path / "empty", {})  # what the error advises


def test_the_front_holds_what_nothing_cheaper_equals() -> None:
    accuracy, latency = np.array([0.5, 0.7, 0.7, 0.6, 0.9]), np.array([1.0, 3.0, 2.0, 4.0, 5.0])
    assert front_of(accuracy, latency).tolist() == [0, 2, 4]


def test_answers_are_read_as_they_were_written(tmp_path: Path) -> None:
    runs = {"a~b~joint~s0": _answers(0, ("little", "big")), "b~alone~s0": _answers(1, (ALONE,))}
    runs["c"] = RunAnswers(runs["b~alone~s0"].right, {})
    save_answers(tmp_path / "answers.npz", runs)
    again = load_answers(tmp_path / "answers.npz")
    assert again.keys() == runs.keys()
    for name, run in runs.items():
        for part in ("right", "margin"):
            one, other = getattr(run, part), getattr(again[name], part)
            assert one.keys() == other.keys()
            assert all(np.array_equal(one[role], other[role]) for role in one)
    save_answers(tmp_path / "bare.npz", {"c": runs["c"]})
    assert load_answers(tmp_path / "bare.npz")["c"].margin == {}
    (tmp_path / "bare.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(CheckpointError, match="answers of runs"):
        load_answers(tmp_path / "bare.npz")


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.35, 1.0])
def test_the_cut_is_the_best_one_that_val_allows(rate: float) -> None:
    a = _answers(3, ("little", "big"))
    bits = PairBits(a.right["little"], a.right["big"], a.margin["little"], N_VAL)
    val = slice(None, N_VAL)
    best, cut = -1.0, -1
    for k in range(257):
        escalated = bits.codes[val] < k
        right = np.where(escalated, bits.big[val], bits.little[val]).mean()
        if escalated.mean() <= rate and right > best:
            best, cut = float(right), k
    assert bits.cut(rate) == cut
    right, escalated = bits.test(cut)
    assert len(right) == N - N_VAL
    assert escalated == (bits.codes[N_VAL:] < cut).mean()


def test_intervals_widen_with_fewer_runs_and_hold_their_mean() -> None:
    rng = np.random.default_rng(0)
    # Runs differ by more than their images do.
    shift = rng.normal(0.05, 0.05, (12, 1))
    gains = (rng.random((12, 3000)) < 0.3 + shift).astype(np.int8)
    gains -= rng.random((12, 3000)) < 0.3
    wide, narrow = (two_way_interval(gains[:k]) for k in (3, 12))
    assert wide[1] - wide[0] > narrow[1] - narrow[0]
    assert narrow[0] < gains.mean() < narrow[1]
    same = np.zeros(50, bool)
    assert compared([(same, same)] * 2) == {"runs": 2, "gain": 0.0, "low": 0.0, "high": 0.0}
    assert compared([]) is None


def test_what_is_missing_is_left_out_and_siblings_are_put_together(plan, bench) -> None:  # type: ignore[no-untyped-def]
    n_val = len(bench.table.val_index)
    n = n_val + 500
    rng = np.random.default_rng(0)
    answers = {}
    for job in list(jobs_of(plan))[:14]:
        roles = ("little", "big") if job.little else (ALONE,)
        shares = (0.6, 0.9) if job.little else (0.7,)
        right = {r: rng.random(n) < s for r, s in zip(roles, shares, strict=True)}
        sure = right[roles[0]] * 150  # a perfect gate
        margin = (sure + rng.integers(0, 100, n)).astype(np.uint8)
        answers[job.name] = RunAnswers(right, {roles[0]: margin})
    sibling = next(p for p in plan["pairs"] if p["coupling"] == "sibling")
    bits = pair_bits(sibling, "independent", 0, answers, n_val)
    assert bits is not None
    alone = answers[Job(sibling["little"], "", ALONE, 0).name]
    assert np.array_equal(bits.little, alone.right[ALONE])
    assert pair_bits(sibling, "independent", 1, answers, n_val) is None
    runs = {name: {"precision": "bf16" if i else "fp32"} for i, name in enumerate(answers)}
    figures = {"runs": runs, "missing": ["x"], "epochs": 3, **results(bench, plan, answers)}
    over = [c for c in figures["compared"] if "single" in c["against"] and c["low"] > 0]
    assert {c["coupling"] for c in over} == {"prefix", "sibling"}
    first = figures["pairs"][0]["methods"]["joint"]["test"]
    assert first[0]["escalation_rate"] == 0.0
    assert first[-1]["accuracy"] > first[0]["accuracy"]
    assert first[0]["latency_ms"] < first[-1]["latency_ms"]
    answer = coupled_training.coupled_answer_text(figures)
    cells = next(row for row in answer.splitlines() if "| `joint` |" in row).split(" | ")
    gain = next(
        c
        for c in figures["compared"]
        if (c["coupling"], c["method"], c["what"]) == ("prefix", "joint", "pair at 0.1")
    )
    assert cells[:2] == ["| an exit and its network", "`joint`"]
    assert cells[2].startswith(f"{100 * gain['gain']:+.2f} ({100 * gain['low']:+.2f} to ")
    assert cells[2].endswith(f"; {gain['runs']} runs)")
    assert len(cells) == 7
    assert all(cell.startswith(("+", "-")) and "(" in cell for cell in cells[2:])
    first = figures["pairs"][0]
    point = next(p for p in first["methods"]["joint"]["test"] if p["rate_on_val"] == 0.5)
    low, high = map(int, re.findall(r"an exit and its network take (\d+) to (\d+) %", answer)[0])
    assert low <= round(100 * point["latency_ms"] / first["latency_ms"][1]) <= high
    costs, shared = {}, {}
    for pair in (plan["pairs"][0], sibling):
        terms = bench.table.space, load_device(plan["device"]), pair["little"], pair["big"], 10
        _, costs[pair["coupling"]], shared[pair["coupling"]] = pair_terms(*terms)
    mean_ms = mean_latency_ms(costs["sibling"], None, 0.1)
    rate = rate_at(costs["prefix"], shared["prefix"], mean_ms)
    mine = pair_bits(plan["pairs"][0], "joint", 0, answers, n_val)
    assert mine is not None
    (right, escalated), (theirs, _) = mine.test(mine.cut(rate)), bits.test(bits.cut(0.1))
    assert mean_latency_ms(costs["prefix"], shared["prefix"], escalated) <= 1.05 * mean_ms
    entry = next(
        c
        for c in figures["compared"]
        if (c["method"], c["against"]) == ("joint", "the static cascade")
    )
    both = [p for p in plan["pairs"] if p["big"] == sibling["big"] and p["coupling"] == "prefix"]
    assert entry["runs"] == len(both) == 2
    other = pair_bits(both[1], "joint", 0, answers, n_val)
    assert other is not None
    terms = bench.table.space, load_device(plan["device"]), both[1]["little"], both[1]["big"], 10
    _, costs_2, shared_2 = pair_terms(*terms)
    right_2, _ = other.test(other.cut(rate_at(costs_2, shared_2, mean_ms)))
    gain = (right.mean() + right_2.mean()) / 2 - theirs.mean()
    assert entry["gain"] == pytest.approx(gain, abs=1e-4)
    own = next(row for row in answer.splitlines() if "exit" in row and "| `independent` |" in row)
    assert own.split(" | ")[2] == "-"  # nothing is held against itself
    text = coupled_training_text(figures)
    assert f"Computed {len(runs) - 1} in bf16, 1 in fp32" in text
    assert "14 of 15 runs" in text
    assert "| prefix | `joint` | `independent` |" in text


def test_a_pair_is_held_against_the_best_single_network_that_takes_no_longer(
    bench: Benchmark,
    plan: dict,  # type: ignore[type-arg]
) -> None:
    n_val = len(bench.table.val_index)
    n, rng = n_val + 1000, np.random.default_rng(0)

    def bits(share: float) -> np.ndarray:  # type: ignore[type-arg]
        return rng.random(n) < share

    pair, cheaper = plan["pairs"][:2]
    assert pair["big"] == cheaper["big"]
    little, big = bits(0.8), bits(0.5)  # so that nothing is escalated
    fast, slow = bits(0.7), bits(0.99)
    answers = {
        Job(pair["big"], pair["little"], "joint", 0).name: RunAnswers(
            {"little": little, "big": big}, {"little": rng.integers(0, 256, n, np.uint8)}
        ),
        Job(cheaper["little"], "", ALONE, 0).name: RunAnswers({ALONE: fast}, {}),
        Job(pair["big"], "", ALONE, 0).name: RunAnswers({ALONE: slow}, {}),  # dearer
        Job(cheaper["little"], "", ALONE, 1).name: RunAnswers({ALONE: slow}, {}),  # another seed
    }
    rows = {
        c["against"]: c
        for c in results(bench, plan, answers)["compared"]
        if c["what"] == "pair at 0.2"
    }
    gain = float(little[n_val:].mean() - fast[n_val:].mean())
    assert rows[SINGLE]["gain"] == pytest.approx(gain, abs=0.02)  # a few may be escalated
    assert rows[SINGLE]["runs"] == rows[ANY]["runs"] == 1
    assert abs(rows[ANY]["gain"]) < 0.02  # its own little network is the best that is no dearer
