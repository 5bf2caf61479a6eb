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
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from rev2net.config import Config

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
    import math

    import torch

    from rev2net import config
    from rev2net.device import claim_device
    from rev2net.errors import UserError

    # Smaller clips leave one position a channel, which batch normalisation cannot take.
    for option, least in (("steps", 1), ("length", 8), ("size", 64), ("batch", 1)):
        value = getattr(args, option)
        if value is not None and value < least:
            raise UserError(f"--{option}: {value}; allowed is a whole number from {least}")
    if not 0 < args.width < math.inf:
        raise UserError(f"--width: {args.width}; allowed is a positive number")
    torch.set_num_threads(1)
    with claim_device() as device:
        name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU, one thread"
        print(f"torch {torch.__version__}; {name}")
        if args.part != "decoders":
            _loop(config.load(args.config), args.steps or 20, device)
        if args.part != "loop":
            _decoders(args, device)


def _loop(chosen: "Config", steps: int, device: "torch.device") -> None:
    from rev2net.bench.train import LOOP_BAR, loop_cost
    from rev2net.experiments import train_settings
    from rev2net.runs.identity import Run
    from rev2net.training.log import TrainingLog
    from rev2net.training.loop import Training, log_interval

    settings = train_settings(Run.parse(RUN), chosen)
    compute = settings.compute.model_copy(
        update={"threads": 1, "loader_workers": 0, "processes": 1, "sync_batchnorm": False}
    )
    every = log_interval(settings.optimisation.in_steps(TRAINED).num_steps)
    short = {"steps": steps + 1, "epochs": None, "milestones": (), "restarts": (), "ema": None}
    optimisation = settings.optimisation.model_copy(update=short)
    settings = settings.model_copy(update={"compute": compute, "optimisation": optimisation})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        split, shards, class_names = _write_videos(folder, chosen)
        arguments = (settings, split, shards, class_names, folder, device)
        training = Training(*arguments)
        log = TrainingLog(folder / "log.jsonl", steps + 1, 0, every, epoch=float(steps + 2))
        _progress(f"loop: {steps} steps")
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


def _decoders(args: argparse.Namespace, device: "torch.device") -> None:
    from rev2net.bench.train import DECODERS_BAR, decoder_costs

    steps = args.steps or 5
    costs = decoder_costs(
        tuple(args.trunks),
        width=args.width,
        length=args.length,
        size=args.size,
        batch=args.batch,
        steps=steps,
        device=device,
        progress=_progress,
    )
    shape = f"{args.batch}x{args.length}x{args.size}x{args.size}"
    print(f"\ndecoders: width {args.width:g}, clips {shape}, all decoded, {steps} steps")
    print(f"I3D: {costs[0].i3d_multiply_adds:.2f} G, {1000 * costs[0].i3d_step:.1f} ms a step")
    print(f"{'trunk':>6} {'G':>8} {'ratio':>6} {'step ms':>9} {'ratio':>6} {'time over cost':>15}")
    for cost in costs:
        verdict = "bar met" if cost.excess <= DECODERS_BAR else "bar missed"
        print(
            f"{cost.trunk_width:6} {cost.multiply_adds:8.2f} {cost.multiply_add_ratio:6.2f} "
            f"{1000 * cost.step:9.1f} {cost.step_ratio:6.2f} {cost.excess:+13.1f} %  {verdict}"
        )


def _write_videos(folder: Path, chosen: "Config") -> "tuple[Path, dict[str, Path], list[str]]":
    """Shards of smooth noise for both datasets, and a split of them with two classes."""
    import cv2
    import numpy as np
    import numpy.typing as npt

    from rev2net.runs.folder import ShardFolder
    from rev2net.shards.index import write_index
    from rev2net.shards.layout import rgb_attributes
    from rev2net.shards.writer import write_shard
    from rev2net.video.images import encode_image

    frames = chosen.frames
    short_side = frames.short_side or 256
    width, height = frames.size or (short_side * 4 // 3, short_side)
    rng = np.random.default_rng(0)
    rows, shards = ["video_id,dataset,label,group,part"], {}
    for dataset, part in (("hmdb51", "train"), ("ucf101", "target_unlabelled")):
        shards[dataset] = folder / dataset
        attributes = rgb_attributes(frames) | {
            "dataset": dataset,
            "shard": 0,
            "num_shards": 1,
            "index_digest": "",
        }
        with write_shard(ShardFolder(shards[dataset]).shard("rgb", 0), attributes) as writer:
            for number in range(VIDEOS):
                for _ in range(FRAMES):
                    noise = rng.integers(0, 256, (height // 8, width // 8, 3)).astype(np.uint8)
                    image = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
                    pixels: npt.NDArray[np.uint8] = np.asarray(image, np.uint8)
                    writer.append(encode_image(pixels, frames.codec, frames.quality))
                video = f"{dataset}_{number}"
                writer.keep_video(video, num_frames=FRAMES, height=height, width=width, fps=25.0)
                rows.append(f"{video},{dataset},{number % 2 if part == 'train' else ''},,{part}")
        write_index(shards[dataset], "rgb", 1)
    split = folder / "split1.csv"
    split.write_text("\n".join(rows) + "\n")
    return split, shards, ["one", "other"]


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
