"""How much the training loop adds to a bare step, and what Rev2Net's decoders add to I3D's.

Times are processor time on the CPU, which other programs disturb less than the clock on the wall,
and the clock on the wall, the device waited for, on a GPU.
"""

import copy
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from rev2net.config import LossSettings
from rev2net.models import build
from rev2net.models.cost import measure
from rev2net.training.batches import Batch
from rev2net.training.log import TrainingLog
from rev2net.training.loop import Training
from rev2net.training.objective import Objective, Targets
from rev2net.training.optimiser import build_optimiser

LOOP_BAR = 5.0  # percent that the loop may add to a bare step
DECODERS_BAR = 15.0  # percent by which the ratio of times may exceed that of multiply-adds
# Every term of Eq. 3 is computed, whatever its weight.
REV2NET_LOSS = LossSettings(
    flow=1.0, frames=1.0, feature_discrepancy=0.1, latent_discrepancy=0.01, domain=0.0
)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """How long one call takes."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        begun = time.perf_counter()
        work()
        torch.cuda.synchronize(device)
        return time.perf_counter() - begun
    begun = time.process_time()
    work()
    return time.process_time() - begun


@dataclass(frozen=True)
class LoopCost:
    """Medians over steps that were taken in turns, seconds."""

    bare: float  # forward, backward, clipping and optimiser, on tensors that are there
    loop: float  # the same step by the training loop, once its clips are read
    device: float  # of which: resize, flip, normalise
    data: float  # reading, decoding and cropping these clips, which loaders do beside it

    @property
    def overhead(self) -> float:
        """What the loop adds to a bare step, in percent of it."""
        return 100.0 * (self.loop / self.bare - 1.0)


def loop_cost(training: Training, log: TrainingLog, steps: int) -> LoopCost:
    """Time steps of a training and bare steps of a twin of its network, in turns.

    The first of each warm up and do not count.
    """
    device = training.device
    parts: list[Any] = []

    def kept(batches: Iterator[Any]) -> Iterator[Any]:
        while True:
            times["data"].append(seconds(lambda: parts.append(next(batches)), device))
            yield parts[-1]

    times: dict[str, list[float]] = {name: [] for name in ("bare", "loop", "data", "device")}
    batches = kept(training.batches.steps(0))
    bare = BareStep(training)
    for step in range(steps + 1):
        whole = seconds(lambda: training.advance(step, batches, log), device)  # noqa: B023
        times["loop"].append(whole - times["data"][-1])
        moved: list[Batch] = []
        for source, target in parts.pop():
            on_device = lambda: moved.append(training.batches.on_device(source, target))  # noqa: B023,E731
            times["device"].append(seconds(on_device, device))
        times["bare"].append(seconds(lambda: bare(moved), device))  # noqa: B023
    return LoopCost(**{name: statistics.median(values[1:]) for name, values in times.items()})


class BareStep:
    """What nobody can do without: forward, backward, clipping, optimiser; nothing is looked at."""

    def __init__(self, training: Training) -> None:
        self.settings = training.settings
        self.network = copy.deepcopy(training.network)
        self.objective = copy.deepcopy(training.objective)
        self.parameters = [*self.network.parameters(), *self.objective.parameters()]
        self.optimiser = build_optimiser(self.network, self.objective, self.settings.optimisation)

    def __call__(self, parts: list[Batch]) -> None:
        optimisation = self.settings.optimisation
        self.optimiser.zero_grad(set_to_none=True)
        for batch in parts:
            outputs = self.network.forward_train(batch.x, decode_first=batch.decode_first)
            loss = self.objective.total(self.objective.terms(outputs, batch.targets, 0.5))
            (loss / len(parts)).backward()
        if optimisation.clip_gradient is not None:
            nn.utils.clip_grad_norm_(self.parameters, optimisation.clip_gradient)
        self.optimiser.step()


@dataclass(frozen=True)
class DecoderCost:
    """Rev2Net at one trunk width, beside the I3D inside it."""

    trunk_width: int
    multiply_adds: float  # of a forward pass of training, billions
    i3d_multiply_adds: float
    step: float  # seconds, median
    i3d_step: float

    @property
    def multiply_add_ratio(self) -> float:
        return self.multiply_adds / self.i3d_multiply_adds

    @property
    def step_ratio(self) -> float:
        return self.step / self.i3d_step

    @property
    def excess(self) -> float:
        """By how many percent the ratio of times exceeds that of multiply-adds."""
        return 100.0 * (self.step_ratio / self.multiply_add_ratio - 1.0)


def decoder_costs(
    trunk_widths: tuple[int, ...],
    *,
    width: float,
    length: int,
    size: int,
    batch: int,
    steps: int,
    device: torch.device,
    progress: Callable[[str], None],
) -> list[DecoderCost]:
    """Time training steps of I3D and of Rev2Net at each trunk width, in turns.

    All clips are decoded, and every term of Eq. 3 is computed.
    """
    x = torch.rand(batch, 3, length, size, size, device=device) * 2 - 1
    labels = torch.arange(batch, device=device)
    flow = torch.rand(batch, 2, length, size, size, device=device) * 2 - 1
    targets = Targets(labels, flow, x)

    def step_of(name: str, **options: Any) -> Callable[[], None]:
        network = build(name, batch, width=width, **options).to(device).train()
        loss = REV2NET_LOSS if name == "rev2net" else LossSettings()
        objective = Objective(loss, "none", 1)
        optimiser = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)
        fast = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")

        def step() -> None:
            optimiser.zero_grad(set_to_none=True)
            with fast:
                outputs = network.forward_train(x)
                total = objective.total(objective.terms(outputs, targets, 0.5))
            total.backward()
            optimiser.step()

        return step

    work = {0: step_of("i3d")}
    work |= {trunk: step_of("rev2net", trunk_width=trunk) for trunk in trunk_widths}
    times: dict[int, list[float]] = {trunk: [] for trunk in work}
    for number in range(steps + 1):  # the first warms up
        progress(f"decoders: step {number} of {steps}")
        for trunk, step in work.items():
            times[trunk].append(seconds(step, device))
    medians = {trunk: statistics.median(values[1:]) for trunk, values in times.items()}
    shape = {"num_classes": batch, "length": length, "size": size, "width": width}
    i3d = measure("i3d", **shape).training_multiply_adds  # type: ignore[arg-type]
    found = []
    for trunk in trunk_widths:
        cost = measure("rev2net", trunk_width=trunk, **shape)  # type: ignore[arg-type]
        found.append(
            DecoderCost(
                trunk, cost.training_multiply_adds / 1e9, i3d / 1e9, medians[trunk], medians[0]
            )
        )
    return found
