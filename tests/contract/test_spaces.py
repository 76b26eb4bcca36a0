"""What every search space has to keep; a new file is picked up by itself."""

from __future__ import annotations

from biglittle.bench import SPACES
from biglittle.testing import SpaceContract


class TestSpaces(SpaceContract):
    names = SPACES.shipped()
