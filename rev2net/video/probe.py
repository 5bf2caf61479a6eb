"""What a video file says of itself: size, frame rate, codec, and how many frames it announces."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rev2net.video.decoding import FrameStream
from rev2net.video.ffmpeg import COUNTING_CONTAINERS

# OpenCV's own copy of ffmpeg is silent about damaged files; ours reports them.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

OPEN_TIMEOUT_MS = 10_000


@dataclass(frozen=True)
class VideoInfo:
    """The facts of a video file."""

    container: str
    codec: str
    width: int  # pixels, as shown: rotation tags applied
    height: int
    fps: float  # frames per second; the average where the rate varies
    announced: int | None  # frames, by the container's own count; None where it keeps none


def probe(path: str | Path) -> VideoInfo:
    """The facts of a video; raises VideoError where no frame of it can be decoded."""
    stream = FrameStream(path)
    with contextlib.closing(iter(stream)) as frames:  # type: ignore[type-var]
        next(frames)
    facts = stream.input
    assert facts is not None
    announced = announced_frames(path, facts.container)
    return VideoInfo(facts.container, facts.codec, facts.width, facts.height, facts.fps, announced)


def announced_frames(path: str | Path, container: str) -> int | None:
    """The container's own count of frames; None where it keeps none.

    AVI and the MP4 family store one. For other containers OpenCV would give duration times rate,
    which is a guess, and wrong for variable rates.
    """
    import cv2

    if container not in COUNTING_CONTAINERS:
        return None
    with _silenced(cv2):
        capture = cv2.VideoCapture(
            f"file:{path}",
            cv2.CAP_FFMPEG,
            [
                cv2.CAP_PROP_N_THREADS,
                1,
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                OPEN_TIMEOUT_MS,
            ],
        )
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
    return count if count > 0 else None


@contextlib.contextmanager
def _silenced(cv2: Any) -> Iterator[None]:
    """OpenCV without its warnings."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
