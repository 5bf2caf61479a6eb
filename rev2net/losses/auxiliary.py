"""The auxiliary tasks of Rev2Net: flow prediction and reversed-frame reconstruction (Eq. 3).

Terms are weighted means over pixels, so their size depends neither on the clip's nor on the
batch's. The paper does not state the norm: ours is the square for frames and the end-point error
for flow. Nor does it weigh pixels; we do, since nine in ten stand still: their median is "nothing
moves", which is what plain L1 learns. A focus of 0 weighs all alike.

Shapes: B clips, T frames, H x W pixels.
"""

from typing import Literal

from torch import Tensor

from rev2net.losses import at_least_single

Norm = Literal["l1", "l2"]
FlowNorm = Literal["l1", "l2", "epe", "charbonnier"]

TINY = 1e-12  # keeps the gradient of a square root finite where flows agree


def flow_loss(
    predicted: Tensor, target: Tensor, *, norm: FlowNorm = "epe", focus: float = 0.0
) -> Tensor:
    """The mean error of flow over every pixel, weighted by 1 + focus * |target|.

    Both (B, 2, T, H, W), x then y, in one unit; the result is in it too (squared for l2). `norm`
    epe is the Euclidean distance of the vectors, as ActionFlowNet has it (Ng et al. 2018);
    charbonnier is that distance where it is large and half its square below a unit, so that pixels
    that stand still do not hold a decoder at no motion that knows little yet; l1 and l2 are means
    over the two components. Paper: first auxiliary term of Eq. 3.
    """
    difference = _difference(predicted, target)
    if norm == "epe":
        error = (difference.square().sum(1, keepdim=True) + TINY).sqrt()
    elif norm == "charbonnier":
        error = (difference.square().sum(1, keepdim=True) + 1).sqrt() - 1
    else:
        error = _size(difference, norm).mean(1, keepdim=True)
    # Reducing two planes by `norm` takes thirty times as long.
    size = at_least_single(target).square().sum(1, keepdim=True).sqrt()
    return _weighted_mean(error, size, focus)


def frame_loss(predicted: Tensor, clip: Tensor, *, norm: Norm = "l2", focus: float = 0.0) -> Tensor:
    """mean (predicted_t - clip_(T-1-t))^2, or its size (l1): `clip` is given in its natural order.

    Both (B, 3, T, H, W) in [-1, 1]. A pixel weighs 1 + focus * (its distance from the clip's mean
    frame, mean over channels). Paper: second auxiliary term of Eq. 3.
    """
    target = reversed_frames(clip)
    error = _size(_difference(predicted, target), norm).mean(1, keepdim=True)
    moving = at_least_single(target - target.mean(2, keepdim=True)).abs().mean(1, keepdim=True)
    return _weighted_mean(error, moving, focus)


def reversed_frames(clip: Tensor) -> Tensor:
    """The frame decoder's target: the clip (B, 3, T, H, W) with its last frame first."""
    return clip.flip(2)


def mask_penalty(mask: Tensor) -> Tensor:
    """mean |mask|, which leaves to the background what it can explain.

    mask (B, 1, T, H, W) in [0, 1]. Source: VGAN (Vondrick et al. 2016), there with weight 0.1; the
    paper names no such term.
    """
    return at_least_single(mask).abs().mean()


def _difference(predicted: Tensor, target: Tensor) -> Tensor:
    if predicted.shape != target.shape:  # broadcasting would hide it
        raise ValueError(f"shapes differ: {tuple(predicted.shape)} and {tuple(target.shape)}")
    return at_least_single(predicted) - at_least_single(target)


def _size(difference: Tensor, norm: str) -> Tensor:
    if norm not in ("l1", "l2"):
        raise ValueError(f"norm {norm!r} is unknown; allowed: l1, l2, and epe for flow")
    return difference.abs() if norm == "l1" else difference.square()


def _weighted_mean(error: Tensor, interest: Tensor, focus: float) -> Tensor:
    """The mean of `error`, weighted by 1 + focus * interest; both (B, 1, T, H, W)."""
    if focus == 0:
        return error.mean()
    weight = 1 + focus * interest
    return (weight * error).sum() / weight.sum()
