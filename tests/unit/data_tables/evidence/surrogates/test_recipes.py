"""The comparison of recipes on a table with exits: what it leaves out, it names."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from biglittle.data_tables.evidence.surrogates import recipes


class Data:
    """As many networks as a table has, of which some are cut or none."""

    def __init__(self, exits: object) -> None:
        self.exits = exits

    def __len__(self) -> int:
        return 7


@pytest.mark.parametrize("exits", [None, object()])
def test_recipes_of_whole_networks_are_left_out_and_named_where_there_are_exits(
    exits: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[recipes.Recipe] = []
    table = type("Bench", (), {"table": None})
    monkeypatch.setattr(recipes, "fit_data", lambda _: Data(exits))
    monkeypatch.setattr(recipes, "Benchmark", type("B", (), {"load": lambda name: table}))
    monkeypatch.setattr(
        recipes, "split_report", lambda data, split, given, *rest: compared.extend(given)
    )
    figures = recipes.measure(1)
    blind = [str(r) for r in recipes.RECIPES if r.knows_no_exits]
    assert blind
    assert figures["left_out"] == ([] if exits is None else blind)
    assert [str(r) for r in compared] == [
        str(r) for r in recipes.RECIPES if str(r) not in figures["left_out"]
    ]
    sentence = recipes._left_out(figures["left_out"])
    assert all(name in sentence for name in figures["left_out"])
    assert bool(sentence) == bool(figures["left_out"])
