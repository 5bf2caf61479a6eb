"""Time `rev2net frames` beside its parts: ffmpeg alone and OpenCV's JPEG encoder alone.

    rev2net bench decode                              # on generated clips
    rev2net bench decode --clips a.avi b.mp4          # on videos of one's own
    rev2net bench decode --clips *.avi --short-side 256

The baseline decodes each clip with ffmpeg into a null sink (and resizes it, with --short-side) and,
apart from that, encodes the same frames with bare cv2.imencode; its time is the sum. Beside it, the
clips go through `rev2net frames` into one shard: decoded, encoded, written, synchronised with the
disk. Everything runs on one core, in turns, and medians are shown.
"""

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net bench decode`."""
    parser.add_argument("--clips", type=Path, nargs="+", default=[], help="videos to decode")
    parser.add_argument("--short-side", type=int, help="resize, pixels (default: as stored)")
    parser.add_argument("--quality", type=int, default=95, help="of the JPEGs (default 95)")
    parser.add_argument("--repeats", type=int, default=5, help="passes (default 5)")


def run(args: argparse.Namespace) -> None:
    """Measure and print the table."""
    import tempfile

    from rev2net.bench.clip_shards import ClipShards, default_frames
    from rev2net.bench.decode import measure, table, tools, write_clips
    from rev2net.errors import UserError

    if args.repeats < 1:
        raise UserError(f"--repeats: {args.repeats}; allowed is a whole number from 1")
    settings = default_frames(args.short_side, args.quality)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = args.clips or write_clips(folder, count=8, num_frames=180)
        shards = ClipShards(folder, clips)
        passes = measure(
            clips,
            args.short_side,
            args.quality,
            args.repeats,
            lambda: shards.make_rgb(settings),
            _progress,
        )
    print(tools())
    source = "clips" if args.clips else "generated clips"
    size = "as stored" if args.short_side is None else f"short side {args.short_side}"
    of_what = f"{len(clips)} {source}, {passes[0].num_frames} frames, {size}"
    print(f"{of_what}; JPEG {args.quality}; one core")
    print(table(passes))


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
