"""What decoders are made of: transposed convolutions back to the clip's size."""

import torch
from torch import Tensor, nn

HEAD_STRIDE, HEAD_PADDING = (1, 2, 2), (1, 1, 1)


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

    It starts as the constant `first`: a decoder begins with the best guess that looks at nothing.
    """
    layer = nn.ConvTranspose3d(in_channels, out_channels, (3, 4, 4), HEAD_STRIDE, HEAD_PADDING)
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.constant_(layer.bias, first)
    return layer


def crop(x_BCTHW: Tensor, size: torch.Size | tuple[int, int, int]) -> Tensor:
    """The first T, H and W positions: rounding up in the encoder leaves the decoders some more."""
    if x_BCTHW.shape[2:] == size:  # slicing would copy the whole gradient
        return x_BCTHW
    time, height, width = size
    return x_BCTHW[:, :, :time, :height, :width]
