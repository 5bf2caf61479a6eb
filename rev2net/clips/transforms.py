"""Crops to network input: resize, flip, normalise, batched on the training device.

Shapes: B batch, T frames or segments, K stacked images, C channels, H and W pixels.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor


class InputLike(Protocol):
    """What a network says of its input (`rev2net.models.spec.InputSpec` is one)."""

    @property
    def modality(self) -> str: ...  # rgb, flow, or rgbdiff: differences of neighbouring frames
    @property
    def layout(self) -> str: ...  # BCTHW, or BTCHW: segments with their stack in C
    @property
    def mean(self) -> tuple[float, ...]: ...  # one an image channel
    @property
    def std(self) -> tuple[float, ...]: ...
    @property
    def images(self) -> int: ...  # stored images a segment, one more than differences in C


def to_batch(
    crops: Sequence[Tensor], flips: Sequence[bool], size: int, device: torch.device, kind: str
) -> Tensor:
    """Crops, each (T, h, w, C) uint8, as one float batch (B, C, T, size, size) of values.

    RGB values lie in [0, 1], flow values in [-1, 1] (flow over its bound): resizing a flow
    scales its components as it scales the pixels, a flip negates the x component.
    """
    length, channels = crops[0].shape[0], crops[0].shape[3]
    # Channels last, as the crops are and the networks want them.
    batch_BTHWC = torch.empty(len(crops), length, size, size, channels, device=device)
    for out_THWC, crop, flip in zip(batch_BTHWC, crops, flips, strict=True):
        x_TCHW = crop.to(device, non_blocking=True).permute(0, 3, 1, 2)
        height, width = x_TCHW.shape[2:]
        if kind == "flow":
            x_TCHW = x_TCHW.float().sub_(128.0)
        if (height, width) != (size, size):
            x_TCHW = F.interpolate(
                x_TCHW.float(), (size, size), mode="bilinear", align_corners=False, antialias=False
            )
            if kind == "flow":
                x_TCHW[:, 0].mul_(size / width)
                x_TCHW[:, 1].mul_(size / height)
        if flip:
            x_TCHW = x_TCHW.flip(3)
            if kind == "flow":
                x_TCHW[:, 0].neg_()
        # Clip by clip, while the processor's cache holds it.
        out_THWC.permute(0, 3, 1, 2).copy_(x_TCHW).div_(255.0 if kind == "rgb" else 127.0)
    return batch_BTHWC.permute(0, 4, 1, 2, 3)


def to_input(values_BCTHW: Tensor, spec: InputLike, *, in_place: bool = False) -> Tensor:
    """Values as a network wants them: (value - mean) / std, in its layout.

    With `in_place` the values may be overwritten, which spares memory new to the cache.

    For a 2D network (B, C, T * K, H, W) becomes (B, T, K * C, H, W): the K images of a segment
    lie one after the other in the channels (x, y, x, y, … for flow). For RGB differences the K
    frames of a segment become K - 1 differences, each frame's successor minus itself.
    """
    mean, std = (_row(numbers, values_BCTHW) for numbers in (spec.mean, spec.std))
    if spec.layout == "BCTHW":
        if not in_place:
            values_BCTHW = values_BCTHW.clone()
        return values_BCTHW.sub_(mean[:, None]).div_(std[:, None])
    values_BTKCHW = values_BCTHW.transpose(1, 2).unflatten(1, (-1, spec.images))
    if spec.modality == "rgbdiff":
        values_BTKCHW = values_BTKCHW.diff(dim=2)
    return (values_BTKCHW - mean).div_(std).flatten(2, 3)


def _row(numbers: tuple[float, ...], like: Tensor) -> Tensor:
    """A number a channel as (C, 1, W), channels last: arithmetic with whole rows is fast."""
    return torch.tensor(numbers, device=like.device).repeat(like.shape[4], 1).T[:, None]
