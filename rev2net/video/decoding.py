"""Decoding: a video as RGB frames, one at a time, through a pipe from an ffmpeg process.

Frames come in the order and number in which the file holds them (no frame is doubled or dropped to
keep a rate) unless `fps` asks for a rate. Rotation tags are applied; pixels are taken as square.
One ffmpeg thread decodes: the workflow runs one job a core.
"""

import contextlib
import errno
import fcntl
import os
import select
import stat
import subprocess
import sys
import termios
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeAlias, TypedDict, Unpack

import ffmpeg
import numpy as np
import numpy.typing as npt
import psutil

from rev2net.config import FramesSettings
from rev2net.errors import MachineError
from rev2net.files import TROUBLES
from rev2net.processes import child_environment
from rev2net.video.ffmpeg import (
    ANY_FILE,
    DecodingFacts,
    InputFacts,
    VideoError,
    decoding_facts,
    failure_reason,
    ffmpeg_binary,
    ffmpeg_version,
    input_facts,
    not_the_file,
    with_file,
)
from rev2net.video.images import ChannelOrder, ImageBytes, encode_image
from rev2net.video.planes import PIXEL_FORMAT, Planes, are_planes

Frame: TypeAlias = npt.NDArray[np.uint8]  # (H, W, 3), RGB unless BGR is asked for

MAX_SIDE = 8191  # pixels; twice that, a flow image, is what the narrowest codec (WebP) can hold
PIPE_BYTES = 1 << 19  # a few frames: decoder and reader seldom wait, caches still hold it
LOG_HEAD_BYTES = 1 << 23
LOG_SHOWN = 300  # characters
LOG_TAIL_BYTES = 1 << 16
WAIT_SECONDS = 1.0  # at a time
MAX_GAP = 10  # seconds: a longer gap in the time stamps is cut to that, where a rate is asked for


class Resampling(TypedDict, total=False):
    """What becomes of frames as they are decoded; without it they are as stored."""

    short_side: int | None  # pixels, keeping the aspect
    size: tuple[int, int] | None  # or exactly (width, height)
    fps: float | None  # frames a second


class FrameStream:
    """One pass over the frames of a video, which afterwards knows how the decoding went.

    `order` is that of the channels. Iterating raises VideoError
    where the file is absent or holds no video that ffmpeg can decode, and where the decoder works
    for more than `time_limit` seconds, or idles as long, while it is waited for; and MachineError
    where the file is not to blame: it may not be read, or the decoder was killed. Ending the
    iteration early ends the process.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        time_limit: float | None = None,
        order: ChannelOrder = "rgb",
        **resampling: Unpack[Resampling],
    ) -> None:
        self.path = Path(path)
        self.time_limit = time_limit
        self.order = order
        self.input: InputFacts | None = None  # known from the first frame on
        self.decoding: DecodingFacts | None = None  # known after the last frame
        self.num_frames = 0  # delivered so far
        self._filters = resize_filters(**resampling)

    @classmethod
    def of(
        cls, path: str | Path, settings: FramesSettings, order: ChannelOrder = "rgb"
    ) -> "FrameStream":
        """The frames as a configuration has them stored."""
        chosen = settings.model_dump(include={"short_side", "size", "fps", "time_limit"})
        return cls(path, order=order, **chosen)

    def outcome(self) -> tuple[InputFacts, DecodingFacts]:
        """What was decoded and how it went, after the last frame."""
        if self.input is None or self.decoding is None:
            raise RuntimeError(f"{self.path}: asked for the outcome before the last frame")
        return self.input, self.decoding

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._decoded():
            yield frame.colour(self.order) if isinstance(frame, Planes) else frame

    def encoded(self, codec: str, quality: int) -> Iterator[ImageBytes]:
        """Iterate over the frames as bytes of a codec; errors as of iterating."""
        for frame in self._decoded():
            if isinstance(frame, Planes):
                yield frame.encode(codec, quality)
            else:
                yield encode_image(frame, codec, quality, order=self.order)

    def _decoded(self) -> Generator[Planes | Frame, None, None]:
        """The frames one by one; planes hold one until the next is asked for."""
        _check_file(self.path)
        try:
            # Few videos are stored as anything but planes; those are begun again.
            for pixel_format in (PIXEL_FORMAT, f"{self.order}24"):
                command = decoder_command(self.path, self._filters, pixel_format)
                with _Decoder(self.path, command, self.time_limit) as decoder:
                    suitable = yield from self._frames(decoder, pixel_format)
                    if suitable:
                        self._finish(decoder)
                        return
        except VideoError:
            _check_readable(self.path)
            raise

    def _frames(
        self, decoder: "_Decoder", pixel_format: str
    ) -> Generator[Planes | Frame, None, bool]:
        """The frames that a process writes; False, and none, where they are no planes as asked."""
        if not decoder.begins():
            return True
        # The log comes by a pipe of its own, and may come later.
        while (facts := input_facts(decoder.log())) is None and decoder.says_more():
            pass
        if facts is None:
            log = decoder.log().rstrip()
            told = log[max(0, log.rfind("Output #0")) :] or "nothing"
            raise MachineError(
                f"{self.path}: cannot follow the log of ffmpeg {ffmpeg_version()}, which says of "
                f"its output {told[:LOG_SHOWN]!r} and ends with {log.rpartition(chr(10))[2]!r}"
            )
        self.input = facts
        height, width = facts.height, facts.width
        if max(height, width) > MAX_SIDE:
            raise VideoError(self.path, f"{width}x{height} pixels; allowed is {MAX_SIDE} a side")
        if pixel_format == PIXEL_FORMAT:
            if not are_planes(facts.pixel_format):
                return False
            planes = Planes(height, width)
            while decoder.fill(planes.data.data):
                self.num_frames += 1
                yield planes
            return True
        while True:
            frame = np.empty((height, width, 3), np.uint8)
            if not decoder.fill(frame.data.cast("B")):
                return True
            self.num_frames += 1
            yield frame

    def _finish(self, decoder: "_Decoder") -> None:
        """After the last byte: how did it go?"""
        exit_code = decoder.finish()
        log = decoder.log()
        if (trouble := not_the_file(log, exit_code)) is not None:
            raise MachineError(f"{self.path}: {trouble}")
        self.decoding = decoding_facts(log)
        if exit_code or self.decoding is None:
            raise VideoError(self.path, failure_reason(log, exit_code))
        if decoder.left_over:
            assert self.input is not None
            size = f"{self.input.width}x{self.input.height}"
            raise VideoError(self.path, f"the decoder's output is no whole frames of {size} pixels")
        if not self.num_frames:
            raise VideoError(self.path, "no frame could be decoded")


class _Decoder:
    """A running ffmpeg: the bytes of its frames, its log, and how long it may take.

    The log comes through a pipe that is emptied whenever frames are waited for: it needs no disk.
    Of a long one head and tail are kept.
    """

    def __init__(self, path: Path, command: list[str], time_limit: float | None) -> None:
        self.path, self.time_limit = path, time_limit
        self.left_over = 0  # bytes after the last whole frame
        self._head, self._tail = bytearray(), b""
        self._waited = self._busy_until = self._busy = 0.0  # seconds
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=child_environment(),
            )
        except OSError as error:
            raise MachineError(f"{path}: cannot start ffmpeg ({error.strerror})") from None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._frames, self._errors = self._process.stdout, self._process.stderr
        with contextlib.suppress(AttributeError, OSError):  # Linux only, and memory is rationed
            fcntl.fcntl(self._frames, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        os.set_blocking(self._errors.fileno(), False)
        self._ready = select.poll()
        self._ready.register(self._frames, select.POLLIN)
        self._ready.register(self._errors, select.POLLIN)

    def __enter__(self) -> "_Decoder":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._frames.close()
        self._errors.close()

    def log(self) -> str:
        """The log so far; metadata in it may be in any encoding."""
        return (self._head + self._tail).decode("utf-8", errors="replace")

    def begins(self) -> bool:
        """Wait for the first byte of a frame; False where there is none.

        ffmpeg describes its output before it writes the first byte of it.
        """
        self._wait()
        self._listen()
        # A look at how many bytes there are takes none of them.
        return self._bytes_there() > 0

    def says_more(self) -> bool:
        """Wait for more of the log, a second at most; False where none comes."""
        errors = select.poll()
        errors.register(self._errors, select.POLLIN)
        before = self.log()
        errors.poll(1000 * WAIT_SECONDS)
        self._listen()
        return self.log() != before

    def _bytes_there(self) -> int:
        waiting = bytearray(4)
        fcntl.ioctl(self._frames, termios.FIONREAD, waiting)
        return int.from_bytes(waiting, sys.byteorder)

    def fill(self, rest: memoryview) -> bool:
        """Read as many bytes as there is room for; False where the pipe ends before."""
        room = len(rest)
        while rest:
            self._wait()
            num_bytes = self._frames.readinto(rest)  # type: ignore[attr-defined]
            if num_bytes == 0:
                self.left_over = room - len(rest)
                return False
            rest = rest[num_bytes:]
        return True

    def finish(self) -> int:
        """The exit code, once the decoder has ended."""
        self._ready.unregister(self._frames)
        while self._listen():
            self._poll()
        while True:
            try:
                return self._process.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                self._count(WAIT_SECONDS)

    def _wait(self) -> None:
        """Wait for bytes of frames, or for the end of them, as long as the time limit allows."""
        frames = self._frames.fileno()
        while all(which != frames for which, _ in self._poll()):
            self._listen()

    def _poll(self) -> list[tuple[int, int]]:
        """What there is to read, after a second at most."""
        before = time.monotonic()
        seconds = WAIT_SECONDS if self.time_limit is None else min(WAIT_SECONDS, self.time_limit)
        found = self._ready.poll(1000 * seconds)
        # Where the wait took longer than asked for, everything was stopped meanwhile.
        self._count(min(time.monotonic() - before, seconds))
        return found

    def _listen(self) -> bool:
        """Take what there is of the log; False where it has ended."""
        while True:
            try:
                data = os.read(self._errors.fileno(), LOG_TAIL_BYTES)
            except BlockingIOError:
                return True
            if not data:
                with contextlib.suppress(KeyError):
                    self._ready.unregister(self._errors)
                return False
            room = max(0, LOG_HEAD_BYTES - len(self._head))
            self._head += data[:room]
            self._tail = (self._tail + data[room:])[-LOG_TAIL_BYTES:]

    def _count(self, seconds: float) -> None:
        """Count time waited; raises VideoError where the decoder takes longer than it may.

        It may work that long, and idle that long. On a machine that is busy, or stopped, it does
        neither.
        """
        self._waited += seconds
        if self.time_limit is None or self._waited <= self.time_limit:
            return
        try:
            decoder = psutil.Process(self._process.pid)
            times = decoder.cpu_times()
            stopped = decoder.status() == psutil.STATUS_STOPPED
        except psutil.Error:  # it has just ended
            return
        worked = times.user + times.system
        if worked > self._busy or stopped:
            self._busy, self._busy_until = worked, self._waited
        if worked > self.time_limit or self._waited - self._busy_until > self.time_limit:
            raise VideoError(self.path, f"not decoded within {self.time_limit:g} s")


def _check_file(path: Path) -> None:
    """Raise VideoError for what is no file, MachineError where it may not be looked at."""
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise VideoError(path, "no such file") from None
    except PermissionError as error:
        raise MachineError(f"{path}: {error.strerror}") from None
    except (OSError, ValueError) as error:
        raise VideoError(path, f"no such file ({getattr(error, 'strerror', error)})") from None
    if not stat.S_ISREG(mode):
        raise VideoError(path, "a folder" if stat.S_ISDIR(mode) else "not a regular file")
    if not os.access(path, os.R_OK):
        raise MachineError(f"{path}: {os.strerror(errno.EACCES)}")


def _check_readable(path: Path) -> None:
    """Raise MachineError where the disk does not give out what a decoder could not make use of."""
    try:
        with open(path, "rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
    except OSError as error:
        if error.errno in TROUBLES:
            raise MachineError(f"{path}: {error.strerror}") from None
    except ValueError:  # a name that no file can have
        pass


def iter_frames(path: str | Path, **resampling: Unpack[Resampling]) -> Iterator[Frame]:
    """The frames of a video, (H, W, 3) uint8 RGB, streaming.

    Raises VideoError where the file is absent or holds no
    video that ffmpeg can decode. A truncated file yields the frames that it holds.
    """
    return iter(FrameStream(path, **resampling))


def decode(path: str | Path, **resampling: Unpack[Resampling]) -> npt.NDArray[np.uint8]:
    """All frames of a video, (T, H, W, 3) uint8 RGB; arguments and errors as `iter_frames`."""
    return np.stack(list(iter_frames(path, **resampling)))


def probe(path: str | Path) -> InputFacts:
    """The facts of a video; raises VideoError where no frame of it can be decoded."""
    stream = FrameStream(path)
    with contextlib.closing(iter(stream)) as frames:  # type: ignore[type-var]
        next(frames)
    assert stream.input is not None
    return stream.input


def resize_filters(
    short_side: int | None = None, size: tuple[int, int] | None = None, fps: float | None = None
) -> dict[str, str]:
    """The option of ffmpeg that changes rate and size, empty where neither changes."""
    if short_side is not None and size is not None:
        raise ValueError("give short_side or size, not both")
    filters = []
    if fps is not None:
        # Frames are repeated through gaps: of half an hour, 45,000 times. The excess over MAX_GAP
        # is taken off all later time stamps (0 where there is none), and printed.
        gap = f"(PTS-PREV_INPTS)*TB-{MAX_GAP}"
        filters.append(f"setpts='PTS-st(0,ld(0)+if(gt({gap},0),print({gap},32),0)/TB)'")
        filters.append(f"fps={fps!r}")
    if size is not None:
        filters.append(f"scale={size[0]}:{size[1]}")
    elif short_side is not None:
        landscape = "gt(iw,ih)"
        width, height = f"if({landscape},-1,{short_side})", f"if({landscape},{short_side},-1)"
        filters.append(f"scale='{width}':'{height}'")
    if size is not None or short_side is not None:
        # Scaling planes and then converting takes a quarter of the time of doing both at once.
        filters.append(f"format={PIXEL_FORMAT}")
    return {"vf": ",".join(filters)} if filters else {}


def decoder_command(
    path: Path, filters: dict[str, str], pixel_format: str | None = None
) -> list[str]:
    """The ffmpeg call that writes raw frames to its standard output; without a format, nowhere."""
    # The whitelist keeps a playlist that is named .avi from opening anything else.
    source = ffmpeg.input(ANY_FILE, threads=1, max_pixels=MAX_SIDE**2, protocol_whitelist="file")
    sink: dict[str, str | int] = {"format": "null"}
    if pixel_format is not None:
        # Without the input's texts, which would be printed where ffmpeg describes its output.
        sink = {"format": "rawvideo", "pix_fmt": pixel_format, "map_metadata": -1}
        sink["map_chapters"] = -1
    # V:0 is the first video stream that is not a cover picture; "passthrough" keeps every frame.
    output = source["V:0"].output("pipe:", fps_mode="passthrough", **sink, **filters)
    quiet = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+verbose")
    command = output.global_args(*quiet, "-filter_threads", "1")
    return with_file(ffmpeg.compile(command, ffmpeg_binary()), path)
