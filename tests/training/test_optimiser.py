"""The learning rate over a training, and which parameters decay."""

import pytest
from torch import nn

from rev2net.config import OptimisationSettings
from rev2net.training.optimiser import build_optimiser, learning_rate


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


def test_warm_up_rises_linearly_to_the_full_rate() -> None:
    rates = [learning_rate(step, settings(warmup=0.1)) for step in range(12)]
    assert rates[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
    assert rates[10] == 1.0


def test_steps_drop_tenfold_at_their_fractions() -> None:
    chosen = settings(schedule="step", milestones=[0.4, 0.8])
    rates = [learning_rate(step, chosen) for step in (0, 39, 40, 79, 80, 99)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_biases_and_normalisation_do_not_decay() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    decayed, plain = build_optimiser([network], settings()).param_groups
    assert [p.ndim for p in decayed["params"]] == [4]
    assert decayed["weight_decay"] == 0.1
    assert [p.ndim for p in plain["params"]] == [1, 1, 1]
    assert plain["weight_decay"] == 0
