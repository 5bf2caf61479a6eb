"""Sun-OFF: optical-flow-guided features on a frozen TSN (Sun et al. 2018).

The layers are those of the authors' network definition for UCF101. A run of this network starts
from a TSN of the same input; the published figures add both networks' scores.

Shapes: B clips, T segments, C channels; the OFF units see T - 1 pairs of neighbours.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rev2net.models.layers import initialise_classifier, initialise_convolutions, scaled
from rev2net.models.network import Outputs, VideoNetwork
from rev2net.models.spec import InputSpec
from rev2net.models.tsn import BLOCKS, BNInception

BIAS = 0.2  # where convolutions start (the authors' definition)


class OFFUnit(nn.Module):
    """Spatial gradients of a feature map beside its change from one segment to the next.

    The fixed filter adds the horizontal and the vertical derivative, as the authors' "sobel" does.
    """

    sobel: Tensor

    def __init__(self, in_channels: int, temporal: int, spatial: int, dropout: float) -> None:
        super().__init__()
        self.temporal = nn.Conv2d(in_channels, temporal, 1)
        self.spatial = nn.Conv2d(in_channels, spatial, 1)
        self.dropout = nn.Dropout(dropout)
        derivatives = torch.tensor([[0.0, 1.0, 0.0], [-1.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
        sobel = derivatives.repeat(spatial, 1, 1, 1)
        self.register_buffer("sobel", sobel, persistent=False)

    def forward(self, x_BTCHW: Tensor) -> Tensor:
        """Maps (B * (T - 1), spatial + temporal, H, W)."""
        batch = len(x_BTCHW)
        moving = F.relu_(self.temporal(x_BTCHW.flatten(0, 1))).unflatten(0, (batch, -1))
        change = (moving[:, 1:] - moving[:, :-1]).flatten(0, 1)
        reduced = self.spatial(x_BTCHW[:, :-1].flatten(0, 1))
        gradient = F.conv2d(reduced, self.sobel, padding=1, groups=len(self.sobel))
        return torch.cat((self.dropout(gradient), change), dim=1)


class Residual(nn.Module):
    """1x1, 3x3 and a last convolution beside an identity, or a 1x1 projection."""

    def __init__(self, before: int, inner: int, after: int, *, last_kernel: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, inner, 1)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1)
        self.conv3 = nn.Conv2d(inner, after, last_kernel, padding=last_kernel // 2)
        self.projection = nn.Conv2d(before, after, 1) if before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        branch = F.relu_(self.conv2(F.relu_(self.conv1(x))))
        return self.conv3(branch) + self.projection(x)


class Scale(nn.Module):
    """The OFF sub-network of one resolution: fuse the units' maps, then residual blocks."""

    def __init__(self, stem: nn.Conv2d, *blocks: Residual, last_relu: bool = True) -> None:
        super().__init__()
        self.stem = stem
        self.blocks = nn.ModuleList(blocks)
        self.last_relu = last_relu

    def forward(self, *maps: Tensor) -> Tensor:
        x = F.relu_(self.stem(torch.cat(maps, dim=1)))
        for index, block in enumerate(self.blocks):
            x = block(x)
            if self.last_relu or index + 1 < len(self.blocks):
                x = F.relu_(x)
        return x


class OFF(VideoNetwork):
    """Logits (B, num_classes) of the last OFF head from segments x_BTCHW.

    `forward_train` gives "logits_28" and "logits_14" too, the heads named for their resolution at
    224 x 224: each has its own loss. The backbone is frozen: it takes neither gradients nor
    statistics.
    """

    def __init__(
        self,
        num_classes: int,
        input_spec: InputSpec,
        *,
        width: float = 1.0,
        dropout: float = 0.8,
    ) -> None:
        super().__init__(input_spec)
        self.backbone = BNInception(input_spec.channels, width=width).requires_grad_(False)
        temporal, spatial = scaled(128, width), scaled(32, width)
        self.units = nn.ModuleDict(
            {
                name: OFFUnit(self.backbone.channels[name], temporal, spatial, dropout)
                for name in BLOCKS
                if name != "4e"
            }
        )
        unit = temporal + spatial
        c64, c128, c256, c512, c1024 = (scaled(c, width) for c in (64, 128, 256, 512, 1024))
        self.scale_28 = Scale(
            nn.Conv2d(2 * unit, c64, 7, stride=2, padding=3),
            Residual(c64, c64, c256),
            Residual(c256, c64, c256),
            Residual(c256, c64, c256),
        )
        self.scale_14 = Scale(
            nn.Conv2d(5 * unit + c256, c128, 5, stride=2, padding=2),
            Residual(c128, c128, c512),
            Residual(c512, c128, c512, last_kernel=3),
        )
        self.scale_7 = Scale(
            nn.Conv2d(2 * unit + c512, c256, 3, padding=1),
            Residual(c256, c256, c1024),
            last_relu=False,
        )
        self.dropout = nn.Dropout(dropout)
        self.head_28 = nn.Linear(c256, num_classes)
        self.head_14 = nn.Linear(c512, num_classes)
        self.head_7 = nn.Linear(c1024, num_classes)
        for part in (self.units, self.scale_28, self.scale_14, self.scale_7):
            initialise_convolutions(part)
            for layer in part.modules():
                if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                    nn.init.constant_(layer.bias, BIAS)
        for head in (self.head_28, self.head_14, self.head_7):
            initialise_classifier(head, std=0.001)
        self.train()

    def forward(self, x: Tensor) -> Tensor:
        maps_7 = self.off_maps(x)[2]
        return self.classify(self.head_7, maps_7, len(x))[0]

    def forward_train(self, x: Tensor, *, decode_first: int | None = None) -> Outputs:
        maps_28, maps_14, maps_7 = self.off_maps(x)
        maps_28 = F.max_pool2d(maps_28, 3, 2, ceil_mode=True)
        logits, features = self.classify(self.head_7, maps_7, len(x))
        return {
            "logits": logits,
            "logits_14": self.classify(self.head_14, maps_14, len(x))[0],
            "logits_28": self.classify(self.head_28, maps_28, len(x))[0],
            "features": features,
        }

    def stages(self) -> dict[str, nn.Module]:
        scales = {"scale_28": self.scale_28, "scale_14": self.scale_14, "scale_7": self.scale_7}
        return {**self.backbone.stages(), **scales}

    def off_maps(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The outputs (B * (T - 1), C, H', W') of the three scales, finest first."""
        self.check(x)
        with torch.no_grad():
            x_NCHW = self.lay_out(x.flatten(0, 1))
            blocks = self.backbone.blocks(x_NCHW, list(self.units))
        off = {
            name: unit(blocks[name].unflatten(0, x.shape[:2])) for name, unit in self.units.items()
        }
        maps_28 = self.scale_28(off["3a"], off["3b"])
        maps_14 = self.scale_14(*(off[name] for name in ("3c", "4a", "4b", "4c", "4d")), maps_28)
        maps_7 = self.scale_7(off["5a"], off["5b"], maps_14)
        return maps_28, maps_14, maps_7

    def classify(self, head: nn.Linear, maps: Tensor, batch: int) -> tuple[Tensor, Tensor]:
        """Logits (B, num_classes) and pooled features (B, C), averaged over pairs of segments."""
        features = maps.mean((2, 3)).unflatten(0, (batch, -1))
        return head(self.dropout(features)).mean(1), features.mean(1)

    def train(self, mode: bool = True) -> "OFF":
        super().train(mode)
        self.backbone.eval()
        return self
