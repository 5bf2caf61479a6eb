"""The ffmpeg binary (which one, how old) and what its log says about a video.

The binary is the one that the package imageio-ffmpeg pins; the environment variable REV2NET_FFMPEG
names another. There is no ffprobe beside it, so facts about a file are read from ffmpeg's own log,
written with `-loglevel level+verbose`: every line then carries its level.
"""

import errno
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import imageio_ffmpeg

from rev2net.errors import UserError
from rev2net.processes import child_environment

BINARY_VARIABLE = "REV2NET_FFMPEG"
OLDEST_LIBAVUTIL = (57, 28)  # ffmpeg 5.1, the first with -fps_mode


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
        text = subprocess.run(
            command, capture_output=True, text=True, check=True, env=child_environment()
        ).stdout
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


ANY_FILE = "file:"  # stands for the name of a file where a command is composed


def with_file(command: Sequence[str], path: str | Path) -> list[str]:
    """A command about one file, whose name may be anything, even no text.

    "file:" makes any name a plain file: those that begin with "-" or hold a colon too.
    """
    return [f"{ANY_FILE}{path}" if word == ANY_FILE else word for word in command]


@dataclass(frozen=True)
class InputFacts:
    """What the log says of a video once its first frame has been decoded."""

    container: str  # ffmpeg's name of the format, such as "avi" or "mov"
    stream: int  # the one decoded, counted from 0 over all of the file
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
    gap_seconds: float = 0.0  # of long gaps in the time stamps, where a rate was asked for


# Texts and names in a file, too, are printed into the log: a line of ours begins as one of ffmpeg's
# own does, and stands where ffmpeg writes it. What follows the mapping holds no text of the file's
# (the output is given none).
_MAPPING = "[info] Stream mapping:\n"


def input_facts(log: str) -> InputFacts | None:
    """Facts from the head of a log, None where it does not reach the first frame."""
    source, _, sink = log.rpartition(_MAPPING)
    container = re.search(r"^\[info\] Input #0, ([^,]+),", source, re.MULTILINE)
    mapped = re.match(r"\[info\]   Stream #0:(\d+) -> #0:0 \((\S+) ", sink)
    # Where a clip is short, another thread's word on its end may stand within the line, which then
    # goes on as a new one: "[info]   Stream #0EOF while reading input", "[info] :0: Video: …".
    output = re.search(
        r"^\[info\] Output #0, rawvideo,.*?^\[info\] (?:  Stream #0)?(?::0)?: Video: rawvideo"
        r"[^\n]*?, (\d+)x(\d+)[ ,]",
        sink,
        re.MULTILINE | re.DOTALL,
    )
    if container is None or mapped is None or output is None:
        return None
    stream = int(mapped[1])
    described = re.findall(rf"^\[info\]   Stream #0:{stream}\b(.*)", source, re.MULTILINE)
    line = described[-1] if described else ""
    return InputFacts(
        container=container[1],
        stream=stream,
        codec=mapped[2],
        pixel_format=_pixel_format(line),
        fps=_frame_rate(line, sink),
        width=int(output[1]),
        height=int(output[2]),
    )


def _pixel_format(line: str) -> str:
    """From a stream's description; empty where the container's head does not tell."""
    found = re.search(r": Video: .*?, (\w+(?:\(.*?\))?), \d+x\d+[ ,]", line)
    return found[1] if found else ""


def _frame_rate(line: str, sink: str) -> float:
    """The exact rate that the decoder states, unless the average shows that it varies."""
    exact = re.search(
        r"^\[graph [^\n]*input from stream [^\n]*\] [^\n]* fr:(\d+)/(\d+)", sink, re.MULTILINE
    )
    average = re.search(r": Video: .*?, ([\d.]+) fps", line)
    rate = int(exact[1]) / int(exact[2]) if exact and int(exact[2]) else 0.0
    if average is None:
        return rate
    return rate if abs(rate - float(average[1])) < 0.01 * rate else float(average[1])


def decoding_facts(log: str) -> DecodingFacts | None:
    """Facts from the tail of a log, None where the decoder did not come to its end."""
    counts = re.findall(
        r"^\[[^\n]*\[?verbose\]   Input stream #0:\d+ \(video\): (\d+) packets read "
        r"\(\d+ bytes\); (\d+) frames decoded;(?: (\d+) decode errors)?",
        log,
        re.MULTILINE,
    )
    if not counts:
        return None
    packets, decoded, errors = counts[-1]

    def complains(level: str, words: str) -> bool:
        line = rf"^\[[^\n]*{level}\] [^\n]*({words})"
        return re.search(line, log, re.MULTILINE) is not None

    gaps = re.findall(r"^\[Eval [^\n]*\] \[info\] ([\d.]+)$", log, re.MULTILINE)
    return DecodingFacts(
        packets=int(packets),
        decoded=int(decoded),
        errors=int(errors or 0),
        cut_off=complains(r"\[error", "File ended prematurely|partial file"),
        damaged=complains(r"\[?(warning|error)", "corrupt decoded frame|error while decoding"),
        gap_seconds=sum(map(float, gaps)),
    )


def failure_reason(log: str, exit_code: int) -> str:
    """Why ffmpeg gave up, in its own words."""
    if re.search(r"^\[[^\n]*fatal\] .*matches no streams", log, re.MULTILINE):
        return "no video stream"
    lines = re.findall(r"^(?:\[[^\n]*\] )?\[(?:error|fatal)\] (.+)", log, re.MULTILINE)
    if not lines:
        ended = f"by signal {-exit_code}" if exit_code < 0 else f"with exit code {exit_code}"
        return f"ffmpeg: ended {ended}"
    return "ffmpeg: " + re.sub(r"^Error opening (input|output)( files?)?: ", "", lines[-1]).strip()


# What a decoder does to itself over a file that it cannot stand.
_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGBUS}
HARD_EXIT = 123  # ffmpeg's exit code after more than three signals
_MACHINE = (os.strerror(errno.EAGAIN), os.strerror(errno.EMFILE), os.strerror(errno.ENFILE))


def not_the_file(log: str, exit_code: int) -> str | None:
    """Why ffmpeg ended, where the file it was decoding has no part in that."""
    if exit_code < 0 and -exit_code not in _CRASHES:
        return f"ffmpeg was ended by {signal.Signals(-exit_code).name}; memory may be short"
    stopped = re.findall(r"^\[info\] Exiting normally, received signal (\d+)", log, re.MULTILINE)
    if stopped:
        return f"ffmpeg was ended by {signal.Signals(int(stopped[-1])).name}"
    reason = failure_reason(log, exit_code)
    if exit_code == HARD_EXIT or (exit_code and reason.endswith("Immediate exit requested")):
        return "ffmpeg was ended by signals"
    return reason if exit_code and reason.endswith(_MACHINE) else None
