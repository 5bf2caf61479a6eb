"""ActionFlowNet: a 3D ResNet-18 that also predicts flow (Ng et al. 2018).

The paper names the encoder, the joint decoder and the end-point error. The layers in detail are
ours: the encoder is the field's usual 3D ResNet-18 with torchvision's parameter names
(`stem.0.weight`, `layer1.0.conv1.0.weight`), the decoder goes back through its stages with their
maps alongside, as FlowNet does.

Shapes: B clips, of which B' are decoded; C channels, T frames, H x W pixels; x_BCTHW in [-1, 1].
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rev2net.models.layers import (
    Upsample,
    crop,
    head,
    initialise_classifier,
    initialise_convolutions,
    scaled,
)
from rev2net.models.network import Outputs, VideoNetwork
from rev2net.models.spec import InputSpec


def conv(before: int, after: int, stride: int) -> nn.Conv3d:
    return nn.Conv3d(before, after, 3, stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3x3 convolutions beside an identity, or a projection where shapes differ."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            conv(in_channels, channels, stride), nn.BatchNorm3d(channels), nn.ReLU(inplace=True)
        )
        self.conv2 = nn.Sequential(conv(channels, channels, 1), nn.BatchNorm3d(channels))
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != channels:
            self.downsample = nn.Sequential(
                nn.Conv3d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm3d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu_(self.conv2(self.conv1(x)).add_(shortcut))


class FlowDecoder(nn.Module):
    """Flow (B', 2, T, H, W) from the maps of the four stages, finest first."""

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        c1, c2, c3, c4 = channels
        self.up3 = Upsample(c4, c3)
        self.up2 = Upsample(2 * c3, c2)
        self.up1 = Upsample(2 * c2, c1)
        self.flow = head(2 * c1, 2)

    def forward(self, maps: list[Tensor], size: torch.Size) -> Tensor:
        x = maps[-1]
        for up, skip in zip((self.up3, self.up2, self.up1), maps[-2::-1], strict=True):
            x = torch.cat((crop(up(x), skip.shape[2:]), skip), dim=1)
        return crop(self.flow(x), size).contiguous()


class ActionFlowNet(VideoNetwork):
    """Logits (B, num_classes) from x_BCTHW.

    `forward_train` gives "flow" (B', 2, T, H, W) too, x then y, in units that the loss fixes.
    """

    def __init__(
        self,
        num_classes: int,
        input_spec: InputSpec,
        *,
        width: float = 1.0,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(input_spec)
        channels = [scaled(c, width) for c in (64, 128, 256, 512)]
        self.stem = nn.Sequential(
            nn.Conv3d(
                input_spec.channels, channels[0], (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False
            ),
            nn.BatchNorm3d(channels[0]),
            nn.ReLU(inplace=True),
        )
        before = channels[0]
        for index, after in enumerate(channels, start=1):
            stride = 1 if index == 1 else 2
            stage = nn.Sequential(BasicBlock(before, after, stride), BasicBlock(after, after, 1))
            self.add_module(f"layer{index}", stage)
            before = after
        initialise_convolutions(self)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels[-1], num_classes)
        initialise_classifier(self.fc, std=0.01)
        self.flow_decoder = FlowDecoder(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.dropout(self.stage_maps(x)[-1].mean((2, 3, 4))))

    def forward_train(self, x: Tensor, *, decode_first: int | None = None) -> Outputs:
        maps = self.stage_maps(x)
        features = maps[-1].mean((2, 3, 4))
        return {
            "logits": self.fc(self.dropout(features)),
            "features": features,
            "flow": self.flow_decoder([m[:decode_first] for m in maps], x.shape[2:]),
        }

    def stage_maps(self, x: Tensor) -> list[Tensor]:
        """The outputs of the four stages, finest first."""
        self.check(x)
        x = self.stem(self.lay_out(x))
        maps = []
        for stage in self.stages().values():
            x = stage(x)
            maps.append(x)
        return maps

    def stages(self) -> dict[str, nn.Module]:
        return {f"layer{i}": self.get_submodule(f"layer{i}") for i in (1, 2, 3, 4)}
