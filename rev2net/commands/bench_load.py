"""Time the loader of training clips beside bare cv2.imdecode of the same images.

    rev2net bench load                                      # on shards of generated clips
    rev2net bench load --clips a.avi b.mp4                  # on shards made of these videos
    rev2net bench load --shards work/mini/shards/ucf101     # on shards that are there

A worker of the loader reads a clip from a shard, decodes its images and crops them; what it does
beside decoding is the difference. The samples are those of TSN (3 segments) and of I3D (64 frames
in a row), RGB and flow. What follows on the training device (resize, flip, floating point) has a
column of its own. Everything runs on one core; figures are processor time, median of the samples.
"""

import argparse
import sys
import tempfile
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net bench load`."""
    given = parser.add_mutually_exclusive_group()
    given.add_argument("--clips", type=Path, nargs="+", default=[], help="videos to make shards of")
    given.add_argument("--shards", type=Path, help="a folder with rgb.index and flow.index")
    parser.add_argument("--samples", type=int, default=40, help="of each kind (default 40)")
    parser.add_argument("--short-side", type=int, default=256, help="of new shards (default 256)")
    parser.add_argument("--size", type=int, default=224, help="side of network input (default 224)")


def run(args: argparse.Namespace) -> None:
    """Measure and print the table."""
    import torch

    from rev2net.bench.clip_shards import DATASET
    from rev2net.bench.decode import decode_bare, one_core, tools
    from rev2net.bench.load import SHAPES, Recording, measure, table
    from rev2net.clips.dataset import Entry
    from rev2net.errors import UserError
    from rev2net.shards.reader import ShardIndex

    for option in ("samples", "short_side", "size"):
        if (value := getattr(args, option)) < 1:
            name = option.replace("_", "-")
            raise UserError(f"--{name}: {value}; allowed is a whole number from 1")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(1)
    results = []
    with tempfile.TemporaryDirectory() as name, one_core():
        folder = args.shards or _make_shards(Path(name), args.clips, args.short_side)
        for kind in ("rgb", "flow"):
            index = ShardIndex(folder / f"{kind}.index")
            shards = Recording({(DATASET, kind): index})
            entries = [Entry(video_id, DATASET, 0, video_id) for video_id in index.ids]
            for sample in SHAPES:
                _progress(f"{sample}, {kind}")
                results.append(
                    measure(
                        shards, entries, sample, kind, args.samples, args.size, device, decode_bare
                    )
                )
            video = index.video(index.ids[0])
    print(f"{tools()}, torch {torch.__version__}")
    print(
        f"{len(entries)} videos, the first {video.width}x{video.height}; {args.samples} samples "
        f"each; one core; device {device}, {args.size}x{args.size}"
    )
    print(table(results))


def _make_shards(folder: Path, clips: list[Path], short_side: int) -> Path:
    """Shards of the clips, or of generated ones, with default settings; their folder."""
    from rev2net.bench.clip_shards import ClipShards, default_flow, default_frames
    from rev2net.bench.decode import write_clips
    from rev2net.shards.index import write_index

    clips = clips or write_clips(folder, count=2, num_frames=80)
    shards = ClipShards(folder, clips)
    frames = default_frames(short_side, quality=95)
    _progress(f"shards of {len(clips)} clips: RGB")
    shards.make_rgb(frames)
    _progress(f"shards of {len(clips)} clips: flow")
    shards.make_flow(default_flow(frames))
    for kind in ("rgb", "flow"):
        write_index(folder, kind, 1)
    return folder


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
