"""Time the training loop beside a bare step, and Rev2Net beside the I3D inside it.

    rev2net bench train                                      # both, in about two minutes
    rev2net bench train --part loop --config config.yaml     # its I3D on RGB, its batch
    rev2net bench train --part decoders --length 64 --size 224 --batch 8    # published, on a GPU

"loop": the I3D of a configuration is trained on noise videos of its stored size, each step in
turn with a bare one (forward, backward, clipping, optimiser) of a twin. The loop prepares its clips
(resize, flip, normalise), looks at every term and logs it; bar: 5 % over the bare step. Reading and
decoding clips, which loader processes do at the same time, stands on a line of its own.

"decoders": training steps of I3D and of Rev2Net with all its terms, for several widths of the
decoders' trunk. The ratio of times may exceed that of multiply-adds by 15 %.

On the CPU one thread works, and times are its processor time. On a GPU steps run in bfloat16.
"""

import argparse
import copy
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch

from rev2net.bench.arrays import Clip, write_clips
from rev2net.config import ComputeSettings, Config, FramesSettings, LossSettings, load
from rev2net.device import claim_device
from rev2net.errors import UserError, refuse_below
from rev2net.experiments import train_settings
from rev2net.models import build
from rev2net.models.cost import measure
from rev2net.models.spec import input_spec
from rev2net.progress import note
from rev2net.runs.identity import Run
from rev2net.training.batches import Batch
from rev2net.training.log import TrainingLog
from rev2net.training.loop import Training, log_interval
from rev2net.training.objective import Objective, Targets
from rev2net.training.optimiser import GradientClipping, build_optimiser
from rev2net.training.step import TrainingStep

LOOP_BAR = 5.0  # percent that the loop may add to a bare step
DECODERS_BAR = 15.0  # percent by which the ratio of times may exceed that of multiply-adds
# Every term of Eq. 3 is computed, whatever its weight.
REV2NET_LOSS = LossSettings(
    flow=1.0, frames=1.0, feature_discrepancy=0.1, latent_discrepancy=0.01, domain=0.0
)
RUN = "hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0"
TRAINED = 840  # videos of its list, where the real one has its epochs
VIDEOS, FRAMES = 24, 24  # of each dataset, and of each video
PARTS = ("loop", "decoders")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net bench train`."""
    parser.add_argument("--part", choices=PARTS, help="one of the two (default: both)")
    parser.add_argument("--steps", type=int, help="timed steps (default 20 loop, 5 decoders)")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="of the loop")
    parser.add_argument("--length", type=int, default=16, help="frames of a clip (default 16)")
    parser.add_argument("--size", type=int, default=112, help="their side, pixels (default 112)")
    parser.add_argument("--width", type=float, default=1.0, help="of the networks (default 1)")
    parser.add_argument("--batch", type=int, default=1, help="clips a step (default 1)")
    parser.add_argument(
        "--trunks", type=int, nargs="+", default=[16, 32, 64], help="default 16 32 64"
    )


def run(args: argparse.Namespace) -> None:
    """Measure and print."""
    # Smaller clips leave one position a channel, which batch normalisation cannot take.
    refuse_below(args, steps=1, length=8, size=64, batch=1)
    if not 0 < args.width < math.inf:
        raise UserError(f"--width: {args.width}; allowed is a positive number")
    torch.set_num_threads(1)
    with claim_device() as device:
        name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU, one thread"
        print(f"torch {torch.__version__}; {name}")
        if args.part != "decoders":
            _loop(load(args.config), args.steps or 20, device)
        if args.part != "loop":
            _decoders(args, device)


def _loop(chosen: Config, steps: int, device: torch.device) -> None:
    wanted = Run.parse(RUN)
    settings = train_settings(wanted, chosen)
    compute = settings.compute.model_copy(
        update={"threads": 1, "loader_workers": 0, "processes": 1, "sync_batchnorm": False}
    )
    every = log_interval(settings.optimisation.in_steps(TRAINED).num_steps)
    short = {"steps": steps + 1, "epochs": None, "milestones": (), "restarts": (), "ema": None}
    optimisation = settings.optimisation.model_copy(update=short)
    settings = settings.model_copy(update={"compute": compute, "optimisation": optimisation})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = {"source": "train", "target": "target_unlabelled"}
        videos = {dataset: noise(dataset, part, chosen.frames) for dataset, part in parts.items()}
        split, shards = write_clips(folder, videos, chosen.frames)
        names = ["one", "other"]
        training = Training(settings, split, shards, names, folder, device)
        log = TrainingLog(folder / "log.jsonl", steps + 1, 0, every, epoch=float(steps + 2))
        note(f"loop: {steps} steps")
        cost = loop_cost(training, log, steps)
        log.close()
    clip, batch = settings.clip, settings.optimisation.batch
    print(
        f"\nloop: {chosen.name}'s i3d.rgb, width {settings.network.width:g}, {batch} + {batch} "
        f"clips of {clip.length}x{clip.size}x{clip.size}, {steps} steps"
    )
    rows = [
        ("bare step", cost.bare),
        ("step of the loop", cost.loop),
        ("  resize, flip, normalise", cost.device),
        ("clips from shards", cost.data),
    ]
    for label, value in rows:
        print(f"{label:28} {1000 * value:9.2f} ms  {100 * value / cost.bare:6.1f} %")
    verdict = "met" if cost.overhead <= LOOP_BAR else "missed"
    print(f"the loop adds {cost.overhead:.1f} % (bar {LOOP_BAR:g} %: {verdict})")


def _decoders(args: argparse.Namespace, device: torch.device) -> None:
    steps = args.steps or 5
    costs = decoder_costs(
        tuple(args.trunks),
        width=args.width,
        length=args.length,
        size=args.size,
        batch=args.batch,
        steps=steps,
        device=device,
    )
    shape = f"{args.batch}x{args.length}x{args.size}x{args.size}"
    print(f"\ndecoders: width {args.width:g}, clips {shape}, all decoded, {steps} steps")
    print(decoder_table(costs))


def noise(dataset: str, part: str, frames: FramesSettings) -> Iterator[Clip]:
    """Videos of smooth noise, of two classes, as large as a configuration stores its own."""
    short_side = frames.short_side or 256
    width, height = frames.size or (short_side * 4 // 3, short_side)
    rng = np.random.default_rng(0)
    for number in range(VIDEOS):
        small = rng.integers(0, 256, (FRAMES, height // 8, width // 8, 3)).astype(np.uint8)
        large = [
            cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC) for image in small
        ]
        label = number % 2 if part == "train" else None
        yield Clip(f"{dataset}_{number}", np.stack(large), label=label, part=part)


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
        largest = self.settings.optimisation.clip_gradient
        self.clip = GradientClipping(self.network, self.objective, largest) if largest else None
        self.optimiser = build_optimiser(self.network, self.objective, self.settings.optimisation)

    def __call__(self, parts: list[Batch]) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        for batch in parts:
            outputs = self.network.forward_train(batch.x, decode_first=batch.decode_first)
            loss = self.objective.total(self.objective.terms(outputs, batch.targets, 0.5))
            (loss / len(parts)).backward()
        self.network.after_backward()
        if self.clip is not None:
            self.clip()
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


def decoder_table(costs: Sequence[DecoderCost]) -> str:
    """Markdown, a row a trunk width."""
    i3d = costs[0]
    lines = [
        f"| trunk | multiply-adds, G | over I3D's {i3d.i3d_multiply_adds:.2f} | step, ms "
        f"| over I3D's {1000 * i3d.i3d_step:.1f} | time over cost |",
        "|---|---|---|---|---|---|",
    ]
    for cost in costs:
        missed = "" if cost.excess <= DECODERS_BAR else ": missed"
        lines.append(
            f"| {cost.trunk_width} | {cost.multiply_adds:.2f} | {cost.multiply_add_ratio:.2f} "
            f"| {1000 * cost.step:.1f} | {cost.step_ratio:.2f} | {cost.excess:+.0f} %{missed} |"
        )
    return "\n".join(lines)


def loss_of(network: str) -> LossSettings:
    """A loss for which a network computes all that it can."""
    if network == "rev2net":
        return REV2NET_LOSS
    return LossSettings(flow=1.0, flow_norm="epe") if network == "actionflownet" else LossSettings()


def random_batch(
    network: str, batch: int, length: int, size: int, classes: int, device: torch.device
) -> Batch:
    """Random clips in a network's layout, with labels and the targets of its decoders."""
    spec, loss = input_spec(network), loss_of(network)
    axes = {"B": batch, "C": spec.channels, "T": length, "H": size, "W": size}
    x = torch.rand([axes[axis] for axis in spec.layout], device=device) * 2 - 1
    flow = None
    if loss.flow > 0:
        flow = torch.rand(batch, 2, length, size, size, device=device) * 2 - 1
    labels = torch.arange(batch, device=device) % classes
    return Batch(x, Targets(labels, flow, x if loss.frames > 0 else None), None)


def training_step(
    network: str,
    batch: Batch,
    classes: int,
    compute: ComputeSettings,
    width: float = 1.0,
    **options: Any,
) -> Callable[[], None]:
    """Forward with every output, loss, backward and SGD of a new network; all clips are decoded."""
    device = batch.x.device
    module = build(network, classes, width=width, **options).to(device)
    forward = TrainingStep(module, Objective(loss_of(network), "none", 1), compute).train()
    trained = [p for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(trained, lr=1e-4, momentum=0.9)
    fast = torch.autocast(device.type, torch.bfloat16, enabled=compute.precision == "bfloat16")

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with fast:
            loss, *_ = forward(batch, 0.5)
        loss.backward()
        module.after_backward()
        optimiser.step()

    return step


def decoder_costs(
    trunk_widths: tuple[int, ...],
    *,
    width: float,
    length: int,
    size: int,
    batch: int,
    steps: int,
    device: torch.device,
) -> list[DecoderCost]:
    """Time training steps of I3D and of Rev2Net at each trunk width, in turns.

    All clips are decoded, and every term of Eq. 3 is computed.
    """
    precision: Literal["bfloat16", "float32"] = "bfloat16" if device.type == "cuda" else "float32"
    compute = ComputeSettings(threads=1, loader_workers=0, precision=precision)

    def step_of(name: str, **options: Any) -> Callable[[], None]:
        clips = random_batch(name, batch, length, size, batch, device)
        return training_step(name, clips, batch, compute, width, **options)

    work = {0: step_of("i3d")}
    work |= {trunk: step_of("rev2net", trunk_width=trunk) for trunk in trunk_widths}
    times: dict[int, list[float]] = {trunk: [] for trunk in work}
    for number in range(steps + 1):  # the first warms up
        note(f"decoders: step {number} of {steps}")
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
