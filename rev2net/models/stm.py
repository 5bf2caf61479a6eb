"""STM: spatio-temporal and motion encoding in every block of ResNet-50 (Jiang et al. 2019).

Shapes: N = B * T images (B clips of T segments), C channels, H x W pixels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rev2net.models.network import SegmentNetwork
from rev2net.models.resnet import Bottleneck, ResNet50, conv

MOTION_REDUCTION = 16


class TemporalConvolution(nn.Conv3d):
    """A convolution over 3 segments, one filter a channel (the temporal half of CSTM).

    It starts as the shift: the first quarter of the channels takes the segment before, the last
    quarter the one after.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(
            channels, channels, (3, 1, 1), padding=(1, 0, 0), groups=channels, bias=False
        )
        self.reset_to_shift()

    def reset_to_shift(self) -> None:
        quarter = self.out_channels // 4
        tap_C = torch.ones(self.out_channels, dtype=torch.long)
        tap_C[:quarter], tap_C[-quarter:] = 0, 2
        with torch.no_grad():
            self.weight.copy_(F.one_hot(tap_C, 3).reshape(self.weight.shape))

    def across_segments(self, x_NCHW: Tensor, num_segments: int) -> Tensor:
        # Of channels-last images this view is a channels-last clip: nothing is copied.
        x_BCTHW = x_NCHW.unflatten(0, (-1, num_segments)).transpose(1, 2)
        return self(x_BCTHW).transpose(1, 2).flatten(0, 1)


class MotionModule(nn.Module):
    """CMM: the difference of reduced features from each segment to the next, zero for the last."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        reduced = max(1, channels // MOTION_REDUCTION)
        self.reduce = conv(channels, reduced, 1)
        self.bn = nn.BatchNorm2d(reduced)
        self.spatial = nn.Conv2d(reduced, reduced, 3, padding=1, groups=reduced, bias=False)
        self.expand = conv(reduced, channels, 1)

    def forward(self, x_NCHW: Tensor, num_segments: int) -> Tensor:
        now = self.bn(self.reduce(x_NCHW))
        following = self.spatial(now).unflatten(0, (-1, num_segments))[:, 1:]
        now = now.unflatten(0, (-1, num_segments))[:, :-1]
        motion = F.pad(following - now, (0, 0) * 3 + (0, 1)).flatten(0, 1)
        return self.expand(motion.contiguous(memory_format=torch.channels_last))


class STMBlock(Bottleneck):
    """A bottleneck whose 3x3 convolution became CSTM + CMM.

    As in the authors' code: batch normalisation without ReLU after CMM's reduction, none after
    its expansion, and a max pool where the block halves the size.
    """

    def __init__(self, in_channels: int, channels: int, out_channels: int, stride: int) -> None:
        super().__init__(in_channels, channels, out_channels, stride)
        self.stride = stride
        self.temporal = TemporalConvolution(channels)
        self.motion = MotionModule(channels)

    def residual(self, x: Tensor, num_segments: int) -> Tensor:
        x = F.relu_(self.bn1(self.conv1(x)))
        motion = self.motion(x, num_segments)
        if self.stride > 1:
            motion = F.max_pool2d(motion, self.stride, ceil_mode=True)
        x = self.temporal.across_segments(x, num_segments)
        x = F.relu_(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x + motion))


class STM(SegmentNetwork):
    """Logits (B, num_classes) from segments x_BTCHW; the paper names no dropout."""

    def make_backbone(self, width: float) -> ResNet50:
        backbone = ResNet50(self.input_spec.channels, width=width, block=STMBlock)
        for module in backbone.modules():
            if isinstance(module, TemporalConvolution):
                module.reset_to_shift()
        return backbone
