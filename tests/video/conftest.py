"""Small videos with known frames, and stand-ins for ffmpeg."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rev2net.video import ffmpeg as ffmpeg_module
from tests.video.video_files import LOSSLESS, Frames, MakeFrames, StandIn, WriteVideo, run_ffmpeg


@pytest.fixture
def write_video(tmp_path: Path) -> WriteVideo:
    """Writes frames (T, H, W, 3) with the ffmpeg options of a codec; `more` precede the output."""

    def write(
        frames: Frames,
        name: str = "video.avi",
        codec: tuple[str, ...] = LOSSLESS,
        rate: str = "25",
        more: tuple[str | bytes, ...] = (),
    ) -> Path:
        path = tmp_path / name
        height, width = frames.shape[1:3]
        raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", rate)
        run_ffmpeg(*raw, "-i", "pipe:", *codec, *more, f"file:{path}", data=frames.tobytes())
        return path

    return write


@pytest.fixture
def frames() -> MakeFrames:
    """Frames (T, H, W, 3) of noise: no two frames, rows, columns or channels are alike."""

    def make(num_frames: int, height: int = 48, width: int = 64) -> Frames:
        shape = (num_frames, height, width, 3)
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    return make


@pytest.fixture
def smooth_frames() -> MakeFrames:
    """Frames of a slowly changing colour gradient, which lossy codecs keep nearly as it is."""

    def make(num_frames: int, height: int = 48, width: int = 64) -> Frames:
        t, y, x = np.ogrid[0:num_frames, 0:height, 0:width]
        zero = np.zeros((num_frames, height, width))
        red, green = 40 + 120 * x / width + zero, 60 + 120 * y / height + zero
        blue = 50 + 150 * t / num_frames + zero
        return np.stack((red, green, blue), axis=-1).astype(np.uint8)

    return make


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """Puts a shell script in ffmpeg's place, which tells the given version and runs the body."""

    def forget() -> None:
        for function in ("ffmpeg_binary", "ffmpeg_version", "_checked_binary"):
            getattr(ffmpeg_module, function).cache_clear()

    def install(body: str, version: str = "7.1", libavutil: str = "59. 39.100") -> None:
        script = tmp_path / "ffmpeg"
        script.write_text(
            f"#!/bin/sh\ncase $* in *-version*)\n"
            f"echo 'ffmpeg version {version} Copyright'; echo 'libavutil {libavutil} /'; exit;;\n"
            f"esac\n{body}\n"
        )
        script.chmod(0o755)
        monkeypatch.setenv("REV2NET_FFMPEG", str(script))
        forget()

    yield install
    monkeypatch.undo()
    forget()
