"""The learning rate over a training, which parameters decay or learn faster, averaged weights."""

import copy
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

from rev2net.config import OptimisationSettings, validate
from rev2net.errors import UserError
from rev2net.models import build
from rev2net.models.weights import DECODING
from rev2net.training.optimiser import WeightAverage, build_optimiser, learning_rate
from rev2net.training.prepare import freeze_batchnorm


def settings(**changes: object) -> OptimisationSettings:
    values = {
        "optimiser": "sgd",
        "learning_rate": 1.0,
        "weight_decay": 0.1,
        "batch": 1,
        "steps": 100,
        "schedule": "cosine",
        **changes,
    }
    return OptimisationSettings.model_validate(values)


def test_a_cosine_falls_from_the_full_rate_to_nearly_none() -> None:
    rates = [learning_rate(step, settings()) for step in range(100)]
    assert rates[0] == 1.0
    assert rates[50] == pytest.approx(0.5)
    assert 0 < rates[-1] < 0.001
    assert rates == sorted(rates, reverse=True)


def test_a_cosine_of_several_cycles_begins_anew_in_each() -> None:
    chosen, quarter = settings(cycles=4), settings(steps=25)
    rates = [learning_rate(step, chosen) for step in range(100)]
    assert rates == pytest.approx([learning_rate(step % 25, quarter) for step in range(100)])


def test_warm_up_rises_linearly_to_the_full_rate() -> None:
    rates = [learning_rate(step, settings(warmup=0.1)) for step in range(12)]
    assert rates[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
    assert rates[10] == 1.0


def test_steps_drop_tenfold_at_their_milestones() -> None:
    chosen = settings(schedule="step", milestones=[40, 80])
    rates = [learning_rate(step, chosen) for step in (0, 39, 40, 79, 80, 99)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_a_restart_begins_a_second_cycle_at_the_full_rate() -> None:
    """I3D on flow, in thousands: drops at 97 and 104.5; from 115 anew, drops at 140 and 150."""
    chosen = settings(
        steps=1550, schedule="step", milestones=[970, 1045, 1400, 1500], restarts=[1150]
    )
    at = (0, 969, 970, 1044, 1045, 1149, 1150, 1399, 1400, 1499, 1500, 1549)
    rates = [learning_rate(step, chosen) for step in at]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01, 1, 1, 0.1, 0.1, 0.01, 0.01])


def test_epochs_become_steps_of_the_list_that_is_trained_on() -> None:
    chosen = settings(
        batch=8, steps=None, epochs=10, schedule="step", milestones=[4, 9], restarts=[6]
    )
    found = chosen.in_steps(100)  # 12.5 steps an epoch
    assert (found.steps, found.epochs) == (125, None)
    assert (found.milestones, found.restarts) == ((50, 112.5), (75,))
    assert chosen.in_steps(200).steps == 250
    assert chosen.in_steps(0).steps == 1
    assert found.in_steps(999) == found
    rates = [learning_rate(step, found) for step in (49, 50, 74, 75, 112, 113)]
    assert rates == pytest.approx([1, 0.1, 0.1, 1, 1, 0.1])


def groups(network: Any, chosen: OptimisationSettings) -> dict[str, tuple[float, float]]:
    """(weight decay, rate multiplier) of every parameter that is trained, by its name."""
    names = {parameter: name for name, parameter in network.named_parameters()}
    optimiser = build_optimiser(network, nn.Identity(), chosen)
    return {
        names[parameter]: (group["weight_decay"], group["multiplier"])
        for group in optimiser.param_groups
        for parameter in group["params"]
    }


def test_biases_and_normalisation_do_not_decay() -> None:
    network = build("tsn", 3, width=0.125)
    found = groups(network, settings())
    assert found["backbone.conv2_3x3.weight"] == (0.1, 1.0)
    assert found["backbone.conv2_3x3.bias"] == (0.0, 1.0)
    assert found["backbone.conv2_3x3_bn.weight"] == (0.0, 1.0)
    assert len(found) == len(list(network.parameters()))


def test_published_multipliers_of_tsn_and_tsm() -> None:
    """TSN's code on flow: first convolution 5, its bias 10, other biases 2, normalisation 1.

    TSM's fine-tuning: weight of the classifier 5, its bias 10.
    """
    multipliers = {"first_convolution": 5, "head": 5, "biases": 2}
    found = groups(build("tsn", 3, in_channels=10, width=0.125), settings(multipliers=multipliers))
    rates = {name: multiplier for name, (_, multiplier) in found.items()}
    assert rates["backbone.conv1_7x7_s2.weight"] == 5
    assert rates["backbone.conv1_7x7_s2.bias"] == 10
    assert rates["backbone.conv1_7x7_s2_bn.bias"] == 1
    assert rates["backbone.inception_3a_1x1.weight"] == 1
    assert rates["backbone.inception_3a_1x1.bias"] == 2
    assert rates["classifier.weight"] == 5
    assert rates["classifier.bias"] == 10


@pytest.mark.parametrize(
    ("method", "first", "heads"),
    [
        ("i3d", "Conv3d_1a_7x7.conv3d", ["logits.conv3d"]),
        ("tsm", "backbone.conv1", ["classifier"]),
        ("stm", "backbone.conv1", ["classifier"]),
        ("actionflownet", "stem.0", ["fc"]),
    ],
)
def test_every_network_has_its_first_convolution_and_head(
    method: str, first: str, heads: list[str]
) -> None:
    chosen = settings(multipliers={"first_convolution": 7, "head": 3})
    found = groups(build(method, 3, width=0.125), chosen)
    assert [name for name, (_, m) in found.items() if m == 7 and "weight" in name] == [
        f"{first}.weight"
    ]
    assert [name for name, (_, m) in found.items() if m == 3 and "weight" in name] == [
        f"{head}.weight" for head in heads
    ]


def test_decoders_have_a_rate_of_their_own() -> None:
    found = groups(build("rev2net", 3, width=0.125), settings(multipliers={"decoders": 5}))
    rates: dict[str, set[float]] = {}
    for name, (_, multiplier) in found.items():  # their batch normalisation is fresh too
        rates.setdefault(name.split(".")[0], set()).add(multiplier)
    decoders = {"flow_path", "flow_decoder", "frame_path", "frame_decoder"}
    decoders |= {"junction_tap", "junction_volume"}  # whose probes have a rate and never move
    assert {part for part, factors in rates.items() if factors == {5}} == decoders
    assert all(factors == {1} for part, factors in rates.items() if part not in decoders)


def test_frozen_normalisation_is_neither_trained_nor_updated() -> None:
    network = build("rev2net", 3, width=0.125, dropout=0.0).train()
    freeze_batchnorm(network)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    names = groups(network, settings())
    assert not [name for name in names if ".bn." in name and not name.startswith(DECODING)]
    network.forward_train(torch.randn(2, 3, 8, 32, 32))
    changed = {n for n, now in network.state_dict().items() if not torch.equal(before[n], now)}
    parts = {name.split(".")[0] for name in changed}  # the decoders' is new, no checkpoint has it
    assert parts == {"flow_path", "flow_decoder", "frame_path", "frame_decoder"}
    assert "flow_decoder.trunk.1.weight" in names


def test_a_batch_that_does_not_divide_into_its_parts_is_refused() -> None:
    values = settings().model_dump() | {"batch": 10, "accumulate": 4}
    with pytest.raises(UserError, match="batch is 10, accumulate 4; the batch must be a multiple"):
        validate(OptimisationSettings, values, "recipe")


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [("sgd", lambda p: torch.optim.SGD(p, momentum=0.9)), ("adamw", torch.optim.AdamW)],
)
def test_steps_are_torchs_to_the_last_bit_and_so_are_states(kind: str, theirs: Any) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 5)
    ours = build_optimiser(build("tsn", 3, width=0.125), layer, settings(optimiser=kind))
    mine = [p for group in ours.param_groups for p in group["params"]]
    copies = {p: nn.Parameter(p.detach().clone()) for p in mine}
    other = theirs(
        [group | {"params": [copies[p] for p in group["params"]]} for group in ours.param_groups]
    )

    def steps(*optimisers: torch.optim.Optimizer) -> None:
        for _ in range(3):
            for parameter, its_copy in copies.items():
                parameter.grad = torch.randn_like(parameter)
                its_copy.grad = parameter.grad.clone()
            for optimiser in optimisers:
                optimiser.step()

    steps(ours, other)
    ours.load_state_dict(copy.deepcopy(other.state_dict()))  # a state shares its tensors
    other.load_state_dict(copy.deepcopy(ours.state_dict()))
    steps(ours, other)
    assert all(torch.equal(parameter, its_copy) for parameter, its_copy in copies.items())
    ours.zero_grad()
    assert all(parameter.grad is None for parameter in mine)


def test_a_training_that_is_not_compiled_does_not_load_the_compiler() -> None:
    """It would take longer than all else that a training starts with."""
    script = """
import sys, torch
from rev2net.config import ComputeSettings, OptimisationSettings
from rev2net.models import build
from rev2net.models.weights import DECODING
from rev2net.training.loop import choose_kernels
from rev2net.training.optimiser import build_optimiser
choose_kernels(ComputeSettings(threads=1, loader_workers=0, precision="float32"))
assert torch.are_deterministic_algorithms_enabled()
settings = OptimisationSettings(
    optimiser="sgd", learning_rate=0.1, weight_decay=0.0, batch=1, steps=1, schedule="cosine"
)
network = build("tsn", 3, width=0.125)
optimiser = build_optimiser(network, torch.nn.Linear(2, 2), settings)
sum(weight.sum() for weight in network.parameters()).backward()
torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
optimiser.step()
optimiser.zero_grad()
optimiser.load_state_dict(optimiser.state_dict())
sys.exit("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_averaged_weights_follow_the_formula() -> None:
    """One weight and one statistic by hand: decay 0.1 at step 0, then 0.15 (2/11 is above it)."""
    network: Any = build("tsn", 3, width=0.125)
    weight, mean = network.classifier.weight, network.backbone.conv2_3x3_bn.running_mean
    expected = [weight[0, 0].item(), mean[0].item()]
    average = WeightAverage(network, decay=0.15)
    for step, decay in enumerate([0.1, 0.15, 0.15]):
        with torch.no_grad():
            weight[0, 0], mean[0] = 3.0 * step, -1.0 + step
        network.backbone.conv2_3x3_bn.num_batches_tracked += 1
        expected = [
            decay * expected[0] + (1 - decay) * 3.0 * step,
            decay * expected[1] + (1 - decay) * (-1.0 + step),
        ]
        average.update(network, step)
    averaged: Any = average.network
    assert averaged.classifier.weight[0, 0].item() == pytest.approx(expected[0])
    assert averaged.backbone.conv2_3x3_bn.running_mean[0].item() == pytest.approx(expected[1])
    assert averaged.backbone.conv2_3x3_bn.num_batches_tracked == 3
    assert weight[0, 0] == 6.0  # the network itself is left alone
