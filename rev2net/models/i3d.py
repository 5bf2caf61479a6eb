"""I3D: Inception-v1 with its filters inflated to 3D (Carreira and Zisserman 2017).

Parameter names are those of the public PyTorch checkpoints (`Conv3d_1a_7x7.conv3d.weight`,
`Mixed_3b.b1a.bn.running_mean`, `logits.conv3d.weight`), so they load as they are.

Shapes: B clips, C channels, T frames, H x W pixels; x_BCTHW in [-1, 1].
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rev2net.models.layers import initialise_classifier, initialise_convolutions, pointwise, scaled
from rev2net.models.network import Outputs, VideoNetwork
from rev2net.models.spec import InputSpec

Triple = tuple[int, int, int]

BN_EPSILON = 1e-3


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's "same" padding along one axis, (before, after): one more after where odd.

    The output has ceil(size / stride) positions.
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class Unit3D(nn.Module):
    """Convolution with "same" padding, batch normalisation, ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: Triple = (1, 1, 1),
        stride: Triple = (1, 1, 1),
        *,
        bn_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv3d = nn.Conv3d(in_channels, out_channels, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(out_channels, eps=BN_EPSILON, momentum=bn_momentum)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(self.bn(self.convolve(x)))

    def convolve(self, x: Tensor) -> Tensor:
        weight = self.conv3d.weight
        if self.kernel == self.stride == (1, 1, 1):
            return pointwise(self.conv3d, x)
        pads = [
            same_padding(*axis) for axis in zip(x.shape[2:], self.kernel, self.stride, strict=True)
        ]
        if all(before == after for before, after in pads):
            return F.conv3d(x, weight, None, self.stride, [before for before, _ in pads])
        (t0, t1), (h0, h1), (w0, w1) = pads
        return F.conv3d(F.pad(x, (w0, w1, h0, h1, t0, t1)), weight, None, self.stride)


class SameMaxPool3d(nn.Module):
    """Max pooling with "same" padding, for inputs that are not negative."""

    def __init__(self, kernel: Triple, stride: Triple) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        # ceil_mode adds the odd position at the end, exactly where "same" padding puts it.
        before = [
            same_padding(*axis)[0]
            for axis in zip(x.shape[2:], self.kernel, self.stride, strict=True)
        ]
        return F.max_pool3d(x, self.kernel, self.stride, before, ceil_mode=True)


class InceptionModule(nn.Module):
    """Four branches side by side: 1x1x1; 1x1x1 then 3x3x3, twice; max pool then 1x1x1.

    `channels` are the six numbers of a row of GoogLeNet's table: the 1x1 branch, reduction and
    output of the first and of the second 3x3 branch, and the pool's projection.
    """

    def __init__(self, in_channels: int, channels: Sequence[int], bn_momentum: float) -> None:
        super().__init__()
        one, reduce1, three1, reduce2, three2, projection = channels

        def unit(before: int, after: int, kernel: Triple = (1, 1, 1)) -> Unit3D:
            return Unit3D(before, after, kernel, bn_momentum=bn_momentum)

        self.b0 = unit(in_channels, one)
        self.b1a = unit(in_channels, reduce1)
        self.b1b = unit(reduce1, three1, (3, 3, 3))
        self.b2a = unit(in_channels, reduce2)
        self.b2b = unit(reduce2, three2, (3, 3, 3))
        self.b3a = SameMaxPool3d((3, 3, 3), (1, 1, 1))
        self.b3b = unit(in_channels, projection)

    def forward(self, x: Tensor) -> Tensor:
        branches = (
            self.b0(x),
            self.b1b(self.b1a(x)),
            self.b2b(self.b2a(x)),
            self.b3b(self.b3a(x)),
        )
        return torch.cat(branches, dim=1)


class Logits(nn.Module):
    """The classifier: a 1x1x1 convolution with bias."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, num_classes, 1)
        initialise_classifier(self.conv3d, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv3d(x)


class I3D(VideoNetwork):
    """Inflated Inception-v1: logits (B, num_classes) from x_BCTHW."""

    def __init__(
        self,
        num_classes: int,
        input_spec: InputSpec,
        *,
        width: float = 1.0,
        dropout: float = 0.5,
        bn_momentum: float = 0.1,  # the public port's 0.01 lags behind in short schedules
    ) -> None:
        super().__init__(input_spec)
        self.channels: dict[str, int] = {}  # of every endpoint, in order
        channels = input_spec.channels

        def endpoint(name: str, layer: nn.Module) -> None:
            self.add_module(name, layer)
            self.channels[name] = channels

        def conv(name: str, out_channels: int, kernel: Triple, stride: Triple = (1, 1, 1)) -> None:
            nonlocal channels
            before, channels = channels, scaled(out_channels, width)
            endpoint(name, Unit3D(before, channels, kernel, stride, bn_momentum=bn_momentum))

        def pool(name: str, kernel: Triple, stride: Triple) -> None:
            endpoint(name, SameMaxPool3d(kernel, stride))

        def mixed(name: str, *table_row: int) -> None:
            nonlocal channels
            before, row = channels, [scaled(c, width) for c in table_row]
            channels = row[0] + row[2] + row[4] + row[5]
            endpoint(name, InceptionModule(before, row, bn_momentum))

        conv("Conv3d_1a_7x7", 64, (7, 7, 7), (2, 2, 2))  # T/2 x H/2 x W/2, rounded up as all below
        pool("MaxPool3d_2a_3x3", (1, 3, 3), (1, 2, 2))
        conv("Conv3d_2b_1x1", 64, (1, 1, 1))  # T/2 x H/4 x W/4
        conv("Conv3d_2c_3x3", 192, (3, 3, 3))
        pool("MaxPool3d_3a_3x3", (1, 3, 3), (1, 2, 2))
        mixed("Mixed_3b", 64, 96, 128, 16, 32, 32)  # 256 channels, T/2 x H/8 x W/8
        mixed("Mixed_3c", 128, 128, 192, 32, 96, 64)  # 480
        pool("MaxPool3d_4a_3x3", (3, 3, 3), (2, 2, 2))
        mixed("Mixed_4b", 192, 96, 208, 16, 48, 64)  # 512, T/4 x H/16 x W/16
        mixed("Mixed_4c", 160, 112, 224, 24, 64, 64)  # 512
        mixed("Mixed_4d", 128, 128, 256, 24, 64, 64)  # 512
        mixed("Mixed_4e", 112, 144, 288, 32, 64, 64)  # 528
        mixed("Mixed_4f", 256, 160, 320, 32, 128, 128)  # 832
        pool("MaxPool3d_5a_2x2", (2, 2, 2), (2, 2, 2))
        mixed("Mixed_5b", 256, 160, 320, 32, 128, 128)  # 832, T/8 x H/32 x W/32
        mixed("Mixed_5c", 384, 192, 384, 48, 128, 128)  # 1024
        initialise_convolutions(self)
        self.dropout = nn.Dropout(dropout)
        self.logits = Logits(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.pool(self.endpoints(x)[0]))

    def forward_train(self, x: Tensor, *, decode_first: int | None = None) -> Outputs:
        pooled = self.pool(self.endpoints(x)[0])
        return {"logits": self.classify(pooled), "features": pooled.mean((2, 3, 4))}

    def stages(self) -> dict[str, nn.Module]:
        return {name: self.get_submodule(name) for name in self.channels}

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """The stem (to Conv3d_2c) and what is deeper: the Inception modules, 3b to 5c."""
        layers = self.stages().items()
        return {
            part: [p for name, layer in layers if word in name for p in layer.parameters()]
            for part, word in (("stem", "Conv"), ("deep", "Mixed"))
        }

    def endpoints(self, x: Tensor, *names: str) -> tuple[Tensor, dict[str, Tensor]]:
        """What classification is given, and the activations at the named endpoints, by name."""
        self.check(x)
        x = self.lay_out(x)
        taps = {}
        for name, layer in self.stages().items():
            x = layer(x)
            if name in names:
                taps[name] = x
            x = self.passed_on(name, x)
        return x, taps

    def passed_on(self, name: str, x: Tensor) -> Tensor:
        """What comes after an endpoint is given this: its output x, where no task branches off."""
        return x

    def pool(self, x: Tensor) -> Tensor:
        """Average over windows of 2x7x7 positions, or all there are along an axis with fewer."""
        window = [min(size, limit) for size, limit in zip(x.shape[2:], (2, 7, 7), strict=True)]
        return F.avg_pool3d(x, window, stride=1)

    def classify(self, pooled: Tensor) -> Tensor:
        """The mean over positions of the logits of pooled features (B, D, T', H', W')."""
        return self.logits(self.dropout(pooled)).mean((2, 3, 4))
