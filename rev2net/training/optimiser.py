"""From settings to an optimiser, its clipped gradients and learning rates, and averaged weights."""

import copy
import inspect
import math
from typing import Any

import torch
from torch import Tensor, nn

from rev2net.config import OptimisationSettings
from rev2net.models.network import VideoNetwork
from rev2net.models.weights import DECODING, HEADS


def build_optimiser(
    network: VideoNetwork, others: nn.Module, settings: OptimisationSettings
) -> torch.optim.Optimizer:
    """SGD with momentum or AdamW over what is trained of the network and of `others`.

    Biases and batch-normalisation weights are not decayed. A group of parameters has its factor on
    the learning rate in "multiplier"; `others` have 1.
    """
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {(True, 1.0): [], (False, 1.0): []}
    multipliers = rate_multipliers(network, settings)
    for parameter in (*network.parameters(), *others.parameters()):
        if parameter.requires_grad:
            key = (parameter.ndim > 1, multipliers.get(parameter, 1.0))
            groups.setdefault(key, []).append(parameter)
    described = [
        {
            "params": parameters,
            "weight_decay": settings.weight_decay if decayed else 0.0,
            "multiplier": multiplier,
        }
        for (decayed, multiplier), parameters in groups.items()
    ]
    if settings.optimiser == "sgd":
        return _SGD(described, lr=settings.learning_rate, momentum=settings.momentum)
    return _AdamW(described, lr=settings.learning_rate, fused=True)


def _uncompiled(kind: type[torch.optim.Optimizer]) -> type[Any]:
    """`kind` without the wrappers that keep torch's compiler out of its methods.

    They import the compiler to do so, which is a third of what a short training takes to start.
    """
    names = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in names}
    methods["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), methods)


_SGD, _AdamW = map(_uncompiled, (torch.optim.SGD, torch.optim.AdamW))


def rate_multipliers(
    network: VideoNetwork, settings: OptimisationSettings
) -> dict[nn.Parameter, float]:
    """The factor of every weight and bias of a convolution or linear layer.

    The first convolution, the head and Rev2Net's decoders are told by their places; their biases
    have both factors. Of the decoders, all fresh, batch normalisation has it too.
    """
    chosen = settings.multipliers
    found: dict[nn.Parameter, float] = {}
    layers = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose3d, nn.Linear)
    first = True
    for name, layer in network.named_modules():
        decoding = name.startswith(DECODING)
        if not (decoding or isinstance(layer, layers)):
            continue
        factor = chosen.head if f"{name}.".startswith(HEADS) else 1.0
        if decoding:
            factor = chosen.decoders
        if first:
            factor, first = chosen.first_convolution, False
        for part, parameter in layer.named_parameters(recurse=False):
            found[parameter] = factor * (chosen.biases if part == "bias" else 1.0)
    return found


class GradientClipping:
    """Scales gradients to a largest norm: those of decoders by themselves, and all others.

    What a decoder's loss weighs would else decide how large the encoder's steps are: of one norm
    over all, the decoders are most.
    """

    def __init__(self, network: VideoNetwork, others: nn.Module, largest: float) -> None:
        self.largest = largest
        self.parts: dict[str, list[nn.Parameter]] = {"gradient_norm": [*others.parameters()]}
        for name, parameter in network.named_parameters():
            part = "decoder_gradient_norm" if name.startswith(DECODING) else "gradient_norm"
            self.parts.setdefault(part, []).append(parameter)

    def __call__(self) -> dict[str, Tensor]:
        """Clip in place; the norms before that, by what they are called in metrics.jsonl."""
        return {
            name: nn.utils.clip_grad_norm_(parameters, self.largest)
            for name, parameters in self.parts.items()
        }


def learning_rate(step: int, settings: OptimisationSettings) -> float:
    """The rate of a step: linear warm-up, then a cosine to 0 or a tenfold drop at milestones.

    A cosine of several cycles falls to 0 in each (warm restarts, as Sun-OFF was trained); after a
    restart, drops are counted anew (a second cycle, as I3D on flow). The schedule is in steps.
    """
    steps = settings.num_steps
    warmup = settings.warmup * steps
    if step < warmup:
        return settings.learning_rate * (step + 1) / (warmup + 1)
    if settings.schedule == "cosine":
        progress = (step - warmup) * settings.cycles / max(1.0, steps - warmup) % 1.0
        return settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))
    begun = max((restart for restart in settings.restarts if restart <= step), default=0)
    passed = sum(begun < milestone <= step for milestone in settings.milestones)
    return settings.learning_rate * 0.1**passed


class WeightAverage:
    """An exponential moving average of a network's weights and batch-normalisation statistics.

    average <- decay * average + (1 - decay) * weights after every step. The decay starts low, at
    (1 + step) / (10 + step), so that a short training does not average its random start.
    """

    def __init__(self, network: VideoNetwork, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay = decay
        self._averages, self._counters = _split(self.network)

    def update(self, network: VideoNetwork, step: int) -> None:
        """Take in the weights after a step (counted from 0)."""
        weights, counters = _split(network)
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averages, weights, 1 - decay)
        for mine, theirs in zip(self._counters, counters, strict=True):
            mine.copy_(theirs)


def _split(network: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """What can be averaged, and what counts something."""
    state = [tensor.detach() for tensor in network.state_dict().values()]
    return (
        [tensor for tensor in state if tensor.is_floating_point()],
        [tensor for tensor in state if not tensor.is_floating_point()],
    )
