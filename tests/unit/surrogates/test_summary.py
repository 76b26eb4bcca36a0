"""A surrogate's document as tables and facts."""

import pytest

from biglittle.surrogates import MEMBERS, PAIR_MODELS
from biglittle.surrogates.summary import entries, facts, facts_text, figure, markdown


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"mean": None, "spread": None}, "-"),
        ({"mean": 0.01234, "spread": 0}, "1.23"),
        ({"mean": 0.01234, "spread": 0.001}, "1.23 ± 0.10"),
    ],
)
def test_a_figure_comes_with_its_spread_where_it_has_one(entry, text):
    assert figure(entry, 100) == text


def test_facts_leave_weights_and_figures_out(fitted):
    document, _ = fitted
    stated = facts({**document, "files": {}})
    assert stated["recipe"] == document["recipe"]
    assert (stated["n_networks"], stated["n_found"]) == (document["n_networks"], 0)
    assert stated["support_threshold"] > 0
    assert not {"accuracy", "pairs", "report"} & set(stated)
    assert markdown({"report": {}}) == ""


def test_every_model_is_listed_with_what_it_does():
    assert set(entries()["members"]) == set(MEMBERS.names())
    assert set(entries()["pair models"]) == set(PAIR_MODELS.names())


def test_facts_are_told_in_words_and_without_brackets(fitted):
    document, _ = fitted
    hashes = {"pairs.mean.onnx": "0123456789abcdef" * 4}
    text = "\n".join(facts_text(facts({**document, "files": hashes})))
    assert f"n_networks           {document['n_networks']}" in text
    assert "files                pairs.mean.onnx 0123456789ab\n" in text
    assert not set("{}[]") & {*text}
