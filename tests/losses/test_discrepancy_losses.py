"""The decoding discrepancy penalty: squared distance of maps, divergence of Gaussians."""

from typing import Any

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from rev2net.losses.discrepancy import feature_discrepancy, latent_discrepancy


def gaussians(dtype: torch.dtype = torch.float32) -> Any:
    torch.manual_seed(0)
    return [torch.randn(3, 7, dtype=dtype, requires_grad=True) for _ in range(4)]


def test_feature_discrepancy_sums_the_layers_mean_squares() -> None:
    flow = [torch.zeros(2, 4, 2, 3, 3), torch.zeros(2, 8, 4, 6, 6)]
    frame = [torch.full_like(flow[0], 2.0), torch.full_like(flow[1], -3.0)]
    assert feature_discrepancy(flow, frame).item() == 4 + 9


def test_feature_discrepancy_is_the_squared_frobenius_norm_over_the_elements() -> None:
    flow, frame = torch.randn(2, 2, 4, 2, 3, 3)
    expected = torch.linalg.vector_norm(flow - frame) ** 2 / flow.numel()
    torch.testing.assert_close(feature_discrepancy([flow], [frame]), expected)


def test_feature_discrepancy_pulls_both_decoders() -> None:
    flow, frame = (torch.randn(1, 2, 2, 2, 2, requires_grad=True) for _ in range(2))
    feature_discrepancy([flow], [frame]).backward()
    assert flow.grad is not None
    assert frame.grad is not None
    torch.testing.assert_close(flow.grad, -frame.grad)
    assert flow.grad.abs().max() > 0


def test_decoders_with_different_numbers_of_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        feature_discrepancy([torch.zeros(1)] * 2, [torch.zeros(1)])


def test_latent_discrepancy_is_torchs_kl_divergence() -> None:
    flow_mean, flow_logvar, frame_mean, frame_logvar = gaussians()
    flow = Independent(Normal(flow_mean, (0.5 * flow_logvar).exp()), 1)
    frame = Independent(Normal(frame_mean, (0.5 * frame_logvar).exp()), 1)
    found = latent_discrepancy(flow_mean, flow_logvar, frame_mean, frame_logvar)
    torch.testing.assert_close(found, kl_divergence(flow, frame).mean())
    assert not torch.isclose(found, kl_divergence(frame, flow).mean())


def test_latent_discrepancy_is_zero_for_equal_gaussians_only() -> None:
    mean, logvar, *_ = gaussians()
    assert latent_discrepancy(mean, logvar, mean, logvar).item() == pytest.approx(0, abs=1e-6)
    assert latent_discrepancy(mean, logvar, mean + 0.1, logvar) > 0


def test_gradients_are_right() -> None:
    assert torch.autograd.gradcheck(latent_discrepancy, gaussians(torch.double))
    maps = [torch.randn(2, 3, 2, 2, 2, dtype=torch.double, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(lambda a, b: feature_discrepancy([a], [b]), maps)
