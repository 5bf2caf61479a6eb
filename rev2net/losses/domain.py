"""Domain adaptation on pooled features: MK-MMD (Long et al. 2015) and DANN (Ganin et al. 2015).

Shapes: B source and B target clips, D features.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rev2net.losses import at_least_single

BANDWIDTH_FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the mean squared distance (DAN's code)


def mk_mmd(source: Tensor, target: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of two batches (B, D) under a sum of 5 Gaussian kernels.

    k(x, y) = sum_f exp(-|x - y|^2 / (f * d)), f in {1/4, 1/2, 1, 2, 4}, with d the mean squared
    distance over all pairs of different clips of both batches; no gradient flows through d. With

        h(i, j) = k(s_i, s_j) + k(t_i, t_j) - k(s_i, t_j) - k(s_j, t_i)

    the estimate is the mean of h over i != j: unbiased, so it may be negative, and zero for
    identical batches (Gretton et al. 2012, lemma 6).
    Raises ValueError unless both batches have the same shape and at least 2 clips.
    """
    if source.shape != target.shape or len(source) < 2:
        raise ValueError(
            "MK-MMD needs two batches of one shape and at least 2 clips; "
            f"given {tuple(source.shape)} and {tuple(target.shape)}"
        )
    size = len(source)
    features = at_least_single(torch.cat((source, target)))
    distances = (features[:, None] - features[None, :]).square().sum(2)
    scale = distances.detach().sum() / (2 * size * (2 * size - 1))
    scale = scale.clamp_min(1e-30)  # where all clips are equal every kernel is 1
    kernel = torch.stack([torch.exp(-distances / (f * scale)) for f in BANDWIDTH_FACTORS]).sum(0)
    between = kernel[:size, size:]
    h = kernel[:size, :size] + kernel[size:, size:] - between - between.T
    return (h.sum() - h.diagonal().sum()) / (size * (size - 1))


def reversal_coefficient(progress: float) -> float:
    """2 / (1 + exp(-10 p)) - 1: from 0 to almost 1 while progress p goes from 0 to 1 (DANN)."""
    return 2 / (1 + math.exp(-10 * progress)) - 1


class _GradientReversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, coefficient: float) -> Tensor:
        ctx.coefficient = coefficient
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return -ctx.coefficient * grad, None


def reverse_gradient(x: Tensor, coefficient: float) -> Tensor:
    """x itself; its gradient is multiplied by -coefficient on the way back."""
    return _GradientReversal.apply(x, coefficient)


class DomainDiscriminator(nn.Sequential):
    """Logits (B, 1) of "from the source" for features (B, D): D-1024-1024-1, ReLU, dropout 0.5."""

    def __init__(self, in_features: int, *, hidden: int = 1024, dropout: float = 0.5) -> None:
        super().__init__(
            nn.Linear(in_features, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, 1),
        )


def dann_loss(
    discriminator: nn.Module, source: Tensor, target: Tensor, *, coefficient: float
) -> Tensor:
    """Mean binary cross-entropy of telling source from target features (B, D) each.

    Minimising it trains the discriminator to tell them apart and, through the reversed gradient
    times `coefficient`, the features to be alike.
    """
    features = reverse_gradient(torch.cat((source, target)), coefficient)
    logits = at_least_single(discriminator(features).squeeze(1))
    is_source = torch.cat((logits.new_ones(len(source)), logits.new_zeros(len(target))))
    return F.binary_cross_entropy_with_logits(logits, is_source)
