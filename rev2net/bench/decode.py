"""What decoding and encoding take by themselves: ffmpeg alone, and OpenCV's encoder alone."""

import contextlib
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import simplejpeg

from rev2net.processes import child_environment
from rev2net.video.decoding import FrameStream, decoder_command, resize_filters
from rev2net.video.ffmpeg import ffmpeg_binary, ffmpeg_version
from rev2net.video.images import ImageBytes

BAR = 0.8  # of the baseline's throughput


@dataclass
class Timer:
    """Seconds spent inside its `with` blocks, by the clock and by the processor."""

    clock: float = 0.0
    processor: float = 0.0  # of this process and of those that it started and that have ended
    _began: tuple[float, float] = field(default=(0.0, 0.0), repr=False)

    def __enter__(self) -> None:
        self._began = time.perf_counter(), _processor_seconds()

    def __exit__(self, *_: object) -> None:
        self.clock += time.perf_counter() - self._began[0]
        self.processor += _processor_seconds() - self._began[1]


@dataclass
class Pass:
    """One pass over the clips."""

    num_frames: int = 0
    decoding: Timer = field(default_factory=Timer)  # ffmpeg to a null sink
    encoding: Timer = field(default_factory=Timer)  # the same frames, bare
    storing: Timer = field(default_factory=Timer)  # ours: decoded, encoded, in a shard


def measure(
    clips: Sequence[Path],
    short_side: int | None,
    quality: int,
    repeats: int,
    store: Callable[[], None],
    progress: Callable[[str], None],
) -> list[Pass]:
    """Time the baseline and `store` (of the same clips) in turns.

    Everything runs on one core, ffmpeg's processes included, and with one thread each.
    """
    passes = []
    with one_core():
        store()  # imports, and files into memory
        for turn in range(1, repeats + 1):
            of_pass = Pass()
            for number, clip in enumerate(clips, 1):
                progress(f"pass {turn} of {repeats}: clip {number} of {len(clips)}, {clip.name}")
                with of_pass.decoding:
                    _decode_to_nothing(clip, short_side)
                frames = list(FrameStream(clip, short_side=short_side, order="bgr"))
                of_pass.num_frames += len(frames)
                with of_pass.encoding:
                    for frame in frames:
                        cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
            progress(f"pass {turn} of {repeats}: all clips into a shard")
            with of_pass.storing:
                store()
            passes.append(of_pass)
    return passes


def _decode_to_nothing(clip: Path, short_side: int | None) -> None:
    command = decoder_command(clip, resize_filters(short_side, None, None))
    quiet = subprocess.DEVNULL
    subprocess.run(command, stdin=quiet, stderr=quiet, check=True, env=child_environment())


def _processor_seconds() -> float:
    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


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


def decode_bare(images: Sequence[ImageBytes], grey: bool) -> None:
    """What reading images takes by itself, with OpenCV."""
    flags = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB
    for image in images:
        cv2.imdecode(image, flags)


def tools() -> str:
    """The versions that the figures depend on."""
    return (
        f"ffmpeg {ffmpeg_version()}, OpenCV {cv2.__version__}, simplejpeg {simplejpeg.__version__}"
    )


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and those that it starts, on one of its cores, with one OpenCV thread."""
    threads = cv2.getNumThreads()
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else None
    cv2.setNumThreads(1)
    if cores:
        os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        if cores:
            os.sched_setaffinity(0, cores)


def write_clips(folder: Path, count: int, num_frames: int) -> list[Path]:
    """Clips for a machine without videos: moving patterns under noise, stored as UCF101's are."""
    clips = []
    for number in range(count):
        clip = folder / f"clip{number}.avi"
        pattern = f"testsrc2=size=320x240:rate=25,hue=h={40 * number},noise=alls=12:allf=t"
        source = ("-f", "lavfi", "-i", pattern, "-frames:v", str(num_frames))
        codec = ("-c:v", "mpeg4", "-q:v", "5", "-pix_fmt", "yuv420p", "-vtag", "XVID")
        command = [ffmpeg_binary(), "-v", "error", "-nostdin", *source, *codec, str(clip)]
        subprocess.run(command, check=True, env=child_environment())
        clips.append(clip)
    return clips
