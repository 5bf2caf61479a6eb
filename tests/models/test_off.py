"""Sun-OFF is its authors' network on a frozen backbone."""

from typing import Any

import torch
from torch import nn

from rev2net.models import build
from rev2net.models.off import OFFUnit


def test_all_three_heads_give_what_the_authors_definition_gives(
    golden: Any, fill_by_formula: Any, values_by_formula: Any
) -> None:
    case = golden("off").cases[0]
    model: Any = build("off", case["classes"]).eval()
    fill_by_formula(model)
    x = values_by_formula(tuple(case["shape"]), "input", 1.0).float()
    with torch.no_grad():
        outputs: Any = model.forward_train(x[None])
        assert torch.equal(model(x[None]), outputs["logits"])
    for name, expected in case["outputs"].items():
        assert golden.agrees(outputs[name][0], expected), name


def test_training_leaves_the_backbone_as_it_is() -> None:
    model: Any = build("off", 5, width=0.125).train()
    before = {k: v.clone() for k, v in model.backbone.state_dict().items()}
    outputs: Any = model.forward_train(torch.randn(2, 3, 3, 64, 64))
    sum(outputs[name].sum() for name in ("logits", "logits_14", "logits_28")).backward()
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
    optimiser.step()
    assert all(torch.equal(before[k], v) for k, v in model.backbone.state_dict().items())
    assert all(p.grad is None for p in model.backbone.parameters())
    assert not any(m.training for m in model.backbone.modules())


def test_a_tsn_gives_its_backbone() -> None:
    tsn, off = build("tsn", 5, width=0.125), build("off", 7, width=0.125)
    off.get_submodule("backbone").load_state_dict(tsn.get_submodule("backbone").state_dict())


def test_an_unit_sees_temporal_and_spatial_change_only() -> None:
    unit = OFFUnit(4, temporal=6, spatial=3, dropout=0.8).eval()
    flat = torch.ones(1, 2, 4, 5, 5)
    with torch.no_grad():
        found = unit(flat)
        assert found.shape == (1, 9, 5, 5)
        assert found[:, 3:].abs().max() == 0
        assert found[:, :3, 1:-1, 1:-1].abs().max() == 0
        brighter = flat * torch.tensor([1.0, 2.0]).reshape(1, 2, 1, 1, 1)
        assert unit(brighter)[:, 3:].abs().max() > 0


def test_the_spatial_gradient_is_the_sum_of_both_derivatives() -> None:
    unit: Any = OFFUnit(1, temporal=1, spatial=1, dropout=0.8).eval()
    nn.init.ones_(unit.spatial.weight)
    nn.init.zeros_(unit.spatial.bias)
    y, x = torch.meshgrid(torch.arange(5.0), torch.arange(5.0), indexing="ij")
    ramp = (3 * x + 5 * y).expand(1, 2, 1, 5, 5).contiguous()
    with torch.no_grad():
        inner = unit(ramp)[0, 0, 1:-1, 1:-1]
    assert inner.unique().tolist() == [2 * 3 - 2 * 5]  # rightwards and upwards, steps of two


def test_every_head_has_a_published_size() -> None:
    model: Any = build("off", 101, width=1)
    sizes = [h.in_features for h in (model.head_28, model.head_14, model.head_7)]
    assert sizes == [256, 512, 1024]
