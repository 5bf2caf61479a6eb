"""How fast a machine is: what a plan multiplies with, measured here in a minute or given in a file.

Measured with short clips, rendered pairs of frames, and single steps.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field

from rev2net import experiments
from rev2net.bench.flow import rendered_pairs
from rev2net.bench.measuring import Timer, generated_clips, one_core
from rev2net.config import Config, Section
from rev2net.experiments import method_of
from rev2net.flow.parameters import of_settings
from rev2net.flow.quantize import quantize
from rev2net.flow.tvl1 import resolve_backend, tvl1_sequence
from rev2net.models import build_for
from rev2net.models.spec import input_spec
from rev2net.plan.facts import DatasetFacts
from rev2net.plan.work import run_cost, step_multiply_adds
from rev2net.runs.identity import Run
from rev2net.video.decoding import Frame, FrameStream
from rev2net.video.images import ImageDecoder, encode_image, stack_components

SHORT, LONG = 2, 100  # frames of the two clips
STEP_MULTIPLY_ADDS = 1e11  # of a step that is timed on the CPU: a few seconds
REPEATS = 3


class Rate(Section):
    """One figure and where it is from."""

    value: Annotated[float, Field(gt=0)]
    source: str  # "measured …" or "assumed …"


class Rates(Section):
    """The figures of one machine under one configuration."""

    open: Rate = Field(description="seconds to begin decoding a video")
    decode: Rate = Field(description="seconds a megapixel as downloaded, decoded and resized")
    encode: Rate = Field(description="seconds a stored megapixel encoded")
    encode_flow: Rate = Field(description="seconds a stored megapixel of flow, both components")
    flow: Rate = Field(description="seconds of TV-L1 a stored megapixel")
    read: Rate = Field(description="seconds a megapixel read from shards")
    training: dict[str, Rate] = Field(
        description="multiply-adds a second in training steps of a network, by its recipe"
    )
    start: Rate = Field(description="seconds for a job to start")
    start_training: Rate = Field(description="seconds for a job with torch to start")
    rgb_bytes: Rate = Field(description="bytes a stored megapixel")
    flow_bytes: Rate = Field(description="bytes a stored megapixel of flow")


# At 340x256 on real clips: 24.6 kB a frame and, with both components, 5.4 kB a flow frame at JPEG
# quality 95, of which some 600 bytes are the head of any file; 14.7 kB as PNG (docs/throughput.md).
HEAD_BYTES = 600
RGB_BYTES = Rate(value=276_000, source="assumed: JPEG at quality 95 on real clips")
FLOW_BYTES = {
    "jpeg": Rate(value=55_000, source="assumed: JPEG at quality 95 on real clips"),
    "png": Rate(value=162_000, source="assumed: PNG on real clips"),
    "webp": Rate(value=95_000, source="assumed: lossless WebP on real clips"),
}
GPU_RATE = Rate(
    value=40e12, source="assumed: no GPU here; some 10 % of an H100's peak in bfloat16, untested"
)


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
    for network in sorted({rate_name(run, config) for run in runs}):
        progress(f"a training step of {network}")
        training[network] = _training_rate(network, runs, config)
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
        short = generated_clips(Path(folder), 1, SHORT)[0].rename(Path(folder) / "short.avi")
        (long,) = generated_clips(Path(folder), 1, LONG)
        images = decode(long)
        begun = _seconds(lambda: decode(short))
        whole = _seconds(lambda: decode(long))
        encode = partial(encode_image, codec=frames.codec, quality=frames.quality, order="bgr")
        encoded = [encode(image) for image in images]
        encoding = _seconds(lambda: [encode(image) for image in images])
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
    pairs = [
        [np.asarray(cv2.resize(frame, size), np.uint8) for frame in pair]
        for pair in rendered_pairs(REPEATS + 1)
    ]

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


def rate_name(run: Run, config: Config) -> str:
    """What a run's rate goes by: its recipe, or its method, where that is a configuration's own.

    The networks that share a recipe of ours differ little; those of others may in all.
    """
    return run.method if run.method in config.methods else method_of(run, config).recipe


def _training_rate(network: str, runs: set[Run], config: Config) -> Rate:
    """Multiply-adds a second of forward and backward passes of a network, on as many threads."""
    if config.resources.gpus and not torch.cuda.is_available():
        return GPU_RATE
    # The first run stands for other inputs and ablations.
    run = min(run for run in runs if rate_name(run, config) == network)
    settings = experiments.train_settings(run, config)
    cost = run_cost(run, settings)
    device = torch.device("cuda" if config.resources.gpus else "cpu")
    name, chosen = settings.network_name, settings.network
    batch = settings.optimisation.batch
    if device.type == "cpu":
        batch = max(1, min(batch, int(STEP_MULTIPLY_ADDS / 3 / cost.training_multiply_adds)))
    shape = (batch, *cost.input_shape[1:])
    spec = input_spec(name, run.input)
    model = build_for(spec, name, 101, chosen.width, chosen.options).to(device)
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
