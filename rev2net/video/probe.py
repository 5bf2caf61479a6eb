"""What a video file says of itself: size, frame rate, codec, and how many frames it announces."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from rev2net.video.counting import announced_frames
from rev2net.video.decoding import FrameStream


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
    announced = announced_frames(path, facts)
    return VideoInfo(facts.container, facts.codec, facts.width, facts.height, facts.fps, announced)
