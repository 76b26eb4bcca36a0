"""What a search answers, as part of a page: sentences, and the networks drawn layer by layer."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Mapping, Sequence
from typing import Any

from ..bench import Benchmark, BigLittleError, DeviceProfile
from ..bench.anatomy import anatomies
from ..bench.network_names import are_ids
from ..bench.recommend import Recommendation
from .answer import sentence
from .front_question import FrontQuestion, latency_warning
from .network_drawing import network_svg


def answers_section(answers: Sequence[Recommendation], config: Mapping[str, Any]) -> str:
    """The answers at each budget as HTML, each with its networks drawn layer by layer.

    Args:
        answers: what a search recommends at each budget.
        config: config of the run, which names the device; without one nothing is drawn.
    """
    if not answers:
        return ""
    profile = bench = None
    question = FrontQuestion.of(config, "the search")
    with contextlib.suppress(BigLittleError):  # a device that is not here, or no space of layers
        profile = question.profiles(None)[0]
    if profile is not None and question.table is not None:
        with contextlib.suppress(BigLittleError):  # a table that is not here
            bench = question.bench(None, question.table)
    items = "".join(
        f'<li class="{answer.verdict}"><p>{html.escape(sentence(answer))}</p>'
        f"{_strip(answer, profile, bench)}</li>"
        for answer in answers
    )
    warning = html.escape(latency_warning(config))
    beware = f'<p class="warning"><strong>{warning}</strong></p>\n' if warning else ""
    pair = answers[0].pair
    if not answers[0].pairs or not (pair is None or are_ids([pair.little])):  # none is drawn
        which = "pair" if answers[0].pairs else "network"
        return f'<h2>Which {which}?</h2>\n{beware}<ol class="answers">{items}</ol>\n'
    return f"""<h2>Which pair?</h2>
{beware}<ol class="answers">{items}</ol>
<p>An id is one digit a layer, first to last, and stands for the block there: the digits under the
strips. <code>biglittle show ID</code> draws any network.</p>
"""


def _strip(answer: Recommendation, profile: DeviceProfile | None, bench: Benchmark | None) -> str:
    """What is recommended, drawn; nothing where there is no device of its space."""
    ids: list[str] = []
    if answer.verdict == "pair" and answer.pair is not None:
        ids = [answer.pair.little, answer.pair.big]
    elif answer.single is not None:
        ids = [str(answer.single["architecture"])]
    if profile is None or not ids:
        return ""
    try:
        networks = anatomies(ids, profile, bench)
    except BigLittleError:  # an exit or a precision, or of another space than the device's
        return ""
    return f'<div class="strip">{network_svg(networks)}</div>'
