"""I3D is the published network: size, cost, names, padding and numbers."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from rev2net.models import build
from rev2net.models.i3d import same_padding


def parameters(model: nn.Module, *, without: str = "no such part") -> int:
    return sum(p.numel() for n, p in model.named_parameters() if without not in n)


def test_12_29_million_parameters_without_the_head() -> None:
    # 12.29 M: the public checkpoint; 12.69 M with 400 classes: the Open Model Zoo's i3d-rgb-tf.
    with torch.device("meta"):
        model = build("i3d", 400)
    assert parameters(model, without="logits") == 12_287_264
    assert round(parameters(model) / 1e6, 1) == 12.7


def test_multiply_adds_of_the_published_network(giga_multiply_adds: Any) -> None:
    with torch.device("meta"):
        model = build("i3d", 400).eval()
    # The Open Model Zoo counts 278.98 GFLOPs at 79 frames, two per multiply-add, pooling included.
    assert 2 * giga_multiply_adds(model, 1, 3, 79, 224, 224) == pytest.approx(278.98, rel=0.005)
    # 107.9 at 64 frames is the figure often quoted; every tap of the published network, those on
    # padding included, makes 111.2.
    assert giga_multiply_adds(model, 1, 3, 64, 224, 224) == pytest.approx(111.15, rel=1e-4)
    assert giga_multiply_adds(model, 1, 3, 64, 224, 224) == pytest.approx(107.9, rel=0.031)


def test_parameters_have_the_public_checkpoints_names() -> None:
    state = build("i3d", 400, width=0.125).state_dict()
    for name in (
        "Conv3d_1a_7x7.conv3d.weight",
        "Conv3d_2c_3x3.bn.running_var",
        "Mixed_3b.b1a.bn.running_mean",
        "Mixed_5c.b3b.conv3d.weight",
        "logits.conv3d.weight",
        "logits.conv3d.bias",
    ):
        assert name in state


@pytest.mark.parametrize("kernel", [1, 2, 3, 7])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 7, 8, 15, 224])
def test_same_padding_is_tensorflows(size: int, kernel: int, stride: int) -> None:
    # TensorFlow's documentation has the two cases apart; the odd position goes to the end.
    if size % stride == 0:
        total = max(kernel - stride, 0)
    else:
        total = max(kernel - size % stride, 0)
    before, after = same_padding(size, kernel, stride)
    assert before + after == total
    assert after - before in (0, 1)
    assert (size + total - kernel) // stride + 1 == math.ceil(size / stride)


def case_name(case: Any) -> str:
    return "x".join(str(size) for size in case["shape"])


@pytest.mark.parametrize("index", range(5))
def test_outputs_are_those_of_the_public_implementation(
    index: int,
    golden: Any,
    fill_by_formula: Any,
    values_by_formula: Any,
) -> None:
    case = golden("i3d").cases[index]
    model: Any = build("i3d", case["classes"], in_channels=case["shape"][1]).eval()
    fill_by_formula(model)
    x = values_by_formula(tuple(case["shape"]), "input", 1.0).float()
    with torch.no_grad():
        if "logits" in case["outputs"]:
            expected = torch.tensor(case["outputs"]["logits"])
            found = model(x).flatten()
            assert (found - expected).abs().max() / expected.abs().max() < 1e-5
        else:
            _, endpoints = model.endpoints(x, *case["outputs"])
            for name, expected in case["outputs"].items():
                assert golden.agrees(endpoints[name], expected), name


def test_endpoints_shrink_as_the_paper_says() -> None:
    model: Any = build("i3d", 5, width=0.125).eval()
    names = ("Conv3d_1a_7x7", "Conv3d_2c_3x3", "Mixed_3c", "Mixed_4f", "Mixed_5c")
    with torch.no_grad():
        _, maps = model.endpoints(torch.zeros(1, 3, 17, 66, 95), *names)
    assert [tuple(maps[name].shape[2:]) for name in names] == [
        (9, 33, 48),
        (9, 17, 24),
        (9, 9, 12),
        (5, 5, 6),
        (3, 3, 3),
    ]


def test_the_head_averages_logits_over_overlapping_windows() -> None:
    # 3 time steps and 8 x 7 positions: 2 x 2 x 1 windows of 2 x 7 x 7, inner positions count twice.
    model: Any = build("i3d", 5, width=0.125).eval()
    features = torch.randn(1, model.channels["Mixed_5c"], 3, 8, 7)
    weights_T, weights_H = torch.tensor([1.0, 2, 1]) / 4, torch.tensor([1.0] + [2] * 6 + [1]) / 14
    pooled = torch.einsum("bcthw,t,h->bc", features, weights_T, weights_H) / 7
    layer = model.logits.conv3d
    expected = pooled @ layer.weight.flatten(1).T + layer.bias
    torch.testing.assert_close(model.classify(model.pool(features)), expected, rtol=0, atol=1e-5)


def test_features_and_logits_use_the_same_windows() -> None:
    model: Any = build("i3d", 5, width=0.125).eval()
    outputs: Any = model.forward_train(torch.randn(2, 3, 24, 64, 64))
    layer = model.logits.conv3d
    logits = outputs["features"] @ layer.weight.flatten(1).T + layer.bias
    # A fresh network's logits are in the hundreds, so a small one is the rest of a large sum.
    rounding = 1e-5 * float(logits.detach().abs().max())
    torch.testing.assert_close(outputs["logits"], logits, rtol=0, atol=rounding)
