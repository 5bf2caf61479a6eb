"""Pictures as a video that any browser plays: H.264 in MP4."""

import itertools
import subprocess
from collections.abc import Iterable
from pathlib import Path

import ffmpeg
import numpy as np
import numpy.typing as npt

from rev2net.processes import child_environment
from rev2net.video.ffmpeg import ANY_FILE, ffmpeg_binary, with_file

QUALITY = 18  # constant rate factor of libx264: no visible loss
USUAL_FPS = 25.0  # where a source does not know its own


def write_mp4(path: Path, pictures: Iterable[npt.NDArray[np.uint8]], fps: float) -> int:
    """Encode pictures (H, W, 3) uint8 RGB of one size; returns how many there were.

    `fps` is in frames per second, 0 where it is not known. Odd sides get a pixel more, as H.264
    wants. Raises ValueError without pictures, RuntimeError where ffmpeg fails.
    """
    pictures = iter(pictures)
    first = next(pictures, None)
    if first is None:
        raise ValueError(f"{path}: no pictures to write")
    height, width = first.shape[:2]
    odd = ((0, height % 2), (0, width % 2), (0, 0))
    command = (
        ffmpeg.input(
            "pipe:",
            format="rawvideo",
            pix_fmt="rgb24",
            s=f"{width + width % 2}x{height + height % 2}",
            r=fps or USUAL_FPS,
        )
        .output(ANY_FILE, format="mp4", vcodec="libx264", crf=QUALITY, pix_fmt="yuv420p")
        .global_args("-hide_banner", "-loglevel", "error")
        .compile(cmd=ffmpeg_binary(), overwrite_output=True)
    )
    command = with_file(command, path)
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE, env=child_environment())
    assert encoder.stdin is not None
    count = 0
    try:
        with encoder.stdin as pipe:
            for picture in itertools.chain([first], pictures):
                pipe.write(np.pad(picture, odd, mode="edge").tobytes())
                count += 1
    except BrokenPipeError:
        pass  # it says why itself
    finally:
        failed = encoder.wait()
    if failed:
        raise RuntimeError(f"ffmpeg could not encode {path}")
    return count
