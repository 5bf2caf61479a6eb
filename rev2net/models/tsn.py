"""TSN: temporal segment networks (Wang et al. 2016) on BN-Inception (Ioffe and Szegedy 2015).

The backbone is the Caffe model: parameter names are those of its widespread PyTorch port
(`conv1_7x7_s2.weight`, `inception_3a_double_3x3_1_bn.running_mean`), so its weights load as they
are.

Shapes: N images, C channels, H x W pixels.
"""

from collections.abc import Collection
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rev2net.models.layers import initialise_convolutions, scaled
from rev2net.models.network import Backbone, SegmentNetwork


class Block(NamedTuple):
    """A row of the table: the output channels of each convolution of an inception block.

    A block without a 1x1 branch halves height and width: its last 3x3 convolutions have stride 2
    and its pool, a max pool of stride 2, has no projection.
    """

    one: int
    three_reduce: int
    three: int
    double_reduce: int
    double: int
    pool: str  # "average" or "max"
    projection: int


BLOCKS = {  # output channels, size for 224 x 224 input
    "3a": Block(64, 64, 64, 64, 96, "average", 32),  # 256, 28 x 28
    "3b": Block(64, 64, 96, 64, 96, "average", 64),  # 320
    "3c": Block(0, 128, 160, 64, 96, "max", 0),  # 576, 14 x 14
    "4a": Block(224, 64, 96, 96, 128, "average", 128),  # 576
    "4b": Block(192, 96, 128, 96, 128, "average", 128),  # 576
    "4c": Block(160, 128, 160, 128, 160, "average", 128),  # 608
    "4d": Block(96, 128, 192, 160, 192, "average", 128),  # 608
    "4e": Block(0, 128, 192, 192, 256, "max", 0),  # 1056, 7 x 7
    "5a": Block(352, 192, 320, 160, 224, "average", 128),  # 1024
    "5b": Block(352, 192, 320, 192, 224, "max", 128),  # 1024
}


class BNInception(Backbone):
    """Feature maps (N, 1024, H/32, W/32), rounded up, of images x_NCHW."""

    def __init__(self, in_channels: int, *, width: float = 1.0) -> None:
        super().__init__()

        def unit(name: str, before: int, after: int, kernel: int = 1, stride: int = 1) -> int:
            """Register a convolution and its batch normalisation; returns the output channels."""
            conv = nn.Conv2d(before, after, kernel, stride, padding=kernel // 2)
            self.add_module(name, conv)
            self.add_module(f"{name}_bn", nn.BatchNorm2d(after))
            return after

        channels = unit("conv1_7x7_s2", in_channels, scaled(64, width), 7, 2)
        channels = unit("conv2_3x3_reduce", channels, scaled(64, width))
        channels = unit("conv2_3x3", channels, scaled(192, width), 3)
        self.channels: dict[str, int] = {}  # of every block
        for name, block in BLOCKS.items():
            start, stride = f"inception_{name}", 1 if block.one else 2
            three = unit(f"{start}_3x3_reduce", channels, scaled(block.three_reduce, width))
            three = unit(f"{start}_3x3", three, scaled(block.three, width), 3, stride)
            double = unit(
                f"{start}_double_3x3_reduce", channels, scaled(block.double_reduce, width)
            )
            double = unit(f"{start}_double_3x3_1", double, scaled(block.double, width), 3)
            double = unit(f"{start}_double_3x3_2", double, scaled(block.double, width), 3, stride)
            if block.one:
                one = unit(f"{start}_1x1", channels, scaled(block.one, width))
                pooled = unit(f"{start}_pool_proj", channels, scaled(block.projection, width))
                channels = one + three + double + pooled
            else:
                channels = three + double + channels
            self.add_module(f"{start}_output", nn.Identity())  # the block itself is no module
            self.channels[name] = channels
        self.out_channels = channels
        initialise_convolutions(self)

    def forward(self, x_NCHW: Tensor, num_segments: int = 1) -> Tensor:
        """Every image is seen by itself, however many make a clip."""
        return self.blocks(x_NCHW)["5b"]

    def blocks(self, x: Tensor, names: Collection[str] = ()) -> dict[str, Tensor]:
        """The outputs of the named blocks and of the last one, by name."""
        x = F.max_pool2d(self._unit("conv1_7x7_s2", x), 3, 2, ceil_mode=True)
        x = self._unit("conv2_3x3", self._unit("conv2_3x3_reduce", x))
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        taps = {}
        for name, block in BLOCKS.items():
            x = self.get_submodule(f"inception_{name}_output")(self._block(name, block, x))
            if name in names:
                taps[name] = x
        return {**taps, name: x}

    def stages(self) -> dict[str, nn.Module]:
        return {f"inception_{n}": self.get_submodule(f"inception_{n}_output") for n in BLOCKS}

    def _block(self, name: str, block: Block, x: Tensor) -> Tensor:
        start = f"inception_{name}"
        three = self._unit(f"{start}_3x3", self._unit(f"{start}_3x3_reduce", x))
        double = self._unit(f"{start}_double_3x3_reduce", x)
        double = self._unit(f"{start}_double_3x3_1", double)
        double = self._unit(f"{start}_double_3x3_2", double)
        if not block.one:
            # The public network cannot take odd sizes here: its pool gives one position fewer than
            # the convolutions. Padding those sizes, and only those, makes them agree.
            odd = [size % 2 for size in x.shape[2:]]
            pooled = F.max_pool2d(x, 3, 2, odd, ceil_mode=True)
            return torch.cat((three, double, pooled), dim=1)
        pool = F.max_pool2d if block.pool == "max" else F.avg_pool2d
        pooled = self._unit(f"{start}_pool_proj", pool(x, 3, 1, 1))
        return torch.cat((self._unit(f"{start}_1x1", x), three, double, pooled), dim=1)

    def _unit(self, name: str, x: Tensor) -> Tensor:
        x = self.get_submodule(name)(x)
        return F.relu_(self.get_submodule(f"{name}_bn")(x))


class TSN(SegmentNetwork):
    """Logits (B, num_classes) from segments x_BTCHW: one RGB frame each, or a stack of 5 flow
    fields or frame differences in C."""

    def make_backbone(self, width: float) -> BNInception:
        return BNInception(self.input_spec.channels, width=width)

    def usual_dropout(self) -> float:
        return 0.7 if self.input_spec.modality == "flow" else 0.8
