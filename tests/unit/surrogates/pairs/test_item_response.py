"""Every network a point, every image a difficulty; pairs follow."""

import numpy as np

from biglittle.surrogates.curve import GRID, escalated_share, gains
from biglittle.surrogates.pairs.item_response import escalated_kinds, item_parameters


def test_with_all_dimensions_the_item_response_model_is_exact(data, monkeypatch):
    module = "biglittle.surrogates.pairs.item_response.DIMENSIONS"
    monkeypatch.setattr(module, len(data) - 1)
    correct = data.predictions["val"].correct.astype(float)
    place, discrimination = item_parameters(correct)
    images = np.vstack([correct.mean(axis=0), discrimination])
    np.testing.assert_allclose(images[0] + place @ discrimination, correct, atol=1e-9)
    kinds = escalated_kinds(data, images)
    little, big = np.array([0, 3, 5]), np.array([4, 2, 5])
    said = kinds[little]
    gain = said[:, :, 0] - said[:, :, -1]
    gain = gain + np.einsum("pgdk,pd->pgk", said[:, :, 1:-1], place[big])
    truth = gains(data.predictions["val"].correct, data.codes("val"), little, big)
    np.testing.assert_allclose(gain, truth, atol=1e-5)


def test_an_escalated_kind_is_a_covariance(data):
    correct = data.predictions["val"].correct.astype(float)
    kinds = escalated_kinds(data, correct.mean(axis=0)[None])
    share = escalated_share(data.codes("val")[1][7])
    for row, against in ((0, correct.mean(axis=0)), (1, correct[7])):
        expected = (share * against[:, None]).mean(axis=0) - GRID * against.mean()
        np.testing.assert_allclose(kinds[7, 1, row], expected, atol=1e-6)
