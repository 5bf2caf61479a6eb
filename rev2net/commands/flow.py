"""TV-L1 optical flow of any videos, as images, arrays, .flo files or shards.

    rev2net flow clip.avi --out flows                       # flows/clip/flow_x_00001.jpg, flow_y_…
    rev2net flow videos/ --out flows --short-side 256 --frames --jobs 8
    rev2net flow list.txt --out flows --format npy          # float32, pixels per frame
    rev2net flow clip.avi --out flows --bound 15 --size 340x256 --step 2

The flow is that of OpenCV's DualTVL1OpticalFlow, from each frame to the one --step later. Images
hold it as bytes: 128 is no motion, 1 and 255 are -bound and +bound pixels per frame. Results of a
video appear whole or not at all; the same command again does what is left. ledger.csv says what
became of each video; the exit code is 2 where one was short or broken.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rev2net.commands import width_and_height

if TYPE_CHECKING:
    from rev2net.config import FlowShardSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "videos", nargs="+", type=Path, metavar="VIDEO", help="a file, a folder, or a list (.txt)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="made if need be")
    parser.add_argument("--format", default="jpg", choices=("jpg", "png", "npy", "flo", "h5"))
    parser.add_argument("--frames", action="store_true", help="the frames too: img_00001.jpg")
    parser.add_argument("--bound", type=float, default=20.0, help="pixels per frame (20)")
    parser.add_argument("--quality", type=int, default=95, help="of JPEGs, 1 to 100 (95)")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--size", metavar="WxH", help="resize frames to exactly that, as 340x256")
    size.add_argument("--short-side", type=int, metavar="N", help="resize, keeping the aspect")
    parser.add_argument("--fps", type=float, help="resample frames in time (as stored)")
    parser.add_argument("--step", type=int, default=1, help="frames from one to the other (1)")
    parser.add_argument("--backend", default="auto", choices=("auto", "numba", "opencv", "cuda"))
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (one a core; cuda: one)")


def run(args: argparse.Namespace) -> None:
    import sys

    from rev2net.apply.flow import FlowFiles
    from rev2net.apply.inputs import find_videos
    from rev2net.apply.output import OutputFolder, summary
    from rev2net.errors import refuse_below
    from rev2net.flow.tvl1 import resolve_backend
    from rev2net.processes import num_cores

    backend = resolve_backend(args.backend)
    refuse_below(args, step=1, jobs=1)
    settings = _settings(args)
    videos = find_videos(args.videos)
    files = FlowFiles(args.out, settings, args.format, args.step, args.frames)
    output = OutputFolder(args.out, files.record())
    jobs = args.jobs or (1 if backend == "cuda" else num_cores())
    counts = output.run(videos, files.done, files, jobs, "flow")
    print(f"{args.out}: {summary(counts)}")
    if counts.total() != counts["ok"]:
        sys.exit(2)


def _settings(args: argparse.Namespace) -> "FlowShardSettings":
    """The options as a configuration has them; raises UserError for values out of range."""
    from rev2net.config import FlowShardSettings, validate
    from rev2net.flow.parameters import default_settings

    size = None if args.size is None else width_and_height(args.size, "--size")
    codec = "png" if args.format == "png" else "jpeg"
    stored = {"codec": codec, "quality": args.quality}
    frames = {"short_side": args.short_side, "size": size, "fps": args.fps, "time_limit": 86400.0}
    flow = default_settings(20.0).model_dump() | stored
    flow |= {"backend": args.backend, "bound": args.bound}
    return validate(FlowShardSettings, flow | {"frames": frames | stored}, "options")
