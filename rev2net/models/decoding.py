"""What decoders are made of: transposed convolutions back to the clip's size."""

import torch
from torch import Tensor, nn

HEAD_STRIDE, HEAD_PADDING = (1, 2, 2), (1, 1, 1)


class Upsample(nn.Sequential):
    """A transposed convolution that doubles time, height and width; normalised, ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.ConvTranspose3d(in_channels, out_channels, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm3d(out_channels),
            nn.ReLU(inplace=True),
        )


def head(in_channels: int, out_channels: int) -> nn.ConvTranspose3d:
    """The last transposed convolution of a decoder: doubles height and width."""
    return nn.ConvTranspose3d(in_channels, out_channels, (3, 4, 4), HEAD_STRIDE, HEAD_PADDING)


def crop(x_BCTHW: Tensor, size: torch.Size) -> Tensor:
    """The first T, H and W positions: rounding up in the encoder leaves the decoders some more."""
    if x_BCTHW.shape[2:] == size:  # slicing would copy the whole gradient
        return x_BCTHW
    time, height, width = size
    return x_BCTHW[:, :, :time, :height, :width]
