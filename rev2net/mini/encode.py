"""Encoding with the pinned ffmpeg: the codecs of the published files, the same bytes every time."""

import errno
import os
import struct
from pathlib import Path

import ffmpeg

from rev2net.mini.drawing import Frames
from rev2net.video.ffmpeg import ffmpeg_binary

# The transforms and the colour conversion that are the same on every CPU; the default ones are not,
# nor is what x264 chooses with its assembly for AVX-512, AVX2 or SSE2.
_EXACT_DCT = {"dct": "int", "idct": "simple"}
_EXACT_COLOUR = "bitexact+accurate_rnd"
_CODECS: dict[str, dict[str, str | int]] = {
    "ucf101": {"vcodec": "mpeg4", "vtag": "XVID", **_EXACT_DCT},
    "hmdb51": {"vcodec": "mpeg4", "vtag": "DX50", **_EXACT_DCT},
    "kinetics400": {"vcodec": "libx264", "preset": "veryfast", "crf": 21, "x264-params": "asm=0"},
}
_QUANTISER = {"goo": 2, "med": 3, "bad": 5}  # of MPEG-4, by the quality that the file name tells


def encode(frames: Frames, fps: float, path: Path, dataset: str, quality: str = "goo") -> None:
    """Write frames (T, H, W, 3) uint8 RGB as the dataset's kind of file; H and W are even.

    One thread, no dates and no version strings: the bytes depend on frames and encoder alone.
    """
    _, height, width, _ = frames.shape
    options = dict(_CODECS[dataset])
    if options["vcodec"] == "mpeg4":
        options["q:v"] = _QUANTISER[quality]
    rate = "30000/1001" if fps == 29.97 else fps
    source = ffmpeg.input(
        "pipe:", format="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", r=rate, threads=1
    )
    target = source.output(
        f"file:{path}",
        pix_fmt="yuv420p",
        threads=1,
        fflags="+bitexact",
        flags="+bitexact",
        sws_flags=_EXACT_COLOUR,
        **options,
    ).global_args("-hide_banner", "-loglevel", "error", "-filter_threads", "1")
    try:
        target.run(
            cmd=ffmpeg_binary(), input=frames.tobytes(), capture_stderr=True, overwrite_output=True
        )
    except ffmpeg.Error as error:
        reason = error.stderr.decode(errors="replace").strip()
        if os.strerror(errno.ENOSPC) in reason:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from None
        raise RuntimeError(f"{path}: ffmpeg: {reason}") from None
    if dataset == "hmdb51":
        _announce_one_more(path)


def _announce_one_more(path: Path) -> None:
    """HMDB51's AVI headers count one frame more than the file holds; so do ours."""
    with path.open("r+b") as file:
        for position in (48, 140):  # avih.dwTotalFrames and strh.dwLength
            file.seek(position)
            (count,) = struct.unpack("<I", file.read(4))
            file.seek(position)
            file.write(struct.pack("<I", count + 1))
