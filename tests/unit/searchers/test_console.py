"""The table of the terminal fits, and every column says where its figures come from."""

from __future__ import annotations

import dataclasses
import io
import re

import numpy as np
import pytest
from rich.console import Console

from biglittle.bench import Points
from biglittle.bench.provenance import PROVENANCES, MemberWords, with_fields
from biglittle.bench.recommend import budgets, recommend
from biglittle.searchers import SearchOutcome, SingleNetworks
from biglittle.searchers.console import (
    best_text,
    point_text,
    print_answers,
    print_front,
    print_outcome,
    spread,
)
from biglittle.searchers.log import EvaluationLog, LoggedBatch


def _print(
    outcome: SearchOutcome, best: SingleNetworks | None, width: int, top: int = 20
) -> list[str]:
    out = io.StringIO()
    print_front(outcome.front, best, Console(file=out, width=width), top)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [100, 140])
def test_everything_fits(outcome: SearchOutcome, best: SingleNetworks, width: int) -> None:
    energy = np.linspace(1000.0, 9000.0, 25)
    full = Points(**{**vars(outcome.front), "energy_mj": energy})
    lines = _print(SearchOutcome(**{**vars(outcome), "front": full}), best, width)
    text = "\n".join(lines)
    assert max(map(len, lines)) <= width
    assert "…" not in text
    assert "\x1b" not in text
    assert "20 of 25" in text
    for column in ("block-sum", "predicted", "modelled", "max_prob", "energy"):
        assert column in text
    for i in (0, 24):  # both ends are shown
        assert outcome.front.little[i] in text
        assert outcome.front.big[i] in text
    assert best.architecture[-1] in text
    assert f"{100 * best.accuracy[-1]:.2f}" in text


def test_a_narrow_terminal_cuts_no_id_and_no_word(
    outcome: SearchOutcome, best: SingleNetworks
) -> None:
    text = "\n".join(_print(outcome, best, 60))
    assert "…" not in text
    for i in (0, 24):
        assert f"{outcome.front.little[i]} -> {outcome.front.big[i]}" in text
    assert f"1 net: {best.architecture[-1]}" in text
    words = text.partition("Provenance: ")[2]
    for column in ("acc", "mean", "1 net"):
        assert column in words.partition(".")[0]
    for word in ("block-sum", "predicted", "modelled"):
        assert word in words


def test_a_column_without_figures_is_left_out(outcome: SearchOutcome, best: SingleNetworks) -> None:
    assert "energy" not in "\n".join(_print(outcome, best, 100))


def test_without_singles_and_with_few_rows(outcome: SearchOutcome) -> None:
    text = "\n".join(_print(outcome, None, 100, top=3))
    assert "3 of 25" in text
    assert "1 net" not in text
    assert "all" not in _print(outcome, None, 100, top=100)[0]


def test_rough_evaluations_are_told_by_what_they_cost(outcome: SearchOutcome) -> None:
    none = np.zeros(0, np.intp)

    def said(*fidelities: float) -> str:
        batches = [
            LoggedBatch(np.zeros((500, 2)), 1, f, 0, none, none, none, {}) for f in fidelities
        ]
        log, out = EvaluationLog({}, batches), io.StringIO()
        done = dataclasses.replace(outcome, n_evaluations=log.n_evaluations, log=log)
        print_outcome(done, "a searcher", ["a board"], "", Console(file=out, width=200))
        return out.getvalue()

    assert "1,000 evaluations (rough ones, at the price of 550) in" in said(0.1, 1.0)
    assert "1,000 evaluations in" in said(1.0, 1.0)


@pytest.mark.parametrize(("n", "top"), [(1, 20), (5, 20), (20, 20), (21, 20), (1000, 20), (9, 1)])
def test_spread_has_both_ends(n: int, top: int) -> None:
    rows = spread(n, top)
    assert len(rows) == min(n, top) == len(set(rows.tolist()))
    assert rows[0] == 0
    assert top == 1 or rows[-1] == n - 1


def test_empty() -> None:
    out = io.StringIO()
    column = np.array([])
    names = np.array([], np.str_)
    points = Points(names, names, names, *(column,) * 10, provenance={})
    print_front(points, None, Console(file=out, width=100))
    assert "empty" in out.getvalue()


def test_recommended_rows_are_always_shown_and_single_networks_told(outcome: SearchOutcome) -> None:
    n = len(outcome.front)
    rate = np.where(np.arange(n) == 0, 0.0, 0.5)
    front = dataclasses.replace(outcome.front, escalation_rate=rate)
    out = io.StringIO()
    print_front(front, None, Console(file=out, width=140), 2, recommended={7: "at the knee"})
    text = out.getvalue()
    assert front.little[7] in text
    assert re.search(r"^ *\* \d", text, re.MULTILINE)
    assert "*: recommended." in text
    assert "little alone" in text or front.little[0] not in text
    assert "biglittle show ID" in text


def test_a_space_without_pairs_is_not_told_of_them(outcome: SearchOutcome) -> None:
    front, n = outcome.front, len(outcome.front)
    front = dataclasses.replace(
        front, big=front.little, gate=np.array(["none"] * n), escalation_rate=np.zeros(n)
    )
    out = io.StringIO()
    print_answers(recommend(front, budgets(front, {}), outcome.singles), Console(file=out))
    print_front(front, None, Console(file=out, width=140), 2)
    text = out.getvalue()
    assert "Which network?" in text
    assert "network" in text
    for word in ("pair", "gate", "thresh", "escal", "little", "biglittle show"):
        assert word not in text


def test_answers_come_in_a_paragraph_each(outcome: SearchOutcome) -> None:
    answers = recommend(outcome.front, budgets(outcome.front, {}), outcome.singles)
    out = io.StringIO()
    print_answers(answers, Console(file=out, width=4000))
    lines = [line for line in out.getvalue().splitlines() if line.startswith("  ")]
    assert len(lines) == len(answers)
    assert lines[0].strip().startswith("At the knee")
    out = io.StringIO()
    print_answers(answers, Console(file=out, width=4000), "Warning: wide")
    assert out.getvalue().splitlines()[1].rstrip() == "  Warning: wide"
    out = io.StringIO()
    print_answers((), Console(file=out))
    assert out.getvalue() == ""


def test_the_best_under_a_score_has_its_score_and_provenance(outcome: SearchOutcome) -> None:
    best = outcome.front.take(np.array([3]))
    point, soft = best[0], "accuracy - 0.01*latency_ms"
    line = best_text(soft, best)
    assert line.startswith(f"Best under {soft}: {point.little} -> {point.big}, {point.gate} ")
    assert point.latency_ms is not None
    assert f"; score {point.accuracy - 0.01 * point.latency_ms:.4g} (accuracy as a fraction" in line
    assert f"accuracy {100 * point.accuracy:.2f} % (predicted)" in line
    assert "ms (block-sum)" in line
    seldom = dataclasses.replace(best, escalation_rate=np.full(1, 0.001))
    assert f": {point.little} -> {point.big}, " in best_text("1 - latency_ms", seldom)
    never = dataclasses.replace(best, escalation_rate=np.zeros(1))
    assert f": {point.little} alone; score" in best_text("1 - latency_ms", never)
    assert "fraction" not in best_text("1 - latency_ms", never)


def test_a_point_in_a_line_says_where_its_figures_come_from(outcome: SearchOutcome) -> None:
    point = outcome.front[0].as_dict()
    line = point_text(point)
    assert f"accuracy {100 * point['accuracy']:.2f} % (predicted)" in line
    assert f"latency {point['latency_ms']:.4g} ms (block-sum)" in line
    assert line.startswith(f"{point['gate']} {point['threshold']:.4g}")


def test_no_head_breaks_a_word_of_provenance(outcome: SearchOutcome, best: SingleNetworks) -> None:
    """Redirected output is 120 wide: the columns stand closer, or the words stand below."""
    front = dataclasses.replace(
        outcome.front,
        energy_mj=np.linspace(1000.0, 9000.0, 25),
        latency_worst_ms=np.linspace(10.0, 99.0, 25),
        provenance={**outcome.front.provenance, "latency_ms": "predicted"},
    )
    for width in range(76, 150, 4):
        out = io.StringIO()
        asked = ("latency_worst_ms", "params", "ram_kib")
        print_front(front, best, Console(file=out, width=width), figures=asked)
        table, _, rest = out.getvalue().partition("\n\n")
        assert max(map(len, table.splitlines())) <= width
        head = table.partition("───")[0] if "Provenance: " not in table + rest else "predicted"
        assert not {"predicte", "measure", "modelle"} & {*head.split()}


@pytest.mark.parametrize("width", [80, 140])
def test_a_column_names_all_words_of_its_rows_the_weakest_last(
    outcome: SearchOutcome, best: SingleNetworks, width: int
) -> None:
    words = ["given", "block-sum", "predicted"] * 8 + ["given"]
    ranks = np.array([PROVENANCES.index(word) for word in words], np.uint8)
    latency = MemberWords(dict.fromkeys(("latency_ms", "latency_p95_ms"), ranks))
    common = {n: w for n, w in outcome.front.provenance.items() if n not in latency}
    p95_ms = np.where(ranks == PROVENANCES.index("given"), np.nan, outcome.front.latency_p95_ms)
    front = dataclasses.replace(
        outcome.front, latency_p95_ms=p95_ms, provenance=with_fields(common, latency)
    )
    lines = _print(dataclasses.replace(outcome, front=front), best, width, top=25)
    text = " ".join(" ".join(lines).split())
    if width == 80:
        assert max(map(len, lines[: lines.index(next(x for x in lines if "───" in x))])) <= width
        assert "mean: block-sum, predicted, given; p95: block-sum, predicted;" in text
    else:
        head = text.partition("───")[0]
        assert head.count("block-sum,") == 2
        assert head.count("given") == 1


def test_a_point_of_one_network_is_named_once_where_ids_stand_in_lines(
    outcome: SearchOutcome, best: SingleNetworks
) -> None:
    none = np.zeros(len(outcome.front))
    front = dataclasses.replace(outcome.front, escalation_rate=none)
    text = "\n".join(_print(dataclasses.replace(outcome, front=front), best, 40))
    assert f" 1  {front.little[0]} alone\n    1 net: -" in text  # no line is wider than it need be
    assert "-> -" not in text


def test_a_pair_that_escalates_seldom_is_shown_as_what_its_figures_are_of(
    outcome: SearchOutcome, best: SingleNetworks
) -> None:
    def text(rate: float, width: int = 140) -> str:
        rates = np.full(len(outcome.front), rate)
        front = dataclasses.replace(outcome.front, escalation_rate=rates)
        return "\n".join(_print(dataclasses.replace(outcome, front=front), best, width))

    for rate in (0.001, 1.0):  # figures and provenance are of both networks
        assert "alone" not in text(rate)
        assert outcome.front.big[0] in text(rate)
        assert f" 1  {outcome.front.little[0]} -> {outcome.front.big[0]}" in text(rate, 60)
    seldom = "A pair that escalates less than 1 % is in effect its little network"
    words = {rate: " ".join(text(rate).split()) for rate in (0.0, 0.001, 0.5)}
    assert [seldom in words[rate] for rate in words] == [False, True, False]
    assert ["little alone: the big network is never asked" in w for w in words.values()] == [
        True, False, False,
    ]  # fmt: skip
    own = dataclasses.replace(outcome.front, big=outcome.front.little)
    lines = _print(dataclasses.replace(outcome, front=own), best, 140)
    ids = lines[next(i for i, line in enumerate(lines) if line.startswith("Architectures")) :]
    assert not any(line.count(str(own.little[0])) > 1 for line in ids)
