"""The speed of the main job, and what of it the searcher takes."""

from __future__ import annotations

import pytest

from biglittle.data_tables.evidence.searchers import speed


@pytest.mark.parametrize(
    ("seconds", "said"), [(19.0, "s, reached by"), (21.0, "s, not reached by")]
)
def test_speed_says_what_the_searcher_itself_takes(compared, seconds: float, said: str) -> None:  # type: ignore[no-untyped-def]
    held = {
        "seconds_total": [10.0, seconds, seconds],
        "seconds_evaluating": [9.0, seconds / 2, seconds / 2],
    }
    held["cpu_s"] = [8.0, 9.5]
    text = speed.speed_text({**compared(0.1, 0.1), **held, "budget": 20_000})
    assert said in text.replace("\n", " ")
    assert "10 to 50 % are spent outside" in text
    assert "2 cores of some-cpu" in text
    assert "In CPU time it is\n8.0 to 9.5 s." in text
