"""What the 2D networks share: segments as images, averaged logits, partial batch normalisation.

Shapes: B clips, T segments, C channels, H x W pixels, N = B * T images, D features.
"""

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from rev2net.models.network import Outputs, VideoNetwork, initialise_classifier
from rev2net.models.spec import InputSpec


class SegmentNetwork(VideoNetwork):
    """A 2D backbone on every segment; a clip's logits are the mean of its segments' (TSN)."""

    def __init__(
        self,
        backbone: nn.Module,
        feature_channels: int,
        num_classes: int,
        input_spec: InputSpec,
        *,
        dropout: float,
        partial_bn: bool,
    ) -> None:
        """`backbone(x_NCHW, num_segments)` gives maps (N, feature_channels, H', W').

        `partial_bn`: while training, every batch normalisation but the first keeps its
        statistics, scale and shift (TSN section 3.2; meant for pretrained weights).
        """
        super().__init__(input_spec)
        self.partial_bn = partial_bn
        self.backbone = backbone
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(feature_channels, num_classes)
        initialise_classifier(self.classifier, std=0.001)
        self.train()

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.segment_features(x))

    def forward_train(self, x: Tensor, *, decode_first: int | None = None) -> Outputs:
        features_BTD = self.segment_features(x)
        return {"logits": self.classify(features_BTD), "features": features_BTD.mean(1)}

    def segment_features(self, x: Tensor) -> Tensor:
        """Features (B, T, D) of x_BTCHW, averaged over positions."""
        self.check(x)
        x_NCHW = self.lay_out(x.flatten(0, 1))
        maps_NDHW = self.backbone(x_NCHW, x.shape[1])
        return maps_NDHW.mean((2, 3)).unflatten(0, x.shape[:2])

    def classify(self, features_BTD: Tensor) -> Tensor:
        return self.classifier(self.dropout(features_BTD)).mean(1)

    def train(self, mode: bool = True) -> "SegmentNetwork":
        super().train(mode)
        norms = [m for m in self.modules() if isinstance(m, _BatchNorm)]  # synchronised or not
        for norm in norms[1:]:
            norm.train(mode and not self.partial_bn)
            norm.requires_grad_(not self.partial_bn)
        return self
