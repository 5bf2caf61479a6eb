"""The decoding discrepancy penalty of Rev2Net, which the paper calls DDP (section 4.2)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rev2net.losses import at_least_single


def feature_discrepancy(flow_maps: Sequence[Tensor], frame_maps: Sequence[Tensor]) -> Tensor:
    """Low-level penalty, Eq. 1: the sum over layers l of mean((flow_map_l - frame_map_l)^2).

    The maps of a layer have one shape, (B, C, T, H, W) in Rev2Net; all pairs count alike. The paper
    has a Frobenius norm; its square, divided by the number of elements, is ours: it means the same
    at every clip size.
    """
    pairs = zip(flow_maps, frame_maps, strict=True)
    differences = [at_least_single(flow - frame) for flow, frame in pairs]
    # A norm's gradient takes one pass over the map, that of a mean of squares several.
    means = [torch.linalg.vector_norm(d).square() / d.numel() for d in differences]
    return torch.stack(means).sum()


def latent_discrepancy(
    flow_mean: Tensor, flow_logvar: Tensor, frame_mean: Tensor, frame_logvar: Tensor
) -> Tensor:
    """High-level penalty, Eq. 2: KL(flow || frame) of diagonal Gaussians, in nats.

    With means m and log-variances v of flow f and frames r, summed over the Z channels, mean over
    clips and positions:

        KL = 1/2 sum( v_r - v_f + (exp(v_f) + (m_f - m_r)^2) / exp(v_r) - 1 )

    All (B, Z, ...), positions behind the channels. The paper gives the closed form as such; its
    direction is ours.
    """
    flow_mean, flow_logvar = at_least_single(flow_mean), at_least_single(flow_logvar)
    frame_mean, frame_logvar = at_least_single(frame_mean), at_least_single(frame_logvar)
    variance_ratio = torch.exp(flow_logvar - frame_logvar)
    distance = (flow_mean - frame_mean).square() * torch.exp(-frame_logvar)
    kl = 0.5 * (frame_logvar - flow_logvar + variance_ratio + distance - 1)
    return kl.sum(1).mean()
