"""What one training or evaluation computes and reads: the arithmetic of its network and clips."""

import functools
import json
from dataclasses import dataclass
from typing import Any

from rev2net import experiments
from rev2net.config import Config, TrainSettings
from rev2net.experiments import Run
from rev2net.models.cost import Cost, measure
from rev2net.models.spec import InputSpec, input_spec

BACKWARD = 2  # multiply-adds of a backward pass over those of its forward pass
WEIGHT_COPIES = 3  # weights, gradients, momentum; the second moments of AdamW are a fourth
TORCH_MEMORY = 0.3e9  # bytes of a process with torch and its shards open
BFLOAT16 = 0.5  # of the activations, under autocast


@dataclass(frozen=True)
class Work:
    """The whole of one training, or of one evaluation."""

    multiply_adds: float
    images: float  # read from shards
    memory: float  # bytes, of the GPU or of the process
    disk: float  # bytes that stay
    three_dimensional: bool  # clips of frames, not segments


def network_cost(
    run: Run, settings: TrainSettings, num_classes: int, length: int, size: int
) -> Cost:
    """The cost of one clip of a run's network."""
    options = json.dumps(settings.network.options, sort_keys=True)
    return _cost(
        run.method, run.input, num_classes, length, size, settings.network.width, options
    )


@functools.cache
def _cost(
    method: str, modality: str, num_classes: int, length: int, size: int, width: float, options: str
) -> Cost:
    words: dict[str, Any] = json.loads(options)
    return measure(
        method, modality, num_classes=num_classes, length=length, size=size, width=width, **words
    )


def training_work(run: Run, config: Config, settings: TrainSettings, num_classes: int) -> Work:
    """One training; decoders see the labelled clips only, unless the loss says otherwise."""
    optimisation, loss, clip = settings.optimisation, settings.loss, settings.clip
    spec = input_spec(run.method, run.input)
    cost = network_cost(run, settings, num_classes, clip.length, clip.size)
    labelled = optimisation.batch
    unlabelled = optimisation.batch if run.adapt != "none" and loss.domain > 0 else 0
    decoded = labelled + (unlabelled if loss.decoders_on_target else 0)
    plain = labelled + unlabelled - decoded
    forward = decoded * cost.training_multiply_adds + plain * cost.multiply_adds
    step = (1 + BACKWARD) * forward
    if run.method == "off":  # the TSN below it is frozen
        tsn = _cost("tsn", run.input, num_classes, clip.length, clip.size, 1.0, "{}")
        frozen = min(cost.multiply_adds, int(tsn.multiply_adds * settings.network.width**2))
        step -= BACKWARD * (labelled + unlabelled) * frozen
    flows = clip.length * decoded if loss.flow > 0 and spec.kind == "rgb" else 0
    images = (labelled + unlabelled) * clip.length * spec.images + flows
    weights = 4 * cost.parameters
    precision = BFLOAT16 if settings.compute.precision == "bfloat16" else 1.0
    together = (labelled + unlabelled) / optimisation.accumulate / settings.compute.processes
    copies = WEIGHT_COPIES + (optimisation.optimiser == "adamw")
    return Work(
        multiply_adds=step * optimisation.steps,
        images=images * optimisation.steps,
        memory=TORCH_MEMORY
        + copies * weights
        + together * cost.activation_bytes * precision,
        disk=weights,
        three_dimensional=spec.time_axis == "frames",
    )


def evaluation_work(
    run: Run, config: Config, settings: TrainSettings, num_classes: int, videos: int, frames: float
) -> Work:
    """One evaluation of so many videos, of so many stored frames each."""
    test = experiments.evaluate_settings(run, config).test
    spec = input_spec(run.method, run.input)
    if test.whole_video:
        length, views = max(spec.min_length, round(frames)), 1
    else:
        length, views = test.length or settings.clip.length, test.clips * test.crops
    cost = network_cost(run, settings, num_classes, length, test.size)
    images = length * spec.images * (1 if test.whole_video else test.clips)
    return Work(
        multiply_adds=float(cost.multiply_adds) * views * videos,
        images=float(images) * videos,
        memory=TORCH_MEMORY + 4 * cost.parameters + _largest_map(cost) * _views(test.batch, spec),
        disk=videos * (4 * num_classes + 4 * _features(cost)),
        three_dimensional=spec.time_axis == "frames",
    )


def _views(batch: int, spec: InputSpec) -> int:
    """Clips that pass together."""
    return batch if spec.time_axis == "segments" else 1


def _largest_map(cost: Cost) -> float:
    """Bytes of the input and of the two largest activations of a clip, held at once."""
    sizes = sorted(_number(shape) for shape in (*cost.endpoints.values(), cost.input_shape))
    return 4.0 * sum(sizes[-3:])


def _features(cost: Cost) -> int:
    """D of the pooled features: the channels of the last named activation before the logits."""
    before = [shape for name, shape in cost.endpoints.items() if name != "logits"]
    return before[-1][1] if before else 0


def _number(shape: tuple[int, ...]) -> int:
    product = 1
    for axis in shape:
        product *= axis
    return product
