"""ActionFlowNet: the usual 3D ResNet-18 with a flow decoder."""

from functools import partial
from typing import Any

import pytest
import torch

from rev2net.models import build


def test_the_encoder_is_the_usual_3d_resnet_18(giga_multiply_adds: Any) -> None:
    with torch.device("meta"):
        model = build("actionflownet", 400).eval()
    encoder = sum(p.numel() for n, p in model.named_parameters() if "decoder" not in n)
    # torchvision's documentation of r3d_18: 33,371,472 parameters, 40.70 GFLOPS at 16 x 112 x 112.
    assert encoder == 33_371_472
    assert giga_multiply_adds(model, 1, 3, 16, 112, 112) == pytest.approx(40.70, abs=0.005)
    for name in ("stem.0.weight", "layer1.0.conv1.0.weight", "layer2.0.downsample.1.weight"):
        assert name in model.state_dict()


@pytest.mark.parametrize("size", [(16, 64, 64), (9, 33, 47), (11, 50, 36)])
def test_flow_has_the_clips_size_and_starts_near_no_motion(size: tuple[int, ...]) -> None:
    model: Any = build("actionflownet", 5, width=0.125)
    outputs: Any = model.forward_train(torch.randn(3, 3, *size), decode_first=2)
    assert outputs["flow"].shape == (2, 2, *size)
    assert 0 < outputs["flow"].std() < 0.5
    assert len(outputs["logits"]) == len(outputs["features"]) == 3


def test_the_flow_loss_teaches_the_encoder() -> None:
    model: Any = build("actionflownet", 5, width=0.125)
    torch.nn.init.normal_(model.flow_decoder.flow.weight)
    model.forward_train(torch.randn(2, 3, 8, 32, 32))["flow"].square().mean().backward()
    assert model.get_parameter("stem.0.weight").grad.abs().max() > 0
    assert model.fc.weight.grad is None


def test_inference_does_not_pay_for_the_decoder(giga_multiply_adds: Any) -> None:
    with torch.device("meta"):
        model = build("actionflownet", 5, width=0.25).eval()
    shape = (1, 3, 16, 112, 112)
    cost = giga_multiply_adds(model, *shape)
    assert cost < giga_multiply_adds(model.forward_train, *shape)
    scoring = partial(model.forward_train, decode_first=0)  # as evaluation calls it
    assert giga_multiply_adds(scoring, *shape) == cost
