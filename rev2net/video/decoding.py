"""Decoding: a video as RGB frames, one at a time, through a pipe from an ffmpeg process.

Frames come in the order and number in which the file holds them (no frame is doubled or dropped to
keep a rate) unless `fps` asks for a rate. Rotation tags are applied; pixels are taken as square.
One ffmpeg thread decodes: the workflow runs one job a core.
"""

import contextlib
import fcntl
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, TypeAlias

import ffmpeg
import numpy as np
import numpy.typing as npt

from rev2net.video.ffmpeg import (
    DecodingFacts,
    InputFacts,
    VideoError,
    decoding_facts,
    failure_reason,
    ffmpeg_binary,
    ffmpeg_version,
    input_facts,
)
from rev2net.video.images import ChannelOrder, ImageBytes, encode_image
from rev2net.video.planes import PIXEL_FORMAT, Planes, are_planes

Frame: TypeAlias = npt.NDArray[np.uint8]  # (H, W, 3), RGB unless BGR is asked for

MAX_SIDE = 8191  # pixels; twice that, a flow image, is what the narrowest codec (WebP) can hold
PIPE_BYTES = 1 << 19  # a few frames: decoder and reader seldom wait, caches still hold it
LOG_TAIL_BYTES = 1 << 16


class FrameStream:
    """One pass over the frames of a video, which afterwards knows how the decoding went.

    `short_side` resizes to that many pixels and keeps the aspect, `size` to exactly (width,
    height), `fps` resamples in time; `order` is that of the channels. Iterating raises VideoError
    where the file is absent or holds no video that ffmpeg can decode, and where more than
    `time_limit` seconds are spent waiting for the decoder. Ending the iteration early ends the
    process.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        short_side: int | None = None,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        time_limit: float | None = None,
        order: ChannelOrder = "rgb",
    ) -> None:
        if short_side is not None and size is not None:
            raise ValueError("give short_side or size, not both")
        self.path = Path(path)
        self.time_limit = time_limit
        self.order = order
        self.input: InputFacts | None = None  # known from the first frame on
        self.decoding: DecodingFacts | None = None  # known after the last frame
        self.num_frames = 0  # delivered so far
        self._filters = resize_filters(short_side, size, fps)
        self._waited = 0.0  # seconds

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
        if not os.path.isfile(self.path):  # False too where a folder may not be entered
            raise VideoError(self.path, "no such file")
        # Few videos are stored as anything but planes; those are begun again.
        for pixel_format in (PIXEL_FORMAT, f"{self.order}24"):
            # The log goes to a file: nobody has to read it for the process to go on.
            with tempfile.TemporaryFile() as log:
                process = subprocess.Popen(
                    decoder_command(self.path, self._filters, pixel_format),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    bufsize=0,
                )
                assert process.stdout is not None
                try:
                    with process.stdout as pipe:
                        suitable = yield from self._frames(pipe, log, pixel_format)
                    if suitable:
                        self._finish(process, log)
                        return
                finally:
                    process.kill()
                    process.wait()

    def _frames(
        self, pipe: IO[bytes], log: IO[bytes], pixel_format: str
    ) -> Generator[Planes | Frame, None, bool]:
        """The frames that a process writes; False, and none, where they are no planes as asked."""
        with contextlib.suppress(AttributeError, OSError):  # Linux only, and memory is rationed
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        ready = select.poll()
        ready.register(pipe, select.POLLIN)
        self._wait(ready)
        # ffmpeg describes its output before it writes the first byte of it.
        self.input = input_facts(_read(log))
        if self.input is None:
            if pipe.read(1):
                raise VideoError(self.path, f"cannot follow the log of ffmpeg {ffmpeg_version()}")
            return True
        height, width = self.input.height, self.input.width
        if max(height, width) > MAX_SIDE:
            raise VideoError(self.path, f"{width}x{height} pixels; allowed is {MAX_SIDE} a side")
        if pixel_format == PIXEL_FORMAT:
            if not are_planes(self.input.pixel_format):
                return False
            planes = Planes(height, width)
            while self._fill(planes.data.data, pipe, ready):
                self.num_frames += 1
                yield planes
            return True
        while True:
            frame = np.empty((height, width, 3), np.uint8)
            if not self._fill(frame.data.cast("B"), pipe, ready):
                return True
            self.num_frames += 1
            yield frame

    def _fill(self, rest: memoryview, pipe: IO[bytes], ready: "select.poll") -> bool:
        """Read as many bytes as there is room for; False where the pipe ends before."""
        while rest:
            self._wait(ready)
            num_bytes = pipe.readinto(rest)  # type: ignore[attr-defined]
            if num_bytes == 0:
                return False
            rest = rest[num_bytes:]
        return True

    def _wait(self, ready: "select.poll") -> None:
        """Wait for bytes, or for the end of them, as long as the time limit allows."""
        before = time.monotonic()
        left = None if self.time_limit is None else max(0.0, self.time_limit - self._waited)
        if not ready.poll(None if left is None else left * 1000):
            raise VideoError(self.path, f"not decoded within {self.time_limit:g} s")
        self._waited += time.monotonic() - before

    def _finish(self, process: "subprocess.Popen[bytes]", log: IO[bytes]) -> None:
        """After the last byte: how did it go?"""
        try:
            exit_code = process.wait(self.time_limit)
        except subprocess.TimeoutExpired:
            raise VideoError(self.path, f"not decoded within {self.time_limit:g} s") from None
        tail = _read(log, LOG_TAIL_BYTES)
        self.decoding = decoding_facts(tail)
        if exit_code or self.decoding is None:
            raise VideoError(self.path, failure_reason(tail, exit_code))
        if not self.num_frames:
            raise VideoError(self.path, "no frame could be decoded")


def iter_frames(
    path: str | Path,
    *,
    short_side: int | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
) -> Iterator[Frame]:
    """The frames of a video, (H, W, 3) uint8 RGB, streaming.

    `short_side` (pixels) keeps the aspect, `size` is an exact (width, height), `fps` resamples in
    time; without them frames are as stored. Raises VideoError where the file is absent or holds no
    video that ffmpeg can decode. A truncated file yields the frames that it holds.
    """
    return iter(FrameStream(path, short_side=short_side, size=size, fps=fps))


def decode(
    path: str | Path,
    *,
    short_side: int | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
) -> npt.NDArray[np.uint8]:
    """All frames of a video, (T, H, W, 3) uint8 RGB; arguments and errors as `iter_frames`."""
    return np.stack(list(iter_frames(path, short_side=short_side, size=size, fps=fps)))


def resize_filters(
    short_side: int | None, size: tuple[int, int] | None, fps: float | None
) -> dict[str, str]:
    """The option of ffmpeg that changes rate and size, empty where neither changes."""
    filters = []
    if fps is not None:
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
    # "file:" makes any name a plain file: those that begin with "-" or hold a colon too. The
    # whitelist keeps a playlist that is named .avi from opening anything else.
    source = ffmpeg.input(
        f"file:{path}", threads=1, max_pixels=MAX_SIDE**2, protocol_whitelist="file"
    )
    sink = {"format": "null"}
    if pixel_format is not None:
        sink = {"format": "rawvideo", "pix_fmt": pixel_format}
    # V:0 is the first video stream that is not a cover picture; "passthrough" keeps every frame.
    output = source["V:0"].output("pipe:", fps_mode="passthrough", **sink, **filters)
    quiet = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+verbose")
    return list(ffmpeg.compile(output.global_args(*quiet, "-filter_threads", "1"), ffmpeg_binary()))


def _read(log: IO[bytes], tail: int | None = None) -> str:
    """The log so far, or the last `tail` bytes of it; metadata may be in any encoding."""
    end = os.fstat(log.fileno()).st_size
    start = 0 if tail is None else max(0, end - tail)
    # Not by seeking: the process writes through the same file position.
    return os.pread(log.fileno(), end - start, start).decode("utf-8", errors="replace")
