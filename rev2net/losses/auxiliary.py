"""The auxiliary tasks of Rev2Net: flow prediction and reversed-frame reconstruction (Eq. 3).

Terms are means over elements, so their size depends neither on the clip's nor on the batch's.
The paper does not state the norm: L1 is ours, L2 (squared) can be asked for. ActionFlowNet
predicts flow too, under the end-point error.

Shapes: B clips, T frames, H x W pixels.
"""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from rev2net.losses.precision import at_least_single

Norm = Literal["l1", "l2"]
FlowNorm = Literal["l1", "l2", "epe"]

TINY = 1e-12  # keeps the gradient of a square root finite where flows agree


def flow_loss(predicted: Tensor, target: Tensor, *, norm: FlowNorm = "l1") -> Tensor:
    """mean |predicted - target|, or its square, over both components of every pixel.

    Both (B, 2, T, H, W), x then y, in units of the flow bound, [-1, 1]. `norm` epe is
    `end_point_error`. Paper: first auxiliary term of Eq. 3.
    """
    if norm == "epe":
        return end_point_error(predicted, target)
    return _mean_error(predicted, target, norm)


def end_point_error(predicted: Tensor, target: Tensor) -> Tensor:
    """The mean Euclidean distance of flow vectors, over every pixel (ActionFlowNet's flow loss).

    Both (B, 2, T, H, W); the result is in their unit, here the flow bound. Source: Ng et al. 2018.
    """
    _check_shapes(predicted, target)
    difference = at_least_single(predicted - target)
    return (difference.square().sum(1) + TINY).sqrt().mean()


def frame_loss(predicted: Tensor, clip: Tensor, *, norm: Norm = "l1") -> Tensor:
    """mean |predicted_t - clip_(T-1-t)|, or its square: `clip` is given in its natural order.

    Both (B, 3, T, H, W) in [-1, 1]. Paper: second auxiliary term of Eq. 3.
    """
    return _mean_error(predicted, reversed_frames(clip), norm)


def reversed_frames(clip: Tensor) -> Tensor:
    """The frame decoder's target: the clip (B, 3, T, H, W) with its last frame first."""
    return clip.flip(2)


def mask_penalty(mask: Tensor) -> Tensor:
    """mean |mask|, which leaves to the background what it can explain.

    mask (B, 1, T, H, W) in [0, 1]. Source: VGAN (Vondrick et al. 2016), there with weight 0.1; the
    paper names no such term.
    """
    return at_least_single(mask).abs().mean()


def _mean_error(predicted: Tensor, target: Tensor, norm: Norm) -> Tensor:
    _check_shapes(predicted, target)
    if norm not in ("l1", "l2"):
        raise ValueError(f"norm {norm!r} is unknown; allowed: l1, l2, and epe for flow")
    predicted, target = at_least_single(predicted), at_least_single(target)
    return F.l1_loss(predicted, target) if norm == "l1" else F.mse_loss(predicted, target)


def _check_shapes(predicted: Tensor, target: Tensor) -> None:
    if predicted.shape != target.shape:  # broadcasting would hide it
        raise ValueError(f"shapes differ: {tuple(predicted.shape)} and {tuple(target.shape)}")
