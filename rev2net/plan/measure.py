"""The rates of this machine, in a minute: short clips, rendered pairs of frames, single steps."""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from rev2net import experiments
from rev2net.bench.decode import Timer, one_core, write_clips
from rev2net.bench.flow import rendered_pairs
from rev2net.config import Config
from rev2net.experiments import METHODS
from rev2net.flow.parameters import of_settings
from rev2net.flow.quantize import quantize, stack_components
from rev2net.flow.tvl1 import resolve_backend, tvl1_sequence
from rev2net.models import build
from rev2net.models.spec import input_spec
from rev2net.plan.facts import DatasetFacts
from rev2net.plan.rates import FLOW_BYTES, GPU_RATE, RGB_BYTES, Rate, Rates
from rev2net.plan.training import run_cost, step_multiply_adds
from rev2net.runs.identity import Run
from rev2net.video.decoding import Frame, FrameStream
from rev2net.video.images import ImageDecoder, encode_image

SHORT, LONG = 2, 100  # frames of the two clips
STEP_MULTIPLY_ADDS = 1e11  # of a step that is timed on the CPU: a few seconds
REPEATS = 3


def measure(
    config: Config, runs: set[Run], facts: DatasetFacts, progress: Callable[[str], None]
) -> Rates:
    """The rates of this machine for a configuration, whose frames are as large as those of `facts`.

    A step is timed for each network of the trainings `runs`. Where the configuration asks for GPUs
    and this machine has none, their rate is assumed.
    """
    progress("decoding and encoding")
    values = _video_rates(config)
    progress("TV-L1 flow (the first time its kernels are compiled)")
    values |= _flow_rates(config, facts)
    training = {}
    for recipe in sorted({METHODS[run.method].recipe for run in runs}):
        progress(f"a training step of {recipe}")
        training[recipe] = _training_rate(recipe, runs, config)
    progress("how long jobs take to start")
    values["start"] = _seconds_to_import("rev2net.shards.make")
    values["start_training"] = _seconds_to_import("rev2net.training.loop")
    flow_bytes = FLOW_BYTES[config.flow.codec]
    return Rates(rgb_bytes=RGB_BYTES, flow_bytes=flow_bytes, training=training, **values)


def _video_rates(config: Config) -> dict[str, Rate]:
    """What a video takes to open, and its pixels to decode, encode and read back, on one core."""
    frames = config.frames

    def decode(clip: Path) -> list[Frame]:
        return list(FrameStream(clip, order="bgr", short_side=frames.short_side, size=frames.size))

    with tempfile.TemporaryDirectory() as folder, one_core():
        (short,) = write_clips(_made(folder, "short"), 1, SHORT)
        (long,) = write_clips(_made(folder, "long"), 1, LONG)
        images = decode(long)
        begun = _seconds(lambda: decode(short))
        whole = _seconds(lambda: decode(long))
        encoded = [encode_image(i, frames.codec, frames.quality, order="bgr") for i in images]
        encoding = _seconds(
            lambda: [encode_image(i, frames.codec, frames.quality, order="bgr") for i in images]
        )
        decoder = ImageDecoder(*images[0].shape[:2])
        reading = _seconds(lambda: [decoder.decode(data) for data in encoded])
    stored = images[0].shape[0] * images[0].shape[1] / 1e6
    source = "measured on one core, rendered 320x240 clips"
    decoding = max(whole - begun, 1e-6) / (LONG - SHORT) / (320 * 240 / 1e6)
    return {
        "open": Rate(value=begun, source=source),
        "decode": Rate(value=decoding, source=source),
        "encode": Rate(value=encoding / LONG / stored, source=source),
        "read": Rate(value=reading / LONG / stored, source=source),
    }


def _flow_rates(config: Config, facts: DatasetFacts) -> dict[str, Rate]:
    """TV-L1 at the size of the stored frames, and to store its flow."""
    size = facts.stored_size(config.frames)
    backend = resolve_backend(config.flow.backend)
    parameters = of_settings(config.flow)
    pairs = [[_resized(frame, size) for frame in pair] for pair in rendered_pairs(REPEATS + 1)]

    def solve(video: Sequence[npt.NDArray[np.uint8]]) -> list[npt.NDArray[np.float32]]:
        return list(tvl1_sequence(video, backend=backend, **parameters))

    if backend == "cuda":  # a batch, as in a long video
        video = [frame for pair in pairs for frame in pair] * 40
        flows = solve(video)[:1]  # compiles
        seconds = _seconds(lambda: solve(video), 0) / (len(video) - 1)
    else:
        flows = solve(pairs[-1])
        seconds = statistics.mean(_seconds(partial(solve, pair)) for pair in pairs[:-1])
    images = [stack_components(quantize(flow, config.flow.bound)) for flow in flows] * 20
    codec, quality = config.flow.codec, config.flow.quality
    with one_core():
        encoding = _seconds(lambda: [encode_image(image, codec, quality) for image in images])
    megapixels, pairs_of = size[0] * size[1] / 1e6, f"rendered pairs of {size[0]}x{size[1]}"
    return {
        "flow": Rate(value=seconds / megapixels, source=f"measured: {backend}, {pairs_of}"),
        "encode_flow": Rate(
            value=encoding / len(images) / megapixels, source=f"measured: {codec}, {pairs_of}"
        ),
    }


def _training_rate(recipe: str, runs: set[Run], config: Config) -> Rate:
    """Multiply-adds a second of forward and backward passes of a network, on as many threads."""
    if config.resources.gpus and not torch.cuda.is_available():
        return GPU_RATE
    # Ablations and other inputs of a recipe differ little: the first run stands for them.
    run = min(run for run in runs if METHODS[run.method].recipe == recipe)
    settings = experiments.train_settings(run, config)
    cost = run_cost(run, settings)
    device = torch.device("cuda" if config.resources.gpus else "cpu")
    spec, network = input_spec(run.method, run.input), settings.network
    batch = settings.optimisation.batch
    if device.type == "cpu":
        batch = max(1, min(batch, int(STEP_MULTIPLY_ADDS / 3 / cost.training_multiply_adds)))
    shape = (batch, *cost.input_shape[1:])
    model = build(
        run.method, 101, in_channels=spec.channels, width=network.width, **network.options
    ).to(device)
    model.train()
    x = torch.rand(shape, device=device)
    bfloat16 = config.compute.precision == "bfloat16" and device.type == "cuda"

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            outputs = model.forward_train(x)
        learned = (t for t in _tensors(outputs) if t.requires_grad)
        torch.stack([tensor.float().square().mean() for tensor in learned]).sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize()

    threads = torch.get_num_threads()
    torch.set_num_threads(config.compute.threads)
    try:
        step()
        seconds = _seconds(step, config.compute.threads if device.type == "cpu" else 0)
    finally:
        torch.set_num_threads(threads)
    where = torch.cuda.get_device_name() if bfloat16 else f"CPU, {config.compute.threads} threads"
    source = f"measured: steps of {batch} clips through {run.method} {run.input}, {where}"
    return Rate(value=step_multiply_adds(run, settings, batch, 0) / seconds, source=source)


def _tensors(outputs: dict[str, Any]) -> Iterator[torch.Tensor]:
    """Every output of a network, lists of them too."""
    for value in outputs.values():
        yield from (value if isinstance(value, list) else (value,))


def _seconds_to_import(module: str) -> Rate:
    command = [sys.executable, "-c", f"import {module}"]
    seconds = _seconds(lambda: subprocess.run(command, check=True))
    return Rate(value=seconds, source="measured: a process that imports what the job does")


def _seconds(work: Callable[[], object], cores: int = 1) -> float:
    """Median of a few repetitions; with 0 cores by the clock.

    Otherwise processor time, children's too, spread over the cores: others' work on a busy machine
    does not count.
    """
    times = []
    for _ in range(REPEATS):
        timer = Timer()
        with timer:
            work()
        times.append(timer.processor / cores if cores else timer.clock)
    return statistics.median(times)


def _resized(frame: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.resize(frame, size), np.uint8)


def _made(folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.mkdir()
    return path
