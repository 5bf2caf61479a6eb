"""TSN and TSM are the published networks; segments, shift and partial batch normalisation."""

from typing import Any

import pytest
import torch
from torch import nn

from rev2net.models import build
from rev2net.models.tsm import temporal_shift
from rev2net.models.tsn import BNInception


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_resnet_50_has_25_56_million_parameters_with_an_imagenet_head() -> None:
    with torch.device("meta"):
        assert parameters(build("tsm", 1000)) == 25_557_032  # torchvision's documentation


def test_tsm_has_the_papers_24_3_million_parameters_and_33_billion_multiply_adds(
    giga_multiply_adds: Any,
) -> None:
    with torch.device("meta"):
        model = build("tsm", 400).eval()
    assert round(parameters(model) / 1e6, 1) == 24.3  # TSM, table 2
    assert round(giga_multiply_adds(model, 1, 8, 3, 224, 224)) == 33


def test_bn_inception_has_the_ports_11_3_million_parameters(
    giga_multiply_adds: Any,
) -> None:
    with torch.device("meta"):
        model = build("tsn", 1000).eval()
    assert round(parameters(model) / 1e6, 1) == 11.3  # pretrained-models.pytorch
    assert round(giga_multiply_adds(model, 1, 1, 3, 224, 224), 1) == 2.0


@pytest.mark.parametrize("index", range(2))
def test_bn_inception_gives_the_public_ports_features(
    index: int,
    golden: Any,
    fill_by_formula: Any,
    values_by_formula: Any,
) -> None:
    case = golden("bn_inception").cases[index]
    model = BNInception(3).eval()
    fill_by_formula(model)
    x = values_by_formula(tuple(case["shape"]), "input", 1.0).float()
    with torch.no_grad():
        assert golden.agrees(model(x), case["outputs"]["features"])


def test_tsn_averages_the_public_ports_logits(
    golden: Any, fill_by_formula: Any, values_by_formula: Any
) -> None:
    case = golden("bn_inception").cases[0]
    model = build("tsn", case["classes"]).eval()
    fill_by_formula(model, {"backbone.": "", "classifier.": "fc."})
    x = values_by_formula(tuple(case["shape"]), "input", 1.0).float()
    expected = torch.tensor(case["outputs"]["logits"]).unflatten(0, (2, -1)).mean(0)
    with torch.no_grad():
        found = model(x[None])[0]
    assert (found - expected).abs().max() / expected.abs().max() < 1e-5


@pytest.mark.parametrize("index", range(2))
def test_tsm_gives_the_public_implementations_logits(
    index: int,
    golden: Any,
    fill_by_formula: Any,
    values_by_formula: Any,
) -> None:
    case = golden("tsm").cases[index]
    model = build("tsm", case["classes"]).eval()
    fill_by_formula(model, {"backbone.": "", "classifier.": "fc."})
    x = values_by_formula(tuple(case["shape"]), "input", 1.0).float()
    clips = x.unflatten(0, (-1, case["segments"]))
    shape = (len(clips), case["segments"], -1)
    expected = torch.tensor(case["outputs"]["shifted_logits"]).reshape(shape).mean(1)
    unshifted = torch.tensor(case["outputs"]["frame_logits"]).reshape(shape).mean(1)
    with torch.no_grad():
        found = model(clips)
    scale = expected.abs().max()
    assert (found - expected).abs().max() / scale < 1e-5
    assert (unshifted - expected).abs().max() / scale > 1e-3  # the golden file tells them apart


def test_the_shift_moves_an_eighth_of_the_channels_each_way() -> None:
    x = torch.arange(1.0, 4)[None, :, None, None, None].expand(1, 3, 16, 2, 2).flatten(0, 1)
    shifted = temporal_shift(x, 3)[:, :, 0, 0]
    assert shifted[:, :2].tolist() == [[2, 2], [3, 3], [0, 0]]
    assert shifted[:, 2:4].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert shifted[:, 4:].unique(dim=1).flatten().tolist() == [1, 2, 3]


def test_the_shift_keeps_clips_apart_and_its_input_whole() -> None:
    x = torch.randn(6, 8, 3, 3)
    before = x.clone()
    both = temporal_shift(x, 3)
    assert torch.equal(both, torch.cat([temporal_shift(x[:3], 3), temporal_shift(x[3:], 3)]))
    assert torch.equal(x, before)


def test_the_gradient_of_the_shift_is_right() -> None:
    x = torch.randn(6, 16, 2, 2, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: temporal_shift(x, 3), x)


def test_only_tsm_sees_the_order_of_segments() -> None:
    clips = torch.randn(1, 4, 3, 64, 64)
    with torch.no_grad():
        for name, changes in {"tsn": False, "tsm": True}.items():
            model = build(name, 5, width=0.25).eval()
            difference = (model(clips) - model(clips.flip(1))).abs().max()
            assert (difference > 1e-4) == changes, name


@pytest.mark.parametrize("name", ["tsn", "tsm"])
def test_partial_bn_freezes_all_but_the_first_while_training(name: str) -> None:
    model: Any = build(name, 5, width=0.125, partial_bn=True)
    clips = torch.randn(2, 3, 3, 64, 64)
    for mode in (False, True):  # the way back from evaluation must not thaw anything
        model.train(mode)
    norms: list[Any] = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    before = [norm.running_mean.clone() for norm in norms]
    model.forward_train(clips)["logits"].sum().backward()
    moved = [
        not torch.equal(norm.running_mean, mean) for norm, mean in zip(norms, before, strict=True)
    ]
    assert moved == [True] + [False] * (len(norms) - 1)
    assert norms[0].weight.grad is not None
    assert all(norm.weight.grad is None for norm in norms[1:])


def test_partial_bn_can_be_switched_off_again() -> None:
    model: Any = build("tsn", 5, width=0.125, partial_bn=True)
    model.partial_bn = False
    model.train()
    assert all(m.training for m in model.modules())
    assert all(p.requires_grad for p in model.parameters())


def test_dropout_of_tsn_depends_on_the_modality() -> None:
    def dropout(**options: Any) -> Any:
        return build("tsn", 5, width=0.125, **options).get_submodule("dropout").p

    assert dropout() == 0.8
    assert dropout(in_channels=10) == 0.7
    assert dropout(in_channels=10, dropout=0.1) == 0.1
