"""The objective: which terms there are, what they are compared with, how they add up."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from rev2net.config import LossSettings
from rev2net.errors import UserError
from rev2net.models import build
from rev2net.models.network import Outputs
from rev2net.training.objective import Objective, Targets, gradient_shares
from tests.own_network import coral

FLOW, RGB = (2, 2, 4, 3, 5), (2, 3, 4, 3, 5)  # B', C, T, H, W
ALL_TERMS = LossSettings(
    flow=0.5, frames=2.0, feature_discrepancy=3.0, latent_discrepancy=0.25, mask=0.1, domain=0.75
)


def outputs(**changes: Any) -> dict[str, Any]:
    """Of a batch of four clips, two of them labelled and decoded."""
    torch.manual_seed(0)
    given: dict[str, Any] = {
        "logits": torch.randn(4, 3),
        "features": torch.randn(4, 6),
        "flow": torch.randn(FLOW).tanh(),
        "frames": torch.randn(RGB).tanh(),
        "flow_maps": [torch.randn(2, 4, 4, 3, 5)],
        "frame_maps": [torch.randn(2, 4, 4, 3, 5)],
        **{
            f"{kind}_{statistic}": torch.randn(2, 5)
            for kind in ("flow", "frame")
            for statistic in ("mean", "logvar")
        },
        "mask": torch.rand(2, 1, 4, 3, 5),
    }
    return given | changes


def targets() -> Targets:
    generator = torch.Generator().manual_seed(1)
    flow, frames = (2 * torch.rand(shape, generator=generator) - 1 for shape in (FLOW, RGB))
    return Targets(torch.tensor([2, 0]), flow, frames)


def terms(settings: LossSettings, adapt: str = "mkmmd", **changes: Any) -> dict[str, Tensor]:
    return Objective(settings, adapt, 6).eval().terms(outputs(**changes), targets(), 0.5)


def test_the_total_is_the_weighted_sum_of_the_terms() -> None:
    found = terms(ALL_TERMS)
    weights = {
        "classification": 1.0,
        "flow": 0.5,
        "frames": 2.0,
        "feature_discrepancy": 3.0,
        "latent_discrepancy": 0.25,
        "mask": 0.1,
        "domain": 0.75,
    }
    assert found.keys() == weights.keys()
    expected = sum(weights[name] * found[name].item() for name in weights)
    total = Objective(ALL_TERMS, "mkmmd", 6).total(found)
    assert total.item() == pytest.approx(expected, rel=1e-6)


def test_unlabelled_clips_have_no_classification_term() -> None:
    given = outputs()
    changed = given["logits"].clone()
    changed[2:] = 100.0
    first, second = (terms(LossSettings(), logits=x) for x in (given["logits"], changed))
    assert torch.equal(first["classification"], second["classification"])
    expected = F.cross_entropy(given["logits"][:2], torch.tensor([2, 0]))
    assert torch.equal(first["classification"], expected)


@pytest.mark.parametrize("norm", ["l1", "l2", "epe", "charbonnier"])
def test_the_flow_term_has_the_norm_that_is_asked_for(norm: str) -> None:
    settings = LossSettings.model_validate({"flow": 1.0, "flow_norm": norm})
    target = targets().flow
    assert target is not None
    difference = outputs()["flow"] - target
    expected = {
        "l1": difference.abs().mean(),
        "l2": difference.square().mean(),
        "epe": torch.hypot(difference[:, 0], difference[:, 1]).mean(),
        "charbonnier": (torch.sqrt(1 + difference.square().sum(1)) - 1).mean(),
    }
    torch.testing.assert_close(terms(settings)["flow"], expected[norm])


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_the_frame_term_compares_with_the_clip_in_reverse(norm: str) -> None:
    settings = LossSettings.model_validate({"frames": 1.0, "frames_norm": norm})
    frames = targets().frames
    assert frames is not None
    difference = outputs()["frames"] - torch.stack([frames[:, :, t] for t in (3, 2, 1, 0)], 2)
    expected = difference.abs() if norm == "l1" else difference.square()
    torch.testing.assert_close(terms(settings)["frames"], expected.mean())


def test_every_classifier_of_a_network_has_a_term_of_weight_one() -> None:
    network = build("off", 3, width=0.125)
    given = network.forward_train(torch.randn(4, 3, 3, 32, 32))
    objective = Objective(LossSettings(domain=0.5), "mkmmd", 1024)
    found = objective.terms(given, targets(), 0.0)
    labels = torch.tensor([2, 0])
    for suffix in ("", "_14", "_28"):
        logits = given[f"logits{suffix}"]
        assert isinstance(logits, Tensor)
        expected = F.cross_entropy(logits[:2], labels)
        torch.testing.assert_close(found[f"classification{suffix}"], expected)
    heads = sum(value for name, value in found.items() if name != "domain")
    torch.testing.assert_close(objective.total(found), heads + 0.5 * found["domain"])


def test_a_term_without_weight_is_not_computed() -> None:
    only_logits: Outputs = {"logits": torch.randn(2, 3)}
    objective = Objective(LossSettings(), "none", 6)
    assert list(objective.terms(only_logits, targets(), 0.0)) == ["classification"]


@pytest.mark.parametrize(
    ("settings", "missing", "words"),
    [
        ({"flow": 1.5}, "flow", "loss.flow is 1.5, but the network has no output 'flow'"),
        ({"mask": 0.1}, "mask", "loss.mask is 0.1, but the network has no output 'mask'"),
        ({"feature_discrepancy": 1.0}, "frame_maps", "no output 'frame_maps'"),
        ({"latent_discrepancy": 1.0}, "flow_logvar", "no output 'flow_logvar'"),
    ],
)
def test_a_weight_on_what_the_network_does_not_give_is_refused(
    settings: dict[str, float], missing: str, words: str
) -> None:
    given = {name: value for name, value in outputs().items() if name != missing}
    objective = Objective(LossSettings.model_validate(settings), "none", 6)
    with pytest.raises(UserError, match=words):
        objective.terms(given, targets(), 0.0)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    ("term", "output"),
    [
        ("classification", "logits"),
        ("flow", "flow"),
        ("frames", "frames"),
        ("feature_discrepancy", "flow_maps"),
        ("latent_discrepancy", "frame_mean"),
        ("mask", "mask"),
        ("domain", "features"),
    ],
)
def test_only_the_term_with_a_bad_output_is_not_finite(
    term: str, output: str, value: float
) -> None:
    given = outputs()
    spoilt = given[output][0] if isinstance(given[output], list) else given[output]
    spoilt[0] = value
    objective = Objective(ALL_TERMS, "mkmmd", 6)
    found = objective.terms(given, targets(), 0.0)
    assert [name for name, loss in found.items() if not loss.isfinite()] == [term]
    assert not objective.total(found).isfinite()


def test_the_adversarial_term_trains_a_discriminator_that_belongs_to_the_objective() -> None:
    objective = Objective(LossSettings(), "dann", 6)
    given = outputs(features=torch.randn(4, 6, requires_grad=True))
    objective.total(objective.terms(given, targets(), 1.0)).backward()
    assert given["features"].grad.abs().max() > 0
    gradients = [parameter.grad for parameter in objective.parameters()]
    assert gradients
    assert all(gradient is not None for gradient in gradients)


def test_the_adversarial_term_leaves_the_features_alone_at_the_start() -> None:
    objective = Objective(LossSettings(), "dann", 6)
    given = outputs(features=torch.randn(4, 6, requires_grad=True))
    objective.terms(given, targets(), 0.0)["domain"].backward()
    assert given["features"].grad.abs().max() == 0


def test_shares_are_norms_of_gradients_beside_the_classifications() -> None:
    stem, deep = torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(2))
    weighted = {
        "classification": 2 * stem.sum() + deep.sum(),
        "flow": 0.5 * stem.sum(),
        "frames": 3 * deep[0],
    }
    found = gradient_shares(weighted, {"stem": [stem], "deep": [deep]})
    assert found == {
        "flow_share_stem": 25.0,
        "flow_share_deep": 0.0,
        "frames_share_stem": 0.0,
        "frames_share_deep": pytest.approx(100 * 3 / 2**0.5, abs=1e-3),
    }
    torch.stack(list(weighted.values())).sum().backward()  # the graph is still there
    assert deep.grad is not None


def test_a_network_without_other_terms_or_parts_has_no_shares() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    assert gradient_shares({"classification": weight.sum()}, {"stem": [weight]}) == {}
    assert gradient_shares({"classification": weight.sum(), "domain": weight.sum()}, {}) == {}


@pytest.mark.parametrize(
    ("adapt", "progress", "weight"),
    [
        ("mkmmd", 0.0, 0.0),
        ("mkmmd", 0.1, 0.3),
        ("mkmmd", 0.2, 0.6),
        ("mkmmd", 0.9, 0.6),
        ("coral", 0.1, 0.3),
        ("none", 0.9, 0.0),
        ("dann", 0.0, 0.05),
        ("dann", 0.9, 0.05),
    ],
)
def test_the_adversarial_term_has_a_weight_of_its_own_and_that_of_others_may_rise(
    adapt: str, progress: float, weight: float
) -> None:
    objective = Objective(LossSettings(domain=0.6, domain_ramp=0.2, dann=0.05), adapt, 6)
    found = objective.weighted({"domain": torch.ones(())}, progress)["domain"]
    assert found.item() == pytest.approx(weight)


def test_a_term_of_ones_own_takes_mk_mmds_place() -> None:
    def distance(source: Tensor, target: Tensor) -> Tensor:
        return (source.mean(0) - target.mean(0)).norm()

    given = outputs()
    objective = Objective(LossSettings(domain=0.5), "mine", 6, distance)
    found = objective.terms(given, targets(), 1.0)["domain"]
    source, target = given["features"].split(2)
    assert found.item() == pytest.approx((source.mean(0) - target.mean(0)).norm().item())


def test_a_term_of_ones_own_keeps_single_precision_under_autocast() -> None:
    objective = Objective(LossSettings(domain=0.5), "coral", 6, coral)
    expected = objective.terms(outputs(), targets(), 1.0)["domain"]
    with torch.autocast("cpu", torch.bfloat16):
        found = objective.terms(outputs(), targets(), 1.0)["domain"]
        features = outputs()["features"]
        rounded = coral(*features.split(2))
    assert found.item() == expected.item()
    assert rounded.item() != expected.item()
