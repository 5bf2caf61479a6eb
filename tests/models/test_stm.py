"""STM is its authors' network."""

from typing import Any

import pytest
import torch

from rev2net.models import build
from rev2net.models.stm import MotionModule, TemporalConvolution
from rev2net.models.tsm import temporal_shift


@pytest.mark.parametrize("index", range(2))
def test_logits_are_those_of_the_authors_code(
    index: int,
    golden: Any,
    fill_by_formula: Any,
    values_by_formula: Any,
) -> None:
    case = golden("stm").cases[index]
    model = build("stm", case["classes"]).eval()
    fill_by_formula(model, {"backbone.": "", "classifier.": "fc."})
    x = values_by_formula(tuple(case["shape"]), "input", 1.0).float()
    clips = x.unflatten(0, (-1, case["segments"]))
    expected = torch.tensor(case["outputs"]["segment_logits"])
    expected = expected.reshape(len(clips), case["segments"], -1).mean(1)
    with torch.no_grad():
        found = model(clips)
    assert (found - expected).abs().max() / expected.abs().max() < 1e-5


def test_it_costs_what_its_modules_add_to_resnet_50(
    giga_multiply_adds: Any,
) -> None:
    with torch.device("meta"):
        model, plain = build("stm", 400).eval(), build("tsm", 400).eval()
    stm, resnet = (giga_multiply_adds(m, 1, 8, 3, 224, 224) for m in (model, plain))
    added = 0
    for stage, depth in enumerate((3, 4, 6, 3)):
        channels, reduced = 64 * 2**stage, 4 * 2**stage
        for position in range(depth):
            halving = stage > 0 and position == 0  # its modules run before the size is halved
            pixels = (56 // 2**stage * (2 if halving else 1)) ** 2
            temporal, motion = 3 * channels, 2 * channels * reduced + 9 * reduced
            added += 8 * pixels * (temporal + motion)
    assert stm - resnet == pytest.approx(added / 1e9, rel=1e-6)
    assert stm / resnet < 1.02


def test_temporal_convolutions_start_as_a_shift_of_a_quarter_each_way() -> None:
    for module in build("stm", 5, width=0.25).modules():
        if isinstance(module, TemporalConvolution):
            quarter = module.out_channels // 4
            taps = module.weight[:, 0, :, 0, 0]
            assert taps[:quarter].eq(torch.tensor([1.0, 0, 0])).all()
            assert taps[quarter:-quarter].eq(torch.tensor([0, 1.0, 0])).all()
            assert taps[-quarter:].eq(torch.tensor([0, 0, 1.0])).all()


def test_a_temporal_convolution_that_starts_as_a_shift_shifts() -> None:
    x = torch.randn(8, 16, 3, 5)
    found = TemporalConvolution(16).across_segments(x, 4)
    # TSM's shift moves one eighth: of twice the channels it moves ours, the other way round.
    doubled = torch.cat((x[:, -4:], x[:, :4], x[:, 4:-4], x[:, 4:-4], x[:, 4:-4]), dim=1)
    shifted = temporal_shift(doubled, 4)
    torch.testing.assert_close(found[:, -4:], shifted[:, :4])
    torch.testing.assert_close(found[:, :4], shifted[:, 4:8])
    torch.testing.assert_close(found[:, 4:-4], x[:, 4:-4])


def test_motion_is_a_difference_to_the_next_segment_and_zero_for_the_last() -> None:
    module = MotionModule(32).eval()
    still = torch.randn(1, 32, 6, 6).expand(3, 32, 6, 6).contiguous()
    with torch.no_grad():
        module.spatial.weight.zero_()
        module.spatial.weight[:, :, 1, 1] = 1  # the identity: what stays the same cancels
        assert module(still, 3).abs().max() == 0
        moving = still + torch.arange(3.0).reshape(3, 1, 1, 1)
        motion = module(moving, 3)
    assert motion[:2].abs().max() > 0
    assert motion[2].abs().max() == 0
