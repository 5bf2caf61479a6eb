"""From settings to an optimiser and its learning-rate schedule."""

import math
from collections.abc import Iterable

import torch
from torch import nn

from rev2net.config import OptimisationSettings


def build_optimiser(
    modules: Iterable[nn.Module], settings: OptimisationSettings
) -> torch.optim.Optimizer:
    """SGD with momentum or AdamW; biases and batch-norm weights are not decayed."""
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for module in modules:
        for parameter in module.parameters():
            if parameter.requires_grad:
                (decayed if parameter.ndim > 1 else plain).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    if settings.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=settings.momentum)
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


def learning_rate(step: int, settings: OptimisationSettings) -> float:
    """The rate of a step: linear warm-up, then a cosine to 0 or a tenfold drop at milestones."""
    warmup = settings.warmup * settings.steps
    if step < warmup:
        return settings.learning_rate * (step + 1) / (warmup + 1)
    if settings.schedule == "cosine":
        progress = (step - warmup) / max(1.0, settings.steps - warmup)
        return settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))
    passed = sum(step >= milestone * settings.steps for milestone in settings.milestones)
    return settings.learning_rate * 0.1**passed
