"""Rev2Net: an I3D that learns to predict flow and to reconstruct its frames in reverse (section 4).

The decoders and the latent heads exist for training. At test time `model(x)` is the I3D it
inherits from, unchanged. What the paper leaves open is decided in docs/decisions.md.

Shapes: B clips, of which B' are decoded; T frames, H x W pixels; C channels of the endpoint that
the decoders stand on, and equally many latent dimensions Z; x_BCTHW in [-1, 1].
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rev2net.models.decoding import HEAD_PADDING, HEAD_STRIDE, Upsample, crop, head
from rev2net.models.i3d import I3D
from rev2net.models.network import Outputs, scaled
from rev2net.models.spec import InputSpec

DECODED_ENDPOINT = "Conv3d_2c_3x3"  # the paper's section 4.2; T/2 x H/4 x W/4

# Variances between e^-10 and e^10 stay finite in half precision, in the KL divergence too.
LOG_VARIANCE_BOUND = 10.0
FIRST_LOG_VARIANCE = -4.0  # a standard deviation of 0.14; batch-normalised maps vary by about 1


class FlowDecoder(nn.Module):
    """Two transposed convolutions; flow (B', 2, T, H, W), x then y, in units of the bound."""

    def __init__(self, in_channels: int, trunk_channels: int) -> None:
        super().__init__()
        self.trunk = Upsample(in_channels, trunk_channels)
        self.flow = head(trunk_channels, 2)

    def forward(self, features: Tensor, size: torch.Size) -> Outputs:
        trunk = self.trunk(features)
        # Laid out like its target, everything after the convolutions runs faster.
        flow = crop(self.flow(trunk), size).contiguous()
        return {"flow": torch.tanh(flow), "flow_maps": [trunk]}


class FrameDecoder(nn.Module):
    """Three transposed convolutions (trunk, foreground, mask) and a convolution (background).

    Composed as in VGAN (Vondrick et al. 2016): mask * foreground + (1 - mask) * background, where
    the background is one image a clip.
    """

    def __init__(self, in_channels: int, trunk_channels: int) -> None:
        super().__init__()
        self.trunk = Upsample(in_channels, trunk_channels)
        self.foreground = head(trunk_channels, 3)
        self.mask = head(trunk_channels, 1)
        self.background = nn.Conv3d(in_channels, 3, (1, 3, 3), padding=(0, 1, 1))

    def forward(self, features: Tensor, size: torch.Size) -> Outputs:
        trunk = self.trunk(features)
        # Both heads in one call: the trunk, the network's largest map, is read once.
        heads = (self.foreground, self.mask)
        weight = torch.cat([layer.weight for layer in heads], dim=1)
        bias = torch.cat([layer.bias for layer in heads if layer.bias is not None])
        both = F.conv_transpose3d(trunk, weight, bias, HEAD_STRIDE, HEAD_PADDING)
        foreground, mask = crop(both, size).contiguous().split((3, 1), dim=1)
        foreground, mask = torch.tanh(foreground), torch.sigmoid(mask)
        # The convolution does not look across time, so it may as well follow the average.
        background = torch.tanh(self.background(features.mean(2, keepdim=True)))
        background = F.interpolate(background, (1, *size[1:]), mode="trilinear")
        return {
            "frames": torch.lerp(background, foreground, mask),
            "foreground": foreground,
            "mask": mask,
            "background": background,
            "frame_maps": [trunk],
        }


class Latent(nn.Module):
    """Mean and log-variance (B', Z) of a diagonal Gaussian from a clip's D pooled features.

    z is added to maps that the decoders must still see. Hence it begins with little variance, and
    the features are divided by sqrt(D): all are positive, so that otherwise one step of an adaptive
    optimiser, the same for each of D weights, would move z farther than the maps vary.
    """

    def __init__(self, in_features: int, latent: int) -> None:
        super().__init__()
        self.gaussian = nn.Linear(in_features, 2 * latent)
        self._scale = in_features**-0.5
        nn.init.normal_(self.gaussian.weight, std=0.01)
        nn.init.zeros_(self.gaussian.bias)
        nn.init.constant_(self.gaussian.bias[latent:], FIRST_LOG_VARIANCE)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.gaussian(self._scale * features).chunk(2, dim=1)
        return mean, log_variance.clamp(-LOG_VARIANCE_BOUND, LOG_VARIANCE_BOUND)


class Rev2Net(I3D):
    """I3D with a flow decoder and a reversed-frame decoder on Conv3d_2c_3x3.

    `forward_train` gives, beside "logits" and "features", for each decoder that is switched on:

    flow decoder: "flow" (B', 2, T, H, W) in units of the flow bound, [-1, 1]; "flow_maps", the
    trunk's maps for Eq. 1; "flow_mean" and "flow_logvar" (B', Z) for Eq. 2.

    frame decoder: "frames" (B', 3, T, H, W) in [-1, 1], the clip in reverse order; "foreground"
    likewise, "mask" (B', 1, T, H, W) in [0, 1], "background" (B', 3, 1, H, W); "frame_maps",
    "frame_mean", "frame_logvar".
    """

    def __init__(
        self,
        num_classes: int,
        input_spec: InputSpec,
        *,
        use_flow_decoder: bool = True,
        use_frame_decoder: bool = True,
        trunk_width: int = 32,  # channels of the decoders' trunks at width 1
        width: float = 1.0,
        dropout: float = 0.5,
        bn_momentum: float = 0.1,
    ) -> None:
        super().__init__(
            num_classes, input_spec, width=width, dropout=dropout, bn_momentum=bn_momentum
        )
        channels, trunk = self.channels[DECODED_ENDPOINT], scaled(trunk_width, width)
        pooled = self.channels["Mixed_5c"]
        self.flow_decoder = FlowDecoder(channels, trunk) if use_flow_decoder else None
        self.flow_latent = Latent(pooled, channels) if use_flow_decoder else None
        self.frame_decoder = FrameDecoder(channels, trunk) if use_frame_decoder else None
        self.frame_latent = Latent(pooled, channels) if use_frame_decoder else None

    def forward_train(self, x: Tensor, *, decode_first: int | None = None) -> Outputs:
        maps = self.endpoints(x, DECODED_ENDPOINT)
        pooled = self.pool(maps["Mixed_5c"])
        features = pooled.mean((2, 3, 4))
        outputs: Outputs = {"logits": self.classify(pooled), "features": features}
        tap, summary = maps[DECODED_ENDPOINT][:decode_first], features[:decode_first]
        size = x.shape[2:]
        if self.flow_decoder is not None and self.flow_latent is not None:
            mean, logvar = self.flow_latent(summary)
            outputs |= self.flow_decoder(tap + self.sample(mean, logvar), size)
            outputs |= {"flow_mean": mean, "flow_logvar": logvar}
        if self.frame_decoder is not None and self.frame_latent is not None:
            mean, logvar = self.frame_latent(summary)
            outputs |= self.frame_decoder(tap + self.sample(mean, logvar), size)
            outputs |= {"frame_mean": mean, "frame_logvar": logvar}
        return outputs

    def sample(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """A draw z (B', Z, 1, 1, 1) by reparametrisation; the mean itself in evaluation mode."""
        if self.training:
            mean = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return mean[:, :, None, None, None]
