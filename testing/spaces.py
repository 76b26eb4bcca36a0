"""What every search space has to keep: ``class TestMine(SpaceContract): entry = SPACE``."""

from __future__ import annotations

import numpy as np
import pytest

from ..bench import SPACES, get_space
from ..bench.errors import ArchitectureError
from ._contract import Contract


class SpaceContract(Contract):
    """What every search space has to keep."""

    registry = SPACES

    def test_it_says_what_it_is(self, name: str) -> None:
        space = get_space(name)
        assert space.name == name
        assert space.source
        assert 1 < len({*space.choices}) == len(space.choices) <= len(space.digits)
        assert len(space.hash) == 64

    def test_ids_and_genomes_are_the_same_thing(self, name: str) -> None:
        space = get_space(name)
        genomes = space.sample(np.random.default_rng(0), 50)
        assert genomes.shape == (50, space.n_layers)
        ids = space.format(genomes)
        assert np.array_equal(space.parse(ids), genomes)
        assert all(len(one) == space.n_layers for one in ids)

    @pytest.mark.parametrize("n_classes", [2, 100])
    def test_the_graph_has_the_macs_and_parameters_that_are_counted(
        self, name: str, n_classes: int
    ) -> None:
        space = get_space(name)
        genomes = space.sample(np.random.default_rng(1), 10)
        macs, params = space.macs(genomes, n_classes), space.params(genomes, n_classes)
        assert (macs > 0).all()
        assert (params > 0).all()
        more = space.params(genomes, n_classes + 1)
        assert (more > params).all()  # a class is weights of the classifier
        assert len({*macs.tolist()}) > 1

    @pytest.mark.parametrize("bad", ["", "no id at all", "9" * 500])
    def test_what_is_no_id_is_refused(self, name: str, bad: str) -> None:
        with pytest.raises(ArchitectureError):
            get_space(name).parse([bad])
