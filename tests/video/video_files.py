"""What the tests of this folder share beside fixtures: codecs, a call of ffmpeg, types."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rev2net.video.ffmpeg import ffmpeg_binary

Frames: TypeAlias = npt.NDArray[np.uint8]
MakeFrames: TypeAlias = Callable[..., Frames]
WriteVideo: TypeAlias = Callable[..., Path]
StandIn: TypeAlias = Callable[..., None]

LOSSLESS = ("-c:v", "ffv1", "-pix_fmt", "bgr0")
MPEG4 = ("-c:v", "mpeg4", "-q:v", "2", "-pix_fmt", "yuv420p")
H264 = ("-c:v", "libx264", "-pix_fmt", "yuv444p", "-g", "8")


def run_ffmpeg(*arguments: str | bytes | Path, data: bytes = b"") -> None:
    command = [ffmpeg_binary(), "-y", "-loglevel", "error", *arguments]
    subprocess.run(command, input=data, check=True)
