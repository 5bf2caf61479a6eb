"""What the measurements share: one core, its timer, clips for machines without videos."""

import contextlib
import os
import resource
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import simplejpeg

from rev2net.processes import child_environment
from rev2net.video.ffmpeg import ffmpeg_binary, ffmpeg_version


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


def _processor_seconds() -> float:
    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


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


def generated_clips(folder: Path, count: int, num_frames: int) -> list[Path]:
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


def video_tools() -> str:
    """The versions that figures of decoding and encoding depend on."""
    return (
        f"ffmpeg {ffmpeg_version()}, OpenCV {cv2.__version__}, simplejpeg {simplejpeg.__version__}"
    )
