"""What several networks are made of: the width rule, fresh weights, the way back up of decoders."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEAD_STRIDE, HEAD_PADDING = (1, 2, 2), (1, 1, 1)
FIRST_HEAD = 0.4  # standard deviation of a decoder's first output, of inputs of unit variance


def scaled(channels: int, width: float) -> int:
    """A layer's channels at a width: the nearest multiple of 8 (halves up), at least 8.

    All published channel numbers here are multiples of 8, so width 1 is the published network.
    """
    return max(8, 8 * int(channels * width / 8 + 0.5))


def initialise_convolutions(module: nn.Module) -> None:
    """He's normal initialisation, fan-out mode, of every convolution; biases start at zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def initialise_classifier(layer: nn.Linear | nn.Conv3d, std: float) -> None:
    """Small normal weights and a zero bias, so that training starts from even class scores."""
    nn.init.normal_(layer.weight, std=std)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)


class Upsample(nn.Sequential):
    """A transposed convolution that doubles height, width and, unless told, time; norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, *, double_time: bool = True) -> None:
        kernel, stride = ((4, 4, 4), (2, 2, 2)) if double_time else ((3, 4, 4), (1, 2, 2))
        super().__init__(
            nn.ConvTranspose3d(in_channels, out_channels, kernel, stride, padding=1, bias=False),
            nn.BatchNorm3d(out_channels),
            nn.ReLU(inplace=True),
        )


def head(in_channels: int, out_channels: int, first: float = 0.0) -> nn.ConvTranspose3d:
    """The last transposed convolution of a decoder: doubles height and width.

    It starts near the constant `first`, the best guess that looks at nothing: a unit of what it
    reads changes its output by FIRST_HEAD. With weights of zero nothing below it would be taught
    before they grow (docs/decisions.md).
    """
    layer = nn.ConvTranspose3d(in_channels, out_channels, (3, 4, 4), HEAD_STRIDE, HEAD_PADDING)
    taps = in_channels * math.prod(layer.kernel_size) / math.prod(HEAD_STRIDE)  # that meet
    nn.init.normal_(layer.weight, std=FIRST_HEAD / math.sqrt(taps))
    assert layer.bias is not None
    nn.init.constant_(layer.bias, first)
    return layer


def pointwise(layer: nn.Conv3d, x_BCTHW: Tensor) -> Tensor:
    """A convolution of one position at a time, as a matrix product of a channels-last clip.

    It is faster as such, and channels stay last: with one thread PyTorch computes such convolutions
    without oneDNN, and everything behind them would run in the slower layout.
    """
    if not x_BCTHW.is_contiguous(memory_format=torch.channels_last_3d):
        return layer(x_BCTHW)
    weight = layer.weight.flatten(1)
    return F.linear(x_BCTHW.movedim(1, -1), weight, layer.bias).movedim(-1, 1)


def crop(x_BCTHW: Tensor, size: torch.Size | tuple[int, int, int]) -> Tensor:
    """The first T, H and W positions: rounding up in the encoder leaves the decoders some more."""
    if x_BCTHW.shape[2:] == size:  # slicing would copy the whole gradient
        return x_BCTHW
    time, height, width = size
    return x_BCTHW[:, :, :time, :height, :width]
