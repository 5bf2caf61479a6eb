"""Time `rev2net stage frames` beside its parts: ffmpeg alone and OpenCV's JPEG encoder alone.

    rev2net bench decode                              # on generated clips
    rev2net bench decode --clips a.avi b.mp4          # on videos of one's own
    rev2net bench decode --clips *.avi --short-side 256

The baseline decodes each clip with ffmpeg into a null sink (and resizes it, with --short-side) and,
apart from that, encodes the same frames with bare cv2.imencode; its time is the sum. Beside it, the
clips go through `rev2net stage frames` into one shard: decoded, encoded, written, synchronised with
the disk. Everything runs on one core, in turns, and medians are shown.
"""

import argparse
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from rev2net.bench.clip_shards import ClipShards
from rev2net.bench.measuring import Timer, generated_clips, one_core, video_tools
from rev2net.config import FramesSettings, usual_frames
from rev2net.errors import refuse_below
from rev2net.processes import child_environment
from rev2net.progress import note
from rev2net.video.decoding import FrameStream, decoder_command, resize_filters

BAR = 0.8  # of the baseline's throughput


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clips", type=Path, nargs="+", default=[], help="videos to decode")
    parser.add_argument("--short-side", type=int, help="resize, pixels (default: as stored)")
    parser.add_argument("--quality", type=int, default=95, help="of the JPEGs (default 95)")
    parser.add_argument("--repeats", type=int, default=5, help="passes (default 5)")


def run(args: argparse.Namespace) -> None:
    refuse_below(args, repeats=1)
    settings = usual_frames(short_side=args.short_side, quality=args.quality)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = args.clips or generated_clips(folder, count=8, num_frames=180)
        shards = ClipShards(folder, clips)
        passes = measure(clips, shards, settings, args.repeats)
    print(video_tools())
    source = "clips" if args.clips else "generated clips"
    size = "as stored" if args.short_side is None else f"short side {args.short_side}"
    of_what = f"{len(clips)} {source}, {passes[0].num_frames} frames, {size}"
    print(f"{of_what}; JPEG {args.quality}; one core")
    print(table(passes))


@dataclass
class Pass:
    """One pass over the clips."""

    num_frames: int = 0
    decoding: Timer = field(default_factory=Timer)  # ffmpeg to a null sink
    encoding: Timer = field(default_factory=Timer)  # the same frames, bare
    storing: Timer = field(default_factory=Timer)  # ours: decoded, encoded, in a shard


def measure(
    clips: Sequence[Path], shards: ClipShards, settings: FramesSettings, repeats: int
) -> list[Pass]:
    """Time the baseline and what makes a shard of the same clips, in turns.

    Everything runs on one core, ffmpeg's processes included, and with one thread each.
    """
    passes = []
    with one_core():
        shards.make("rgb", settings)  # imports, and files into memory
        for turn in range(1, repeats + 1):
            of_pass = Pass()
            for number, clip in enumerate(clips, 1):
                note(f"pass {turn} of {repeats}: clip {number} of {len(clips)}, {clip.name}")
                with of_pass.decoding:
                    _decode_to_nothing(clip, settings.short_side)
                frames = list(FrameStream(clip, short_side=settings.short_side, order="bgr"))
                of_pass.num_frames += len(frames)
                with of_pass.encoding:
                    for frame in frames:
                        cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, settings.quality])
            note(f"pass {turn} of {repeats}: all clips into a shard")
            with of_pass.storing:
                shards.make("rgb", settings)
            passes.append(of_pass)
    return passes


def _decode_to_nothing(clip: Path, short_side: int | None) -> None:
    command = decoder_command(clip, resize_filters(short_side))
    quiet = subprocess.DEVNULL
    subprocess.run(command, stdin=quiet, stderr=quiet, check=True, env=child_environment())


def table(passes: Sequence[Pass]) -> str:
    """The medians over all passes as text, and the ratios of throughputs."""
    num_frames = passes[0].num_frames
    lines = [f"{'':22} {'frames/s':>9} {'ms/frame':>9} {'processor ms/frame':>19}"]

    def line(name: str, clock: list[float], processor: list[float]) -> None:
        seconds, busy = statistics.median(clock), statistics.median(processor)
        speed = f"{num_frames / seconds:9.0f} {1000 * seconds / num_frames:9.3f}"
        lines.append(f"{name:22} {speed} {1000 * busy / num_frames:19.3f}")

    for name, part in (("ffmpeg to a null sink", "decoding"), ("cv2.imencode", "encoding")):
        timers = [getattr(one, part) for one in passes]
        line(name, [t.clock for t in timers], [t.processor for t in timers])
    baseline = [one.decoding.clock + one.encoding.clock for one in passes]
    busy = [one.decoding.processor + one.encoding.processor for one in passes]
    line("both: the baseline", baseline, busy)
    ours = [one.storing for one in passes]
    line("rev2net frames", [t.clock for t in ours], [t.processor for t in ours])
    by_clock = statistics.median(b / t.clock for b, t in zip(baseline, ours, strict=True))
    by_processor = statistics.median(b / t.processor for b, t in zip(busy, ours, strict=True))
    lines.append(
        f"throughput over the baseline's: {by_clock:.3f} by the clock, {by_processor:.3f} by "
        f"processor time (median of {len(passes)} passes); the bar is {BAR:g}"
    )
    return "\n".join(lines)
