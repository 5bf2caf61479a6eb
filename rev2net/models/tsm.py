"""TSM: temporal shift in the residual branches of ResNet-50 (Lin et al. 2019)."""

from typing import Any

import torch
from torch import Tensor

from rev2net.models.network import SegmentNetwork
from rev2net.models.resnet import Bottleneck, ResNet50

SHIFT_FRACTION = 8  # one eighth of the channels each way


def temporal_shift(x_NCHW: Tensor, num_segments: int) -> Tensor:
    """Channels of neighbouring segments side by side, zeros past the clip's ends.

    The first eighth of the channels comes from the next segment, the second eighth from the one
    before, the rest stays.
    """
    return _TemporalShift.apply(x_NCHW, num_segments)


class _TemporalShift(torch.autograd.Function):
    """The shift, with the opposite shift as its gradient: one copy each way."""

    @staticmethod
    def forward(ctx: Any, x_NCHW: Tensor, num_segments: int) -> Tensor:
        ctx.num_segments = num_segments
        fold = x_NCHW.shape[1] // SHIFT_FRACTION
        return _shift(x_NCHW, num_segments, slice(fold), slice(fold, 2 * fold))

    @staticmethod
    def backward(ctx: Any, grad_NCHW: Tensor) -> tuple[Tensor, None]:
        fold = grad_NCHW.shape[1] // SHIFT_FRACTION
        return _shift(grad_NCHW, ctx.num_segments, slice(fold, 2 * fold), slice(fold)), None


def _shift(x_NCHW: Tensor, num_segments: int, earlier: slice, later: slice) -> Tensor:
    """A copy whose `earlier` channels moved one segment towards the start, `later` to the end."""
    shifted_NCHW = x_NCHW.clone()
    before, after = (x.unflatten(0, (-1, num_segments)) for x in (x_NCHW, shifted_NCHW))
    after[:, :-1, earlier] = before[:, 1:, earlier]
    after[:, -1, earlier] = 0
    after[:, 1:, later] = before[:, :-1, later]
    after[:, 0, later] = 0
    return shifted_NCHW


class ShiftBottleneck(Bottleneck):
    """A bottleneck whose residual branch reads the shifted input; the shortcut stays unshifted."""

    def residual(self, x: Tensor, num_segments: int) -> Tensor:
        return super().residual(temporal_shift(x, num_segments), num_segments)


class TSM(SegmentNetwork):
    """Logits (B, num_classes) from segments x_BTCHW: one RGB frame each, or a stack of 5 flow
    fields in C."""

    def make_backbone(self, width: float) -> ResNet50:
        return ResNet50(self.input_spec.channels, width=width, block=ShiftBottleneck)
