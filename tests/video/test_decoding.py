import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from rev2net.video import decode, iter_frames
from rev2net.video.decoding import FrameStream
from rev2net.video.ffmpeg import VideoError
from tests.video.video_files import H264, MPEG4, Frames, MakeFrames, StandIn, WriteVideo, run_ffmpeg


def running_decoders() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [child for child in children if child.status() != psutil.STATUS_ZOMBIE]


def exhaust(stream: FrameStream) -> int:
    return sum(1 for _ in stream)


@pytest.mark.parametrize(("height", "width"), [(48, 64), (49, 65), (1, 1), (2, 301), (301, 2)])
def test_a_lossless_video_decodes_to_the_very_frames_at_any_size(
    write_video: WriteVideo, frames: MakeFrames, height: int, width: int
) -> None:
    written = frames(5, height, width)
    np.testing.assert_array_equal(decode(write_video(written)), written)


def test_streaming_gives_the_frames_of_decode(write_video: WriteVideo, frames: MakeFrames) -> None:
    written = frames(7)
    streamed = list(iter_frames(write_video(written)))
    np.testing.assert_array_equal(np.stack(streamed), written)


def test_frames_can_be_asked_for_in_bgr_order(write_video: WriteVideo, frames: MakeFrames) -> None:
    written = frames(3)
    reversed_channels = list(FrameStream(write_video(written), order="bgr"))
    np.testing.assert_array_equal(np.stack(reversed_channels), written[..., ::-1])


@pytest.mark.parametrize(
    ("stored", "short_side", "resized"),  # height x width
    [
        ((240, 320), 256, (256, 341)),
        ((240, 320), 64, (64, 85)),
        ((320, 240), 64, (85, 64)),
        ((100, 100), 31, (31, 31)),
    ],
)
def test_short_side_keeps_the_aspect(
    write_video: WriteVideo,
    smooth_frames: MakeFrames,
    stored: tuple[int, int],
    short_side: int,
    resized: tuple[int, int],
) -> None:
    written = smooth_frames(2, *stored)
    decoded = decode(write_video(written), short_side=short_side)
    assert decoded.shape == (2, *resized, 3)
    # The gradient runs from edge to edge at any size: compare its corners and its middle.
    for fraction in (0.1, 0.5, 0.9):
        small = decoded[:, int(fraction * resized[0]), int(fraction * resized[1])]
        large = written[:, int(fraction * stored[0]), int(fraction * stored[1])]
        assert np.abs(small.astype(int) - large).max() <= 6


def test_size_is_exact(write_video: WriteVideo, smooth_frames: MakeFrames) -> None:
    assert decode(write_video(smooth_frames(2)), size=(33, 21)).shape == (2, 21, 33, 3)


def test_short_side_and_size_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not both"):
        FrameStream(tmp_path / "video.avi", short_side=64, size=(64, 48))


@pytest.mark.parametrize(("fps", "expected"), [(5, 10), (10, 20), (20, 40)])
def test_fps_resamples_in_time(
    write_video: WriteVideo, frames: MakeFrames, fps: int, expected: int
) -> None:
    written = frames(20)
    decoded = decode(write_video(written, rate="10"), fps=fps)
    assert len(decoded) == expected
    shown = [int(np.argmax([np.array_equal(frame, one) for one in written])) for frame in decoded]
    assert shown == sorted(shown)
    assert len(set(shown)) == min(expected, 20)


def test_a_variable_frame_rate_neither_doubles_nor_drops_frames(
    write_video: WriteVideo, smooth_frames: MakeFrames
) -> None:
    drop_some = ("-vf", "select='lt(n,10)+not(mod(n,5))'", "-fps_mode", "vfr")
    path = write_video(smooth_frames(40), "video.mp4", H264, more=drop_some)
    assert len(decode(path)) == 10 + 6


def test_rotation_tags_are_applied(
    write_video: WriteVideo, smooth_frames: MakeFrames, tmp_path: Path
) -> None:
    upright = write_video(smooth_frames(3), "upright.mp4", H264)
    turned = tmp_path / "turned.mp4"
    run_ffmpeg("-display_rotation", "90", "-i", upright, "-c", "copy", turned)
    np.testing.assert_array_equal(decode(turned), np.rot90(decode(upright), axes=(1, 2)))
    assert decode(turned, short_side=24).shape == (3, 32, 24, 3)


def test_the_first_of_several_video_streams_is_read(
    write_video: WriteVideo, frames: MakeFrames, tmp_path: Path
) -> None:
    written = frames(3)
    first, larger = write_video(written), write_video(frames(5, 96, 128), "larger.avi")
    both = tmp_path / "both.mkv"
    run_ffmpeg("-i", first, "-i", larger, "-map", "0:v", "-map", "1:v", "-c", "copy", both)
    np.testing.assert_array_equal(decode(both), written)


def test_sound_without_a_picture_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "sound.avi"
    run_ffmpeg("-f", "lavfi", "-i", "sine=duration=0.2", path)
    with pytest.raises(VideoError, match=r"sound\.avi: no video stream"):
        decode(path)


@pytest.mark.parametrize(
    "name",
    [
        "-i.avi",
        "caf\udce9.avi",
        "a b;$(c)&'\"!#.avi",
        "http:x.avi",
        "%03d[1]*?.avi",
        "@~+ü.avi",
        "a\nb.avi",
    ],
)
def test_any_file_name_is_only_a_name(
    write_video: WriteVideo,
    frames: MakeFrames,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    written = frames(2)
    write_video(written, name)
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(decode(name), written)


def test_metadata_may_be_in_any_encoding(write_video: WriteVideo, frames: MakeFrames) -> None:
    written = frames(2)
    title = ("-metadata", b"title=caf\xe9 \xff")
    np.testing.assert_array_equal(decode(write_video(written, more=title)), written)


def test_a_playlist_named_like_a_video_opens_nothing_else(
    write_video: WriteVideo, smooth_frames: MakeFrames, tmp_path: Path
) -> None:
    write_video(smooth_frames(3), "other.avi", MPEG4)
    playlist = tmp_path / "video.avi"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://localhost:9/other.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(VideoError):
        decode(playlist)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "no such file"), (b"", "Invalid data"), (b"not a video\n" * 100, "Invalid data")],
)
def test_a_file_that_is_no_video_is_one_clear_line(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "video.avi"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VideoError, match=reason) as error:
        decode(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_truncated_video_gives_the_frames_that_are_there(
    write_video: WriteVideo, frames: MakeFrames
) -> None:
    path = write_video(frames(40), codec=MPEG4)
    whole = decode(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    part = decode(path)
    assert 5 < len(part) < 35
    np.testing.assert_array_equal(part[:-1], whole[: len(part) - 1])  # the last may be damaged


def test_ending_the_iteration_ends_the_process(write_video: WriteVideo, frames: MakeFrames) -> None:
    stream: Iterator[Frames] = iter_frames(write_video(frames(60, 240, 320)))
    next(stream)
    assert len(running_decoders()) == 1
    stream.close()  # type: ignore[attr-defined]
    assert running_decoders() == []


def test_a_decoder_that_hangs_is_killed_after_the_time_limit(
    tmp_path: Path, stand_in: StandIn
) -> None:
    (tmp_path / "video.avi").write_bytes(b"x")
    stand_in("exec sleep 60")
    start = time.monotonic()
    with pytest.raises(VideoError, match=r"not decoded within 0\.2 s"):
        exhaust(FrameStream(tmp_path / "video.avi", time_limit=0.2))
    assert time.monotonic() - start < 30
    assert running_decoders() == []


def test_the_time_limit_does_not_count_the_time_of_the_reader(
    write_video: WriteVideo, frames: MakeFrames, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = FrameStream(write_video(frames(12, 240, 320)), time_limit=100)
    clock = time.monotonic
    offset = 0.0
    monkeypatch.setattr("rev2net.video.decoding.time.monotonic", lambda: clock() + offset)
    for _ in stream:
        offset += 60  # the reader takes a minute a frame
    assert stream.num_frames == 12


def test_a_talkative_decoder_never_blocks(tmp_path: Path, stand_in: StandIn) -> None:
    (tmp_path / "video.avi").write_bytes(b"x")
    stand_in(
        "head -c 5000000 /dev/zero | tr '\\0' 'x' >&2; echo >&2; echo '[error] no luck' >&2; exit 1"
    )
    with pytest.raises(VideoError, match="ffmpeg: no luck"):
        exhaust(FrameStream(tmp_path / "video.avi", time_limit=60))


def test_a_decoder_that_crashes_is_an_error_of_the_video(tmp_path: Path, stand_in: StandIn) -> None:
    (tmp_path / "video.avi").write_bytes(b"x")
    stand_in("kill -SEGV $$")
    with pytest.raises(VideoError, match="ended by signal 11"):
        exhaust(FrameStream(tmp_path / "video.avi"))


def test_the_outcome_counts_frames_before_resampling(
    write_video: WriteVideo, frames: MakeFrames
) -> None:
    stream = FrameStream(write_video(frames(20), rate="10"), fps=5)
    with pytest.raises(RuntimeError, match="before the last frame"):
        stream.outcome()
    assert exhaust(stream) == 10
    facts, decoding = stream.outcome()
    assert (facts.container, facts.codec, facts.fps) == ("avi", "ffv1", 10)
    assert (decoding.decoded, decoding.errors, decoding.cut_off) == (20, 0, False)
