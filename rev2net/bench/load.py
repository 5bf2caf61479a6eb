"""Time the loader of training clips beside bare cv2.imdecode of the same images.

    rev2net bench load                                      # on shards of generated clips
    rev2net bench load --clips a.avi b.mp4                  # on shards made of these videos
    rev2net bench load --shards work/data/home-*/*.index  # on shards that are there

A worker of the loader reads a clip from a shard, decodes its images and crops them; what it does
beside decoding is the difference. The samples are those of TSN (3 segments) and of I3D (64 frames
in a row), RGB and flow. What follows on the training device (resize, flip, floating point) has a
column of its own. Everything runs on one core; figures are processor time, median of the samples.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import cv2
import torch

from rev2net.bench.clip_shards import DATASET, ClipShards
from rev2net.bench.measuring import generated_clips, one_core, video_tools
from rev2net.clips.dataset import ClipShape, Entry, Sample, Shards, TrainingClips
from rev2net.clips.sampling import Augmentation
from rev2net.clips.transforms import to_batch, to_input
from rev2net.config import FlowShardSettings, usual_frames
from rev2net.errors import refuse_below
from rev2net.flow.parameters import default_settings
from rev2net.progress import note
from rev2net.runs.folder import ShardFolder
from rev2net.shards.index import write_index
from rev2net.shards.reader import ShardIndex
from rev2net.video.images import ImageBytes

T = TypeVar("T")

IN_A_ROW = 8  # samples
BAR = 0.9  # of the images that bare decoding gets through in the same time
AUGMENTATION = Augmentation(scales=(1.0, 0.875, 0.75, 0.66), distortion=1, corners=True, flip=True)

# What a training of TSN and one of I3D read.
SHAPES = {
    "TSN, 3 segments": {
        "rgb": ClipShape(("rgb",), segments=True, length=3),
        "flow": ClipShape(("flow",), segments=True, length=3, images=5),
    },
    "I3D, 64 frames": {
        "rgb": ClipShape(("rgb",), segments=False, length=64),
        "flow": ClipShape(("flow",), segments=False, length=64),
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net bench load`."""
    given = parser.add_mutually_exclusive_group()
    given.add_argument("--clips", type=Path, nargs="+", default=[], help="videos to make shards of")
    given.add_argument(
        "--shards", type=Path, nargs="+", metavar="INDEX", help="rgb.index, flow.index"
    )
    parser.add_argument("--samples", type=int, default=40, help="of each kind (default 40)")
    parser.add_argument("--short-side", type=int, default=256, help="of new shards (default 256)")
    parser.add_argument("--size", type=int, default=224, help="side of network input (default 224)")


def run(args: argparse.Namespace) -> None:
    """Measure and print the table."""
    refuse_below(args, samples=1, short_side=1, size=1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(1)
    results = []
    with tempfile.TemporaryDirectory() as name, one_core():
        for path in args.shards or _make_shards(Path(name), args.clips, args.short_side):
            index = ShardIndex(path)
            kind = str(index.attributes["kind"])
            shards = Recording({(DATASET, kind): index})
            entries = [Entry(video_id, DATASET, 0, video_id) for video_id in index.ids]
            for sample in SHAPES:
                note(f"{sample}, {kind}")
                results.append(
                    measure(shards, entries, sample, kind, args.samples, args.size, device)
                )
            video = index.video(index.ids[0])
    print(f"{video_tools()}, torch {torch.__version__}")
    print(
        f"{len(entries)} videos, the first {video.width}x{video.height}; {args.samples} samples "
        f"each; one core; device {device}, {args.size}x{args.size}"
    )
    print(table(results))


def _make_shards(folder: Path, clips: list[Path], short_side: int) -> list[Path]:
    """Shards of the clips, or of generated ones, with default settings; their indexes."""
    clips = clips or generated_clips(folder, count=2, num_frames=80)
    shards = ClipShards(folder, clips)
    frames = usual_frames(short_side=short_side)
    flow = FlowShardSettings(frames=frames, **default_settings(bound=20).model_dump())
    note(f"shards of {len(clips)} clips: RGB")
    shards.make("rgb", frames)
    note(f"shards of {len(clips)} clips: flow")
    shards.make("flow", flow)
    made = {kind: ShardFolder(folder / kind) for kind in ("rgb", "flow")}
    for kind, files in made.items():
        write_index(files.path, kind, 1)
    return [files.index for files in made.values()]


@dataclass
class Result:
    """One kind of sample; seconds are processor time, the medians of those of many samples."""

    name: str
    kind: str
    images: int  # decoded for a sample
    decoding: float  # seconds: these images, bare
    loading: float  # seconds: ours, from the shard to uint8 crops
    device: float  # seconds: crops to network input, where training runs

    @property
    def ratio(self) -> float:
        """Throughput of the loader over that of bare decoding."""
        return self.decoding / self.loading


class Recording(Shards):
    """Shards that remember what is read, while they are told to."""

    def __init__(self, indexes: dict[tuple[str, str], ShardIndex]) -> None:
        super().__init__(indexes)
        self.seen: list[list[ImageBytes]] | None = None

    def encoded(self, entry: Entry, kind: str, indices: Sequence[int]) -> Iterable[ImageBytes]:
        images = super().encoded(entry, kind, indices)
        if self.seen is None:
            return images
        self.seen.append(list(images))
        return self.seen[-1]


def measure(
    shards: Recording,
    entries: Sequence[Entry],
    name: str,
    kind: str,
    samples: int,
    size: int,
    device: torch.device,
) -> Result:
    """Time the loader, bare decoding of what it read, and the part on the device, in turns.

    Crops become (size, size) pixels on the device.
    """
    shape = SHAPES[name][kind]
    clips = TrainingClips(entries, shards, shape, AUGMENTATION, seed=0)
    ones = (1.0,) * (3 if kind == "rgb" else 2)
    layout = "BTCHW" if shape.segments else "BCTHW"
    spec = SimpleNamespace(modality=kind, layout=layout, mean=ones, std=ones, images=shape.images)

    def decode_bare(images: list[ImageBytes]) -> None:
        for image in images:
            cv2.imdecode(image, cv2.IMREAD_COLOR_RGB if kind == "rgb" else cv2.IMREAD_GRAYSCALE)

    def to_device(sample: Sample) -> None:
        to_input(to_batch([sample.crops[kind]], [sample.flip], size, device, kind), spec)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    parts: dict[str, list[float]] = {"decoding": [], "loading": [], "device": []}
    for turn in range(-(-samples // IN_A_ROW)):
        draws = range(turn * IN_A_ROW, (turn + 1) * IN_A_ROW)
        keys = [(draw % len(entries), draw) for draw in draws]
        shards.seen = seen = list[list[ImageBytes]]()
        for key in keys:
            clips[key]
        shards.seen = None
        parts["loading"].append(_seconds_each(clips.__getitem__, keys))
        parts["decoding"].append(_seconds_each(decode_bare, seen))
        parts["device"].append(_seconds_each(to_device, [clips[key] for key in keys]))
    medians = {part: statistics.median(seconds) for part, seconds in parts.items()}
    return Result(name, kind, shape.length * shape.images, **medians)


def _seconds_each(work: Callable[[T], object], inputs: Sequence[T]) -> float:
    """Processor time of work done several times in a row, so that the caches are its own."""
    began = time.process_time()
    for one in inputs:
        work(one)
    return (time.process_time() - began) / len(inputs)


def table(results: Sequence[Result]) -> str:
    """The results as text, a line each."""
    lines = [
        f"{'sample':16} {'kind':5} {'images':>6} {'imdecode ms':>12} {'loader ms':>10} "
        f"{'loader/imdecode':>16} {'on the device ms':>17}"
    ]
    for result in results:
        lines.append(
            f"{result.name:16} {result.kind:5} {result.images:6} {1000 * result.decoding:12.2f} "
            f"{1000 * result.loading:10.2f} {result.ratio:16.3f} {1000 * result.device:17.2f}"
        )
    lines.append(f"loader/imdecode: ratio of throughputs of one worker; the bar is {BAR:g}")
    return "\n".join(lines)
