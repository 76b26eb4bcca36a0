"""Fisher information of channels: the squared effect of removing a channel's activations.

    fisher = sum_l sum_c 1 / (2 n) sum_i ( sum_xy a_lc(i) * dL/da_lc(i) )^2

a are the outputs of convolutions and linear layers, i the n images, x and y positions.

Source: Turner et al. 2020, "BlockSwap: Fisher-guided Block Substitution for Network Compression on
a Budget"; layers as in Abdelfattah et al. 2021. L is the mean over the batch, as there, so that the
figure shrinks with its size. A layer that runs twice counts twice, each time with its own
activations.
"""

from __future__ import annotations

from ..passes import Passes
from ._proxy import Proxy


def fisher(passes: Passes) -> float:
    """The sum over channels."""
    return sum(float(d.square().mean(0).sum()) / 2 for _, d in passes.channel_saliency)


PROXY = Proxy("fisher", "Turner et al. 2020", ("channel_saliency",), True, fisher)
