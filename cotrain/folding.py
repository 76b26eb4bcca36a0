"""Batch norm folded into the convolution before it: the weights that are deployed."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

FoldedWeights = list[tuple[NDArray[np.float32], NDArray[np.float32]]]


@torch.no_grad()
def folded_weights(network: nn.Module) -> FoldedWeights:
    """Weight and bias of every convolution, then of the classifier, in order of execution.

    Every convolution of a network of ours is followed by a batch norm, which in evaluation mode is
    a scale and a shift of each channel, and so becomes part of the convolution.

    Args:
        network: from ``build_network`` or ``Supernet.inherit``, batch norms recalibrated.
    """
    out: FoldedWeights = []
    conv: nn.Conv2d | None = None
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            conv = module
        elif isinstance(module, nn.BatchNorm2d):
            assert conv is not None and module.running_mean is not None
            assert module.running_var is not None
            weight, bias = fuse_conv_bn_weights(
                conv.weight,
                None,
                module.running_mean,
                module.running_var,
                module.eps,
                module.weight,
                module.bias,
            )
            out.append((weight.cpu().numpy(), bias.cpu().numpy()))
            conv = None
        elif isinstance(module, nn.Linear):
            out.append((module.weight.cpu().numpy(), module.bias.cpu().numpy()))
    return out
