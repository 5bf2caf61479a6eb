"""Flow and frame losses are means over elements, against the right target."""

from typing import Any

import pytest
import torch

from rev2net.losses.auxiliary import (
    flow_loss,
    frame_loss,
    mask_penalty,
    reversed_frames,
)

CLIP = (2, 3, 4, 3, 5)


def test_flow_loss_is_the_mean_difference_over_every_element() -> None:
    predicted = torch.zeros(1, 2, 1, 1, 2)
    target = torch.tensor([0.5, -0.5, 1.0, 0.0]).reshape(predicted.shape)
    assert flow_loss(predicted, target, norm="l1").item() == pytest.approx(2.0 / 4)
    assert flow_loss(predicted, target, norm="l2").item() == pytest.approx(1.5 / 4)


def test_frame_loss_is_zero_for_the_reversed_clip_and_not_for_the_clip() -> None:
    clip = torch.randn(CLIP)
    backwards = torch.stack([clip[:, :, t] for t in (3, 2, 1, 0)], dim=2)
    assert frame_loss(backwards, clip).item() == 0
    assert frame_loss(clip, clip).item() > 0.1
    assert torch.equal(reversed_frames(clip), backwards)


def test_size_of_the_clip_does_not_change_the_scale() -> None:
    small, large = torch.ones(1, 3, 2, 4, 4), torch.ones(3, 3, 16, 8, 8)
    assert frame_loss(small, -small).item() == frame_loss(large, -large).item() == 4


def test_end_point_error_is_the_mean_length_of_the_difference() -> None:
    predicted = torch.zeros(1, 2, 1, 1, 2)
    target = torch.tensor([[3.0, 0.0], [4.0, -1.0]]).reshape(predicted.shape)
    assert flow_loss(predicted, target).item() == pytest.approx((5 + 1) / 2)


def test_end_point_error_of_equal_flows_has_a_finite_gradient() -> None:
    flow = torch.ones(1, 2, 2, 2, 2, requires_grad=True)
    flow_loss(flow, torch.ones(1, 2, 2, 2, 2)).backward()
    assert flow.grad is not None
    assert torch.isfinite(flow.grad).all()


def test_focus_weighs_flow_by_its_size() -> None:
    predicted = torch.zeros(1, 2, 1, 1, 2)
    target = torch.tensor([[3.0, 0.0], [4.0, 0.0]]).reshape(predicted.shape)  # one pixel moves
    assert flow_loss(predicted, target, focus=0.4).item() == pytest.approx(5 * 3 / (3 + 1))
    assert flow_loss(predicted, target, norm="l1", focus=0.4).item() == pytest.approx(3.5 * 3 / 4)


def test_focus_weighs_frames_by_their_distance_from_the_mean_frame() -> None:
    clip = torch.zeros(1, 3, 2, 1, 2)
    clip[:, :, 0, 0, 0] = 1.0  # a pixel that changes, half a unit from its mean; one that does not
    twos = torch.full_like(clip, 2.0)
    squared, sizes = frame_loss(twos, clip, focus=6), frame_loss(twos, clip, norm="l1", focus=6)
    assert squared.item() == pytest.approx((4 * 1 + 4 * 4 + 1 * 4 + 1 * 4) / (4 + 4 + 1 + 1))
    assert sizes.item() == pytest.approx((4 * 1 + 4 * 2 + 1 * 2 + 1 * 2) / (4 + 4 + 1 + 1))


def test_with_focus_the_best_constant_flow_is_not_stillness() -> None:
    """Nine pixels in ten stand still: their median says that nothing moves."""
    target = torch.zeros(1, 2, 1, 1, 10)
    target[:, 0, ..., 0] = 5.0
    for focus, better in ((0.0, False), (2.0, True)):
        moving = torch.tensor([5.0, 0.0]).reshape(1, 2, 1, 1, 1).expand_as(target)
        still = flow_loss(torch.zeros_like(target), target, focus=focus)
        assert bool(flow_loss(moving, target, focus=focus) < still) is better


def test_still_pixels_do_not_hold_a_small_guess_at_no_motion() -> None:
    """Their pull on it: all of the end-point error's, a tenth of it under charbonnier."""
    pulls = {}
    for norm in ("epe", "charbonnier"):
        guess = torch.full((1, 2, 1, 1, 1), 0.1 / 2**0.5, requires_grad=True)
        flow_loss(guess, torch.zeros(1, 2, 1, 1, 1), norm=norm).backward()
        assert guess.grad is not None
        pulls[norm] = float(guess.grad.norm())
    assert pulls["epe"] == pytest.approx(1)
    assert pulls["charbonnier"] == pytest.approx(0.1, rel=0.01)


def test_mask_penalty_is_the_masks_mean() -> None:
    mask = torch.tensor([0.0, 0.5, 1.0, 0.5]).reshape(1, 1, 1, 2, 2)
    assert mask_penalty(mask).item() == 0.5


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_gradients_are_right(norm: Any) -> None:
    torch.manual_seed(0)
    predicted = torch.randn(CLIP, dtype=torch.double, requires_grad=True)
    clip = torch.randn(CLIP, dtype=torch.double)
    for focus in (0.0, 3.0):
        for loss in (frame_loss, flow_loss):
            check = lambda p: loss(p, clip, norm=norm, focus=focus)  # noqa: B023,E731
            assert torch.autograd.gradcheck(check, predicted)
    assert torch.autograd.gradcheck(lambda p: flow_loss(p, clip, norm="epe"), predicted)
    assert torch.autograd.gradcheck(lambda p: mask_penalty(p.sigmoid()), predicted)


@pytest.mark.parametrize("norm", ["l1", "l2", "epe", "charbonnier"])
def test_half_precision_is_averaged_in_single_precision(norm: Any) -> None:
    torch.manual_seed(0)
    predicted = torch.randn(1, 2, 8, 64, 64).bfloat16()
    target = torch.randn(1, 2, 8, 64, 64)
    found = flow_loss(predicted, target, norm=norm)
    torch.testing.assert_close(found, flow_loss(predicted.float(), target, norm=norm))
    mask = predicted.sigmoid()
    torch.testing.assert_close(mask_penalty(mask), mask.float().mean())


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        flow_loss(torch.zeros(2, 2, 4, 3, 3), torch.zeros(2, 2, 1, 3, 3))


def test_an_unknown_norm_is_refused() -> None:
    with pytest.raises(ValueError, match="'l3' is unknown; allowed: l1, l2"):
        flow_loss(torch.zeros(CLIP), torch.zeros(CLIP), norm="l3")  # type: ignore[arg-type]
