"""The made-up question of networks with exits, and what is said of how long its front takes."""

from __future__ import annotations

import numpy as np

from biglittle.data_tables.evidence._exits import exits_question
from biglittle.data_tables.evidence.engine_exits import exits_section, front_time


def test_later_exits_share_the_trunk_of_earlier_ones_and_never_more_than_they_cost() -> None:
    question = exits_question(n_architectures=3, n_images=50)
    assert question.shared is not None
    for little in range(21):
        shared = question.shared(little, 0)
        assert shared is question.shared(little, 2)  # gates do not matter
        assert shared is not None
        deeper = np.arange(21) % 7 > little % 7
        prefix = deeper & (np.arange(21) // 7 == little // 7)
        assert np.array_equal(np.asarray(shared.latency_ms) > 0, prefix)
        for name in ("latency_ms", "energy_mj", "macs", "params", "weights_mib"):
            figure = getattr(question.costs, name)
            assert (getattr(shared, name) <= np.minimum(figure, figure[little])).all()


def test_a_deeper_cut_is_more_often_right() -> None:
    question = exits_question(n_architectures=8, n_images=400)
    right = question.tally.right.reshape(8, 7).mean(axis=0)
    assert right[0] < right[3] < right[6]


def test_the_paragraph_tells_the_size_of_the_question() -> None:
    figures = front_time(exits_question(n_architectures=3, n_images=100))
    conditions = {"cores": 2, "cpu": "a", "python": "3", "numpy": "2"}
    text = exits_section({**figures, "conditions": conditions})
    assert text.startswith("21 made-up networks")
    assert figures["points"] == 21 * 21 * 3 * 257
    assert f"front of {figures['front_points']} points" in text
