"""A step that times a front works it out, whatever the user's cache holds."""

from __future__ import annotations

from biglittle.bench import kept_front
from biglittle.data_tables.evidence._uncached import nothing_kept


def test_another_folder_stands_in_for_the_cache_and_goes() -> None:
    own = kept_front.folder()
    with nothing_kept():
        within = kept_front.folder()
        assert within != own
        assert within.parent.is_dir()
    assert kept_front.folder() == own
    assert not within.parent.exists()
