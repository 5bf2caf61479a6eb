"""What one training or evaluation computes and reads: the arithmetic of its network and clips."""

import functools
import json
import math
from dataclasses import dataclass, replace
from typing import Any

from rev2net.config import TestSettings, TrainSettings
from rev2net.models.cost import Cost, measure
from rev2net.models.spec import input_spec
from rev2net.runs.identity import Run

BACKWARD = 2  # multiply-adds of a backward pass over those of its forward pass
WEIGHT_COPIES = 3  # weights, gradients, momentum; the second moments of AdamW are a fourth
TORCH_MEMORY = 0.42e9  # bytes of a process with torch and its shards open, as measured
# One clip with fewer pixels leaves batch normalisation a single value; it is scaled from this one.
SMALLEST_SIDE = 48
BFLOAT16 = 0.5  # of the activations, under autocast


@dataclass(frozen=True)
class Work:
    """The whole of one training, or of one evaluation."""

    multiply_adds: float
    images: float  # read from shards
    memory: float  # bytes, of the GPU or of the process
    disk: float  # bytes that stay


@functools.cache
def clip_cost(name: str, modality: str, length: int, size: int, width: float, options: str) -> Cost:
    """The cost of one clip; `options` of the network as JSON. Any head is a small part of it."""
    words: dict[str, Any] = json.loads(options)
    side = max(size, SMALLEST_SIDE)
    cost = measure(name, modality, length=length, size=side, width=width, **words)
    if side == size:
        return cost
    pixels = (size / side) ** 2
    return replace(
        cost,
        multiply_adds=round(pixels * cost.multiply_adds),
        training_multiply_adds=round(pixels * cost.training_multiply_adds),
        activation_bytes=round(pixels * cost.activation_bytes),
        input_shape=(*cost.input_shape[:-2], size, size),
    )


def run_cost(run: Run, settings: TrainSettings) -> Cost:
    """The cost of one training clip of a run."""
    network, clip = settings.network, settings.clip
    options = json.dumps(network.options, sort_keys=True)
    name = settings.network_name
    return clip_cost(name, run.input, clip.length, clip.size, network.width, options)


def step_multiply_adds(run: Run, settings: TrainSettings, decoded: int, plain: int) -> int:
    """Forward and backward passes of clips that the decoders see, and of clips that they do not."""
    cost = run_cost(run, settings)
    forward = decoded * cost.training_multiply_adds + plain * cost.multiply_adds
    frozen = 0
    if settings.network_name == "off":  # the TSN below it
        clip, width = settings.clip, settings.network.width
        tsn = clip_cost("tsn", run.input, clip.length, clip.size, width, "{}")
        frozen = (decoded + plain) * tsn.multiply_adds
    return forward + BACKWARD * (forward - frozen)


def training_work(run: Run, settings: TrainSettings, videos: int, looks: int = 0) -> Work:
    """One training on so many labelled videos, with so many looks at held-out ones in between.

    Decoders see the labelled clips only, unless the loss says otherwise.
    """
    optimisation, loss, clip = settings.optimisation, settings.loss, settings.clip
    steps = optimisation.in_steps(videos).num_steps
    spec = input_spec(settings.network_name, run.input)
    cost = run_cost(run, settings)
    labelled = optimisation.batch
    unlabelled = optimisation.batch if run.adapt != "none" and loss.domain > 0 else 0
    decoded = labelled + (unlabelled if loss.decoders_on_target else 0)
    step = step_multiply_adds(run, settings, decoded, labelled + unlabelled - decoded)
    flows = clip.length * decoded if loss.flow > 0 and spec.kind == "rgb" else 0
    images = (labelled + unlabelled) * clip.length * spec.images + flows
    weights = 4 * cost.parameters
    precision = BFLOAT16 if settings.compute.precision == "bfloat16" else 1.0
    together = (labelled + unlabelled) / optimisation.accumulate / settings.compute.processes
    copies = WEIGHT_COPIES + (optimisation.optimiser == "adamw")
    return Work(
        multiply_adds=step * steps + looks * cost.multiply_adds,
        images=images * steps + looks * clip.length * spec.images,
        memory=TORCH_MEMORY + copies * weights + together * cost.activation_bytes * precision,
        disk=weights,
    )


def evaluation_work(
    run: Run,
    settings: TrainSettings,
    test: TestSettings,
    num_classes: int,
    videos: int,
    frames: float,
) -> Work:
    """One evaluation of so many videos, of so many stored frames each.

    Other clips than those of training cost in proportion to their pixels, as convolutions do.
    """
    spec = input_spec(settings.network_name, run.input)
    cost = run_cost(run, settings)
    if test.whole_video:
        length, clips, crops = max(float(spec.min_length), frames), 1, 1
    else:
        length, clips, crops = test.length or settings.clip.length, test.clips, test.crops
    pixels = length / settings.clip.length * (test.size / settings.clip.size) ** 2
    together = 1 if test.whole_video else test.batch
    return Work(
        multiply_adds=cost.multiply_adds * pixels * clips * crops * videos,
        images=length * spec.images * clips * videos,
        memory=TORCH_MEMORY + 4 * cost.parameters + _largest_maps(cost) * pixels * together,
        disk=4 * videos * (num_classes + _features(cost)),
    )


def _largest_maps(cost: Cost) -> float:
    """Bytes of the three largest activations of a clip: a layer's input, output and workspace."""
    sizes = sorted(math.prod(shape) for shape in (*cost.endpoints.values(), cost.input_shape))
    return 4.0 * sum(sizes[-3:])


def _features(cost: Cost) -> int:
    """D of the pooled features: the channels of the last named activation before the logits."""
    before = [shape for name, shape in cost.endpoints.items() if name != "logits"]
    return before[-1][1] if before else 0
