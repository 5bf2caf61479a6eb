"""The ffmpeg binary (which one, how old) and what its log says about a video.

The binary is the one that the package imageio-ffmpeg pins; the environment variable REV2NET_FFMPEG
names another. There is no ffprobe beside it, so facts about a file are read from ffmpeg's own log,
written with `-loglevel level+verbose`: every line then carries its level.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import imageio_ffmpeg

from rev2net.errors import UserError

BINARY_VARIABLE = "REV2NET_FFMPEG"
OLDEST_LIBAVUTIL = (57, 28)  # ffmpeg 5.1, the first with -fps_mode
COUNTING_CONTAINERS = ("avi", "mov")  # the formats that store how many frames they hold


class VideoError(UserError):
    """A video that cannot be decoded; `reason` says why without naming the file."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


@cache
def ffmpeg_binary() -> str:
    """Path of the ffmpeg to run; raises UserError where it does not run or is older than 5.1."""
    return _checked_binary()[0]


@cache
def ffmpeg_version() -> str:
    """Its version as it states it, such as "9.0.2"."""
    return _checked_binary()[1]


@cache
def _checked_binary() -> tuple[str, str]:
    binary = os.environ.get(BINARY_VARIABLE)
    origin = f"{BINARY_VARIABLE}={binary}" if binary else "ffmpeg of the package imageio-ffmpeg"
    try:
        binary = binary or imageio_ffmpeg.get_ffmpeg_exe()
        command = [binary, "-hide_banner", "-version"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        raise UserError(
            f"{origin}: does not run ({error}); allowed is ffmpeg 5.1 or newer"
        ) from None
    version = re.search(r"ffmpeg version n?(\S+?)[-\s]", text)
    library = re.search(r"libavutil\s+(\d+)\.\s*(\d+)", text)
    if version is None or library is None:
        raise UserError(f"{origin}: is not ffmpeg; allowed is ffmpeg 5.1 or newer")
    if (int(library[1]), int(library[2])) < OLDEST_LIBAVUTIL:
        raise UserError(f"{origin}: is ffmpeg {version[1]}; allowed is 5.1 or newer")
    return binary, version[1]


@dataclass(frozen=True)
class InputFacts:
    """What the log says of a video once its first frame has been decoded."""

    container: str  # ffmpeg's name of the format, such as "avi" or "mov"
    codec: str
    pixel_format: str  # as stored, with what is known of its colours: "yuv420p(tv, bt709)"
    fps: float  # frames per second; the average where the rate varies, 0 where it is unknown
    width: int  # pixels of the frames as delivered: rotation tags and resize applied
    height: int


@dataclass(frozen=True)
class DecodingFacts:
    """What the log says once the decoder has ended."""

    packets: int  # compressed frames found in the file
    decoded: int  # frames decoded, before any change of the frame rate
    errors: int  # packets that could not be decoded
    cut_off: bool  # the container noticed that the file ends too early
    damaged: bool  # some frames were decoded, but not all of each


def input_facts(log: str) -> InputFacts | None:
    """Facts from the head of a log, None where it does not reach the first frame."""
    container = re.search(r"Input #0, ([^,]+),", log)
    mapped = re.search(r"Stream #0:(\d+) -> #0:0 \((\S+) ", log)
    output = re.search(r"Output #0.*?Video: rawvideo.*?, (\d+)x(\d+)[ ,]", log, re.DOTALL)
    if container is None or mapped is None or output is None:
        return None
    return InputFacts(
        container=container[1],
        codec=mapped[2],
        pixel_format=_pixel_format(log, mapped[1]),
        fps=_frame_rate(log, mapped[1]),
        width=int(output[1]),
        height=int(output[2]),
    )


def _pixel_format(log: str, stream: str) -> str:
    """Empty where the container's head does not tell."""
    line = re.search(rf"Stream #0:{stream}\D.*?Video: .*?, (\w+(?:\(.*?\))?), \d+x\d+[ ,]", log)
    return line[1] if line else ""


def _frame_rate(log: str, stream: str) -> float:
    """The exact rate that the decoder states, unless the average shows that it varies."""
    exact = re.search(r"input from stream .*? fr:(\d+)/(\d+)", log)
    average = re.search(rf"Stream #0:{stream}\D.*?Video: .*?, ([\d.]+) fps", log)
    rate = int(exact[1]) / int(exact[2]) if exact and int(exact[2]) else 0.0
    if average is None:
        return rate
    return rate if abs(rate - float(average[1])) < 0.01 * rate else float(average[1])


def decoding_facts(log: str) -> DecodingFacts | None:
    """Facts from the tail of a log, None where the decoder did not come to its end."""
    counts = re.search(
        r"\(video\): (\d+) packets read \(\d+ bytes\); (\d+) frames decoded;"
        r"(?: (\d+) decode errors)?",
        log,
    )
    if counts is None:
        return None
    return DecodingFacts(
        packets=int(counts[1]),
        decoded=int(counts[2]),
        errors=int(counts[3] or 0),
        cut_off=bool(re.search(r"\[error\] .*(File ended prematurely|partial file)", log)),
        damaged="corrupt decoded frame" in log or "error while decoding" in log,
    )


def failure_reason(log: str, exit_code: int) -> str:
    """Why ffmpeg gave up, in its own words."""
    if "matches no streams" in log:
        return "no video stream"
    lines = re.findall(r"\[(?:error|fatal)\] (.+)", log)
    if not lines:
        ended = f"by signal {-exit_code}" if exit_code < 0 else f"with exit code {exit_code}"
        return f"ffmpeg: ended {ended}"
    return "ffmpeg: " + re.sub(r"^Error opening (input|output)( files?)?: ", "", lines[-1]).strip()
