"""Rev2Net: an I3D that learns to predict flow and to reconstruct its frames in reverse (section 4).

The encoder gives a Gaussian for each task at every position of its last volume. A reversed
counterpart of its pools carries a draw z back to the grid of Conv3d_2c; the paper's transposed
convolutions stand on top. Conv3d_2c joins there where it is no way around the volume: the flow
decoder sees it as it is, since motion is local, and teaches it too; the frame decoder sees its
average over time alone, which knows no moment, for the background, and sends no gradient into it,
which would teach the stem what stands still. Decoded frames differ from the clip's mean frame,
which knows no moment, by what moves alone: nothing else is left to learn, or to pass through the
volume. Where a decoder's gradient enters the encoder, a junction sets how much of it does.

Decoders and Gaussians exist for training. At test time `model(x)` is the I3D it inherits from,
unchanged. What the paper leaves open is decided in docs/decisions.md.

Shapes: B clips, of which B' are decoded; T frames, H x W pixels; t x h x w positions of the volume
with Z latent channels; x_BCTHW in [-1, 1].
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rev2net.errors import UserError, did_you_mean
from rev2net.models.i3d import I3D, Unit3D
from rev2net.models.junction import Junction
from rev2net.models.layers import HEAD_PADDING, HEAD_STRIDE, Upsample, crop, head, pointwise, scaled
from rev2net.models.network import Outputs
from rev2net.models.spec import InputSpec

Grid = tuple[int, int, int]  # time, height, width of a map

DECODED_ENDPOINT = "Conv3d_2c_3x3"  # the paper's section 4.2; T/2 x H/4 x W/4

# From the volume back: channels at width 1 after undoing each of the encoder's pools, and whether
# that pool halved time (all halve height and width).
COUNTERPART = {
    "Mixed_5c": ((128, True), (96, True), (64, False)),  # pools 5a, 4a, 3a
    "Mixed_4f": ((96, True), (64, False)),  # pools 4a, 3a
}

LEAST_LOG_VARIANCE = -10.0  # its exponential stays finite in half precision, in Eq. 2 too
FIRST_LOG_VARIANCE = -4.0  # a standard deviation of 0.14; means begin to vary by about 1
FIRST_MASK = -2.0  # before the sigmoid: the foreground begins at an eighth, statics stay behind it
SHUFFLE = 4  # the background has its pixels as channels at Conv3d_2c's grid, a quarter of the size


class Gaussian(nn.Module):
    """Mean and log-variance (B', Z, t, h, w) of a diagonal Gaussian at every position.

    Variances stay below 1, about the means' own when they begin: Eq. 2 falls as the frames'
    variance rises, and nothing else would keep the noise from drowning the means.
    """

    def __init__(self, in_channels: int, latent_channels: int) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, 2 * latent_channels, 1)
        nn.init.normal_(self.conv3d.weight[:latent_channels], std=in_channels**-0.5)
        nn.init.zeros_(self.conv3d.weight[latent_channels:])
        assert self.conv3d.bias is not None
        nn.init.zeros_(self.conv3d.bias)
        nn.init.constant_(self.conv3d.bias[latent_channels:], FIRST_LOG_VARIANCE)

    def forward(self, volume: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = pointwise(self.conv3d, volume).chunk(2, dim=1)
        return mean, F.logsigmoid(log_variance).clamp_min(LEAST_LOG_VARIANCE)


def draw(mean: Tensor, log_variance: Tensor) -> Tensor:
    """A sample of the Gaussian, by reparametrisation."""
    return mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)


class LatentPath(nn.Module):
    """From the volume through a draw z to the grid of Conv3d_2c, the encoder's pools undone."""

    def __init__(self, in_channels: int, latent: int, endpoint: str, width: float) -> None:
        super().__init__()
        self.gaussian = Gaussian(in_channels, latent)
        self.counterpart = nn.ModuleList()
        channels = latent
        for table_width, double_time in COUNTERPART[endpoint]:
            before, channels = channels, scaled(table_width, width)
            self.counterpart.append(Upsample(before, channels, double_time=double_time))
        self.out_channels = channels

    def forward(self, volume: Tensor, grids: Sequence[Grid]) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Mean and log-variance of z, and the counterpart's maps, coarsest first, of sizes `grids`.

        z is drawn by reparametrisation in training and the mean itself in evaluation mode.
        """
        mean, log_variance = self.gaussian(volume)
        z = draw(mean, log_variance) if self.training else mean
        maps = []
        for layer, grid in zip(self.counterpart, grids, strict=True):
            z = crop(layer(z), grid)
            maps.append(z)
        return mean, log_variance, maps


class FlowDecoder(nn.Module):
    """Two transposed convolutions: the trunk's map, and flow (B', 2, T, H, W), x then y.

    Conv3d_2c's map joins at the trunk's input, in as many channels as the features have, after two
    convolutions: motion is read from what neighbours have in common, not from a position alone.
    """

    def __init__(self, in_channels: int, tap_channels: int, trunk_channels: int) -> None:
        super().__init__()
        self.join = nn.Sequential(
            Unit3D(tap_channels, in_channels), Unit3D(in_channels, in_channels, (3, 3, 3))
        )
        self.trunk = Upsample(2 * in_channels, trunk_channels)
        self.flow = head(trunk_channels, 2)

    def forward(self, features: Tensor, tap: Tensor, size: torch.Size) -> tuple[Tensor, Outputs]:
        trunk = self.trunk(torch.cat((features, self.join(tap)), dim=1))
        # Laid out like its target, everything after the convolutions runs faster.
        return trunk, {"flow": crop(self.flow(trunk), size).contiguous()}


class FrameDecoder(nn.Module):
    """Three transposed convolutions (trunk, foreground, mask) and a convolution (background).

    Gives the trunk's map, and the pictures by name.
    Composed as in VGAN (Vondrick et al. 2016): mask * foreground + (1 - mask) * background, where
    the background is one image a clip. Of that, what changes in time is added to the mean frame:
    on real clips a background read from Conv3d_2c errs by as much as anything moves, and such an
    error, alike in every frame, would be nearly all that the decoder is taught by.
    """

    def __init__(self, in_channels: int, tap_channels: int, trunk_channels: int) -> None:
        super().__init__()
        self.trunk = Upsample(in_channels, trunk_channels)
        self.foreground = head(trunk_channels, 3)
        self.mask = head(trunk_channels, 1, first=FIRST_MASK)
        self.background = nn.Conv3d(tap_channels, 3 * SHUFFLE**2, (1, 3, 3), padding=(0, 1, 1))
        assert self.background.bias is not None
        nn.init.zeros_(self.background.bias)

    def forward(
        self, features: Tensor, still: Tensor, mean_frame: Tensor, size: torch.Size
    ) -> tuple[Tensor, Outputs]:
        trunk = self.trunk(features)
        # Both heads in one call: the trunk, the network's largest map, is read once.
        heads = (self.foreground, self.mask)
        weight = torch.cat([layer.weight for layer in heads], dim=1)
        bias = torch.cat([layer.bias for layer in heads if layer.bias is not None])
        both = F.conv_transpose3d(trunk, weight, bias, HEAD_STRIDE, HEAD_PADDING)
        foreground, mask = crop(both, size).contiguous().split((3, 1), dim=1)
        foreground, mask = torch.tanh(foreground), torch.sigmoid(mask)
        background = F.pixel_shuffle(self.background(still).squeeze(2), SHUFFLE)
        background = torch.tanh(background[:, :, None, : size[1], : size[2]])
        composed = torch.lerp(background, foreground, mask)
        moves = composed - composed.mean(2, keepdim=True)
        return trunk, {
            "frames": (mean_frame + moves).clamp(-1, 1),
            "foreground": foreground,
            "mask": mask,
            "background": background,
        }


class Rev2Net(I3D):
    """I3D with a flow decoder and a reversed-frame decoder on the way from its volume.

    `forward_train` gives, beside "logits" and "features", for each decoder that is switched on:

    flow decoder: "flow" (B', 2, T, H, W) in units that the loss fixes (the training set's mean
    absolute flow); "flow_maps", the counterpart's maps and the trunk's, for Eq. 1; "flow_mean" and
    "flow_logvar" (B', Z, t, h, w) for Eq. 2.

    frame decoder: "frames" (B', 3, T, H, W) in [-1, 1], the clip in reverse order; what it is
    composed of, "foreground" in its size and range, "mask" (B', 1, T, H, W) in [0, 1],
    "background" (B', 3, 1, H, W); "frame_maps", "frame_mean", "frame_logvar".
    """

    def __init__(
        self,
        num_classes: int,
        input_spec: InputSpec,
        *,
        use_flow_decoder: bool = True,
        use_frame_decoder: bool = True,
        latent_endpoint: str = "Mixed_5c",  # where the Gaussians stand; or Mixed_4f
        latent_channels: int = 64,  # Z, of each task, at width 1
        trunk_width: int = 32,  # channels of the decoders' trunks at width 1
        width: float = 1.0,
        dropout: float = 0.5,
        bn_momentum: float = 0.1,
    ) -> None:
        super().__init__(
            num_classes, input_spec, width=width, dropout=dropout, bn_momentum=bn_momentum
        )
        if latent_endpoint not in COUNTERPART:
            raise UserError(
                f"latent_endpoint {latent_endpoint!r} is unknown; "
                f"{did_you_mean(latent_endpoint, list(COUNTERPART))}"
            )
        self.latent_endpoint = latent_endpoint
        volume, tap = self.channels[latent_endpoint], self.channels[DECODED_ENDPOINT]
        latent, trunk = scaled(latent_channels, width), scaled(trunk_width, width)
        self.flow_path = self.frame_path = None
        self.flow_decoder = self.frame_decoder = None
        if use_flow_decoder:
            self.flow_path = LatentPath(volume, latent, latent_endpoint, width)
            self.flow_decoder = FlowDecoder(self.flow_path.out_channels, tap, trunk)
        if use_frame_decoder:
            self.frame_path = LatentPath(volume, latent, latent_endpoint, width)
            self.frame_decoder = FrameDecoder(self.frame_path.out_channels, tap, trunk)
        flow, frame = ["flow"] * use_flow_decoder, ["frame"] * use_frame_decoder
        self.junction_tap, self.junction_volume = Junction(flow), Junction(flow + frame)

    def forward_train(self, x: Tensor, *, decode_first: int | None = None) -> Outputs:
        last, maps = self.endpoints(x, DECODED_ENDPOINT, self.latent_endpoint)
        pooled = self.pool(last)
        outputs: Outputs = {"logits": self.classify(pooled), "features": pooled.mean((2, 3, 4))}
        volume = maps[self.latent_endpoint][:decode_first]
        tap = maps[DECODED_ENDPOINT][:decode_first]
        still = tap.detach().mean(2, keepdim=True)
        mean_frame = x[:decode_first].mean(2, keepdim=True)
        size, grids = x.shape[2:], self.grids(tap.shape[2:])
        for task, path, decoder in (
            ("flow", self.flow_path, self.flow_decoder),
            ("frame", self.frame_path, self.frame_decoder),
        ):
            if path is not None and decoder is not None:
                branch = self.junction_volume.branch(task, volume)
                mean, logvar, path_maps = path(branch, grids)
                joining = [still, mean_frame]
                if task == "flow":
                    joining = [self.junction_tap.branch(task, tap)]
                trunk, decoded = decoder(path_maps[-1], *joining, size)
                outputs |= decoded | {f"{task}_maps": [*path_maps, trunk]}
                outputs |= {f"{task}_mean": mean, f"{task}_logvar": logvar}
        return outputs

    def passed_on(self, name: str, x: Tensor) -> Tensor:
        junctions = {
            DECODED_ENDPOINT: self.junction_tap,
            self.latent_endpoint: self.junction_volume,
        }
        return junctions[name].trunk(x) if name in junctions else x

    def share_gradient(self, share: float | None) -> None:
        self.junction_tap.share = self.junction_volume.share = share

    def after_backward(self) -> None:
        self.junction_tap.after_backward()
        self.junction_volume.after_backward()

    def grids(self, tap: torch.Size) -> list[Grid]:
        """The sizes (time, height, width) of the counterpart's maps, coarsest first."""
        time, height, width = tap
        found = []
        for _, double_time in reversed(COUNTERPART[self.latent_endpoint]):
            found.append((time, height, width))
            height, width = -(-height // 2), -(-width // 2)
            time = -(-time // 2) if double_time else time
        return found[::-1]
