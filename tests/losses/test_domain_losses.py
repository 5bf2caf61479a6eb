"""MK-MMD against its definition, DANN's reversed gradient."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from rev2net.losses.domain import (
    DomainDiscriminator,
    dann_loss,
    mk_mmd,
    reversal_coefficient,
    reverse_gradient,
)


def batches(
    size: int = 5, features: int = 3, dtype: torch.dtype = torch.double
) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    source = torch.randn(size, features, dtype=dtype, requires_grad=True)
    target = torch.randn(size, features, dtype=dtype, requires_grad=True)
    return source, target


def mean_squared_distance(points: Tensor) -> float:
    pairs = [(a, b) for a in range(len(points)) for b in range(len(points)) if a != b]
    return sum((points[a] - points[b]).square().sum().item() for a, b in pairs) / len(pairs)


def direct(source: Tensor, target: Tensor) -> Any:
    """The definition, one pair after the other."""
    bandwidth = mean_squared_distance(torch.cat((source, target)).detach())

    def k(x: Tensor, y: Tensor) -> float:
        distance = (x - y).square().sum().item()
        return sum(math.exp(-distance / (bandwidth * f)) for f in (1 / 4, 1 / 2, 1, 2, 4))

    def h(i: int, j: int) -> float:
        s, t = source, target
        return k(s[i], s[j]) + k(t[i], t[j]) - k(s[i], t[j]) - k(s[j], t[i])

    size = len(source)
    return sum(h(i, j) for i in range(size) for j in range(size) if i != j) / (size * (size - 1))


@pytest.mark.parametrize("size", [2, 3, 8])
def test_mk_mmd_is_its_definition(size: int) -> None:
    source, target = batches(size)
    found = mk_mmd(source, target + 1).item()
    assert found == pytest.approx(direct(source, target + 1), rel=1e-9)


def test_mk_mmd_of_identical_batches_is_zero() -> None:
    source, _ = batches(16)
    assert mk_mmd(source, source).item() == pytest.approx(0, abs=1e-12)


def test_mk_mmd_of_constant_features_is_zero_with_a_finite_gradient() -> None:
    source = torch.ones(4, 3, requires_grad=True)
    loss = mk_mmd(source, torch.ones(4, 3))
    loss.backward()
    assert loss.item() == 0
    assert source.grad is not None
    assert torch.isfinite(source.grad).all()


def test_mk_mmd_is_unbiased_between_samples_of_one_distribution() -> None:
    torch.manual_seed(0)
    estimates = [mk_mmd(*torch.randn(2, 8, 4)).item() for _ in range(400)]
    mean = sum(estimates) / 400
    deviation = (sum((e - mean) ** 2 for e in estimates) / 399) ** 0.5
    assert abs(mean) < 3 * deviation / 400**0.5
    assert min(estimates) < 0


def test_mk_mmd_grows_with_the_distance_of_the_domains() -> None:
    source, target = batches(16)
    near, far = mk_mmd(source, target + 0.5), mk_mmd(source, target + 2)
    assert 0 < near < far


def test_the_gradient_of_mk_mmd_leaves_the_bandwidth_alone() -> None:
    source, target = batches(4)
    scale = mean_squared_distance(torch.cat((source, target)).detach())

    def with_fixed_bandwidth(s: Tensor, t: Tensor) -> Tensor:
        points = torch.cat((s, t))
        d = (points[:, None] - points[None]).square().sum(2)
        k: Any = sum(torch.exp(-d / (scale * f)) for f in (0.25, 0.5, 1, 2, 4))
        h = k[:4, :4] + k[4:, 4:] - k[:4, 4:] - k[4:, :4]
        return (h.sum() - h.trace()) / 12

    assert torch.autograd.gradcheck(with_fixed_bandwidth, (source, target))
    expected = torch.autograd.grad(with_fixed_bandwidth(source, target), (source, target))
    found = torch.autograd.grad(mk_mmd(source, target), (source, target))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("shapes", [((4, 3), (5, 3)), ((4, 3), (4, 2)), ((1, 3), (1, 3))])
def test_mk_mmd_refuses_batches_it_cannot_pair(
    shapes: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    with pytest.raises(ValueError, match="two batches of one shape"):
        mk_mmd(*(torch.zeros(shape) for shape in shapes))


def test_the_reversal_keeps_the_value_and_turns_the_gradient() -> None:
    x = torch.randn(3, 4, requires_grad=True)
    y = reverse_gradient(x, 0.3)
    assert torch.equal(x, y)
    weights = torch.randn(3, 4)
    (y * weights).sum().backward()
    torch.testing.assert_close(x.grad, -0.3 * weights)


def test_the_reversal_grows_from_nothing_to_one() -> None:
    assert reversal_coefficient(0) == 0
    assert reversal_coefficient(0.5) == pytest.approx(2 / (1 + math.exp(-5)) - 1)
    assert reversal_coefficient(1) == pytest.approx(1, abs=1e-4)


def test_the_discriminator_is_1024_1024_1() -> None:
    layers = DomainDiscriminator(2048)
    assert sum(p.numel() for p in layers.parameters()) == (
        2048 * 1024 + 1024 + 1024 * 1024 + 1024 + 1024 + 1
    )
    assert [m.p for m in layers.modules() if isinstance(m, torch.nn.Dropout)] == [0.5, 0.5]


def test_dann_trains_the_discriminator_forwards_and_the_features_backwards() -> None:
    source, target = batches(6, dtype=torch.float32)
    torch.manual_seed(0)
    discriminator = DomainDiscriminator(3, hidden=8).eval()
    dann_loss(discriminator, source, target, coefficient=0.5).backward()

    features = torch.cat((source, target)).detach().requires_grad_()
    probability = discriminator(features).sigmoid()[:, 0]
    plain = -(probability[:6].log().sum() + (1 - probability[6:]).log().sum()) / 12
    parameters = list(discriminator.parameters())
    expected = torch.autograd.grad(plain, [features, *parameters])
    assert source.grad is not None
    assert target.grad is not None
    torch.testing.assert_close(torch.cat((source.grad, target.grad)), -0.5 * expected[0])
    torch.testing.assert_close([p.grad for p in parameters], list(expected[1:]))


def test_dann_of_an_undecided_discriminator_is_log_two() -> None:
    source, target = batches(6, dtype=torch.float32)
    discriminator = DomainDiscriminator(3, hidden=8)
    for parameter in discriminator.parameters():
        parameter.data.zero_()
    loss = dann_loss(discriminator, source, target, coefficient=1)
    assert loss.item() == pytest.approx(math.log(2))


def test_the_gradient_of_dann_is_right() -> None:
    source, target = batches(3)
    torch.manual_seed(0)
    discriminator = DomainDiscriminator(3, hidden=8).double().eval()
    # A coefficient of -1 makes the reversal the identity, which is what differences can check.
    assert torch.autograd.gradcheck(
        lambda s, t: dann_loss(discriminator, s, t, coefficient=-1), (source, target)
    )
