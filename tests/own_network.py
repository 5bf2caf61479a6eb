"""A network and an adaptation term outside the package, as a user writes them."""

from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from rev2net.models.layers import scaled
from rev2net.models.network import Outputs, VideoNetwork
from rev2net.models.spec import InputSpec, input_spec


class PlainNetwork(VideoNetwork):
    """Three 3D convolutions and the mean over all positions, of clips (B, 3, T, H, W)."""

    # As I3D's, but for shorter and smaller clips.
    input_specs: ClassVar = {"rgb": replace(input_spec("i3d"), length=16, size=112, min_length=4)}

    def __init__(
        self, num_classes: int, input_spec: InputSpec, *, width: float = 1.0, dropout: float = 0.5
    ) -> None:
        super().__init__(input_spec)
        layers: list[nn.Module] = []
        channels = input_spec.channels
        for published in (64, 128, 256):
            before, channels = channels, scaled(published, width)
            layers.append(nn.Conv3d(before, channels, 3, stride=(1, 2, 2), padding=1, bias=False))
            layers += [nn.BatchNorm3d(channels), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(channels, num_classes)

    def forward_train(self, x: Tensor, *, decode_first: int | None = None) -> Outputs:
        self.check(x)
        features = self.convolutions(self.lay_out(x)).mean((2, 3, 4))
        return {"logits": self.classifier(self.dropout(features)), "features": features}

    def forward(self, x: Tensor) -> Tensor:
        logits = self.forward_train(x)["logits"]
        assert isinstance(logits, Tensor)
        return logits


def coral(source: Tensor, target: Tensor) -> Tensor:
    """|C_S - C_T|^2 / (4 D^2), C the covariance of features (B, D): deep CORAL (Sun 2016)."""
    difference = torch.cov(source.T) - torch.cov(target.T)
    return difference.square().sum() / (4 * source.shape[1] ** 2)
