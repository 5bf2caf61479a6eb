"""ResNet-50: the 2D backbone of TSM and STM (He et al. 2016; stride on the 3x3, as torchvision).

Parameter names are torchvision's (`layer1.0.conv1.weight`, `layer1.0.downsample.0.weight`), so
public weights load as they are.

Shapes: N = B * T images (B clips of T segments), C channels, H x W pixels.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from rev2net.models.layers import initialise_convolutions, scaled
from rev2net.models.network import Backbone

LAYERS = {"layer1": 3, "layer2": 4, "layer3": 6, "layer4": 3}  # blocks of each stage
EXPANSION = 4  # output channels of a block over those of its 3x3 convolution


def conv(before: int, after: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size at stride 1; batch normalisation brings the bias."""
    return nn.Conv2d(before, after, kernel, stride, padding=kernel // 2, bias=False)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution beside an identity (or a 1x1 projection where shapes differ)."""

    def __init__(self, in_channels: int, channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv(in_channels, channels, 1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = conv(channels, channels, 3, stride)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = conv(channels, out_channels, 1)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                conv(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor, num_segments: int) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu_(self.residual(x, num_segments).add_(shortcut))

    def residual(self, x: Tensor, num_segments: int) -> Tensor:
        """The branch that is added to the shortcut; video networks override it."""
        x = F.relu_(self.bn1(self.conv1(x)))
        x = F.relu_(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))


class ResNet50(Backbone):
    """Feature maps (N, 2048, H/32, W/32), rounded up, of images x_NCHW."""

    def __init__(
        self, in_channels: int, *, width: float = 1.0, block: type[Bottleneck] = Bottleneck
    ) -> None:
        super().__init__()
        channels = scaled(64, width)
        self.conv1 = conv(in_channels, channels, 7, 2)
        self.bn1 = nn.BatchNorm2d(channels)
        for index, (name, depth) in enumerate(LAYERS.items()):
            inner = scaled(64 * 2**index, width)
            stage = nn.ModuleList()
            for position in range(depth):
                stride = 2 if index > 0 and position == 0 else 1
                stage.append(block(channels, inner, EXPANSION * inner, stride))
                channels = EXPANSION * inner
            self.add_module(name, stage)
        self.out_channels = channels
        initialise_convolutions(self)

    def forward(self, x_NCHW: Tensor, num_segments: int) -> Tensor:
        x = F.relu_(self.bn1(self.conv1(x_NCHW)))
        x = F.max_pool2d(x, 3, 2, padding=1)
        for name in LAYERS:
            for block in self.get_submodule(name).children():
                x = block(x, num_segments)
        return x

    def stages(self) -> dict[str, nn.Module]:
        """A stage ends with its last block."""
        return {name: [*self.get_submodule(name).children()][-1] for name in LAYERS}
